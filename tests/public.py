"""``public`` as every test finds it: without apps, tables or rows. Who puts something there takes it away."""

from django.db import connection
from psycopg import sql

from tenants.context import public
from tenants.tables import SERVICE_PREFIXES

EMPTIED = ("datar_schema_operation", "datar_datatable", "datar_datasource", "datar_app")


def clear_public() -> None:
    """Remove every description and every physical table of ``public``."""
    with public(), connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        physical = [name for (name,) in cursor.fetchall() if not name.startswith(SERVICE_PREFIXES)]
        for name in physical:
            cursor.execute(sql.SQL("DROP TABLE {} CASCADE").format(sql.Identifier("public", name)))
        for name in EMPTIED:
            cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier("public", name)))
