"""A table that many tests write to, and ways to look at it or spoil it past the engine."""

from typing import Any

import psycopg
from psycopg.sql import SQL

from records.providers.postgres.columns import qualified
from tests.records.engine import Engine, Rows

USERS: dict[str, Any] = {
    "fields": [
        {"name": "email", "type": "string", "constraints": {"unique": True}},
        {"name": "name", "type": "string", "constraints": {"required": True}},
        {"name": "age", "type": "integer", "default": 18},
        {"name": "created_at", "type": "datetime"},
        {"name": "updated_at", "type": "datetime"},
    ]
}


def count(rows: Rows) -> int:
    """How many rows there are, asked past the engine."""
    engine = rows.records.catalog
    assert isinstance(engine, Engine)
    if rows.table.identity.store == "mongodb":
        return engine.collection(engine.reload(rows.table)).count_documents({})
    with psycopg.connect(engine.url) as connection:
        found = connection.execute(SQL("SELECT count(*) FROM {}").format(qualified(rows.table))).fetchone()
    assert found is not None
    return int(found[0])


def execute(engine: Engine, statement: str, rows: Rows) -> None:
    """Plant something by SQL; ``{}`` is the table."""
    with psycopg.connect(engine.url, autocommit=True) as connection:
        connection.execute(SQL(statement).format(qualified(rows.table)))
