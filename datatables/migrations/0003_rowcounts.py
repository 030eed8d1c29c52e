"""Exact counts of rows: the table of changes, its function, and for tables that exist already triggers and the count."""

from typing import Any

from django.db import migrations
from psycopg import sql

from records.providers.postgres.support import COUNT_STATEMENTS, UNCOUNT

EVENTS = (
    ("insert", " REFERENCING NEW TABLE AS changed_rows"),
    ("delete", " REFERENCING OLD TABLE AS changed_rows"),
    ("truncate", ""),
)


def create(apps: Any, schema_editor: Any) -> None:
    """Make table and function in the schema being migrated, and count what is there."""
    schema = schema_editor.connection.schema_name
    tables = apps.get_model("datatables", "DataTable").objects.filter(is_materialized=True)
    existing = list(tables.values_list("pk", "physical_table_name"))
    with schema_editor.connection.cursor() as cursor:
        for statement in COUNT_STATEMENTS:
            cursor.execute(statement.format(schema=sql.Identifier(schema)))
        for pk, name in existing:
            for statement in _counting(schema, pk, name):
                cursor.execute(statement)


def _counting(schema: str, pk: int, name: str) -> list[sql.Composed]:
    table = sql.Identifier(schema, name)
    lock = sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(table)
    count = sql.SQL("INSERT INTO {} SELECT {}, count(*) FROM {}").format(
        sql.Identifier(schema, "datar_rowcount"), sql.Literal(pk), table
    )
    triggers = [
        sql.SQL("CREATE TRIGGER {} AFTER {} ON {}{} FOR EACH STATEMENT EXECUTE FUNCTION {}({})").format(
            sql.Identifier(f"dt{pk}_count_{event}"),
            sql.SQL(event.upper()),
            table,
            sql.SQL(rows),
            sql.Identifier(schema, "datar_count"),
            sql.Literal(str(pk)),
        )
        for event, rows in EVENTS
    ]
    return [lock, count, *triggers]


def drop(apps: Any, schema_editor: Any) -> None:
    """Remove them again."""
    schema = sql.Identifier(schema_editor.connection.schema_name)
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(UNCOUNT.format(schema=schema))


class Migration(migrations.Migration):
    """Counts of rows."""

    dependencies = [("datatables", "0002_versions")]
    operations = [migrations.RunPython(create, drop)]
