"""What every namespace holds for its physical tables: one version sequence and two functions.

They name no schema but the one they are made in, so a clone owes nothing to its source. The migration of a release
makes them from here; a later change of them is a new statement and a new migration.
"""

from typing import Final

from psycopg.sql import SQL

VERSION: Final = SQL("CREATE SEQUENCE {schema}.datar_version AS bigint")

TOUCH: Final = SQL("""
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
"""Gives a row its next version and its time of change; with an argument, also fills that column with the time."""

ADVANCE: Final = SQL("""
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
            IF value - reached > 10000 THEN
                PERFORM setval(sequence, value);
            ELSE
                WHILE nextval(sequence) < value LOOP
                END LOOP;
            END IF;
        END IF;
    EXCEPTION WHEN query_canceled OR OTHERS THEN
        PERFORM pg_advisory_unlock(key);
        RAISE;
    END;
    PERFORM pg_advisory_unlock(key);
END
$body$
""")
"""Moves a key's sequence beyond an explicit key, never back.

The lock orders two such moves; it belongs to the session, for a transaction must not make others wait for its end, so
it is given back even when the function fails. ``nextval`` takes no lock and may run between our look and our move: a
short way is therefore walked, which cannot go back, and only a long one, that nobody overtakes meanwhile, is jumped.
"""

DROP: Final = SQL(
    "DROP FUNCTION {schema}.datar_advance(regclass, bigint);"
    " DROP FUNCTION {schema}.datar_touch(); DROP SEQUENCE {schema}.datar_version"
)
STATEMENTS: Final = (VERSION, TOUCH, ADVANCE)
