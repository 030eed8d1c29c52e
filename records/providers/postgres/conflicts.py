"""Which row of a refused batch was it? Asked only after a refusal, so it costs nothing while all goes well."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

import psycopg
from psycopg.sql import SQL, Composable, Composed, Identifier

from datar.errors import Conflict
from records.orphans import lost_parent, points_home
from records.payload import repeated, same_key_twice
from records.provider import Resolve
from records.providers.postgres.columns import compared, qualified
from records.providers.postgres.compile import Values
from records.providers.postgres.ddl import foreign_key_name, index_name, named_fields
from records.providers.postgres.errors import translated, with_fields
from records.providers.postgres.insert import sent_rows
from records.providers.postgres.pool import Connection
from records.providers.postgres.values import columns_json
from records.table import ForeignKey, Json, Table

_TAKEN: Final = SQL(
    "SELECT array_agg(n ORDER BY n) FROM {sent} WHERE EXISTS (SELECT FROM {table} AS t WHERE {join}{others})"
)
_ORPHANS: Final = SQL(
    "SELECT array_agg(n ORDER BY n) FROM {sent} WHERE {known} AND NOT EXISTS (SELECT FROM {table} AS t WHERE {join})"
)

Rows = Sequence[dict[str, Json]]


def explained(
    error: psycopg.Error, table: Table, rows: Rows, own: tuple[str, ...], connection: Connection, resolve: Resolve
) -> Exception:
    """The refusal with the fields it speaks of and, of several rows, the index of the first it concerns.

    ``own`` are the fields by which the write finds the row it changes: that row does not stand against itself.
    """
    known = translated(error)
    if not isinstance(known, Conflict):
        return known
    name = error.diag.constraint_name or ""
    fields = named_fields(table).get(name)
    if fields is None:
        return known
    key = next((key for key in table.foreign_keys if foreign_key_name(table, key) == name), None)
    if key is not None:
        known = lost_parent(key)
    if not rows or _is_partial(table, name):
        return with_fields(known, fields, None)
    if key is not None:
        return with_fields(known, fields, _first_orphan(table, key, rows, connection, resolve))
    for first, later in repeated(table, fields, rows):
        return same_key_twice(fields, first, later)
    return with_fields(known, fields, _first_taken(table, fields, rows, own, connection))


def _is_partial(table: Table, name: str) -> bool:
    """Whether it is an index of only some rows: which of those sent are among them, we do not know."""
    return any(
        index.where is not None and index_name(table, index.fields, index.name) == name for index in table.indexes
    )


def _first_taken(
    table: Table, fields: tuple[str, ...], rows: Rows, own: tuple[str, ...], connection: Connection
) -> int | None:
    with suppress(psycopg.Error):
        return next(iter(taken(table, fields, rows, connection, own)), None)
    return None


def _first_orphan(table: Table, key: ForeignKey, rows: Rows, connection: Connection, resolve: Resolve) -> int | None:
    # Parents may come in the same batch; they were not kept, so they are looked for among the rows themselves.
    here = set(_keys(rows, key.target_fields)) if points_home(table, key) else set()
    wanted = list(_keys(rows, key.fields))
    with suppress(psycopg.Error):
        found = orphans(table, key, rows, connection, resolve)
        return next((place for place in found if wanted[place] not in here), None)
    return None


def taken(
    table: Table, fields: tuple[str, ...], rows: Rows, connection: Connection, own: tuple[str, ...] = ()
) -> list[int]:
    """Places of the rows whose values in these fields a stored row has; ``own`` as in ``explained``."""
    arrays = [*_columns(table, fields, rows), *_columns(table, own, rows)]
    return _places(_taken(table, fields, own), arrays, connection)


def orphans(table: Table, key: ForeignKey, rows: Rows, connection: Connection, resolve: Resolve) -> list[int]:
    """Places of the rows that point along this key at a row that is not stored; none where its table is unknown."""
    target = table if points_home(table, key) else resolve(key.target_app, key.target_table)
    if target is None:
        return []
    return _places(_orphans(table, key, target), _columns(table, key.fields, rows), connection)


def _keys(rows: Rows, names: Sequence[str]) -> Iterator[tuple[Json, ...]]:
    return zip(*(_values(rows, name) for name in names), strict=True)


def _values(rows: Rows, name: str) -> list[Json]:
    return [row.get(name) for row in rows]


def _columns(table: Table, fields: Sequence[str], rows: Rows) -> list[str]:
    """The fields as bound JSON arrays, in the form in which they are compared."""
    return [columns_json(table.by_name[name], rows)[-1] for name in fields]


def _places(statement: Composed, arrays: Sequence[str], connection: Connection) -> list[int]:
    values: Values = {f"column{place}": array for place, array in enumerate(arrays)}
    found: Any = connection.execute(statement, values).fetchone()
    return [place - 1 for place in found[0] or ()]


def _taken(table: Table, fields: tuple[str, ...], own: tuple[str, ...]) -> Composed:
    others = _equal(table, own, len(fields))
    return _TAKEN.format(
        sent=sent_rows(len(fields) + len(own)),
        table=qualified(table),
        join=SQL(" AND ").join(_equal(table, fields, 0)),
        others=SQL(" AND ({same}) IS NOT TRUE").format(same=SQL(" AND ").join(others)) if others else SQL(""),
    )


def _equal(table: Table, fields: Sequence[str], offset: int) -> list[Composable]:
    columns = [compared(table.by_name[name]) for name in fields]
    return [
        SQL("t.{column} = {value}").format(
            column=column.identifier, value=column.bound(Identifier("sent", f"s{offset + place}"))
        )
        for place, column in enumerate(columns)
    ]


def _orphans(table: Table, key: ForeignKey, target: Table) -> Composed:
    sent = [Identifier("sent", f"s{place}") for place in range(len(key.fields))]
    join = [
        SQL("t.{column} = {value}").format(
            column=compared(target.by_name[there]).identifier, value=compared(target.by_name[there]).bound(text)
        )
        for there, text in zip(key.target_fields, sent, strict=True)
    ]
    return _ORPHANS.format(
        sent=sent_rows(len(key.fields)),
        known=SQL(" AND ").join(SQL("{text} IS NOT NULL").format(text=text) for text in sent),
        table=qualified(target),
        join=SQL(" AND ").join(join),
    )
