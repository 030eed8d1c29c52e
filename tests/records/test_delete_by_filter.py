"""DELETE by ``filter``: what is found is removed, all or none; what cannot be read removes nothing."""

import json
import threading
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from datar.errors import Conflict, DatarError, Invalid
from records import limits
from records.providers.postgres.columns import columns_of, qualified
from records.table import Table
from tests.records.engine import Engine, Rows
from tests.records.physical import assignment, lock
from tests.records.refusals import refused
from tests.records.stage import Stage
from tests.records.users import count

ID = {"name": "id", "type": "integer"}
AUTHORS: dict[str, Any] = {"fields": [ID, {"name": "name", "type": "string"}], "primaryKey": "id"}


def books(*, key: list[str], action: str = "NO ACTION") -> dict[str, Any]:
    """Books of authors, by a key of one's choice."""
    return {
        "fields": [
            {"name": "shelf", "type": "string"},
            {"name": "place", "type": "integer"},
            {"name": "author_id", "type": "integer"},
            {"name": "status", "type": "string"},
        ],
        "primaryKey": key,
        "foreignKeys": [
            {
                "fields": "author_id",
                "reference": {"resource": "authors", "fields": "id"},
                "x-actions": {"onDelete": action},
            }
        ],
    }


@pytest.fixture
def library(engine: Engine) -> tuple[Rows, Rows]:
    """Authors and books."""
    return filled_library(engine)


def filled_library(engine: Engine) -> tuple[Rows, Rows]:
    """Three authors; six books with a key of two fields, the last two of nobody."""
    authors = engine.table("authors", AUTHORS)
    authors.create([{"id": 1, "name": "Ann"}, {"id": 2, "name": "Bob"}, {"id": 3, "name": "Cy"}])
    rows = engine.table("books", books(key=["shelf", "place"]))
    owners = [1, 1, 2, 2, None, None]
    rows.create(
        [
            {"shelf": "a", "place": place, "author_id": owner, "status": "open" if place % 2 else "late"}
            for place, owner in enumerate(owners)
        ]
    )
    return authors, rows


def delete(rows: Rows, tree: Any) -> int:
    """How many rows went."""
    answer = rows.delete_many(filter=json.dumps(tree))
    assert list(answer) == ["deleted"]
    return int(answer["deleted"])


def places(rows: Rows) -> list[int]:
    """The places of the books that are left."""
    return [row["place"] for row in rows.list(ordering="place")["data"]]


@pytest.mark.parametrize(
    ("tree", "left"),
    [
        ({"status": "open"}, [0, 2, 4]),
        ({"status__in": ["open", "late"]}, []),
        ({"not": {"status": "open"}}, [1, 3, 5]),
        ({"or": [{"place": 0}, {"place__gte": 4}]}, [1, 2, 3]),
        ([{"field": "place", "operator": "between", "value": [1, 4]}], [0, 5]),
        ({"author_id__isnull": True}, [0, 1, 2, 3]),
        ({"author.name": "Ann"}, [2, 3, 4, 5]),
        ({"not": {"author.name": "Ann"}}, [0, 1, 4, 5]),
        ({"author.name": "Bob", "status": "late"}, [0, 1, 3, 4, 5]),
        ({"status": "nobody has it"}, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_what_a_filter_finds_is_removed(library: tuple[Rows, Rows], tree: Any, left: list[int]) -> None:
    _, rows = library
    assert delete(rows, tree) == 6 - len(left)
    assert places(rows) == left
    assert rows.list()["total"] == count(rows) == len(left)


def test_rows_are_found_through_many_of_theirs(library: tuple[Rows, Rows]) -> None:
    authors, rows = library
    assert delete(rows, {"author_id": 2}) == 2
    assert delete(authors, {"not": {"books.status__in": ["open", "late"]}}) == 2
    assert [row["name"] for row in authors.list()["data"]] == ["Ann"]


def test_rows_that_others_refer_to_stay(library: tuple[Rows, Rows]) -> None:
    authors, rows = library
    with refused(Conflict, "conflict_foreign_key") as refusal:
        delete(authors, {"id__lte": 3})
    assert refusal.error.extra == {"table": "books", "fields": ["id"]}
    assert (count(authors), count(rows)) == (3, 6)
    assert delete(authors, {"id": 3}) == 1


def test_rows_that_refer_to_each_other_go_together(engine: Engine) -> None:
    fields = [ID, {"name": "boss_id", "type": "integer"}]
    key = {"fields": "boss_id", "reference": {"resource": "", "fields": "id"}}
    staff = engine.table("staff", {"fields": fields, "primaryKey": "id", "foreignKeys": [key]})
    staff.create([{"id": 1, "boss_id": 2}, {"id": 2, "boss_id": 1}, {"id": 3, "boss_id": 1}])
    with refused(Conflict, "conflict_foreign_key"):
        delete(staff, {"id__lte": 2})
    assert delete(staff, {"boss.boss_id__gte": 1}) == 3


def test_di_22_what_cannot_be_read_removes_nothing(library: tuple[Rows, Rows]) -> None:
    _, rows = library
    for params, code in WRONG:
        with pytest.raises(DatarError) as caught:
            rows.records.delete_many(params)
        assert isinstance(caught.value, Invalid), params
        assert caught.value.code == code, (params, caught.value)
        assert count(rows) == 6, params


OPEN = '{"status":"open"}'
WRONG: list[tuple[list[tuple[str, str]], str]] = [
    ([], "filter_required"),
    ([("filter", "")], "filter_required"),
    ([("filter", "{}")], "filter_required"),
    ([("filter", "[]")], "filter_required"),
    ([("filter", " { } ")], "invalid_filter"),
    ([("filter", "null")], "filter_required"),
    ([("filter", '{"and":[]}')], "invalid_filter"),
    ([("filter", '{"or":[{"status":"open"},{}]}')], "invalid_filter"),
    ([("filter", '{"not":{}}')], "invalid_filter"),
    ([("filter", "garbage")], "invalid_json"),
    ([("filter", '{"status":"open"')], "invalid_json"),
    ([("filter", '{"status":"open","status":"late"}')], "json_duplicate_key"),
    ([("filter", "1")], "invalid_filter"),
    ([("filter", '{"stauts":"open"}')], "unknown_field"),
    ([("filter", '{"author.nmae":"Ann"}')], "unknown_field"),
    ([("filter", '{"status__qe":"open"}')], "unknown_operator"),
    ([("filter", '{"place__contains":"1"}')], "operator_not_supported"),
    ([("filter", '{"place":"x"}')], "invalid_type"),
    ([("filter", '{"status__in":[]}')], "invalid_filter"),
    ([("ids", "")], "invalid_parameter"),
    ([("ids", "a,0,,a,1")], "invalid_parameter"),
    ([("ids", "all")], "invalid_parameter"),
    ([("ids", "a,0"), ("filter", OPEN)], "invalid_parameter"),
    ([("filter", OPEN), ("filter", "{}")], "invalid_parameter"),
    ([("filter", OPEN), ("place", "1")], "unknown_parameter"),
    ([("filter", OPEN), ("_meta", "true")], "unknown_parameter"),
    ([("filter", OPEN), ("page_size", "1")], "unknown_parameter"),
    ([("filters", OPEN)], "unknown_parameter"),
    ([("fitler", OPEN)], "unknown_parameter"),
    ([("status", "open")], "unknown_parameter"),
]


def keep(engine: Engine, connection: "psycopg.Connection[Any]", table: Table) -> None:
    """The status of the book at place 1 becomes ``kept``; other writers of it wait for the connection's transaction."""
    status, place = table.by_name["status"], table.by_name["place"]
    if table.identity.store == "mongodb":
        lock(engine, connection, table)
        engine.collection(table).update_one({f"_id.{place.column}": 1}, {"$set": {status.column: "kept"}})
        return
    change = SQL("UPDATE {table} SET {change} WHERE {place} = 1").format(
        table=qualified(table), change=assignment(table, "status", SQL("'kept'")), place=columns_of(place)[0].of()
    )
    connection.execute(change)


@pytest.mark.parametrize(("tree", "went"), [({"status": "open"}, 2), ({"status": "open", "author.name": "Ann"}, 0)])
def test_a_row_that_no_longer_fits_stays(
    library: tuple[Rows, Rows], engine: Engine, tree: dict[str, Any], went: int
) -> None:
    """Somebody changes a row while the delete waits for it: the delete looks again."""
    _, rows = library
    gone: list[int] = []
    with psycopg.connect(engine.url) as connection:
        keep(engine, connection, rows.table)
        worker = threading.Thread(target=lambda: gone.append(delete(rows, tree)))
        worker.start()
        worker.join(0.3)
        assert worker.is_alive()
        connection.commit()
        worker.join(10)
    assert gone == [went]
    assert places(rows) == ([0, 1, 2, 4] if went else [0, 1, 2, 3, 4, 5])


def test_a_filter_of_an_older_schema_is_understood_anew(engine: Engine) -> None:
    stage = Stage(engine)
    new = stage.rename()
    assert delete(stage.old, {"a": 4}) == 1
    assert count(new) == 1


def test_nothing_is_found_by_an_older_schema(engine: Engine) -> None:
    """A delete that removes nothing asks whether its revision still stands."""
    stage = Stage(engine)
    stage.change("a")
    with refused(Invalid, "unknown_field"):
        delete(stage.old, {"b": 99})


def test_a_relation_of_an_older_schema_is_understood_anew(library: tuple[Rows, Rows], engine: Engine) -> None:
    """The other table changed: its guard does not hold, so names are looked up again."""
    _, rows = library
    with psycopg.connect(engine.url, autocommit=True) as connection:
        place = SQL("UPDATE {}.datar_datatable SET revision = 2 WHERE name = 'authors'")
        connection.execute(place.format(Identifier(engine.namespace)))
    with pytest.raises(DatarError):
        delete(rows, {"author.name": "Ann"})
    assert count(rows) == 6


def test_a_removal_by_filter_has_the_deadline_of_bulk_writes(sql_engine: Engine) -> None:
    engine = sql_engine
    _, rows = filled_library(engine)
    space = Identifier(engine.namespace)
    with psycopg.connect(engine.url, autocommit=True) as connection:
        for statement in (
            "CREATE TABLE {space}.deadlines (told text)",
            "CREATE FUNCTION {space}.tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " INSERT INTO {space}.deadlines VALUES (current_setting('statement_timeout')); RETURN OLD; END $$",
            "CREATE TRIGGER tell BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {space}.tell()",
        ):
            connection.execute(SQL(statement).format(space=space, table=qualified(rows.table)))
        assert delete(rows, {"place": 0}) == 1
        told = connection.execute(SQL("SELECT told FROM {space}.deadlines").format(space=space)).fetchall()
    assert told == [(f"{limits.BULK_SECONDS:g}s",)]
