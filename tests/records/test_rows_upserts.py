"""Upserts: what finds a row, what changes in it, in which order answers come, which keys are refused."""

from typing import Any

import pytest

from datar.errors import Conflict, DatarError, Invalid, InvalidFields, InvalidRows
from tests.records.engine import Engine, Rows
from tests.records.refusals import refused
from tests.records.together import together

USERS: dict[str, Any] = {
    "fields": [
        {"name": "email", "type": "string", "constraints": {"unique": True}},
        {"name": "org", "type": "string"},
        {"name": "number", "type": "integer"},
        {"name": "name", "type": "string"},
        {"name": "age", "type": "integer", "default": 18},
        {"name": "created_at", "type": "datetime"},
        {"name": "updated_at", "type": "datetime"},
    ],
    "uniqueKeys": [["org", "number"]],
}


@pytest.fixture
def users(engine: Engine) -> Rows:
    """Unique by key, by e-mail, and by org with number."""
    return engine.table("users", USERS)


def test_one_row_is_made_then_changed(users: Rows) -> None:
    made = users.upsert({"email": "a", "name": "Ann", "age": 30}, unique_fields="email")
    assert (made["created"], made["data"]["id"], made["data"]["age"]) == (True, 1, 30)
    again = users.upsert({"email": "a", "name": "Anna"}, unique_fields="email")
    assert again["created"] is False
    assert again["data"] == {**made["data"], "name": "Anna", "updated_at": again["data"]["updated_at"]}
    assert again["data"]["updated_at"] > made["data"]["updated_at"]
    assert users.upsert({"id": 1, "org": "x"})["data"] == {
        **again["data"],
        "org": "x",
        "updated_at": users.get(1)["updated_at"],
    }


def test_where_the_answer_says_the_row_is(users: Rows) -> None:
    first = users.records.upsert(b'{"email":"a"}', [("unique_fields", "email")])
    assert (first.created, first.record_id) == (True, "1")
    second = users.records.upsert(b'{"email":"a"}', [("unique_fields", "email")])
    assert (second.created, second.record_id) == (False, "")


def test_many_rows_keep_their_order_whatever_they_send(users: Rows) -> None:
    users.create([{"email": "a", "name": "A", "age": 1}, {"email": "b", "name": "B", "age": 2}])
    sent = [
        {"email": "c", "name": "C"},
        {"email": "a", "age": 10},
        {"email": "d"},
        {"email": "b", "name": "BB"},
        {"email": "e", "age": None, "name": "E"},
    ]
    answer = users.upsert(sent, unique_fields="email")
    assert (answer["created"], answer["updated"]) == (3, 2)
    seen = [(row["email"], row["name"], row["age"]) for row in answer["data"]]
    assert seen == [("c", "C", 18), ("a", "A", 10), ("d", None, 18), ("b", "BB", 2), ("e", "E", None)]
    assert list(answer) == ["data", "created", "updated"]
    minimal = users.records.upsert(b'[{"email":"c"},{"email":"z","age":1}]', [("unique_fields", "email")], minimal=True)
    assert minimal.body == b'{"created":1,"updated":1}'
    assert minimal.created is False


def test_generated_keys_among_sent_ones(users: Rows) -> None:
    answer = users.upsert([{"id": 7, "name": "a"}, {"name": "b"}, {"id": 3, "name": "c"}, {"name": "d", "age": 1}])
    assert [row["id"] for row in answer["data"]][0::2] == [7, 3]
    assert len({row["id"] for row in answer["data"]}) == 4
    assert (answer["created"], answer["updated"]) == (4, 0)
    assert users.create({"name": "next"})["id"] > 7


def test_unique_keys_of_several_fields_in_any_order(users: Rows) -> None:
    users.upsert({"org": "x", "number": 1, "name": "a"}, unique_fields="org,number")
    for text in ("number,org", '"org",number'):
        assert users.upsert({"org": "x", "number": 1, "name": "b"}, unique_fields=text)["created"] is False
    assert users.list()["total"] == 1


@pytest.mark.parametrize(
    "text", ["", "name", "nope", "org", "org,number,name", "email,email", "email,", "id,email", "email id", '"email']
)
def test_di_05_unique_fields_that_find_no_row(users: Rows, text: str) -> None:
    with refused(Invalid, "invalid_unique_fields"):
        users.upsert({"email": "a", "name": "x"}, unique_fields=text)
    assert users.list()["total"] == 0


def test_di_05_unique_fields_that_are_null_or_absent(users: Rows) -> None:
    for row in ({"email": None}, {"name": "x"}):
        for body in (row, [{"email": "ok"}, row]):
            with refused(Invalid, "invalid_unique_fields"):
                users.upsert(body, unique_fields="email")
    for partly in ({"org": "x"}, {"org": "x", "number": None}):
        with refused(Invalid, "invalid_unique_fields"):
            users.upsert(partly, unique_fields="org,number")
    assert users.list()["total"] == 0


def test_one_key_twice_names_both_rows(users: Rows) -> None:
    with refused(Conflict, "conflict_unique") as refusal:
        users.upsert([{"email": "a"}, {"email": "b"}, {"email": "a", "age": 1}], unique_fields="email")
    assert refusal.error.extra == {"fields": ["email"], "index": 2, "indexes": [0, 2]}
    assert users.list()["total"] == 0


def test_one_key_in_two_spellings(engine: Engine) -> None:
    kinds = {"number": (1, "1.0"), "datetime": ('"2024-01-01T00:00:00Z"', '"2024-01-01T02:00:00+02:00"')}
    kinds |= {"duration": ('"P1D"', '"PT24H"'), "time": ('"10:00"', '"10:00:00.0"')}
    for kind, (first, second) in kinds.items():
        rows = engine.table(kind, {"fields": [{"name": "k", "type": kind, "constraints": {"unique": True}}]})
        body = f'[{{"k":{first}}},{{"k":{second}}}]'.encode()
        with refused(Conflict, "conflict_unique") as refusal:
            rows.upsert(body, unique_fields="k")
        assert refusal.error.extra["indexes"] == [0, 1]
        assert rows.list()["total"] == 0


def test_what_is_sent_must_be_a_valid_create(engine: Engine) -> None:
    fields = [{"name": "n", "type": "string", "constraints": {"required": True}}, {"name": "o", "type": "integer"}]
    rows = engine.table("strict", {"fields": fields})
    rows.create({"n": "a"})
    with refused(InvalidFields) as refusal:
        rows.upsert({"id": 1, "o": 5})
    assert refusal.fields == {(None, "n", "required")}
    with refused(InvalidRows) as rows_refusal:
        rows.upsert([{"id": 1, "n": "b"}, {"id": 2, "n": 5}])
    assert rows_refusal.fields == {(1, "n", "invalid_type")}
    assert rows.list()["data"] == [{"id": 1, "n": "a", "o": None}]


def test_a_batch_is_all_or_nothing_over_its_groups(users: Rows) -> None:
    users.create([{"email": "taken", "org": "x", "number": 1}])
    batch = [{"email": "a"}, {"email": "b", "age": 1}, {"email": "c", "org": "x", "number": 1}]
    with refused(Conflict, "conflict_unique") as refusal:
        users.upsert(batch, unique_fields="email")
    assert refusal.error.extra == {"fields": ["org", "number"], "index": 2}
    assert users.list()["total"] == 1


def test_versions_and_instants_of_changed_rows(users: Rows) -> None:
    users.create({"email": "a", "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z"})
    before = users.get(1, _meta="true")
    after = users.upsert({"email": "a"}, unique_fields="email", _meta="true")["data"]
    assert after["created_at"] == "2020-01-01T00:00:00Z"
    assert after["updated_at"] > before["updated_at"]
    assert after["_version"] > before["_version"]
    assert after["_created_at"] == before["_created_at"]


def test_parameters_of_an_upsert(users: Rows) -> None:
    with refused(Invalid, "unknown_parameter"):
        users.upsert({"email": "a"}, nope="1")
    with refused(Invalid, "unknown_parameter"):
        users.upsert({"email": "a"}, on_error="skip")


def test_di_04_one_unique_value_at_once(users: Rows) -> None:
    results: list[str] = []

    def create() -> None:
        try:
            users.create({"email": "one"})
            results.append("created")
        except DatarError as error:
            results.append(error.code)

    together([create] * 50)
    assert sorted(results) == ["conflict_unique"] * 49 + ["created"]
    assert users.list()["total"] == 1


def test_di_04_upserts_race_for_the_same_keys(users: Rows) -> None:
    made: list[str] = []

    def upsert() -> None:
        for number in range(100):
            if users.upsert({"email": str(number)}, unique_fields="email")["created"]:
                made.append(str(number))

    together([upsert] * 8)
    assert sorted(made, key=int) == [str(number) for number in range(100)]
    assert users.list()["total"] == 100
