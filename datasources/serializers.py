"""The shapes of datasources, in and out, and the functions that fill the latter. Nothing here writes."""

from typing import Any

from rest_framework import serializers

from apps.models import App
from apps.serializers import Slug
from datar.api.fields import JsonObject, OneOf, Text
from datar.api.responses import instant
from datasources.models import DataSource, ProviderType
from records.limits import DESCRIPTION_CHARACTERS, NAME_CHARACTERS
from records.table import Json


class DataSourceUpdate(serializers.Serializer[Any]):
    """What of a datasource can be changed."""

    name = Text(max_length=NAME_CHARACTERS)
    provider_config = JsonObject(required=False)
    description = Text(max_length=DESCRIPTION_CHARACTERS, lines=True, required=False)


class DataSourceCreate(DataSourceUpdate):
    """A new datasource."""

    slug = Slug(required=False)
    provider_type = OneOf(choices=ProviderType.choices)


class DataSourceItem(serializers.Serializer[Any]):
    """A datasource in a list."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    slug = serializers.CharField()
    app_name = serializers.CharField()
    app_slug = serializers.CharField()
    provider_type = serializers.ChoiceField(choices=ProviderType.choices)
    description = serializers.CharField()
    is_active = serializers.BooleanField()
    table_count = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class DataSourceDetail(DataSourceItem):
    """A datasource."""

    app = serializers.IntegerField()
    provider_config = JsonObject()
    materialized_count = serializers.IntegerField()
    created_by = serializers.IntegerField(allow_null=True)
    modified_by = serializers.IntegerField(allow_null=True)


class TableNumbers(serializers.Serializer[Any]):
    """How many tables a datasource has."""

    total_tables = serializers.IntegerField()
    materialized_tables = serializers.IntegerField()
    unmaterialized_tables = serializers.IntegerField()
    provider_type = serializers.CharField()
    is_active = serializers.BooleanField()


def datasource_item(source: DataSource, app: App) -> dict[str, Json]:
    """DataSourceItem; the datasource comes with ``table_count``."""
    return {
        "id": source.pk,
        "name": source.name,
        "slug": source.slug,
        "app_name": app.name,
        "app_slug": app.slug,
        "provider_type": source.provider_type,
        "description": source.description,
        "is_active": source.is_active,
        "table_count": source.table_count,  # type: ignore[attr-defined]  # annotated by queries.all_datasources
        "created_at": instant(source.created_at),
        "updated_at": instant(source.updated_at),
    }


def datasource_detail(source: DataSource, app: App, *, tables: int, materialized: int) -> dict[str, Json]:
    """DataSourceDetail, in the order of seed 003."""
    return {
        "id": source.pk,
        "app": app.pk,
        "app_name": app.name,
        "app_slug": app.slug,
        "name": source.name,
        "slug": source.slug,
        "provider_type": source.provider_type,
        "provider_config": source.provider_config,
        "description": source.description,
        "is_active": source.is_active,
        "table_count": tables,
        "materialized_count": materialized,
        "created_at": instant(source.created_at),
        "updated_at": instant(source.updated_at),
        "created_by": source.created_by_id,
        "modified_by": source.modified_by_id,
    }


def table_numbers(source: DataSource, *, tables: int, materialized: int) -> dict[str, Json]:
    """TableNumbers."""
    return {
        "total_tables": tables,
        "materialized_tables": materialized,
        "unmaterialized_tables": tables - materialized,
        "provider_type": source.provider_type,
        "is_active": source.is_active,
    }
