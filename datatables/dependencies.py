"""What the service depends on beside PostgreSQL, as ``/health/ready/`` names it. Named by ``DATAR_DEPENDENCIES``."""

import threading
import time
from typing import Final

import psycopg
from django.db import DatabaseError, connection
from psycopg import sql

from datar.errors import Unavailable
from datasources.connect import mongodb_holds_rows, mongodb_server
from datasources.models import DataSource, ProviderType
from datatables.models import DataTable

_SECONDS: Final = 10.0
"""How old it may be that no table lives in MongoDB. Once one does, one always may."""
_CLIENTS_AT_ONCE: Final = 200

_lock = threading.Lock()
_known: list[tuple[float, bool]] = []


def mongodb() -> bool | None:
    """Whether MongoDB answers; None while no table of any client has its rows there."""
    if not mongodb_holds_rows() or not _is_used():
        return None
    try:
        return mongodb_server().answers()
    except Unavailable:
        return False


def _is_used() -> bool:
    with _lock:
        if _known and (_known[0][1] or time.monotonic() - _known[0][0] < _SECONDS):
            return _known[0][1]
        try:
            used = _any_table()
        except (DatabaseError, psycopg.Error):
            used = False  # a client was deleted meanwhile; it is asked again
        _known[:] = [(time.monotonic(), used)]
        return used


def _any_table() -> bool:
    """Asked of every client's schema, some hundred in one statement."""
    connection.ensure_connection()
    with connection.connection.cursor() as cursor:  # not Django's, which would look for a client
        cursor.execute(
            "SELECT nspname FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace AS n ON n.oid = relnamespace"
            " WHERE relname = %s AND relkind = 'r'",
            [DataTable._meta.db_table],
        )
        names = [name for (name,) in cursor.fetchall()]
        for start in range(0, len(names), _CLIENTS_AT_ONCE):
            tests = sql.SQL(" OR ").join(_holds(name) for name in names[start : start + _CLIENTS_AT_ONCE])
            cursor.execute(sql.SQL("SELECT {}").format(tests))
            if cursor.fetchone() == (True,):
                return True
    return False


def _holds(namespace: str) -> sql.Composed:
    return sql.SQL(
        "EXISTS (SELECT FROM {tables} AS t JOIN {sources} AS s ON s.id = t.data_source_id"
        " WHERE t.is_materialized AND s.provider_type = {mongodb})"
    ).format(
        tables=sql.Identifier(namespace, DataTable._meta.db_table),
        sources=sql.Identifier(namespace, DataSource._meta.db_table),
        mongodb=sql.Literal(ProviderType.MONGODB.value),
    )
