"""The only file that knows how tenancy works: one PostgreSQL schema a namespace, chosen on Django's connection.

``search_path`` is exactly that schema, never followed by ``public``: what is missing in a namespace is an error, not
somebody else's rows. Records do not pass here; they name the schema in every statement.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django_tenants.routers import TenantSyncRouter

PUBLIC = "public"
SHARED_MODELS = frozenset({"client", "domain", "apikey"})
"""Models of ``tenants`` whose table lies in ``public`` alone (lower case, as migrations name them)."""


class SchemaRouter(TenantSyncRouter):  # type: ignore[misc]  # django-tenants has no types
    """Which model migrates where: decided model by model, for one app holds shared and tenant models alike."""

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool | None:
        """False for a shared model outside ``public``; else as django-tenants says."""
        shared = app_label == "tenants" and (model_name or "").lower() in SHARED_MODELS
        if shared and current() != PUBLIC:
            return False
        allowed: bool | None = super().allow_migrate(db, app_label, model_name, **hints)
        return allowed


def forget_public(wrapper: Any, tenant: Any) -> None:
    """Called by django-tenants whenever a schema is chosen, by us or by its own commands: never add ``public``."""
    wrapper.include_public_schema = False


def current() -> str:
    """The namespace Django's connection of this thread is on."""
    wrapper: Any = connection
    return str(wrapper.schema_name)


def activate(namespace: str) -> None:
    """Put Django's connection of this thread on ``namespace``; no statement is sent until the next query."""
    wrapper: Any = connection
    wrapper.set_schema(namespace, include_public=False)


@contextmanager
def use(namespace: str) -> Iterator[None]:
    """Django's connection on ``namespace`` for the block, then back where it was."""
    before = current()
    activate(namespace)
    try:
        yield
    finally:
        activate(before)


@contextmanager
def public() -> Iterator[None]:
    """Django's connection on ``public`` for the block."""
    with use(PUBLIC):
        yield
