"""What can be done to a datasource. Each verb is one transaction; the app's row is locked first in each."""

import uuid
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.models import App
from apps.naming import free_slug, slug_of, taken
from apps.queries import lock_app
from datar.errors import Conflict
from datasources.models import DataSource, ProviderType
from datasources.providers import check_config
from datasources.queries import lock_datasource
from records.table import Json

DEFAULT = "default"


@transaction.atomic
def create(
    *,
    app_slug: str,
    user_id: int | None,
    name: str,
    provider_type: str,
    slug: str = "",
    provider_config: dict[str, Json] | None = None,
    description: str = "",
) -> DataSource:
    """Make a datasource. Raises NotFound (the app), Conflict (the slug), InvalidFields (the config)."""
    app = lock_app(app_slug)
    config = provider_config or {}
    check_config(provider_type, config)
    now = timezone.now()
    return DataSource.objects.create(
        app=app,
        name=name,
        slug=_choose_slug(app, name, slug),
        provider_type=provider_type,
        provider_config=config,
        description=description,
        created_by_id=user_id,
        created_at=now,
        updated_at=now,
    )


def _choose_slug(app: App, name: str, slug: str) -> str:
    if slug:
        other = DataSource.objects.filter(app=app, slug=slug).first()
        if other is not None:
            raise taken(
                "datasource", slug, field="slug", is_active=other.is_active, restore=_restore_path(app.slug, slug)
            )
        return slug
    wanted = slug_of(name, "datasource")
    near = DataSource.objects.filter(app=app, slug__startswith=wanted[:40]).values_list("slug", flat=True)
    return free_slug(wanted, frozenset(near))


def _restore_path(app_slug: str, slug: str) -> str:
    return f"/api/apps/{app_slug}/datasources/{slug}/restore/"


@transaction.atomic
def default_datasource(*, app: App, user_id: int | None) -> DataSource:
    """The app's datasource ``default``, made (flat tables) on first use. The app's row must be locked by the caller.

    Raises Conflict when it was deleted.
    """
    source = DataSource.objects.filter(app=app, slug=DEFAULT).first()
    if source is None:
        return DataSource.objects.create(
            app=app, name="Default", slug=DEFAULT, provider_type=ProviderType.FLAT_TABLE, created_by_id=user_id
        )
    if not source.is_active:
        restore = _restore_path(app.slug, DEFAULT)
        raise Conflict(
            f"The datasource '{DEFAULT}' was deleted: POST to {restore} brings it back, or name another datasource.",
            code="datasource_inactive",
        )
    return source


@transaction.atomic
def update(*, app_slug: str, slug: str, user_id: int | None, changes: dict[str, Any]) -> DataSource:
    """Change ``name``, ``description`` or ``provider_config``. Raises NotFound, InvalidFields."""
    source = lock_datasource(lock_app(app_slug), slug)
    if "provider_config" in changes:
        check_config(source.provider_type, changes["provider_config"])
        if _takes_more(changes["provider_config"]) != _takes_more(source.provider_config):
            source.datatables.filter(is_materialized=True).update(revision=F("revision") + 1)
    for name, value in changes.items():
        setattr(source, name, value)
    source.modified_by_id = user_id
    source.updated_at = timezone.now()
    source.save(update_fields=[*changes, "modified_by", "updated_at"])
    return source


def _takes_more(config: dict[str, Json]) -> bool:
    """Whether rows may carry fields that the schema does not name: it counts at once, for what is sent and shown."""
    return bool(config.get("additional_fields"))


@transaction.atomic
def delete(*, app_slug: str, slug: str, user_id: int | None) -> None:
    """Make the datasource and its active tables inactive, under one deletion. Raises NotFound."""
    source = lock_datasource(lock_app(app_slug), slug)
    source.deletion = uuid.uuid4()
    source.is_active = False
    source.datatables.filter(is_active=True).update(
        is_active=False, deletion=source.deletion, revision=F("revision") + 1
    )
    _save_activity(source, user_id)


@transaction.atomic
def restore(*, app_slug: str, slug: str, user_id: int | None) -> DataSource:
    """Bring back the datasource and exactly the tables its delete made inactive. Raises NotFound."""
    source = lock_datasource(lock_app(app_slug), slug, is_active=None)
    if source.is_active:
        return source
    source.datatables.filter(deletion=source.deletion).update(is_active=True, deletion=None, revision=F("revision") + 1)
    source.deletion = None
    source.is_active = True
    _save_activity(source, user_id)
    return source


def _save_activity(source: DataSource, user_id: int | None) -> None:
    source.modified_by_id = user_id
    source.updated_at = timezone.now()
    source.save(update_fields=["is_active", "deletion", "modified_by", "updated_at"])
