"""What a write on MongoDB takes from PostgreSQL, in one statement: the guard, the instant, versions and keys.

The rows of ``datar_datatable`` that it locks stay locked until the block ends, when MongoDB has answered. So no change or
move of a table comes between, and rows that refer to each other are not written and removed at once.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.sql import SQL, Composable, Identifier, Literal

from records.provider import Stale
from records.providers.postgres.columns import VERSION_SEQUENCE
from records.providers.postgres.ddl import sequence_text
from records.providers.postgres.errors import wrapped
from records.providers.postgres.guard import CATALOG_TABLE
from records.providers.postgres.pool import Pool
from records.table import Table

_SHARED: Final = SQL("SELECT id, revision FROM {catalog} WHERE id = ANY({others}::bigint[]) ORDER BY id FOR SHARE")
_OWN: Final = SQL("SELECT id, revision FROM {catalog} WHERE id = {id} {strength}")
_TAKE: Final = SQL(
    "WITH own AS MATERIALIZED ({own}), others AS MATERIALIZED ({others}) "
    "SELECT (SELECT revision FROM own), (SELECT count(*) FROM others), now(),"
    " ARRAY(SELECT nextval({versions}::regclass) FROM generate_series(1, {count})),"
    " ARRAY(SELECT nextval({keys}::regclass) FROM generate_series(1, {wanted}))"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a write was given: its instant (UTC, naive), a version for each row, as many keys as it asked for."""

    now: datetime
    versions: tuple[int, ...]
    keys: tuple[int, ...] = ()


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
        """Hold the table at its revision for the length of the block; ``alone``: as the only writer of it.

        ``parents`` are tables its rows refer to. Raises Stale when the table is at another revision.
        """
        with self._pool.connection(bulk=bulk) as connection, wrapped(), connection.transaction():
            yield _entry(connection.execute(_statement(table, rows, parents, keys, alone=alone)).fetchone(), table)

    def advance(self, table: Table, key: int) -> None:
        """Move the table's key sequence beyond an explicit key; never back."""
        move = SQL("SELECT {function}({sequence}::regclass, {key})").format(
            function=Identifier(table.identity.namespace, "datar_advance"),
            sequence=Literal(sequence_text(table.identity.namespace, key_sequence(table))),
            key=Literal(key),
        )
        with self._pool.connection() as connection, wrapped():
            connection.execute(move)


def _statement(table: Table, rows: int, parents: Sequence[Table], keys: int, *, alone: bool) -> Composable:
    namespace = table.identity.namespace
    catalog = Identifier(namespace, CATALOG_TABLE)
    others = sorted({parent.identity.id for parent in parents} - {table.identity.id})
    sequence = key_sequence(table) if keys else VERSION_SEQUENCE
    return _TAKE.format(
        own=_OWN.format(
            catalog=catalog, id=Literal(table.identity.id), strength=SQL("FOR UPDATE" if alone else "FOR SHARE")
        ),
        others=_SHARED.format(catalog=catalog, others=Literal(others)),
        versions=Literal(sequence_text(namespace, VERSION_SEQUENCE)),
        count=Literal(rows),
        keys=Literal(sequence_text(namespace, sequence)),
        wanted=Literal(keys),
    )


def _entry(row: Any, table: Table) -> Entry:
    revision, _, now, versions, keys = row
    if revision != table.identity.revision:
        raise Stale
    return Entry(now.replace(tzinfo=None), tuple(versions), tuple(keys))
