"""What can be done to an app. Each verb is one transaction."""

import uuid
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.models import App
from apps.naming import free_slug, is_slug, lock_names, slug_of, taken
from apps.queries import lock_app
from datar.errors import NotFound


@transaction.atomic
def create(*, user_id: int | None, name: str, slug: str = "", description: str = "") -> App:
    """Make an app. Without a slug one is made from the name. Raises Conflict when the slug is taken."""
    lock_names()
    if slug:
        _refuse_taken(slug)
    else:
        wanted = slug_of(name, "app")
        near = App.objects.filter(slug__startswith=wanted[:40]).values_list("slug", flat=True)
        slug = free_slug(wanted, frozenset(near))
    now = timezone.now()
    return App.objects.create(
        name=name, slug=slug, description=description, created_by_id=user_id, created_at=now, updated_at=now
    )


def _refuse_taken(slug: str) -> None:
    other = App.objects.filter(slug=slug).first()
    if other is not None:
        raise taken("app", slug, field="slug", is_active=other.is_active, restore=f"/api/apps/{slug}/restore/")


@transaction.atomic
def update(*, slug: str, user_id: int | None, changes: dict[str, Any]) -> App:
    """Change ``name`` or ``description``. Raises NotFound."""
    app = lock_app(slug)
    for name, value in changes.items():
        setattr(app, name, value)
    app.modified_by_id = user_id
    app.updated_at = timezone.now()
    app.save(update_fields=[*changes, "modified_by", "updated_at"])
    return app


@transaction.atomic
def delete(*, slug: str, user_id: int | None) -> None:
    """Make the app and all that is active below it inactive, under one deletion. Raises NotFound."""
    app = lock_app(slug)
    app.deletion = uuid.uuid4()
    app.is_active = False
    app.datasources.filter(is_active=True).update(is_active=False, deletion=app.deletion)
    app.datatables.filter(is_active=True).update(is_active=False, deletion=app.deletion, revision=F("revision") + 1)
    _save_activity(app, user_id)


@transaction.atomic
def restore(*, slug: str, user_id: int | None) -> App:
    """Bring back the app and exactly what its delete made inactive; nothing to do when it is active.

    Raises NotFound.
    """
    app = App.objects.select_for_update(no_key=True).filter(slug=slug).first() if is_slug(slug) else None
    if app is None:
        raise NotFound
    if app.is_active:
        return app
    below = {"is_active": True, "deletion": None}
    app.datasources.filter(deletion=app.deletion).update(**below)
    app.datatables.filter(deletion=app.deletion).update(**below, revision=F("revision") + 1)
    app.deletion = None
    app.is_active = True
    _save_activity(app, user_id)
    return app


def _save_activity(app: App, user_id: int | None) -> None:
    app.modified_by_id = user_id
    app.updated_at = timezone.now()
    app.save(update_fields=["is_active", "deletion", "modified_by", "updated_at"])
