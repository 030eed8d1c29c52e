"""Which row of a refused batch was it? Asked only after a refusal, so it costs nothing while all goes well."""

from collections.abc import Sequence
from typing import Any, Final

import psycopg
from psycopg.sql import SQL, Composed, Identifier

from datar.errors import Conflict, DatarError
from records.payload import find_duplicates
from records.provider import Resolve
from records.providers.postgres.columns import compared, qualified
from records.providers.postgres.compile import Values
from records.providers.postgres.ddl import foreign_key_name, named_fields
from records.providers.postgres.errors import translated, with_fields
from records.providers.postgres.insert import sent_rows
from records.providers.postgres.pool import Connection
from records.providers.postgres.values import columns_json
from records.table import ForeignKey, Json, Table

_FIRST_TAKEN: Final = SQL("SELECT min(n) FROM {sent} WHERE EXISTS (SELECT FROM {table} AS t WHERE {join})")
_FIRST_ORPHAN: Final = SQL(
    "SELECT min(n) FROM {sent} WHERE {known} AND NOT EXISTS (SELECT FROM {table} AS t WHERE {join})"
)

Rows = Sequence[dict[str, Json]]


def explained(
    error: psycopg.Error, table: Table, rows: Rows, connection: Connection, resolve: Resolve, *, batch: bool
) -> Exception:
    """The refusal with the fields it speaks of, in a batch with the row's index."""
    known = translated(error)
    if not isinstance(known, DatarError):
        return known
    name = error.diag.constraint_name or ""
    fields = named_fields(table).get(name)
    if not isinstance(known, Conflict) or fields is None:
        return known
    index = _index(table, fields, name, rows, connection, resolve) if batch else None
    return with_fields(known, fields, index)


def _index(
    table: Table, fields: tuple[str, ...], name: str, rows: Rows, connection: Connection, resolve: Resolve
) -> int | None:
    key = next((key for key in table.foreign_keys if foreign_key_name(table, key) == name), None)
    if key is not None:
        target = table if key.target_table == table.identity.name else resolve(key.target_app, key.target_table)
        return _first(_orphans(table, key, target), table, fields, rows, connection) if target else None
    twice = [found.index for found in find_duplicates(table, list(rows)) if set(found.field.split(", ")) == set(fields)]
    if twice:
        return twice[0]
    return _first(_taken(table, fields), table, fields, rows, connection)


def _first(
    statement: Composed, table: Table, fields: tuple[str, ...], rows: Rows, connection: Connection
) -> int | None:
    arrays = [columns_json(table.by_name[name], rows)[-1] for name in fields]
    values: Values = {f"column{place}": array for place, array in enumerate(arrays)}
    try:
        found: Any = connection.execute(statement, values).fetchone()
    except psycopg.Error:
        return None
    return None if found is None or found[0] is None else int(found[0]) - 1


def _taken(table: Table, fields: tuple[str, ...]) -> Composed:
    columns = [compared(table.by_name[name]) for name in fields]
    join = [
        SQL("t.{column} = {value}").format(
            column=column.identifier, value=column.bound(Identifier("sent", f"s{place}"))
        )
        for place, column in enumerate(columns)
    ]
    return _FIRST_TAKEN.format(sent=sent_rows(len(fields)), table=qualified(table), join=SQL(" AND ").join(join))


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
