"""Physical tables of defined ones: the one place that runs DDL and writes the history of it."""

from collections.abc import Mapping, Sequence

from django.db import connection
from django.db.models import F, Q
from django.utils import timezone

from datar.errors import Conflict, NotSupportedYet
from datasources.models import DataSource
from datasources.providers import MATERIALIZING
from datatables.models import DataTable, SchemaOperation
from records.provider import Applied, Resolve
from records.providers.postgres import ddl
from records.table import Table


def check_provider(source: DataSource) -> None:
    """Raise NotSupportedYet when tables of this datasource cannot hold rows yet."""
    if source.provider_type not in MATERIALIZING:
        raise NotSupportedYet(
            f"Tables of a {source.provider_type} datasource cannot be materialized yet; use a flat_table datasource."
        )


def make_physical(pairs: Sequence[tuple[DataTable, Table]], resolve: Resolve, *, user_id: int | None) -> None:
    """Create the tables together, within the caller's transaction, and mark their rows.

    Raises Conflict when the target of an enforced foreign key, outside of these tables, is not materialized.
    """
    tables = [table for _, table in pairs]
    _check_targets(tables)
    changes = ddl.create(tables, resolve)
    connection.ensure_connection()
    with connection.wrap_database_errors:
        applied = ddl.apply(changes, connection.connection)
    rows = {row.pk: row for row, _ in pairs}
    DataTable.objects.filter(pk__in=rows).update(is_materialized=True, revision=F("revision") + 1)
    for row in rows.values():
        row.is_materialized = True
        row.revision += 1
    _write_history(applied, rows, user_id)


def _write_history(applied: Sequence[Applied], rows: Mapping[int, DataTable], user_id: int | None) -> None:
    now = timezone.now()
    SchemaOperation.objects.bulk_create(
        SchemaOperation(
            datatable=rows[change.table_id],
            operation_type=change.operation,
            description=change.description,
            sql=change.sql,
            rollback_sql=change.rollback_sql,
            status=SchemaOperation.Status.SUCCESS,
            execution_time_ms=change.milliseconds,
            created_at=now,
            created_by_id=user_id,
        )
        for change in applied
    )


def _check_targets(tables: Sequence[Table]) -> None:
    """The database can only point at what is there."""
    batch = {(table.identity.app, table.identity.name) for table in tables}
    wanted = {
        (key.target_app, key.target_table)
        for table in tables
        for key in table.foreign_keys
        if key.enforced and (key.target_app, key.target_table) not in batch
    }
    if not wanted:
        return
    places = Q(app__slug__in={app for app, _ in wanted}, name__in={name for _, name in wanted})
    rows = DataTable.objects.filter(places, is_materialized=True)
    missing = sorted(wanted - set(rows.values_list("app__slug", "name")))
    if missing:
        names = ", ".join(f"{app}:{name}" for app, name in missing)
        raise Conflict(
            f"A foreign key points at a table that is not materialized: {names}. Materialize it first.",
            code="not_materialized",
        )
