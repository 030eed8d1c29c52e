"""What a table of documents keeps where, and that the database holds to it. What it answers every other test sees."""

from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL

from records.documents import own_columns
from records.filters import own_condition
from records.params.tree import parse_tree
from records.providers.postgres.binding import Constants
from records.providers.postgres.columns import qualified
from records.providers.postgres.source import Source
from records.providers.postgres.where import condition_text
from tests.records.engine import Engine, Rows
from tests.records.together import together

FIELDS: list[dict[str, Any]] = [
    {"name": "word", "type": "string", "constraints": {"required": True, "maxLength": 5}},
    {"name": "flag", "type": "boolean"},
    {"name": "many", "type": "integer", "constraints": {"minimum": 0}},
    {"name": "long", "type": "duration"},
    {"name": "place", "type": "geopoint"},
    {"name": "code", "type": "string", "constraints": {"unique": True}},
]


@pytest.fixture
def documents(database_url: str) -> Any:
    """An engine whose tables are documents, whatever the layout of the run."""
    engine = Engine(database_url, "document")
    yield engine
    engine.close()


@pytest.fixture
def rows(documents: Engine) -> Rows:
    """A table of documents."""
    return documents.table("things", {"fields": FIELDS})


def stored(engine: Engine, rows: Rows) -> list[Any]:
    """The documents as they lie there, by key."""
    with psycopg.connect(engine.url) as connection:
        found = connection.execute(SQL("SELECT data FROM {} ORDER BY id_1").format(qualified(rows.table)))
        return [document for (document,) in found]


@pytest.mark.no_database
@pytest.mark.parametrize(
    ("descriptor", "labels"),
    [
        ({"fields": [{"name": "a"}]}, {"id"}),
        ({"fields": [{"name": "a"}, {"name": "b"}], "primaryKey": ["a"]}, {"a"}),
        (
            {"fields": [{"name": "a", "constraints": {"unique": True}}], "uniqueKeys": [["b", "c"], "d"]},
            set("abcd") | {"id"},
        ),
        ({"foreignKeys": [{"fields": "a"}, {"fields": ["b"], "x-enforced": False}]}, {"a", "b", "id"}),
        ({"fields": [{"name": "created_at", "type": "datetime"}, {"name": "updated_at"}]}, {"created_at", "id"}),
        (
            {
                "fields": [{"name": "a"}, {"name": 'b"c'}, {"name": "d"}],
                "indexes": [{"fields": "a", "where": {'"b""c"__gt': 1}}],
            },
            {"a", 'b"c', "id"},
        ),
        (
            {"indexes": [{"fields": ["a"], "where": [{"field": "n", "value": 1}]}], "fields": [{"name": "n"}]},
            {"a", "n", "id"},
        ),
        ({"fields": 5, "primaryKey": {}, "indexes": [7, {"fields": 3, "where": [None]}], "foreignKeys": "x"}, {"id"}),
        ([], set()),
        (None, set()),
    ],
)
def test_fields_with_columns_of_their_own(descriptor: Any, labels: set[str]) -> None:
    assert own_columns(descriptor) == labels


def test_columns_of_a_table_of_documents(documents: Engine, rows: Rows) -> None:
    with psycopg.connect(documents.url) as connection:
        found = connection.execute(SQL("SELECT * FROM {}").format(qualified(rows.table))).description
    assert found is not None
    assert [each.name for each in found] == ["id_1", "code_7", "data", "_created_at", "_updated_at", "_version"]


def test_null_and_absent_are_not_in_the_document(documents: Engine, rows: Rows) -> None:
    rows.create([{"word": "a", "flag": None}, {"word": "b", "many": 3, "long": "PT1H", "place": [1.5, 2]}])
    assert stored(documents, rows) == [
        {"2": "a"},
        {"2": "b", "4": 3, "5": "PT1H", "5_2": 3600, "6": 1.5, "6_2": 2},
    ]
    rows.update(2, {"long": None, "place": None, "flag": True})
    rows.update_many([{"id": 1, "many": 7}, {"id": 2, "many": None, "word": "c"}])
    assert stored(documents, rows) == [{"2": "a", "4": 7}, {"2": "c", "3": True}]


def test_an_upsert_changes_the_members_that_were_sent(documents: Engine) -> None:
    fields = [*FIELDS, {"name": "stars", "type": "integer", "default": 3}]
    rows = documents.table("starred", {"fields": fields})
    rows.create({"word": "a", "stars": 5, "many": 1, "code": "x"})
    changed = rows.upsert([{"word": "b", "many": None, "code": "x"}, {"word": "n", "code": "y"}], unique_fields="code")
    assert [(row["word"], row["stars"], row["many"]) for row in changed["data"]] == [("b", 5, None), ("n", 3, None)]


def test_di_03_changes_of_different_members_at_once_are_all_kept(rows: Rows) -> None:
    rows.create({"word": "a"})
    together(
        [
            lambda: [rows.update(1, {"many": number}) for number in range(30)],
            lambda: [rows.update(1, {"flag": bool(number % 2)}) for number in range(30)],
            lambda: [rows.update_many([{"id": 1, "long": f"PT{number}S"}]) for number in range(30)],
        ]
    )
    assert rows.get(1) == {
        "id": 1, "word": "a", "flag": True, "many": 29, "long": "PT29S", "place": None, "code": None,
    }  # fmt: skip


@pytest.mark.parametrize("document", ["{}", '{"2": "a", "4": -1}', '{"2": "abcdef"}'])
def test_the_database_holds_to_the_schema(documents: Engine, rows: Rows, document: str) -> None:
    with psycopg.connect(documents.url) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(SQL("INSERT INTO {} (data) VALUES ({}::jsonb)").format(qualified(rows.table), document))


def test_equalities_are_found_through_the_index(documents: Engine, rows: Rows) -> None:
    """Not those under a negation: there null must stay unknown."""
    rows.create([{"word": f"w{number}", "many": number if number % 2 else None} for number in range(2000)])
    with psycopg.connect(documents.url, autocommit=True) as connection:
        connection.execute(SQL("VACUUM ANALYZE {}").format(qualified(rows.table)))
        for tree, served in (
            ({"word": "w77"}, True),
            ({"many": 77, "word__gt": "a"}, True),
            ({"not": {"many": 77}}, False),
            ({"or": [{"word": "w0"}, {"many": 77}]}, False),
        ):
            source = Source(rows.table)
            condition = condition_text(own_condition(parse_tree(tree), rows.table), source, Constants())
            asked = SQL("EXPLAIN SELECT FROM {} WHERE {}").format(source.text, condition)
            plan = "\n".join(line for (line,) in connection.execute(asked))
            assert ("Bitmap Index Scan" in plan, "@>" in plan) == (served, served), plan
    assert [row["word"] for row in rows.ask(("word", "w77"), ("many__gte", "5"))["data"]] == ["w77"]
    assert rows.ask(("many", "8"))["total"] == 0
    assert rows.ask(("filters", '{"not": {"many": 77}}'))["total"] == 999
    assert rows.ask(("filters", '{"or": [{"word": "w0"}, {"not": {"many": 77}}]}'))["total"] == 1000
