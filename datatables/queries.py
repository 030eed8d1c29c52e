"""Reading datatables: one statement each, the app and the datasource come with the row."""

from django.db.models import QuerySet

from apps.models import App
from apps.naming import is_slug
from apps.queries import find_app, lock_app
from datar.errors import NotFound
from datasources.queries import find_datasource, lock_datasource
from datatables.models import DataTable
from datatables.naming import is_table_name


def tables_of(app: App, datasource_slug: str | None = None) -> QuerySet[DataTable]:
    """Tables of the app, or of one active datasource of it; deleted ones too; without descriptors.

    Raises NotFound (the datasource).
    """
    rows = DataTable.objects.select_related("app", "data_source").filter(app=app).defer("json_schema")
    if datasource_slug is None:
        return rows
    return rows.filter(data_source=find_datasource(app, datasource_slug))


def find_table(app_slug: str, name: str, datasource_slug: str | None = None) -> DataTable:
    """The active table of that name; with a datasource, only if it lies there. Raises NotFound."""
    if not (is_slug(app_slug) and is_table_name(name) and (datasource_slug is None or is_slug(datasource_slug))):
        raise NotFound
    rows = DataTable.objects.select_related("app", "data_source").filter(
        app__slug=app_slug, app__is_active=True, name=name, is_active=True, data_source__is_active=True
    )
    if datasource_slug is not None:
        rows = rows.filter(data_source__slug=datasource_slug)
    row = rows.first()
    if row is None:
        raise NotFound
    return row


def find_place(app_slug: str, datasource_slug: str | None) -> App:
    """The active app, once its datasource (if one is named) is known to be active too. Raises NotFound."""
    app = find_app(app_slug)
    if datasource_slug is not None:
        find_datasource(app, datasource_slug)
    return app


def lock_table(
    app_slug: str, name: str, datasource_slug: str | None = None, *, is_active: bool | None = True
) -> DataTable:
    """The table, locked after its app until the transaction ends; ``is_active`` None takes a deleted one too.

    Raises NotFound.
    """
    app = lock_app(app_slug)
    rows = DataTable.objects.select_related("app", "data_source").select_for_update(of=("self",), no_key=True)
    rows = rows.filter(app=app, name=name)
    if datasource_slug is not None:
        rows = rows.filter(data_source=lock_datasource(app, datasource_slug))
    if is_active is not None:
        rows = rows.filter(is_active=is_active)
    row = rows.first() if is_table_name(name) else None
    if row is None:
        raise NotFound
    return row
