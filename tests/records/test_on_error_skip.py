"""``on_error=skip``: what can be stored is, the rest is reported with its reasons; one transaction."""

import itertools
import time
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from datar.errors import Conflict, Invalid, InvalidRows
from records import limits
from records.providers.postgres.columns import qualified
from tests.records.engine import Engine, Rows
from tests.records.physical import set_back
from tests.records.refusals import refused
from tests.records.stage import Stage
from tests.records.users import count

ID = {"name": "id", "type": "integer"}
STAFF: dict[str, Any] = {
    "fields": [
        ID,
        {"name": "boss_id", "type": "integer"},
        {"name": "code", "type": "string", "constraints": {"unique": True}},
    ],
    "primaryKey": "id",
    "foreignKeys": [{"fields": "boss_id", "reference": {"resource": "", "fields": "id"}}],
}


def person(email: str, **more: Any) -> dict[str, Any]:
    """A row of users."""
    return {"email": email, "name": "N", **more}


def refusals(answer: Any) -> dict[int, list[str]]:
    """Places of the rows left out, and the fields they were refused for."""
    return {each["index"]: list(each["errors"]) for each in answer["errors"]}


def test_good_rows_are_stored_and_bad_ones_reported(users: Rows) -> None:
    users.create(person("taken"))
    answer = users.skip(
        [
            person("a"),
            person("taken"),
            {"email": "b"},
            person("c", age="x", nope=1),
            person("d"),
            person("a"),
            "text",
            person("e", age=7),
        ]
    )
    assert [row["email"] for row in answer["data"]] == ["a", "d", "e"]
    assert [row["age"] for row in answer["data"]] == [18, 18, 7]
    assert all(row["created_at"] for row in answer["data"])
    assert (answer["created"], answer["skipped"]) == (3, 5)
    assert refusals(answer) == {1: ["email"], 2: ["name"], 3: ["age", "nope"], 5: ["email"], 6: ["non_field_errors"]}
    assert answer["errors"][0]["errors"] == {"email": ["A row with this value exists already."]}
    assert answer["errors"][3]["errors"] == {"email": ["Has the same 'email' as row 0; send each once."]}
    assert count(users) == 4
    assert users.list()["total"] == 4


def test_every_row_is_good(users: Rows) -> None:
    answer = users.skip([person(str(number)) for number in range(300)])
    assert (answer["created"], answer["skipped"], answer["errors"]) == (300, 0, [])
    assert [row["email"] for row in answer["data"]] == [str(number) for number in range(300)]


def test_no_row_is_good(users: Rows) -> None:
    users.create(person("taken"))
    for body in ([person("taken")], [{"nope": 1}], [{"nope": 1}, person("taken")]):
        answer = users.skip(body)
        assert (answer["data"], answer["created"], answer["skipped"]) == ([], 0, len(body))
    assert count(users) == 1


def test_counts_alone(users: Rows) -> None:
    answer = users.skip([person("a"), person("b"), person("a")], minimal=True)
    assert list(answer) == ["created", "skipped", "errors"]
    assert (answer["created"], answer["skipped"]) == (2, 1)


def test_the_system_columns(users: Rows) -> None:
    answer = users.skip([person("a"), person("a")], _meta="true")
    assert answer["data"][0]["_version"] > 0


def test_words_that_do_not_go_with_it(users: Rows) -> None:
    with refused(Invalid, "invalid_type"):
        users.skip(person("a"))
    wrong: list[Any] = [[], "x", 1]
    for body in wrong:
        with refused(Invalid, "invalid_type"):
            users.skip(body)
    for word in ("", "SKIP", "ignore"):
        with refused(Invalid, "invalid_parameter"):
            users.create([person("a")], on_error=word)
    with refused(Invalid, "unknown_parameter"):
        users.skip([person("a")], nope="1")
    with refused(Invalid, "unknown_parameter"):
        users.upsert([person("a")], on_error="skip")
    with refused(InvalidRows):
        users.create([person("a"), {}], on_error="fail")
    assert users.create(person("a"), on_error="fail")["id"]
    assert count(users) == 1


def test_only_the_first_errors_are_shown(users: Rows) -> None:
    answer = users.skip([*({"age": "x"} for _ in range(150)), *(person("same") for _ in range(5))])
    assert (answer["created"], answer["skipped"]) == (1, 154)
    assert list(refusals(answer)) == list(range(limits.ERRORS_SHOWN))


def test_the_first_of_equals_stays_unless_it_is_refused(engine: Engine) -> None:
    staff = engine.table("staff", STAFF)
    answer = staff.skip(
        [
            {"id": 1, "code": "a", "boss_id": 99},
            {"id": 2, "code": "a"},
            {"id": 3, "code": "a"},
            {"id": 2, "code": "b"},
            {"id": 1, "code": "c"},
        ]
    )
    assert [(row["id"], row["code"]) for row in answer["data"]] == [(2, "a"), (1, "c")]
    assert refusals(answer) == {0: ["boss_id"], 2: ["code"], 3: ["id"]}


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_rows_refer_to_rows_of_the_batch_in_any_order(engine: Engine, order: tuple[int, ...]) -> None:
    staff = engine.table("staff", STAFF)
    chain = [{"id": 1}, {"id": 2, "boss_id": 1}, {"id": 3, "boss_id": 2}, {"id": 4, "boss_id": 3}]
    batch = [chain[place] for place in order]
    for bad in ({"id": 9, "boss_id": 77}, {"id": 10, "boss_id": 9}):
        batch.insert(1, bad)
    answer = staff.skip(batch)
    assert [row["id"] for row in answer["data"]] == [chain[place]["id"] for place in order]
    assert refusals(answer) == {1: ["boss_id"], 2: ["boss_id"]}


def test_a_missing_parent_of_another_table(engine: Engine) -> None:
    parents = engine.table("parents", {"fields": [ID], "primaryKey": "id"})
    parents.create([{"id": 1}])
    key = {"fields": "parent_id", "reference": {"resource": "parents", "fields": "id"}}
    fields = [{"name": "parent_id", "type": "integer"}]
    children = engine.table("children", {"fields": fields, "foreignKeys": [key]})
    answer = children.skip([{"parent_id": 1 if number % 7 else 5} for number in range(100)])
    assert answer["created"] == 85
    assert list(refusals(answer)) == list(range(0, 100, 7))
    assert answer["errors"][0]["errors"] == {
        "parent_id": ["This row refers to a row of table 'parents' that does not exist."]
    }


def test_foreign_keys_that_wait_for_the_end(sql_engine: Engine) -> None:
    """Tables that point at each other have deferred keys; they are asked at once here."""
    engine = sql_engine
    one = engine.define("one", {"fields": [ID, {"name": "two_id", "type": "integer"}], "primaryKey": "id"})
    pointing = {"fields": "one_id", "reference": {"resource": "one", "fields": "id"}}
    two = engine.define(
        "two", {"fields": [ID, {"name": "one_id", "type": "integer"}], "primaryKey": "id", "foreignKeys": [pointing]}
    )
    engine.make(one, two)
    rows = engine.rows("two")
    with psycopg.connect(engine.url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid = %s::regclass",
            [f"{engine.namespace}.{two.identity.physical_name}"],
        ).fetchone()
        assert found is not None
        alter = SQL("ALTER TABLE {} ALTER CONSTRAINT {} DEFERRABLE INITIALLY DEFERRED")
        connection.execute(alter.format(qualified(two), Identifier(found[0])))
    engine.rows("one").create([{"id": 1}])
    answer = rows.skip([{"id": 1, "one_id": 1}, {"id": 2, "one_id": 2}, {"id": 3}])
    assert [row["id"] for row in answer["data"]] == [1, 3]
    assert refusals(answer) == {1: ["one_id"]}


def test_a_sequence_that_lies_behind_is_mended(users: Rows, engine: Engine) -> None:
    users.create([person("first")])
    users.create([{"id": 2, **person("planted")}, {"id": 3, **person("other")}])
    set_back(engine, users.table, 1)
    answer = users.skip([person("a"), person("b"), person("a")])
    assert [row["email"] for row in answer["data"]] == ["a", "b"]
    assert [row["id"] for row in answer["data"]] == sorted(row["id"] for row in answer["data"])


def test_a_unique_index_of_some_rows(engine: Engine) -> None:
    index = {"name": "one_open", "fields": ["who"], "unique": True, "where": {"open": True}}
    fields = [{"name": "who", "type": "string"}, {"name": "open", "type": "boolean"}]
    rows = engine.table("tasks", {"fields": fields, "indexes": [index]})
    answer = rows.skip([{"who": "a", "open": flag} for flag in (False, True, True, False)])
    assert [row["open"] for row in answer["data"]] == [False, True, False]
    assert refusals(answer) == {2: ["who"]}


def test_all_is_undone_when_the_whole_fails(users: Rows, engine: Engine) -> None:
    """A key space that is used up is no fault of one row."""
    users.create({"id": 2**63 - 1, **person("last")})
    with refused(Conflict, "key_space_exhausted"):
        users.skip([{"id": 5, **person("a")}, person("b"), {"id": 5, **person("c")}])
    assert count(users) == 1


def test_a_newer_schema_is_met(engine: Engine) -> None:
    stage = Stage(engine)
    stage.change("a", "b")
    answer = stage.old.skip([{"a": 1, "b": 2, "c": 3}, {"a": 5}, {"a": "x"}])
    assert [row["a"] for row in answer["data"]] == [5]
    assert refusals(answer) == {0: ["c"], 2: ["a"]}
    assert count(stage.old) == 3


def test_many_refusals_end_in_time(users: Rows) -> None:
    users.create([person(f"t{number}") for number in range(0, 10_000, 2)])
    answer = users.skip([person(f"t{number}") for number in range(10_000)], minimal=True)
    assert (answer["created"], answer["skipped"]) == (5000, 5000)


def test_rows_that_need_each_other_get_in_together(engine: Engine) -> None:
    staff = engine.table("staff", STAFF)
    staff.create([{"id": 50, "code": "taken"}])
    circle = [{"id": 1, "boss_id": 3}, {"id": 2, "boss_id": 1}, {"id": 3, "boss_id": 2}]
    answer = staff.skip([circle[0], {"id": 9, "code": "taken"}, circle[1], {"id": 10, "boss_id": 9}, circle[2]])
    assert [row["id"] for row in answer["data"]] == [1, 2, 3]
    assert refusals(answer) == {1: ["code"], 3: ["boss_id"]}


def test_a_long_chain_in_reverse(engine: Engine) -> None:
    staff = engine.table("staff", STAFF)
    chain = [{"id": number, "boss_id": number - 1 if number else None} for number in range(1000)]
    answer = staff.skip([{"id": 5000, "boss_id": 4999}, *reversed(chain)], minimal=True)
    assert (answer["created"], refusals(answer)) == (1000, {0: ["boss_id"]})


def test_a_long_chain_without_its_first(engine: Engine) -> None:
    staff = engine.table("staff", STAFF)
    chain = [{"id": number, "boss_id": number - 1} for number in range(1, 5001)]
    started = time.monotonic()
    answer = staff.skip([*chain, {"id": 9000, "boss_id": 9000}], minimal=True)
    assert (answer["created"], answer["skipped"]) == (1, 5000)
    assert time.monotonic() - started < 5
