"""Which row of a refused batch was it? Asked only after a refusal, so it costs nothing while all goes well."""

from collections.abc import Sequence
from typing import Any, Final

import psycopg
from psycopg.sql import SQL, Composable, Composed, Identifier

from datar.errors import Conflict
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

_FIRST_TAKEN: Final = SQL("SELECT min(n) FROM {sent} WHERE EXISTS (SELECT FROM {table} AS t WHERE {join}{others})")
_FIRST_ORPHAN: Final = SQL(
    "SELECT min(n) FROM {sent} WHERE {known} AND NOT EXISTS (SELECT FROM {table} AS t WHERE {join})"
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
        known = Conflict("This row refers to a row that does not exist.", code="conflict_foreign_key")
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
    return _first(_taken(table, fields, own), [*_columns(table, fields, rows), *_columns(table, own, rows)], connection)


def _first_orphan(table: Table, key: ForeignKey, rows: Rows, connection: Connection, resolve: Resolve) -> int | None:
    itself = (key.target_app, key.target_table) == (table.identity.app, table.identity.name)
    target = table if itself else resolve(key.target_app, key.target_table)
    if target is None:
        return None
    # Parents may come in the same batch; they were not kept, so they are looked for among the rows themselves.
    here = set(zip(*(_values(rows, name) for name in key.target_fields), strict=True)) if itself else set()
    places = [
        place
        for place, wanted in enumerate(zip(*(_values(rows, name) for name in key.fields), strict=True))
        if wanted not in here
    ]
    arrays = _columns(table, key.fields, [rows[place] for place in places])
    found = _first(_orphans(table, key, target), arrays, connection)
    return None if found is None else places[found]


def _values(rows: Rows, name: str) -> list[Json]:
    return [row.get(name) for row in rows]


def _columns(table: Table, fields: Sequence[str], rows: Rows) -> list[str]:
    """The fields as bound JSON arrays, in the form in which they are compared."""
    return [columns_json(table.by_name[name], rows)[-1] for name in fields]


def _first(statement: Composed, arrays: Sequence[str], connection: Connection) -> int | None:
    values: Values = {f"column{place}": array for place, array in enumerate(arrays)}
    try:
        found: Any = connection.execute(statement, values).fetchone()
    except psycopg.Error:
        return None
    return None if found is None or found[0] is None else int(found[0]) - 1


def _taken(table: Table, fields: tuple[str, ...], own: tuple[str, ...]) -> Composed:
    others = _equal(table, own, len(fields))
    return _FIRST_TAKEN.format(
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
    return _FIRST_ORPHAN.format(
        sent=sent_rows(len(key.fields)),
        known=SQL(" AND ").join(SQL("{text} IS NOT NULL").format(text=text) for text in sent),
        table=qualified(target),
        join=SQL(" AND ").join(join),
    )
