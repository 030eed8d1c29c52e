"""A table's rows from one physical table to another, within a transaction that holds everybody off.

It knows the order of things; how each is done is the stores' business (``records.mover``).
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import IntegrityError, connection
from django.db.models import F
from django.utils import timezone
from psycopg import sql

from datar.crashpoints import crash_point
from datar.errors import Conflict
from datasources.connect import provider_for
from datatables.catalog import TableCatalog, find_stored
from datatables.definitions import identity_of, readable_table, without_relations
from datatables.materializing import in_turns
from datatables.models import DataTable, KeptTable, SchemaOperation
from records import moving
from records.descriptor import parse_table
from records.mover import CannotHoldError, Done, Mover
from records.provider import Provider
from records.table import Table
from tenants.context import current


@dataclass(slots=True)
class Traces:
    """Whether a failed move may have left something under the new name; None: nobody knows."""

    left: bool | None = None


def save_place(moved: DataTable, user_id: int | None) -> None:
    """Where a table is from now on."""
    moved.modified_by_id = user_id
    moved.updated_at = timezone.now()
    moved.save(update_fields=["data_source", "physical_table_name", "revision", "modified_by", "updated_at"])


@dataclass(frozen=True, slots=True)
class Relocation:
    """One move, within its transaction: of a table's row to what it will be. ``family`` are the tables that foreign
    keys tie it to, all held by the caller; ``kept`` holds the new physical name."""

    row: DataTable
    moved: DataTable
    family: Sequence[DataTable]
    kept: KeptTable
    user_id: int | None
    traces: Traces

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
            self.traces.left = not coming.discard(target)
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
        save_place(self.moved, self.user_id)
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
