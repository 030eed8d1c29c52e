"""The only file that knows how tenancy works: one PostgreSQL schema a namespace, chosen on Django's connection.

``search_path`` is exactly that schema, never followed by ``public``: what is missing in a namespace is an error, not
somebody else's rows. Records do not pass here; they name the schema in every statement.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
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
    """Called by django-tenants whenever a schema is chosen, by us or by its own commands: never add ``public``.

    It also notes where this thread is.
    """
    wrapper.include_public_schema = False
    _here.namespace = str(tenant.schema_name)


class _Here(threading.local):
    """This thread's namespace. The connection itself cannot be asked while it is being made."""

    namespace = PUBLIC


_here = _Here()


class _ContentTypes(dict[Any, dict[Any, Any]]):
    """What Django remembers of content types, by namespace: their ids differ, and its memory is shared by threads."""

    def __getitem__(self, using: str) -> dict[Any, Any]:
        return super().__getitem__((using, _here.namespace))

    def setdefault(self, using: str, default: Any = None) -> dict[Any, Any]:
        return super().setdefault((using, _here.namespace), default)

    def clear(self) -> None:
        """Forget those of this namespace; django-tenants asks for it at every change of schema."""
        for using, namespace in list(self):
            if namespace == _here.namespace:
                self.pop((using, namespace), None)


def separate_content_types() -> None:
    """Called once, when Django is ready."""
    manager: Any = apps.get_model("contenttypes", "ContentType").objects
    manager._cache = _ContentTypes()


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
