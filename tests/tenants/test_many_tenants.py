"""A start with many clients: which of them are behind is found by as many statements as for one."""

import psycopg
from django.db import connection
from django.test.utils import CaptureQueriesContext
from psycopg.sql import SQL, Identifier

from tenants import migrating

SCHEMAS = [f"many_{number}" for number in range(40)]


def asked(captured: CaptureQueriesContext) -> int:
    """Statements, without those that only choose a schema."""
    return len([query for query in captured.captured_queries if query["sql"].startswith("SELECT")])


def test_finding_those_behind_costs_the_same_for_one_and_for_forty(pg: psycopg.Connection) -> None:
    for schema in SCHEMAS:
        pg.execute(SQL("CREATE SCHEMA {}").format(Identifier(schema)))
        table = Identifier(schema, "django_migrations")
        pg.execute(SQL("CREATE TABLE {} AS TABLE public.django_migrations").format(table))
    try:
        pg.execute(SQL("DELETE FROM {} WHERE app = 'datatables'").format(Identifier(SCHEMAS[7], "django_migrations")))
        with CaptureQueriesContext(connection) as one:
            assert migrating.behind(SCHEMAS[:1]) == []
        with CaptureQueriesContext(connection) as all_of_them:
            assert migrating.behind(SCHEMAS) == [SCHEMAS[7]]
        assert asked(one) == asked(all_of_them) == 2, "which have begun, and what is applied in all of them"
    finally:
        for schema in SCHEMAS:
            pg.execute(SQL("DROP SCHEMA {} CASCADE").format(Identifier(schema)))
