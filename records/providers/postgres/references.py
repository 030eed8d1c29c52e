"""Rows that still refer to one that was to go: whose they are. Asked only after a refusal."""

import re
from typing import Any, Final

import psycopg
from psycopg.sql import SQL, Identifier

from datar.errors import Conflict
from records import orphans
from records.providers.postgres.pool import Connection
from records.table import Table

_STATES: Final = frozenset({"23503", "23001"})
_NAME: Final = re.compile(r"dt([0-9]{1,19})_fk_[0-9a-f]{12}")
_CHILD: Final = SQL("SELECT name, is_active FROM {catalog} WHERE id = %s")
_PARENT: Final = SQL(
    "SELECT a.attname FROM pg_catalog.pg_constraint c"
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = ANY (c.confkey)"
    " JOIN pg_catalog.pg_class p ON p.oid = c.confrelid JOIN pg_catalog.pg_namespace n ON n.oid = p.relnamespace"
    " WHERE c.conname = %s AND n.nspname = %s AND p.relname = %s"
)


def still_referred_to(error: psycopg.Error, table: Table, connection: Connection, *, deleting: bool) -> Conflict | None:
    """The refusal when rows of a table still refer to the written one's; None when a parent is missing.

    ``table`` and ``fields`` of it are the table that refers and the fields of ours that it refers to.
    """
    named = _NAME.fullmatch(error.diag.constraint_name or "")
    if error.sqlstate not in _STATES or named is None:
        return None
    if error.diag.table_name == table.identity.physical_name and not deleting:
        return None
    name, active = table.identity.name, True
    if error.diag.table_name != table.identity.physical_name:
        catalog = Identifier(table.identity.namespace, "datar_datatable")
        found = _rows(connection, _CHILD.format(catalog=catalog), [int(named[1])])
        name, active = (_text(found[0][0]), bool(found[0][1])) if found else ("", True)
    place = [named[0], table.identity.namespace, table.identity.physical_name]
    columns = {_text(column) for (column,) in _rows(connection, _PARENT, place)}
    fields = [field.name for field in table.fields if field.column in columns]
    return orphans.still_referred_to(name, fields, active=active)


def _rows(connection: Connection, statement: Any, values: list[Any]) -> list[tuple[Any, ...]]:
    try:
        return connection.execute(statement, values).fetchall()
    except psycopg.Error:
        return []


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
