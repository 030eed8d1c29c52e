"""The PostgreSQL provider: composes a plan's statement once per shape, sends it, hands back finished JSON text."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final, TypeVar

import jiter
import psycopg
from psycopg.sql import Composed

from datar.errors import Conflict
from records.catalog import Catalog
from records.exports import Form, Pieces
from records.kept import Kept
from records.plan import GroupPlan, KeyedPlan, LinkedPlan, ListPlan, Row, Sifted, Slice, WritePlan, Written, rows_of
from records.provider import Applied, Change, Resolve, Stale
from records.providers.postgres import change, compile, ddl, exporting, grouping, insert, keyset, linking, streaming
from records.providers.postgres.compile import Values
from records.providers.postgres.conflicts import explained
from records.providers.postgres.copying import CopyLoader
from records.providers.postgres.ddl import unique_name
from records.providers.postgres.errors import RETRY_STATES, STALE_STATES, translated, wrapped
from records.providers.postgres.folding import Folding
from records.providers.postgres.moving import PostgresMover
from records.providers.postgres.pool import Connection, Pool
from records.providers.postgres.references import still_referred_to
from records.providers.postgres.skipping import Sifting
from records.providers.postgres.statement import Statement
from records.providers.postgres.templates import templates_of
from records.table import Table

_STATEMENTS_KEPT: Final = 2_000
_TEXTS_KEPT: Final = 64_000_000
"""Bytes of all statements that are kept: one that populates fifty wide tables has a million."""
_BULK_ROWS: Final = 200
_TRIES: Final = 3
_TAKEN: Final = "23505"
_USED_UP: Final = "2200H"

P = TypeVar("P", ListPlan, GroupPlan, ListPlan | GroupPlan, KeyedPlan, LinkedPlan, WritePlan)


class PostgresProvider:
    """Rows in PostgreSQL tables, flat ones and documents. Holds no state but its pool and its statements' texts."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._statements: Kept[Hashable, Statement] = Kept(_STATEMENTS_KEPT, _TEXTS_KEPT)

    def create(self, tables: Sequence[Table], resolve: Resolve) -> tuple[Change[Composed], ...]:
        """The changes that make these tables, parents first."""
        return ddl.create(tables, resolve)

    def apply(self, changes: Sequence[Change[Composed]], transaction: Any) -> tuple[Applied, ...]:
        """Make the changes within the caller's transaction. Raises psycopg.Error."""
        return ddl.apply(changes, transaction)

    def loader(self, table: Table, catalog: Catalog) -> CopyLoader:
        """COPY."""
        return CopyLoader(table)

    def mover(self) -> PostgresMover:
        """In the caller's transaction, all of it."""
        return PostgresMover()

    def read(self, plan: ListPlan | GroupPlan) -> bytes:
        """A page of rows or groups as JSON text; one statement."""
        if isinstance(plan, GroupPlan):
            statement = self._statement(grouping.group_shape(plan), plan, self._folded(grouping.group_statement))
            row = self._read(statement, grouping.group_values(plan))
        else:
            statement = self._statement(compile.list_shape(plan), plan, self._folded(compile.list_statement))
            row = self._read(statement, compile.list_values(plan))
        body: bytes = row[0]
        return body

    def read_slice(self, plan: ListPlan) -> Slice:
        """The rows after a cursor's place; one statement."""
        statement = self._statement(keyset.slice_shape(plan), plan, self._folded(keyset.slice_statement))
        rows, more, terms = self._read(statement, keyset.slice_values(plan))
        return Slice(rows, tuple(_text(term) for term in terms) if more else None)

    def stream(self, plan: ListPlan | GroupPlan, form: Form) -> Pieces:
        """The rows or groups as lines of text, as they come; one statement."""

        def compose(plan: ListPlan | GroupPlan) -> Composed:
            return exporting.export_statement(plan, form, Folding(self._pool.server_version()))

        statement = self._statement(exporting.export_shape(plan, form), plan, compose)
        values = {**exporting.export_values(plan), **statement.templates}
        return streaming.stream(self._pool, statement.text, values, form, exporting.export_labels(plan))

    def get(self, plan: KeyedPlan) -> Row | None:
        """One row as JSON text, or None; one statement."""
        statement = self._statement(compile.row_shape(plan), plan, self._folded(compile.row_statement))
        row = self._read(statement, compile.row_values(plan))
        return Row(row[0], row[1]) if row else None

    def linked(self, plan: LinkedPlan) -> bytes:
        """Rows that other rows belong to, by their keys; one statement."""
        statement = self._statement(linking.linked_shape(plan), plan, linking.linked_statement)
        rows: bytes = self._read(statement, linking.linked_values(plan))[0]
        return rows

    def insert(self, plan: WritePlan, catalog: Catalog) -> Written:
        """Add rows; one statement, all or nothing."""
        statement = self._statement(insert.insert_shape(plan), plan, insert.insert_statement)
        return _inserted(self._write(statement, insert.insert_values(plan), plan, catalog), plan)

    def insert_each(self, plan: WritePlan, catalog: Catalog) -> Sifted:
        """Add the rows that can be stored; one statement when all can, else one transaction of several."""
        with self._pool.connection(bulk=True) as connection:
            for attempt in range(_TRIES):
                try:
                    return Sifting(plan, connection, self._insert_on, _key_repaired, catalog.find).run()
                except psycopg.Error as error:
                    self._refuse(error, (plan,), 0, connection, catalog, last=attempt == _TRIES - 1)
        raise _crossed()

    def _insert_on(self, connection: Connection, plan: WritePlan) -> Written:
        statement = self._statement(insert.insert_shape(plan), plan, insert.insert_statement)
        return _inserted(statement.run(connection, insert.insert_values(plan)), plan)

    def upsert(self, plans: Sequence[WritePlan], catalog: Catalog) -> tuple[Written, ...]:
        """One statement per plan, in one transaction when there are several."""
        if len(plans) == 1 and (plans[0].single or not plans[0].pins_key):
            return (self.insert(plans[0], catalog),)
        with self._pool.connection(bulk=True) as connection:
            for attempt in range(_TRIES):
                done: list[Written] = []
                try:
                    return self._upsert_all(connection, plans, done)
                except psycopg.Error as error:
                    last = attempt == _TRIES - 1
                    self._refuse(error, plans, min(len(done), len(plans) - 1), connection, catalog, last=last)
        raise _crossed()

    def _upsert_all(
        self, connection: Connection, plans: Sequence[WritePlan], done: list[Written]
    ) -> tuple[Written, ...]:
        """Where one plan meets the guard, none is kept. ``done`` tells, after a failure, which plan it was."""
        with connection.transaction():
            for plan in plans:
                done.append(self._insert_on(connection, plan))
                if done[-1].count < len(plan.rows):
                    raise psycopg.Rollback
        kept = len(done) == len(plans) and done[-1].count == len(plans[-1].rows)
        return tuple(done) if kept else (Written(0),) * len(plans)

    def update(self, plan: WritePlan, catalog: Catalog) -> Written:
        """Change rows by key, all or none; one statement."""
        statement = self._statement(change.update_shape(plan), plan, change.update_statement)
        row = self._write(statement, change.update_values(plan), plan, catalog)
        return _changed(row, plan) if plan.single else _batch(row)

    def delete(self, plan: WritePlan, catalog: Catalog) -> Written:
        """Remove rows by key, all or none, or all that a condition holds of; one statement."""
        statement = self._statement(change.delete_shape(plan), plan, self._folded(change.delete_statement))
        row = self._write(statement, change.delete_values(plan), plan, catalog)
        if plan.where is not None:
            if not row[1]:
                raise Stale
            return Written(row[0], held=True)
        return _batch(row) if plan.versions is None else Written(row[0], found=row[1], held=row[2])

    def _folded(self, compose: Callable[[P, Folding], Composed]) -> Callable[[P], Composed]:
        """A composer that is told how this server folds case, which is asked only when something is composed."""
        return lambda plan: compose(plan, Folding(self._pool.server_version()))

    def _statement(self, shape: Hashable, plan: P, compose: Callable[[P], Composed]) -> Statement:
        """The statement of a shape: composed when the shape is new."""
        statement = self._statements.get(shape)
        if statement is None:
            statement = Statement(compose(plan).as_bytes(None), templates_of(plan))
            self._statements.put(shape, statement, statement.size)
        return statement

    def _read(self, statement: Statement, values: Values) -> Any:
        """One row; a connection that broke under a read is replaced and the read sent once more."""
        with wrapped():
            try:
                return self._fetch(statement, values)
            except psycopg.OperationalError as error:
                if error.sqlstate is not None and not error.sqlstate.startswith("57P"):
                    raise
                self._pool.check()
                with self._pool.fresh_connection() as connection:
                    return statement.run(connection, values)

    def _fetch(self, statement: Statement, values: Values) -> Any:
        with self._pool.connection() as connection:
            return statement.run(connection, values)

    def _write(self, statement: Statement, values: Values, plan: WritePlan, catalog: Catalog) -> Any:
        """One row of result; a deadlock or serialization failure is tried again, for nothing of it was kept."""
        with self._pool.connection(bulk=_is_bulk(plan)) as connection:
            for attempt in range(_TRIES):
                try:
                    return statement.run(connection, values)
                except psycopg.Error as error:
                    self._refuse(error, (plan,), 0, connection, catalog, last=attempt == _TRIES - 1)
        raise _crossed()

    def _refuse(
        self,
        error: psycopg.Error,
        plans: Sequence[WritePlan],
        failed: int,
        connection: Connection,
        catalog: Catalog,
        *,
        last: bool,
    ) -> None:
        """Raise what the error means to the client; return when the write may succeed on another try."""
        if error.sqlstate in STALE_STATES:
            raise Stale from error
        if connection.closed:
            self._pool.check()
            raise translated(error) from error
        if not last and (error.sqlstate in RETRY_STATES or _key_repaired(error, plans[failed], connection)):
            return
        deleting = plans[0].changes and not plans[0].fields
        kept = still_referred_to(error, plans[0].table, connection, deleting=deleting)
        if kept is not None:
            raise kept from error
        raise explained(error, plans[0].table, rows_of(plans), _own(plans[0]), connection, catalog.find) from error


def _key_repaired(error: psycopg.Error, plan: WritePlan, connection: Connection) -> bool:
    """Whether the sequence of a generated key was to blame, and stands right now.

    It lay behind when a generated key met a stored one; it was used up too early when the last keys are not stored.
    """
    if not insert.generates_key(plan):
        return False
    with wrapped():
        if error.sqlstate == _USED_UP:
            with connection.transaction():
                for statement in insert.key_step_back(plan.table):
                    connection.execute(statement)
            return True
        key_name = unique_name(plan.table, plan.table.primary_key)
        if error.sqlstate == _TAKEN and error.diag.constraint_name == key_name:
            connection.execute(insert.key_repair(plan.table))
            return True
    return False


def _is_bulk(plan: WritePlan) -> bool:
    return plan.where is not None or len(plan.rows) > _BULK_ROWS


def _own(plan: WritePlan) -> tuple[str, ...]:
    """The fields that find the row a write changes; none for a create."""
    return plan.unique or (plan.table.primary_key if plan.changes else ())


def _crossed() -> Conflict:
    return Conflict("Another write came between; send the request again.", code="conflict_retry")


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


def _inserted(row: Sequence[Any] | None, plan: WritePlan) -> Written:
    if not plan.single or plan.minimal:
        count, created, rows = row[:3] if row is not None else (0, 0, None)
        if isinstance(rows, list):
            return Written(count, created=created, each=tuple(rows))
        return Written(count, created=created, rows=rows or b"")
    if row is None:
        return Written(0)
    key = tuple(jiter.from_json(part) for part in row[3 : 3 + len(plan.table.primary_key)])
    return Written(1, created=int(row[1]), rows=row[0], key=key, version=row[2])


def _changed(row: Sequence[Any] | None, plan: WritePlan) -> Written:
    """Of one row: its text and version and, where its version was named, whether it is there and the guard held."""
    if row is None:
        return Written(0)
    found, held = row[2:] if plan.versions is not None else (True, True)
    return Written(0 if row[0] is None else 1, rows=row[0] or b"", version=row[1] or 0, found=found, held=held)


def _batch(row: Sequence[Any] | None) -> Written:
    count, rows, missing = row if row is not None else (0, None, None)
    return Written(count, rows=rows or b"", missing=tuple(place - 1 for place in missing or ()))
