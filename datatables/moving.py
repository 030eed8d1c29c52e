"""A table to another datasource of its app, with its rows. It knows the order of things; stores know how.

First the new physical name is written down for good. Then, in one transaction, writers are made to wait, the rows are
copied and read back, and the table's row says where they are. What is left behind stays until it is purged.
"""

import time
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q
from django.utils import timezone
from psycopg import sql

from apps.models import App
from apps.naming import is_slug, lock_names
from apps.queries import lock_app
from datar.crashpoints import crash_point
from datar.errors import Conflict, NotFound, Unavailable
from datasources.connect import provider_for
from datasources.models import DataSource
from datatables.catalog import TableCatalog, find_stored
from datatables.definitions import identity_of, readable_table, without_relations
from datatables.materializing import check_provider, in_turns
from datatables.models import DataTable, KeptTable, SchemaOperation
from datatables.naming import physical_names
from datatables.queries import lock_table
from records import moving
from records.descriptor import parse_table
from records.limits import LOCK_MILLISECONDS, LOCK_TRIES
from records.mover import CannotHoldError, Done, Mover
from records.provider import Provider, Stale
from records.table import Table
from tenants.context import current

CRASH_POINTS: Final = ("move_named", "move_copied", "move_switched", "move_done")
_FIRST: Final = (
    "SET LOCAL statement_timeout = 0;"
    "LOCK TABLE datar_datatable, datar_kept_table, datar_schema_operation IN ROW EXCLUSIVE MODE"
)
"""A clone of the namespace locks these first: it waits here, or we do, and never in a ring."""


def move(*, app_slug: str, name: str, datasource_slug: str | None, target: str, user_id: int | None) -> DataTable:
    """Move the table to the app's datasource ``target``; nothing to do where it is there.

    Raises NotFound, Conflict (``datasource_inactive``, ``migration_data_conflict``), NotSupportedYet, Unavailable.
    """
    row, kept = _begin(app_slug, name, datasource_slug, target, user_id)
    if kept is None:
        return row
    crash_point("move_named")
    try:
        row = _move(app_slug, row.pk, target, kept, user_id)
    except Stale as error:
        raise _changing() from error
    crash_point("move_done")
    TableCatalog(current()).forget()
    return row


@transaction.atomic
def _begin(
    app_slug: str, name: str, datasource_slug: str | None, target: str, user_id: int | None
) -> tuple[DataTable, KeptTable | None]:
    """The table, and the name that is taken for its rows; None where there are no rows to move."""
    row = lock_table(app_slug, name, datasource_slug)
    source = _target(row.app, target)
    if source.pk == row.data_source_id:
        return row, None
    if row.is_materialized:
        check_provider(source)
    moved = _moved(row, source, row.physical_table_name)
    if not row.is_materialized or _lies_alike(row, moved):
        _save(moved, user_id)
        return moved, None
    provider_for(source.provider_type)
    lock_names()
    chosen = physical_names(app_slug, [name])[name]
    return row, KeptTable.objects.create(datatable=row, physical_table_name=chosen, provider_type=source.provider_type)


def _target(app: App, slug: str) -> DataSource:
    source = DataSource.objects.select_for_update(no_key=True).filter(app=app, slug=slug).first()
    if source is None or not is_slug(slug):
        raise NotFound
    if not source.is_active:
        path = f"/api/apps/{app.slug}/datasources/{slug}/restore/"
        raise Conflict(f"The datasource '{slug}' is deleted: POST to {path} first.", code="datasource_inactive")
    return source


def _moved(row: DataTable, source: DataSource, physical_name: str) -> DataTable:
    """The table's row as it will be."""
    moved = copy(row)
    moved.data_source = source
    moved.physical_table_name = physical_name
    moved.revision = row.revision + 1
    return moved


def _lies_alike(row: DataTable, moved: DataTable) -> bool:
    """Whether both datasources keep rows in one place and in one way: then they stay where they are."""
    one, other = identity_of(row), identity_of(moved)
    return (one.store, one.document) == (other.store, other.document)


def _save(moved: DataTable, user_id: int | None) -> None:
    moved.modified_by_id = user_id
    moved.updated_at = timezone.now()
    moved.save(update_fields=["data_source", "physical_table_name", "revision", "modified_by", "updated_at"])


@transaction.atomic
def _move(app_slug: str, pk: int, target: str, kept: KeptTable, user_id: int | None) -> DataTable:
    """The move itself: all of it or nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRST)
    source = _target(lock_app(app_slug), target)
    family = _held(pk)
    row = family.pop(pk)
    kept = KeptTable.objects.get(pk=kept.pk)
    if not row.is_active or kept.purged_at is not None:
        raise _changing()
    if row.data_source_id == source.pk:
        return row  # somebody else was faster; the name that we took is purged some day
    moved = _moved(row, source, kept.physical_table_name)
    return _Move(row, moved, list(family.values()), kept, user_id).run()


def _held(pk: int) -> dict[int, DataTable]:
    """The table and all that enforced foreign keys tie it to, by id, held against writers of MongoDB and changes.

    They are taken in the order of their ids, as each write takes them.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{LOCK_MILLISECONDS * LOCK_TRIES}ms"])
    wanted = _family(pk)
    rows = DataTable.objects.select_related("app", "data_source").filter(pk__in=wanted)
    held = {row.pk: row for row in rows.select_for_update(of=("self",)).order_by("pk")}
    if _family(pk) != wanted:
        raise _changing()
    return held


def _family(pk: int) -> set[int]:
    row = DataTable.objects.select_related("app", "data_source").get(pk=pk)
    table = readable_table(row, find_stored)
    parents = Q(pk=pk)
    for key in table.foreign_keys:
        if key.enforced:
            parents |= Q(app__slug=key.target_app, name=key.target_table)
    ids = set(DataTable.objects.filter(parents, is_materialized=True).values_list("pk", flat=True))
    return ids | {child.identity.id for child in TableCatalog(current()).dependents(table)}


def _changing() -> Unavailable:
    return Unavailable("The table, or one that it is tied to, is being changed; try again.", code="schema_locked")


@dataclass(frozen=True, slots=True)
class _Move:
    """One move, within its transaction; ``family`` are the tables that foreign keys tie it to."""

    row: DataTable
    moved: DataTable
    family: Sequence[DataTable]
    kept: KeptTable
    user_id: int | None

    def run(self) -> DataTable:
        """Raises Conflict (``migration_data_conflict``), Unavailable, Stale."""
        began = time.perf_counter()
        leaving = provider_for(self.row.data_source.provider_type)
        coming = provider_for(self.moved.data_source.provider_type).mover()
        source, target = readable_table(self.row, find_stored), readable_table(self.moved, self._resolve)
        relatives = [readable_table(row, self._resolve) for row in self.family]
        self._hold([source, *relatives])
        try:
            done = self._copy(source, target, leaving, coming)
            done += self._tie(source, target, relatives, leaving.mover(), coming)
            self._switch(source.identity.store != target.identity.store)
            self._write_history(done, began)
        except BaseException:
            coming.discard(target)
            raise
        crash_point("move_switched")
        return self.moved

    def _resolve(self, app: str, name: str) -> Table | None:
        """A stored table; this one where it will be."""
        if (app, name) == (self.row.app.slug, self.row.name):
            return parse_table(without_relations(self.moved.json_schema), identity_of(self.moved), lambda *_: None)
        return find_stored(app, name)

    def _hold(self, tables: Sequence[Table]) -> None:
        """Writers wait from here on, or find the new revision."""
        stores: dict[str, list[Table]] = {}
        for table in tables:
            stores.setdefault(table.identity.store, []).append(table)
        for _, some in sorted(stores.items()):
            in_turns(partial(TableCatalog(current()).provider_of(some[0]).mover().hold, some, _raw()))

    def _copy(self, source: Table, target: Table, leaving: Provider, coming: Mover) -> list[Done]:
        """The new physical table, full, and read back."""
        with connection.wrap_database_errors:
            last = leaving.mover().standing(source, _raw())
            done = [leaving.mover().set_aside(source, self.kept.pk, _raw()), coming.make(target, self._resolve, _raw())]
            try:
                same = moving.copy(source, leaving, target, coming, _raw())
            except CannotHoldError as refused:
                raise self._cannot_hold(refused, source, leaving) from refused
            if not same:
                raise Conflict(
                    "The copy is not what the table holds, so it was thrown away; nothing was changed.",
                    code="migration_data_conflict",
                    extra={"count": 0, "ids": []},
                )
            coming.go_on(target, last, _raw())
        crash_point("move_copied")
        return done

    def _cannot_hold(self, refused: CannotHoldError, source: Table, leaving: Provider) -> Conflict:
        ids = moving.ids_at(source, leaving, refused.places[: moving.IDS_SHOWN])
        return Conflict(
            f"The datasource '{self.moved.data_source.slug}' cannot hold {refused.count} of the rows; nothing was"
            f" changed. Of the first: {refused.said}",
            code="migration_data_conflict",
            extra={"count": refused.count, "ids": ids},
        )

    def _tie(
        self, source: Table, target: Table, relatives: Sequence[Table], leaving: Mover, coming: Mover
    ) -> list[Done]:
        """Foreign keys, as far as databases hold them; the engine holds the others."""
        untied = in_turns(lambda: leaving.untie(source, _raw()))
        try:
            tied = in_turns(lambda: coming.tie(target, relatives, self._resolve, untied, _raw()))
        except IntegrityError as error:
            raise Conflict(
                "Rows refer to rows that are not there, so the database cannot hold the foreign keys; nothing was"
                " changed.",
                code="migration_data_conflict",
                extra={"count": 0, "ids": []},
            ) from error
        return [untied, tied]

    def _switch(self, renew: bool) -> None:
        """Where the rows are, in the place that everybody looks at. Who is tied to the table is planned anew where
        its store is another one now."""
        _save(self.moved, self.user_id)
        if renew:
            DataTable.objects.filter(pk__in=[row.pk for row in self.family]).update(revision=F("revision") + 1)
        self.kept.delete()
        KeptTable.objects.create(
            datatable=self.row,
            physical_table_name=self.row.physical_table_name,
            provider_type=self.row.data_source.provider_type,
            kept_at=timezone.now(),
        )

    def _write_history(self, done: Sequence[Done], began: float) -> None:
        undo = [text for each in reversed(done) for text in reversed(each.undo)]
        SchemaOperation.objects.create(
            datatable=self.row,
            operation_type="MOVE",
            description=f"Move table '{self.row.name}' from datasource '{self.row.data_source.slug}' to"
            f" '{self.moved.data_source.slug}'",
            sql="\n".join([*(text for each in done for text in each.statements), _pointer(self.moved)]),
            rollback_sql="\n".join([*undo, _pointer(self.row)]),
            status=SchemaOperation.Status.SUCCESS,
            execution_time_ms=round((time.perf_counter() - began) * 1000),
            created_by_id=self.user_id,
        )


def _pointer(row: DataTable) -> str:
    """What says where the rows are, as text. The revision only ever grows."""
    statement = sql.SQL(
        "UPDATE {table} SET data_source_id = {source}, physical_table_name = {name}, revision = revision + 1"
        " WHERE id = {id};"
    ).format(
        table=sql.Identifier(current(), DataTable._meta.db_table),
        source=sql.Literal(row.data_source_id),
        name=sql.Literal(row.physical_table_name),
        id=sql.Literal(row.pk),
    )
    return statement.as_string(_raw())


def _raw() -> Any:
    """psycopg's connection, in Django's transaction."""
    return connection.connection
