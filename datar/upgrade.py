"""Brings the database's schemas up to the code: finds what is behind with one query, migrates only that.

Asking every schema through Django costs 68 ms each, also when there is nothing to do; with 300 tenants a start
would take 20 seconds.
"""

from collections.abc import Callable

from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django_tenants.utils import get_public_schema_name, get_tenant_model
from psycopg import sql

Report = Callable[[int, int, str], None]
"""Called with how many are done, how many there are, and what is being done."""


def upgrade(report: Report) -> None:
    """Migrate ``public`` and every tenant's schema that lacks a migration the code has."""
    wanted = set(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)
    public = get_public_schema_name()
    if wanted - _applied([public]).get(public, set()):
        report(0, 1, "Setting up the database")
        call_command("migrate_schemas", shared=True, verbosity=0, interactive=False)
        report(1, 1, "Setting up the database")
    tenants = [name for name in get_tenant_model().objects.values_list("schema_name", flat=True) if name != public]
    applied = _applied(tenants)
    behind = [name for name in tenants if name in applied and wanted - applied[name]]
    for done, name in enumerate(behind):
        report(done, len(behind), "Upgrading tenants")
        call_command("migrate_schemas", schema_name=name, tenant=True, verbosity=0, interactive=False)
    if behind:
        report(len(behind), len(behind), "Upgrading tenants")


def _applied(schemas: list[str]) -> dict[str, set[tuple[str, str]]]:
    """For each of those schemas that has migrations at all: what is applied in it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT schemaname FROM pg_catalog.pg_tables"
            " WHERE tablename = 'django_migrations' AND schemaname = ANY(%s)",
            [schemas],
        )
        found = [row[0] for row in cursor.fetchall()]
        applied: dict[str, set[tuple[str, str]]] = {name: set() for name in found}
        if found:
            one = sql.SQL("SELECT {}, app::text, name::text FROM {}")
            each = [one.format(sql.Literal(name), sql.Identifier(name, "django_migrations")) for name in found]
            cursor.execute(sql.SQL(" UNION ALL ").join(each).as_string(cursor.connection))
            for schema, app, name in cursor.fetchall():
                applied[schema].add((app, name))
    return applied
