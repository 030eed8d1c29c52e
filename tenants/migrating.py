"""Which namespaces are behind the code's migrations, found by one query, and how one of them is brought up.

A client that is up to date costs nothing. Each schema is migrated on its own, so one that breaks holds up no other,
and whatever was done before the process ended is found done.
"""

from django.core.management import call_command
from django.core.management.commands.migrate import Command as Migrate
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from tenants.context import public, use
from tenants.models import Client, Status

Names = frozenset[tuple[str, str]]


def client_namespaces() -> list[str]:
    """The schemas of all clients, oldest first; ``public`` must be migrated."""
    with public():
        clients = Client.objects.exclude(status=Status.DELETED).order_by("id")
        return list(clients.values_list("schema_name", flat=True))


def wanted_migrations() -> Names:
    """(app, name) of every migration of the code; what a squashed one replaces counts as that one."""
    return frozenset(MigrationLoader(None).graph.nodes)


def applied_migrations(schemas: list[str]) -> dict[str, Names]:
    """(app, name) applied, by schema; one query over all of them."""
    if not schemas:
        return {}
    part = "SELECT {} AS schema, app, name FROM {}"
    query = sql.SQL(" UNION ALL ").join(
        sql.SQL(part).format(sql.Literal(schema), sql.Identifier(schema, "django_migrations")) for schema in schemas
    )
    applied: dict[str, set[tuple[str, str]]] = {schema: set() for schema in schemas}
    with connection.cursor() as cursor:
        cursor.execute(query)
        for schema, app, name in cursor.fetchall():
            applied[schema].add((app, name))
    return {schema: frozenset(names) for schema, names in applied.items()}


def behind(schemas: list[str]) -> list[str]:
    """Of the schemas, those that lack a migration of the code."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT schemaname FROM pg_tables WHERE tablename = 'django_migrations'")
        begun = {row[0] for row in cursor.fetchall()}
    applied = applied_migrations([schema for schema in schemas if schema in begun])
    wanted = wanted_migrations()
    return [schema for schema in schemas if wanted - applied.get(schema, frozenset())]


def migrate(namespace: str) -> None:
    """Apply to the namespace what it lacks. Raises whatever breaks; what was applied before that stays."""
    with use(namespace):
        call_command(Migrate(), verbosity=0, interactive=False)
