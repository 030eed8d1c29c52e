"""A clone is its source's equal, owes it nothing, and takes every later migration."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors, sql

from tenants.catalogue import NotCloneable, foreign_dependencies
from tenants.cloning import clone
from tenants.tables import SHARED, STRUCTURE_AND_ROWS, STRUCTURE_ONLY, UnlistedTable, kind_of
from tests.cast import new_tenant
from tests.cluster import Databases
from tests.tenants.catalogue import rows_of, structure, tables_of

ODDITIES = """
CREATE SEQUENCE public.odd_counter AS integer INCREMENT BY 5 MINVALUE 5 MAXVALUE 5000 START 10 CACHE 3 CYCLE;
SELECT nextval('public.odd_counter');
CREATE FUNCTION public.odd_next() RETURNS integer LANGUAGE sql AS $$ SELECT 7 $$;
CREATE FUNCTION public.odd_trigger() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS
    $$ BEGIN NEW.note := coalesce(NEW.note, '') || '!'; RETURN NEW; END $$;
CREATE TABLE public.odd_parent (
    id integer GENERATED ALWAYS AS IDENTITY (START 100 INCREMENT 10) CONSTRAINT odd_parent_key PRIMARY KEY,
    counted integer DEFAULT nextval('public.odd_counter'),
    called integer DEFAULT public.odd_next(),
    "Strange ""name"" %s {x}" text COLLATE "C" DEFAULT 'it''s; 100 % {y}',
    big text STORAGE EXTERNAL COMPRESSION pglz,
    twice integer GENERATED ALWAYS AS (called * 2) STORED,
    note text NOT NULL DEFAULT '',
    span int4range,
    author bigint REFERENCES public.datar_user (id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT "odd check" CHECK (called > 0 AND note <> '{}'),
    CONSTRAINT odd_parent_pair UNIQUE NULLS NOT DISTINCT (counted, called) INCLUDE (note) DEFERRABLE,
    CONSTRAINT odd_parent_span EXCLUDE USING gist (span WITH &&)
) WITH (fillfactor = 70, autovacuum_enabled = false, toast.autovacuum_enabled = false);
ALTER TABLE public.odd_parent RENAME COLUMN called TO was_called;
ALTER TABLE public.odd_parent DROP COLUMN big;
ALTER TABLE public.odd_parent ADD COLUMN big text STORAGE EXTERNAL;
CREATE TABLE public.odd_child (
    n serial, parent integer, other integer, before integer NOT NULL DEFAULT 1,
    CONSTRAINT odd_child_parent FOREIGN KEY (parent) REFERENCES public.odd_parent ON DELETE SET NULL ON UPDATE CASCADE,
    CONSTRAINT odd_self FOREIGN KEY (other) REFERENCES public.odd_child (n) NOT VALID,
    CONSTRAINT odd_child_n UNIQUE (n)
);
ALTER TABLE public.odd_child RENAME COLUMN before TO after;
CREATE INDEX odd_partial ON public.odd_child (parent DESC NULLS LAST) WHERE parent > 5;
CREATE INDEX odd_expression ON public.odd_parent USING btree (lower(note), was_called) WITH (fillfactor = 60);
CREATE INDEX odd_brin ON public.odd_child USING brin (n) WITH (pages_per_range = 7);
CREATE STATISTICS public.odd_stats (dependencies) ON parent, n FROM public.odd_child;
CREATE TRIGGER odd_note BEFORE INSERT ON public.odd_parent FOR EACH ROW EXECUTE FUNCTION public.odd_trigger();
CREATE TRIGGER odd_off AFTER UPDATE OF n ON public.odd_child FOR EACH ROW EXECUTE FUNCTION public.odd_trigger();
ALTER TABLE public.odd_child DISABLE TRIGGER odd_off;
CREATE VIEW public.odd_view AS SELECT p.id, c.n FROM public.odd_parent p JOIN public.odd_child c ON c.parent = p.id;
COMMENT ON TABLE public.odd_parent IS 'it''s {a} 100 % comment';
COMMENT ON COLUMN public.odd_parent.note IS 'column';
COMMENT ON INDEX public.odd_partial IS 'index';
COMMENT ON CONSTRAINT "odd check" ON public.odd_parent IS 'constraint';
COMMENT ON SEQUENCE public.odd_counter IS 'sequence';
COMMENT ON FUNCTION public.odd_next() IS 'function';
COMMENT ON TRIGGER odd_note ON public.odd_parent IS 'trigger';
COMMENT ON VIEW public.odd_view IS 'view';
COMMENT ON STATISTICS public.odd_stats IS 'statistics';
INSERT INTO public.odd_parent (note, span) VALUES ('a', '[1,2)'), ('b', '[5,9)');
INSERT INTO public.odd_parent (id, note) OVERRIDING SYSTEM VALUE VALUES (77, 'explicit');
INSERT INTO public.odd_child (parent) VALUES (100), (110);
"""
UNDO = """
DROP SCHEMA IF EXISTS odd_copy CASCADE;
DROP VIEW IF EXISTS public.odd_view; DROP TABLE IF EXISTS public.odd_child, public.odd_parent;
DROP FUNCTION IF EXISTS public.odd_trigger(), public.odd_next(); DROP SEQUENCE IF EXISTS public.odd_counter;
"""


@pytest.fixture
def odd(pg: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """``public`` with one of everything PostgreSQL can put into a schema, cloned to ``odd_copy``."""
    pg.execute(ODDITIES.encode())
    try:
        with pg.transaction():
            clone(pg, "public", "odd_copy")
        yield pg
    finally:
        pg.execute(UNDO.encode())


def test_a_clone_is_equal_in_every_definition(odd: psycopg.Connection, databases: Databases, database_url: str) -> None:
    source = structure(databases, database_url, "public")
    assert len(source) > 100
    copy = structure(databases, database_url, "odd_copy")
    assert [one for one in copy if one not in source] == []
    assert [one for one in source if one not in copy] == []
    assert copy == source


def test_a_clone_holds_the_rows_that_are_to_be_cloned(odd: psycopg.Connection) -> None:
    for table in tables_of(odd, "odd_copy"):
        wanted = [] if table in STRUCTURE_ONLY else rows_of(odd, "public", table)
        assert rows_of(odd, "odd_copy", table) == wanted, table
    assert set(tables_of(odd, "public")) - set(tables_of(odd, "odd_copy")) == SHARED & set(tables_of(odd, "public"))
    assert len(rows_of(odd, "odd_copy", "odd_parent")) == 3


def test_ti_14_a_clone_depends_on_nothing_outside(odd: psycopg.Connection) -> None:
    assert foreign_dependencies(odd, "odd_copy") == []
    assert foreign_dependencies(odd, "public") == []
    odd.execute("ALTER TABLE odd_copy.odd_parent ALTER counted SET DEFAULT nextval('public.odd_counter')")
    assert foreign_dependencies(odd, "odd_copy") != [], "the query sees such a thing"


def test_ti_14_inserts_in_a_clone_touch_nothing_else(odd: psycopg.Connection) -> None:
    with odd.transaction():
        clone(odd, "public", "odd_third")
    try:
        state = "SELECT last_value, is_called FROM {}.odd_counter"
        before = [odd.execute(state.format(schema).encode()).fetchone() for schema in ("public", "odd_third")]
        insert = "INSERT INTO odd_copy.odd_parent (note) VALUES ('new') RETURNING id, note"
        assert odd.execute(insert).fetchone() == (120, "new!"), "the identity goes on where its source stands"
        assert odd.execute("SELECT nextval('odd_copy.odd_counter') > 10").fetchone() == (True,)
        after = [odd.execute(state.format(schema).encode()).fetchone() for schema in ("public", "odd_third")]
        assert after == before
        assert len(rows_of(odd, "public", "odd_parent")) == len(rows_of(odd, "odd_third", "odd_parent")) == 3
    finally:
        odd.execute("DROP SCHEMA odd_third CASCADE")


def test_authors_become_null(pg: psycopg.Connection) -> None:
    pg.execute(
        "INSERT INTO datar_user (id, password, email, name, role, is_active, token_version, created_at)"
        " OVERRIDING SYSTEM VALUE VALUES (987654, '', 'author@example.com', '', 'admin', true, 1, now())"
    )
    pg.execute(
        "INSERT INTO datar_app (name, slug, description, is_active, created_at, updated_at, created_by_id)"
        " VALUES ('By hand', 'by-hand', '', true, now(), now(), 987654)"
    )
    try:
        tenant = new_tenant("authors")
        query = sql.SQL("SELECT slug, created_by_id FROM {}.datar_app WHERE slug = 'by-hand'")
        assert pg.execute(query.format(sql.Identifier(tenant.schema))).fetchall() == [("by-hand", None)]
    finally:
        pg.execute("DELETE FROM datar_app WHERE slug = 'by-hand'")
        pg.execute("DELETE FROM datar_user WHERE id = 987654")


def test_every_table_of_public_is_listed(pg: psycopg.Connection) -> None:
    tables = tables_of(pg, "public")
    for table in tables:
        kind_of(table)
    known = SHARED | STRUCTURE_ONLY | STRUCTURE_AND_ROWS
    assert len(known) == len(SHARED) + len(STRUCTURE_ONLY) + len(STRUCTURE_AND_ROWS), "one list each"
    foreseen = {"django_session", "django_admin_log"}
    assert known - set(tables) <= foreseen
    pg.execute("CREATE TABLE public.datar_forgotten (id int)")
    try:
        with pytest.raises(UnlistedTable, match="datar_forgotten"), pg.transaction():
            clone(pg, "public", "never_made")
    finally:
        pg.execute("DROP TABLE public.datar_forgotten")


@pytest.mark.parametrize(
    ("strange", "undo"),
    [
        ("CREATE TABLE public.odd_parts (id int) PARTITION BY RANGE (id)", "DROP TABLE public.odd_parts"),
        (
            "CREATE DOMAIN public.odd_domain AS int; CREATE TABLE public.odd_typed (id public.odd_domain)",
            "DROP TABLE public.odd_typed; DROP DOMAIN public.odd_domain",
        ),
    ],
)
def test_what_cannot_be_cloned_stops_the_clone(strange: str, undo: str, pg: psycopg.Connection) -> None:
    pg.execute(strange.encode())
    try:
        with pytest.raises((NotCloneable, errors.UndefinedObject)), pg.transaction():
            clone(pg, "public", "never_made")
        assert pg.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'never_made'").fetchone() is None
    finally:
        pg.execute(undo.encode())


def test_the_search_path_is_as_before(pg: psycopg.Connection) -> None:
    with pg.transaction():
        pg.execute("SET LOCAL search_path = pg_catalog")
        clone(pg, "public", "path_copy")
        assert pg.execute("SHOW search_path").fetchone() == ("pg_catalog",)
    pg.execute("DROP SCHEMA path_copy CASCADE")
