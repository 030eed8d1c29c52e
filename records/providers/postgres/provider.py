"""The PostgreSQL provider: composes a plan's statement once per shape, sends it, hands back finished JSON text."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final

import jiter
import psycopg
from psycopg.sql import Composed

from datar.errors import Conflict
from records.plan import KeyedPlan, ListPlan, WritePlan, Written
from records.provider import Resolve, Stale
from records.providers.postgres import change, compile, insert
from records.providers.postgres.compile import Values
from records.providers.postgres.conflicts import explained
from records.providers.postgres.errors import RETRY_STATES, STALE_STATES, translated, wrapped
from records.providers.postgres.pool import Connection, Pool
from records.table import Table

_STATEMENTS_KEPT: Final = 2_000
_BULK_ROWS: Final = 200
_TRIES: Final = 3


class PostgresProvider:
    """Rows in flat PostgreSQL tables. Holds no state but its pool and the texts of its statements."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._texts: OrderedDict[Hashable, bytes] = OrderedDict()

    def read(self, plan: ListPlan) -> bytes:
        """A page as JSON text; one statement."""
        text = self._text(compile.list_shape(plan), lambda: compile.list_statement(plan))
        body: bytes = self._read(text, compile.list_values(plan))[0]
        return body

    def get(self, plan: KeyedPlan) -> bytes | None:
        """One row as JSON text, or None; one statement."""
        text = self._text(compile.row_shape(plan), lambda: compile.row_statement(plan))
        row = self._read(text, compile.row_values(plan))
        return row[0] if row else None

    def insert(self, plan: WritePlan, resolve: Resolve) -> Written:
        """Add rows; one statement, all or nothing."""
        text = self._text(insert.insert_shape(plan), lambda: insert.insert_statement(plan))
        return _inserted(self._write(text, insert.insert_values(plan), plan, resolve), plan)

    def upsert(self, plans: Sequence[WritePlan], resolve: Resolve) -> tuple[Written, ...]:
        """One statement per plan, in one transaction when there are several."""
        if len(plans) == 1:
            return (self.insert(plans[0], resolve),)
        with self._pool.connection(bulk=True) as connection:
            for attempt in range(_TRIES):
                try:
                    with connection.transaction():
                        return tuple(self._upsert_in(connection, plan, resolve) for plan in plans)
                except psycopg.Error as error:
                    if error.sqlstate in STALE_STATES:
                        raise Stale from error
                    if error.sqlstate not in RETRY_STATES or attempt == _TRIES - 1:
                        raise translated(error) from error
        raise Conflict("Another write came between; send the request again.", code="conflict_retry")

    def _upsert_in(self, connection: Connection, plan: WritePlan, resolve: Resolve) -> Written:
        text = self._text(insert.insert_shape(plan), lambda: insert.insert_statement(plan))
        return _inserted(connection.execute(text, insert.insert_values(plan)).fetchone(), plan)

    def update(self, plan: WritePlan, resolve: Resolve) -> Written:
        """Change rows by key, all or none; one statement."""
        text = self._text(change.update_shape(plan), lambda: change.update_statement(plan))
        row = self._write(text, change.update_values(plan), plan, resolve)
        if plan.single:
            return Written(0) if row is None else Written(1, rows=row[0])
        return _batch(row)

    def delete(self, plan: WritePlan, resolve: Resolve) -> Written:
        """Remove rows by key, all or none; one statement."""
        text = self._text(change.delete_shape(plan.table), lambda: change.delete_statement(plan.table))
        return _batch(self._write(text, change.delete_values(plan.table, plan.rows), plan, resolve))

    def _text(self, shape: Hashable, compose: Callable[[], Composed]) -> bytes:
        """The statement's text: composed when its shape is new."""
        text = self._texts.get(shape)
        if text is None:
            text = compose().as_bytes(None)
            self._texts[shape] = text
            while len(self._texts) > _STATEMENTS_KEPT:
                self._texts.popitem(last=False)
        return text

    def _read(self, text: bytes, values: Values) -> Any:
        """One row; a connection that broke under a read is replaced and the read sent once more."""
        with wrapped():
            try:
                return self._fetch(text, values)
            except psycopg.OperationalError as error:
                if error.sqlstate is not None and not error.sqlstate.startswith("57P"):
                    raise
                return self._fetch(text, values)

    def _fetch(self, text: bytes, values: Values) -> Any:
        with self._pool.connection() as connection:
            return connection.execute(text, values).fetchone()

    def _write(self, text: bytes, values: Values, plan: WritePlan, resolve: Resolve) -> Any:
        """One row of result; a deadlock or serialization failure is tried again, for nothing of it was kept."""
        batch = not plan.single
        with self._pool.connection(bulk=len(plan.rows) > _BULK_ROWS) as connection:
            for attempt in range(_TRIES):
                try:
                    return connection.execute(text, values).fetchone()
                except psycopg.Error as error:
                    if error.sqlstate in STALE_STATES:
                        raise Stale from error
                    if error.sqlstate not in RETRY_STATES or attempt == _TRIES - 1:
                        raise _explained(error, plan.table, plan, connection, resolve, batch=batch) from error
        raise Conflict("Another write came between; send the request again.", code="conflict_retry")


def _explained(
    error: psycopg.Error, table: Table, plan: WritePlan, connection: Connection, resolve: Resolve, *, batch: bool
) -> Exception:
    if connection.closed:
        return translated(error)
    return explained(error, table, plan.rows, connection, resolve, batch=batch)


def _inserted(row: Sequence[Any] | None, plan: WritePlan) -> Written:
    if not plan.single or plan.minimal:
        count, created, rows = row if row is not None else (0, 0, None)
        if isinstance(rows, list):
            return Written(count, created=created, each=tuple(rows))
        return Written(count, created=created, rows=rows or b"")
    if row is None:
        return Written(0)
    key = tuple(jiter.from_json(part) for part in row[2:])
    return Written(1, created=int(row[1]), rows=row[0], key=key)


def _batch(row: Sequence[Any] | None) -> Written:
    count, rows, missing = row if row is not None else (0, None, None)
    return Written(count, rows=rows or b"", missing=tuple(place - 1 for place in missing or ()))
