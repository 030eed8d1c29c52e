"""What a write on MongoDB takes from PostgreSQL, in one statement: the guard, the instant, versions and keys.

The rows of ``datar_datatable`` that it locks stay locked until the block ends, when MongoDB has answered. So no change
or move of a table comes between, and rows that refer to each other are not written and removed at once.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from records.canonical import INTEGER_MOST
from records.provider import Stale
from records.providers.postgres.columns import VERSION_SEQUENCE
from records.providers.postgres.ddl import sequence_text
from records.providers.postgres.errors import wrapped
from records.providers.postgres.guard import CATALOG_TABLE
from records.providers.postgres.pool import Connection, Pool
from records.table import Table

_TAKE: Final = SQL(
    "WITH held AS MATERIALIZED (SELECT id, revision FROM {catalog} WHERE id = ANY({ids}::bigint[])"
    " ORDER BY id FOR {strength}) "
    "SELECT (SELECT array_agg(id) FROM held), (SELECT array_agg(revision) FROM held), now(),"
    " ARRAY(SELECT nextval({versions}::regclass) FROM generate_series(1, {count})),"
    " ARRAY(SELECT nextval({keys}::regclass) FROM generate_series(1, {wanted})"
    " WHERE EXISTS (SELECT FROM held WHERE id = {id} AND revision = {revision}))"
)
"""Rows are locked in the order of their ids, so that two writes never wait for each other."""
_LOCK: Final = SQL("SELECT pg_advisory_xact_lock({sequence}::regclass::oid::bigint)")
_STEP_BACK: Final = SQL(
    "SELECT setval({sequence}::regclass, greatest(top, 1), coalesce(top > 0, false)) "
    "FROM (SELECT {top}::bigint AS top) AS stored "
    "WHERE pg_sequence_last_value({sequence}::regclass) = {last} AND (top < {last}) IS NOT FALSE"
)
_ACTIVE: Final = SQL("SELECT is_active FROM {catalog} WHERE id = {id}")
_MORE: Final = SQL("SELECT ARRAY(SELECT nextval({versions}::regclass) FROM generate_series(1, {count}))")


class Passed(Stale):
    """The table that is written to is at another revision: nothing was written."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a write was given: its instant (UTC, naive), a version for each row, as many keys as it asked for.

    ``more`` gives as many further versions, for rows that nobody could count before; ``is_active`` tells of another
    table whether it was deleted.
    """

    now: datetime
    versions: tuple[int, ...]
    keys: tuple[int, ...]
    more: Callable[[int], tuple[int, ...]]
    is_active: Callable[[Table], bool]


def key_sequence(table: Table) -> str:
    """The name of the sequence that gives a table's integer keys; it lies in the tenant's schema."""
    return f"dt{table.identity.id}_key"


class Ledger:
    """PostgreSQL's part in writes of one MongoDB."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @contextmanager
    def entry(
        self,
        table: Table,
        rows: int,
        *,
        parents: Sequence[Table] = (),
        keys: int = 0,
        alone: bool = False,
        bulk: bool = False,
    ) -> Iterator[Entry]:
        """Hold the table and ``parents`` at their revisions for the length of the block; ``alone``: all of them as the
        only writer.

        ``parents`` are tables its rows refer to, and tables whose rows go or change with its own. Raises Passed when
        the table is at another revision, Stale when another one is.
        """
        with self._transaction(bulk=bulk) as connection:
            row: Any = connection.execute(_statement(table, rows, parents, keys, alone=alone)).fetchone()
            _check_revisions(row[0], row[1], table, parents)

            def more(count: int) -> tuple[int, ...]:
                found: Any = connection.execute(_MORE.format(**_versions(table, count))).fetchone()
                return tuple(found[0])

            def is_active(other: Table) -> bool:
                catalog = Identifier(table.identity.namespace, CATALOG_TABLE)
                found = connection.execute(_ACTIVE.format(catalog=catalog, id=Literal(other.identity.id))).fetchone()
                return found is None or bool(found[0])

            yield Entry(row[2].replace(tzinfo=None), tuple(row[3]), tuple(row[4]), more, is_active)

    @contextmanager
    def _transaction(self, *, bulk: bool) -> Iterator[Connection]:
        """A connection in a transaction; where one was lost, others may be, and are looked at."""
        with self._pool.connection(bulk=bulk) as connection:
            try:
                with wrapped(), connection.transaction():
                    yield connection
            finally:
                if connection.closed:
                    self._pool.check()

    def advance(self, table: Table, key: int) -> None:
        """Move the table's key sequence beyond an explicit key; never back."""
        move = SQL("SELECT {function}({sequence}::regclass, {key})").format(
            function=Identifier(table.identity.namespace, "datar_advance"),
            sequence=Literal(sequence_text(table.identity.namespace, key_sequence(table))),
            key=Literal(key),
        )
        with self._pool.connection() as connection, wrapped():
            connection.execute(move)

    def step_back(self, table: Table, stored: int | None) -> None:
        """Move a used-up key sequence back to the greatest stored key, if there is room beyond it.

        It stands at the end when the very last key was refused or removed. The lock is the one ``datar_advance`` takes.
        """
        sequence = Literal(sequence_text(table.identity.namespace, key_sequence(table)))
        with self._pool.connection() as connection, wrapped(), connection.transaction():
            connection.execute(_LOCK.format(sequence=sequence))
            connection.execute(_STEP_BACK.format(sequence=sequence, top=Literal(stored), last=Literal(INTEGER_MOST)))


def _statement(table: Table, rows: int, parents: Sequence[Table], keys: int, *, alone: bool) -> Composed:
    namespace = table.identity.namespace
    return _TAKE.format(
        catalog=Identifier(namespace, CATALOG_TABLE),
        ids=Literal(sorted({each.identity.id for each in (table, *parents)})),
        strength=SQL("UPDATE" if alone else "SHARE"),
        keys=Literal(sequence_text(namespace, key_sequence(table) if keys else VERSION_SEQUENCE)),
        wanted=Literal(keys),
        id=Literal(table.identity.id),
        revision=Literal(table.identity.revision),
        **_versions(table, rows),
    )


def _versions(table: Table, count: int) -> dict[str, Composable]:
    return {
        "versions": Literal(sequence_text(table.identity.namespace, VERSION_SEQUENCE)),
        "count": Literal(count),
    }


def _check_revisions(
    ids: Sequence[int] | None, revisions: Sequence[int] | None, table: Table, parents: Sequence[Table]
) -> None:
    held = dict(zip(ids or (), revisions or (), strict=True))
    if held.get(table.identity.id) != table.identity.revision:
        raise Passed
    if any(held.get(each.identity.id) != each.identity.revision for each in parents):
        raise Stale
