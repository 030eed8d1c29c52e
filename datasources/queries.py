"""Reading datasources. Counts come with the rows: the number of statements never grows with them."""

from django.db.models import Count, Q, QuerySet

from apps.models import App
from apps.naming import is_slug
from datar.errors import NotFound
from datasources.models import DataSource


def all_datasources(app: App) -> QuerySet[DataSource]:
    """The app's datasources, deleted ones too, with ``table_count`` and ``materialized_count``."""
    active = Q(datatables__is_active=True)
    return DataSource.objects.filter(app=app).annotate(
        table_count=Count("datatables", filter=active),
        materialized_count=Count("datatables", filter=active & Q(datatables__is_materialized=True)),
    )


def find_datasource(app: App, slug: str) -> DataSource:
    """The app's active datasource of that slug, with its counts. Raises NotFound."""
    source = all_datasources(app).filter(slug=slug, is_active=True).first() if is_slug(slug) else None
    if source is None:
        raise NotFound
    return source


def lock_datasource(app: App, slug: str, *, is_active: bool | None = True) -> DataSource:
    """The datasource, locked until the transaction ends; ``is_active`` None takes a deleted one too.

    Raises NotFound.
    """
    rows = DataSource.objects.select_for_update(no_key=True).filter(app=app, slug=slug)
    if is_active is not None:
        rows = rows.filter(is_active=is_active)
    source = rows.first() if is_slug(slug) else None
    if source is None:
        raise NotFound
    return source
