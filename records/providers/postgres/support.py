"""What every namespace holds for its physical tables: a version sequence, a table of row counts, three functions.

They name no schema but the one they are made in, so a clone owes nothing to its source. The migration of a release
makes them from here; a later change of them is a new statement and a new migration. Until 0.1.0 is released, these
texts themselves may change.
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
    BEGIN
        PERFORM pg_advisory_lock(key);
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

ROW_COUNTS: Final = SQL("""
CREATE TABLE {schema}.datar_rowcount (datatable_id bigint NOT NULL, delta bigint NOT NULL);
CREATE INDEX datar_rowcount_datatable ON {schema}.datar_rowcount (datatable_id) INCLUDE (delta)
""")
"""How many rows each table has, as a sum of changes: a writer only ever adds a row of its own, so none waits for
another, and every snapshot sees exactly the changes whose rows it sees."""

COUNT: Final = SQL("""
CREATE FUNCTION {schema}.datar_count() RETURNS trigger LANGUAGE plpgsql SET search_path = {schema} AS $body$
DECLARE
    counted bigint := TG_ARGV[0]::bigint;
    changed bigint;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT count(*) INTO changed FROM changed_rows;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT -count(*) INTO changed FROM changed_rows;
    ELSE
        DELETE FROM datar_rowcount WHERE datatable_id = counted;
        RETURN NULL;
    END IF;
    IF changed <> 0 THEN
        INSERT INTO datar_rowcount VALUES (counted, changed);
        IF random() < 0.02 THEN
            WITH old AS (
                DELETE FROM datar_rowcount
                WHERE ctid = ANY (ARRAY(
                    SELECT ctid FROM datar_rowcount WHERE datatable_id = counted FOR UPDATE SKIP LOCKED
                ))
                RETURNING delta
            )
            INSERT INTO datar_rowcount SELECT counted, sum(delta) FROM old HAVING count(*) > 0;
        END IF;
    END IF;
    RETURN NULL;
END
$body$
""")
"""Adds a statement's change to the count; one in fifty sums up what is there and not being summed up by another.

Its body names no schema: the setting does, and a clone's setting is the clone's."""

UNCOUNT: Final = SQL("DROP FUNCTION {schema}.datar_count() CASCADE; DROP TABLE {schema}.datar_rowcount")

DROP: Final = SQL(
    "DROP FUNCTION {schema}.datar_advance(regclass, bigint);"
    " DROP FUNCTION {schema}.datar_touch(); DROP SEQUENCE {schema}.datar_version"
)
STATEMENTS: Final = (VERSION, TOUCH, ADVANCE)
COUNT_STATEMENTS: Final = (ROW_COUNTS, COUNT)
