"""Reading apps. Counts come with the rows: the number of statements never grows with them."""

from typing import Any

from django.db.models import Count, Q, QuerySet

from apps.models import App
from apps.naming import is_slug
from datar.errors import NotFound


def all_apps() -> QuerySet[App]:
    """Every app, deleted ones too, with ``datasource_count``."""
    return App.objects.annotate(datasource_count=Count("datasources", filter=Q(datasources__is_active=True)))


def find_app(slug: str) -> App:
    """The active app of that slug. Raises NotFound."""
    app = App.objects.filter(slug=slug, is_active=True).first() if is_slug(slug) else None
    if app is None:
        raise NotFound
    return app


def lock_app(slug: str) -> App:
    """The active app of that slug, locked until the transaction ends: changes of what lies in one app queue up.

    Raises NotFound.
    """
    rows = App.objects.select_for_update(no_key=True).filter(slug=slug, is_active=True)
    app = rows.first() if is_slug(slug) else None
    if app is None:
        raise NotFound
    return app


def datasources_of(app: App) -> list[dict[str, Any]]:
    """The app's active datasources in the order they were made, each with how many tables it has; one statement."""
    active = Q(datatables__is_active=True)
    rows = app.datasources.filter(is_active=True).annotate(
        table_count=Count("datatables", filter=active),
        materialized_count=Count("datatables", filter=active & Q(datatables__is_materialized=True)),
    )
    names = ("id", "name", "slug", "provider_type", "table_count", "materialized_count")
    return list(rows.order_by("pk").values(*names))
