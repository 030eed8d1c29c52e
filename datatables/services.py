"""What can be done to one datatable. Each verb is one transaction; the app's row is locked first in each."""

import uuid
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.models import App
from apps.naming import lock_names, taken
from apps.queries import lock_app
from datar.errors import Conflict, NotSupportedYet
from datasources.models import DataSource
from datasources.queries import lock_datasource
from datasources.services import default_datasource
from datatables.definitions import columns_for, define, placed, resolver, stored_table
from datatables.dependents import refuse_to_break
from datatables.materializing import make_physical
from datatables.models import DataTable
from datatables.naming import physical_names
from datatables.queries import lock_table
from datatables.relation_names import check_reverse_names
from records.descriptor import schema_hash
from records.jsontext import dumps
from records.table import Json


@transaction.atomic
def create(
    *,
    app_slug: str,
    datasource_slug: str | None,
    user_id: int | None,
    name: str,
    json_schema: Json,
    description: str = "",
    materialize: bool = False,
) -> DataTable:
    """Describe a table in the datasource (None: the app's default), and materialize it when asked to.

    Raises NotFound, Conflict (the name is taken), InvalidDescriptor.
    """
    app = lock_app(app_slug)
    source = datasource_for(app, datasource_slug, user_id=user_id)
    _refuse_taken(app, name)
    resolve = resolver()
    table = define(app.slug, name, json_schema, resolve)
    check_reverse_names(table)
    columns, used = columns_for(table, {}, 0)
    lock_names()
    now = timezone.now()
    row = DataTable.objects.create(
        app=app,
        data_source=source,
        name=name,
        description=description,
        json_schema=json_schema,
        schema_hash=schema_hash(json_schema),
        columns=columns,
        column_counter=used,
        physical_table_name=physical_names(app.slug, [name])[name],
        created_by_id=user_id,
        created_at=now,
        updated_at=now,
    )
    if materialize:
        make_physical([(row, placed(table, row))], resolve, user_id=user_id)
    return row


def datasource_for(app: App, slug: str | None, *, user_id: int | None) -> DataSource:
    """The datasource that was named, or the app's default. Raises NotFound, Conflict."""
    if slug is None:
        return default_datasource(app=app, user_id=user_id)
    return lock_datasource(app, slug)


def _refuse_taken(app: App, name: str) -> None:
    other = DataTable.objects.filter(app=app, name=name).first()
    if other is not None:
        restore = f"/api/apps/{app.slug}/datatables/{name}/restore/"
        raise taken("datatable", name, field="name", is_active=other.is_active, restore=restore)


@transaction.atomic
def update(
    *, app_slug: str, name: str, datasource_slug: str | None, user_id: int | None, changes: dict[str, Any]
) -> DataTable:
    """Change ``description`` or ``json_schema``.

    Raises NotFound, InvalidDescriptor, NotSupportedYet, Conflict (``has_dependents``).
    """
    row = lock_table(app_slug, name, datasource_slug)
    if "json_schema" in changes:
        _describe_anew(row, changes["json_schema"])
    row.description = changes.get("description", row.description)
    _touch(row, user_id)
    row.save()
    return row


def _describe_anew(row: DataTable, descriptor: Json) -> None:
    table = define(row.app.slug, row.name, descriptor, resolver())
    check_reverse_names(table)
    digest = schema_hash(descriptor)
    if row.is_materialized and digest != row.schema_hash:
        raise NotSupportedYet(
            "The json_schema of a materialized table cannot be changed yet; make a new table for the new schema."
        )
    if dumps(descriptor) == dumps(row.json_schema):
        return
    if digest != row.schema_hash:
        refuse_to_break(row, table)
        row.columns, row.column_counter = columns_for(table, row.columns, row.column_counter)
        row.schema_hash = digest
    row.json_schema = descriptor
    row.revision += 1


@transaction.atomic
def materialize(*, app_slug: str, name: str, datasource_slug: str | None, user_id: int | None) -> DataTable:
    """Make the physical table; nothing to do when it is there. Two at once: the second waits and finds it done.

    Raises NotFound, Conflict, InvalidDescriptor.
    """
    row = lock_table(app_slug, name, datasource_slug)
    if row.is_materialized:
        return row
    resolve = resolver()
    make_physical([(row, stored_table(row, resolve))], resolve, user_id=user_id)
    _touch(row, user_id)
    row.save(update_fields=["modified_by", "updated_at"])
    return row


@transaction.atomic
def delete(*, app_slug: str, name: str, datasource_slug: str | None, user_id: int | None) -> None:
    """Make the table inactive; its rows stay. Raises NotFound."""
    row = lock_table(app_slug, name, datasource_slug)
    _set_active(row, user_id, active=False)


@transaction.atomic
def restore(*, app_slug: str, name: str, datasource_slug: str | None, user_id: int | None) -> DataTable:
    """Bring a deleted table back. Raises NotFound, and Conflict when its datasource is deleted itself."""
    row = lock_table(app_slug, name, datasource_slug, is_active=None)
    if row.is_active:
        return row
    source = row.data_source
    if not source.is_active:
        path = f"/api/apps/{app_slug}/datasources/{source.slug}/restore/"
        raise Conflict(
            f"The table's datasource '{source.slug}' is deleted: POST to {path} first.", code="datasource_inactive"
        )
    _set_active(row, user_id, active=True)
    return row


def _set_active(row: DataTable, user_id: int | None, *, active: bool) -> None:
    row.is_active = active
    row.deletion = None if active else uuid.uuid4()
    row.revision += 1
    _touch(row, user_id)
    row.save(update_fields=["is_active", "deletion", "revision", "modified_by", "updated_at"])


def _touch(row: DataTable, user_id: int | None) -> None:
    row.modified_by_id = user_id
    row.updated_at = timezone.now()
