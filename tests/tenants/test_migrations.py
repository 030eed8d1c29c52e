"""Every kind of migration operation works on a clone as on its source; and the command that migrates all clients."""

from collections.abc import Iterator
from io import StringIO

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.core.management.commands.migrate import Command as Migrate
from django.db import connection, migrations, models
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models.functions import Lower
from psycopg import sql

from tenants import migrating
from tenants.cloning import clone
from tenants.context import use
from tests.cast import new_tenant
from tests.cluster import Databases
from tests.tenants.catalogue import structure

APP = "apps"
COPY = "migrated_copy"
KEY = ("id", models.BigAutoField(primary_key=True))


def table(name: str) -> dict[str, str]:
    return {"db_table": f"sample_{name}"}


BEFORE: list[Operation] = [
    migrations.CreateModel(
        "Shelf", [KEY, ("label", models.CharField(max_length=20, unique=True))], options=table("shelf")
    ),
    migrations.CreateModel("Tag", [KEY, ("word", models.SlugField())], options=table("tag")),
    migrations.CreateModel(
        "Book",
        [
            KEY,
            ("title", models.CharField(max_length=50, db_index=True)),
            ("pages", models.IntegerField(default=0)),
            ("shelf", models.ForeignKey("apps.Shelf", models.CASCADE)),
            ("tags", models.ManyToManyField("apps.Tag", db_table="sample_book_tags")),
        ],
        options={
            **table("book"),
            "indexes": [models.Index(fields=["title", "-pages"], name="sample_first")],
            "constraints": [models.CheckConstraint(condition=models.Q(pages__gte=0), name="sample_pages")],
            "unique_together": {("title", "shelf")},
        },
    ),
    migrations.CreateModel("Gone", [KEY, ("x", models.IntegerField(null=True))], options=table("gone")),
]
AFTER: list[Operation] = [
    migrations.AddField("Book", "isbn", models.CharField(max_length=20, null=True)),
    migrations.AddField("Book", "price", models.DecimalField(max_digits=8, decimal_places=2, default=0, db_default=1)),
    migrations.AddField("Book", "owner", models.ForeignKey("tenants.User", models.SET_NULL, null=True)),
    migrations.AlterField("Book", "isbn", models.CharField(max_length=30, null=True, unique=True)),
    migrations.AlterField("Book", "pages", models.BigIntegerField(null=True)),
    migrations.AlterField("Book", "title", models.TextField(db_index=True)),
    migrations.AlterField("Book", "title", models.TextField()),
    migrations.AlterField("Shelf", "label", models.CharField(max_length=20)),
    migrations.AlterField("Shelf", "label", models.CharField(max_length=40, unique=True)),
    migrations.AlterField("Book", "shelf", models.ForeignKey("apps.Shelf", models.PROTECT, null=True)),
    migrations.RenameField("Book", "pages", "leaves"),
    migrations.RenameField("Shelf", "label", "name"),
    migrations.AddIndex("Book", models.Index(Lower("title"), name="sample_lower")),
    migrations.AddIndex("Tag", models.Index(fields=["word"], name="sample_word", condition=models.Q(id__gt=5))),
    migrations.RenameIndex("Book", new_name="sample_renamed", old_name="sample_first"),
    migrations.RemoveIndex("Book", "sample_lower"),
    migrations.AddConstraint(
        "Tag", models.UniqueConstraint(fields=["word"], name="sample_unique", deferrable=models.Deferrable.DEFERRED)
    ),
    migrations.AddConstraint("Book", models.CheckConstraint(condition=models.Q(price__gte=0), name="sample_price")),
    migrations.RemoveConstraint("Book", "sample_pages"),
    migrations.RemoveConstraint("Tag", "sample_unique"),
    migrations.AlterUniqueTogether("Book", {("title", "owner")}),
    migrations.AlterUniqueTogether("Book", set()),
    migrations.AlterModelTable("Tag", "sample_mark"),
    migrations.AlterModelTableComment("Tag", "marks"),
    migrations.AlterField("Tag", "id", models.AutoField(primary_key=True)),
    migrations.RenameModel("Shelf", "Rack"),
    migrations.RemoveField("Book", "isbn"),
    migrations.RemoveField("Book", "tags"),
    migrations.RemoveField("Book", "shelf"),
    migrations.AddField("Book", "tags", models.ManyToManyField("apps.Tag", db_table="sample_book_marks")),
    migrations.DeleteModel("Gone"),
    migrations.CreateModel(
        "Late", [KEY, ("book", models.OneToOneField("apps.Book", models.CASCADE))], options=table("late")
    ),
    migrations.RunSQL("INSERT INTO sample_mark (word) VALUES ('by hand')", "DELETE FROM sample_mark"),
    migrations.RunPython(
        lambda registry, _: registry.get_model(APP, "Tag").objects.create(word="by code"), migrations.RunPython.noop
    ),
    migrations.AlterModelOptions("Book", {"ordering": ["title"]}),
]
UNDO = """
DROP SCHEMA IF EXISTS migrated_copy CASCADE;
DROP TABLE IF EXISTS public.sample_late, public.sample_book_tags, public.sample_book_marks, public.sample_book,
    public.sample_shelf, public.sample_tag, public.sample_mark, public.sample_gone CASCADE
"""


def first_state() -> ProjectState:
    from django.apps import apps

    return ProjectState.from_apps(apps)


def run(operation: Operation, namespace: str, before: ProjectState) -> None:
    after = before.clone()
    operation.state_forwards(APP, after)
    with use(namespace), connection.schema_editor(atomic=True) as editor:
        operation.database_forwards(APP, editor, before, after)


@pytest.fixture
def sample(pg: psycopg.Connection) -> Iterator[ProjectState]:
    """Tables made by Django in ``public``, and a clone of it."""
    state = first_state()
    try:
        for operation in BEFORE:
            run(operation, "public", state)
            operation.state_forwards(APP, state)
        with pg.transaction():
            clone(pg, "public", COPY)
        yield state
    finally:
        pg.execute(UNDO.encode())


def test_every_operation_works_on_a_clone(sample: ProjectState, databases: Databases, database_url: str) -> None:
    state = sample
    for operation in AFTER:
        for namespace in ("public", COPY):
            run(operation, namespace, state)
        operation.state_forwards(APP, state)
    source, copy = (structure(databases, database_url, schema) for schema in ("public", COPY))
    assert any("sample_renamed" in one for one in source)
    assert copy == source


def test_only_namespaces_that_are_behind_are_migrated(pg: psycopg.Connection) -> None:
    behind, level = new_tenant("behind").schema, new_tenant("level").schema
    _step_back(behind)
    assert migrating.behind([behind, level]) == [behind]
    told = StringIO()
    call_command("migrate_tenants", stdout=told)
    assert told.getvalue() == f"{behind}: migrated\n"
    assert migrating.behind([behind, level]) == []
    assert pg.execute("SELECT 1 FROM pg_sequences WHERE schemaname = %s", [behind]).fetchone()
    told = StringIO()
    call_command("migrate_tenants", stdout=told)
    assert told.getvalue() == "", "nothing to do, nothing done"


def test_a_broken_namespace_holds_up_no_other(pg: psycopg.Connection) -> None:
    broken, behind = new_tenant("broken").schema, new_tenant("behind").schema
    for schema in (broken, behind):
        _step_back(schema)
    in_the_way = sql.Identifier(broken, "datar_version")
    pg.execute(sql.SQL("CREATE SEQUENCE {}").format(in_the_way))
    told, errors = StringIO(), StringIO()
    with pytest.raises(CommandError, match=broken):
        call_command("migrate_tenants", stdout=told, stderr=errors)
    assert told.getvalue() == f"{behind}: migrated\n"
    assert broken in errors.getvalue()
    pg.execute(sql.SQL("DROP SEQUENCE {}").format(in_the_way))
    call_command("migrate_tenants", stdout=StringIO())
    assert migrating.behind([broken, behind]) == []


def _step_back(schema: str) -> None:
    with use(schema):
        call_command(Migrate(), "datatables", "0001", verbosity=0, interactive=False)
