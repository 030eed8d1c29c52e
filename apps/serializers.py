"""The shapes of apps, in and out, and the functions that fill the latter. Nothing here writes."""

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from apps.models import SLUG_CHARACTERS, App
from apps.naming import SLUG, SLUG_RULE
from datar.api.fields import Text, Word
from datar.api.responses import instant
from records.limits import DESCRIPTION_CHARACTERS, NAME_CHARACTERS
from records.table import Json


class Slug(Word):
    """A slug; made from the name when it is absent."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            pattern=SLUG.pattern, code="invalid_slug", rule=SLUG_RULE, max_length=SLUG_CHARACTERS, **options
        )


class AppUpdate(serializers.Serializer[Any]):
    """What of an app can be changed."""

    name = Text(max_length=NAME_CHARACTERS)
    description = Text(max_length=DESCRIPTION_CHARACTERS, lines=True, required=False)


class AppCreate(AppUpdate):
    """A new app."""

    slug = Slug(required=False)


class AppItem(serializers.Serializer[Any]):
    """An app in a list."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    slug = serializers.CharField()
    description = serializers.CharField()
    datasource_count = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class DataSourceBrief(serializers.Serializer[Any]):
    """A datasource as its app shows it."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    slug = serializers.CharField()
    provider_type = serializers.CharField()
    table_count = serializers.IntegerField()


class AppDetail(AppItem):
    """An app."""

    table_count = serializers.IntegerField()
    datasources = DataSourceBrief(many=True)
    created_by = serializers.IntegerField(allow_null=True)
    modified_by = serializers.IntegerField(allow_null=True)


class DataSourceNumbers(serializers.Serializer[Any]):
    """A datasource in its app's statistics."""

    name = serializers.CharField()
    slug = serializers.CharField()
    provider_type = serializers.CharField()
    total_tables = serializers.IntegerField()
    materialized_tables = serializers.IntegerField()


class AppNumbers(serializers.Serializer[Any]):
    """An app's statistics."""

    app_name = serializers.CharField()
    app_slug = serializers.CharField()
    total_datasources = serializers.IntegerField()
    total_tables = serializers.IntegerField()
    materialized_tables = serializers.IntegerField()
    unmaterialized_tables = serializers.IntegerField()
    datasources = DataSourceNumbers(many=True)


class Message(serializers.Serializer[Any]):
    """A sentence that says what was done."""

    message = serializers.CharField()


class Links(serializers.Serializer[Any]):
    """The first links of the API."""

    apps = serializers.URLField()
    me = serializers.URLField()
    token = serializers.URLField()
    schema = serializers.URLField()
    docs = serializers.URLField()
    redoc = serializers.URLField()


def app_item(app: App) -> dict[str, Json]:
    """AppItem; the app comes with ``datasource_count``."""
    return _item(app, app.datasource_count)  # type: ignore[attr-defined]  # annotated by queries.all_apps


def app_detail(app: App, datasources: Sequence[dict[str, Any]]) -> dict[str, Json]:
    """AppDetail, with the datasources of ``queries.datasources_of``."""
    brief = ("id", "name", "slug", "provider_type", "table_count")
    shown = _item(app, len(datasources))
    dates = {name: shown.pop(name) for name in ("created_at", "updated_at")}
    return {
        **shown,
        "table_count": sum(source["table_count"] for source in datasources),
        "datasources": [{name: source[name] for name in brief} for source in datasources],
        **dates,
        "created_by": app.created_by_id,
        "modified_by": app.modified_by_id,
    }


def _item(app: App, datasource_count: int) -> dict[str, Json]:
    return {
        "id": app.pk,
        "name": app.name,
        "slug": app.slug,
        "description": app.description,
        "datasource_count": datasource_count,
        "created_at": instant(app.created_at),
        "updated_at": instant(app.updated_at),
    }


def app_numbers(app: App, datasources: Sequence[dict[str, Any]]) -> dict[str, Json]:
    """AppNumbers, with the datasources of ``queries.datasources_of``."""
    total = sum(source["table_count"] for source in datasources)
    materialized = sum(source["materialized_count"] for source in datasources)
    return {
        "app_name": app.name,
        "app_slug": app.slug,
        "total_datasources": len(datasources),
        "total_tables": total,
        "materialized_tables": materialized,
        "unmaterialized_tables": total - materialized,
        "datasources": [
            {
                "name": source["name"],
                "slug": source["slug"],
                "provider_type": source["provider_type"],
                "total_tables": source["table_count"],
                "materialized_tables": source["materialized_count"],
            }
            for source in datasources
        ],
    }
