"""What every physical table relies on: the tenant's one version sequence, and two functions.

All three lie in the schema being migrated and name no other schema, so that a clone owes nothing to its source.
"""

from typing import Any

from django.db import migrations
from psycopg import sql

VERSION = sql.SQL("CREATE SEQUENCE {schema}.datar_version AS bigint")

# Gives a row its next version and its time of change; with an argument, also fills that column with the time.
TOUCH = sql.SQL("""
CREATE FUNCTION {schema}.datar_touch() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    NEW._version := nextval(format('%I.datar_version', TG_TABLE_SCHEMA)::regclass);
    NEW._updated_at := now();
    IF TG_NARGS > 0 THEN
        NEW := jsonb_populate_record(NEW, jsonb_build_object(TG_ARGV[0], now()));
    END IF;
    RETURN NEW;
END
$body$
""")

# Moves a key's sequence beyond an explicit key, never back. The lock orders two such moves; it belongs to the session,
# for a transaction must not make others wait for its end, so it is given back even when the function fails.
ADVANCE = sql.SQL("""
CREATE FUNCTION {schema}.datar_advance(sequence regclass, value bigint) RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
    key bigint := sequence::oid::bigint;
    reached bigint;
    used boolean;
BEGIN
    PERFORM pg_advisory_lock(key);
    BEGIN
        EXECUTE format('SELECT last_value, is_called FROM %s', sequence) INTO reached, used;
        IF value > reached OR (value = reached AND NOT used) THEN
            PERFORM setval(sequence, value);
        END IF;
    EXCEPTION WHEN query_canceled OR OTHERS THEN
        PERFORM pg_advisory_unlock(key);
        RAISE;
    END;
    PERFORM pg_advisory_unlock(key);
END
$body$
""")

UNDO = sql.SQL(
    "DROP FUNCTION {schema}.datar_advance(regclass, bigint);"
    " DROP FUNCTION {schema}.datar_touch(); DROP SEQUENCE {schema}.datar_version"
)


def _run(schema_editor: Any, *statements: sql.SQL) -> None:
    schema = sql.Identifier(schema_editor.connection.schema_name)
    with schema_editor.connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement.format(schema=schema))


def create(apps: Any, schema_editor: Any) -> None:
    """Make the sequence and the functions in the schema being migrated."""
    _run(schema_editor, VERSION, TOUCH, ADVANCE)


def drop(apps: Any, schema_editor: Any) -> None:
    """Remove them again."""
    _run(schema_editor, UNDO)


class Migration(migrations.Migration):
    """Versions of rows."""

    dependencies = [("datatables", "0001_initial")]
    operations = [migrations.RunPython(create, drop)]
