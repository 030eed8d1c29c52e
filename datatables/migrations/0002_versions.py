"""What every physical table relies on: the tenant's one version sequence, and two functions, in this schema."""

from typing import Any

from django.db import migrations
from psycopg import sql

from records.providers.postgres.support import DROP, STATEMENTS


def _run(schema_editor: Any, *statements: sql.SQL) -> None:
    schema = sql.Identifier(schema_editor.connection.schema_name)
    with schema_editor.connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement.format(schema=schema))


def create(apps: Any, schema_editor: Any) -> None:
    """Make the sequence and the functions in the schema being migrated."""
    _run(schema_editor, *STATEMENTS)


def drop(apps: Any, schema_editor: Any) -> None:
    """Remove them again."""
    _run(schema_editor, DROP)


class Migration(migrations.Migration):
    """Versions of rows."""

    dependencies = [("datatables", "0001_initial")]
    operations = [migrations.RunPython(create, drop)]
