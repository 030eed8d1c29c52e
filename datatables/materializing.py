"""Physical tables of defined ones: the one place that runs DDL and writes the history of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from django.db import OperationalError, connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from datar.errors import Conflict, Unavailable
from datasources.connect import provider_for
from datatables.models import DataTable, SchemaOperation
from records.limits import LOCK_MILLISECONDS, LOCK_TRIES
from records.provider import Applied, Provider, Resolve
from records.table import Table

_NOT_NOW = ("55P03", "40P01")
"""A lock that was not to be had, or only in a ring of those who wait."""

T = TypeVar("T")


def make_physical(pairs: Sequence[tuple[DataTable, Table]], resolve: Resolve, *, user_id: int | None) -> None:
    """Create the tables together, within the caller's transaction, and mark their rows.

    Raises Conflict when the target of an enforced foreign key, outside of these tables, is not materialized.
    """
    tables = [table for _, table in pairs]
    _check_targets(tables, resolve)
    resolve = _these_first(tables, resolve)
    applied = [done for provider, tables in _by_provider(pairs) for done in _apply(provider, tables, resolve)]
    rows = {row.pk: row for row, _ in pairs}
    DataTable.objects.filter(pk__in=rows).update(is_materialized=True, revision=F("revision") + 1)
    for row in rows.values():
        row.is_materialized = True
        row.revision += 1
    _renew_remote_targets(tables, resolve)
    _write_history(applied, rows, user_id)


def _these_first(tables: Sequence[Table], resolve: Resolve) -> Resolve:
    """Finds these tables in their places, and others as before."""
    batch = {(table.identity.app, table.identity.name): table for table in tables}
    return lambda app, name: batch.get((app, name)) or resolve(app, name)


def _renew_remote_targets(tables: Sequence[Table], resolve: Resolve) -> None:
    """A new revision for tables that foreign keys of another store lead to now.

    Their own store does not know of these keys, so a delete made for the revision before must not pass.
    """
    places = {
        (key.target_app, key.target_table)
        for table in tables
        for key in table.foreign_keys
        if key.enforced
        and (target := resolve(key.target_app, key.target_table)) is not None
        and target.identity.store != table.identity.store
    }
    known = [table.identity.id for table in tables]
    for app, name in sorted(places):
        DataTable.objects.filter(app__slug=app, name=name).exclude(pk__in=known).update(revision=F("revision") + 1)


def _by_provider(pairs: Sequence[tuple[DataTable, Table]]) -> list[tuple[Provider, list[Table]]]:
    """The tables that go to one provider, together, for they may refer to each other in a circle."""
    found: dict[int, tuple[Provider, list[Table]]] = {}
    for row, table in pairs:
        provider = provider_for(row.data_source.provider_type)
        found.setdefault(id(provider), (provider, []))[1].append(table)
    return list(found.values())


def _apply(provider: Provider, tables: Sequence[Table], resolve: Resolve) -> tuple[Applied, ...]:
    """Make the tables; a foreign key locks its target."""
    changes = provider.create(tables, resolve)
    return in_turns(lambda: provider.apply(changes, connection.connection))


def in_turns(work: Callable[[], T]) -> T:
    """Do what takes locks, within the caller's transaction. Others queue behind whoever waits, so we wait in turns."""
    for _ in range(LOCK_TRIES - 1):
        try:
            return _once(work)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") not in _NOT_NOW:
                raise
    return _once(work)


def _once(work: Callable[[], T]) -> T:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{LOCK_MILLISECONDS}ms"])
        with connection.wrap_database_errors:
            return work()


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


def _check_targets(tables: Sequence[Table], resolve: Resolve) -> None:
    """The database can only point at what is there, and none of it moves away from here on.

    Raises Unavailable for a target that has moved since it was looked up.
    """
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
    held = DataTable.objects.filter(places, is_materialized=True).select_for_update(of=("self",)).order_by("pk")
    found = {(app, name): kept for app, name, kept in held.values_list("app__slug", "name", "physical_table_name")}
    missing = sorted(wanted - found.keys())
    if missing:
        names = ", ".join(f"{app}:{name}" for app, name in missing)
        raise Conflict(
            f"A foreign key points at a table that is not materialized: {names}. Materialize it first.",
            code="not_materialized",
        )
    if any((target := resolve(*place)) and target.identity.physical_name != name for place, name in found.items()):
        raise Unavailable("A table that a foreign key points at was just moved; try again.", code="schema_locked")
