"""What a schema holds, for comparing two of them: its structure as ``pg_dump`` writes it, its rows as a digest."""

import subprocess
from typing import Any

import psycopg
from psycopg import sql

from datar.binaries import find_binaries
from tenants.tables import SHARED
from tests.cluster import Databases

NOISE = ("--", "\\", "SET ", "SELECT pg_catalog", "CREATE SCHEMA ", "ALTER SCHEMA ", "COMMENT ON SCHEMA ")


def structure(databases: Databases, url: str, schema: str) -> list[str]:
    """The schema's definitions without its own name in them, statement by statement, sorted."""
    cluster = databases.cluster
    dump = find_binaries(databases.version, cluster.state, None) / "pg_dump"
    command = [str(dump), "--schema-only", "--no-owner", "--no-acl", f"--schema={schema}", f"--dbname={url}"]
    command += [f"--exclude-table={schema}.{table}" for table in sorted(SHARED)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(NOISE)]
    plain = "\n".join(lines).replace(f"{schema}.", "").replace(f"'{schema}'", "'ITSELF'")
    return sorted(plain.split(";\n"))


def tables_of(pg: psycopg.Connection[Any], schema: str) -> list[str]:
    """The names of the schema's tables."""
    rows = pg.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1", [schema])
    return [name for (name,) in rows]


def rows_of(pg: psycopg.Connection[Any], schema: str, table: str) -> list[str]:
    """The table's rows as text, sorted."""
    query = sql.SQL("SELECT t::text FROM {} t ORDER BY 1").format(sql.Identifier(schema, table))
    return [text for (text,) in pg.execute(query)]


def all_rows(pg: psycopg.Connection[Any], schema: str) -> dict[str, list[str]]:
    """Every row of every table of the schema."""
    return {table: rows_of(pg, schema, table) for table in tables_of(pg, schema)}
