"""Create, change, replace, delete: one row and many, all or nothing, with ids of every kind."""

from collections.abc import Callable
from typing import Any

from datar.errors import Conflict, Invalid, InvalidFields, InvalidRows, NotFound
from tests.records.engine import Engine, Rows, read, write
from tests.records.physical import set_back
from tests.records.refusals import refused
from tests.records.together import together
from tests.records.users import count


def test_create_one(users: Rows) -> None:
    answer = users.records.create(write({"email": "a@x.example", "name": "Ann"}), ())
    assert (answer.created, answer.record_id) == (True, "1")
    made = read(answer.body)["data"]
    assert made == {**made, "id": 1, "email": "a@x.example", "name": "Ann", "age": 18}
    assert made["created_at"] == made["updated_at"]
    assert users.get(1) == made


def test_create_many_keeps_the_order(users: Rows) -> None:
    sent = [{"name": f"n{number}", "age": number} for number in range(300, 0, -1)]
    made = users.create(sent)
    assert [row["age"] for row in made] == list(range(300, 0, -1))
    assert [row["id"] for row in made] == list(range(1, 301))
    # Rows that send different fields, defaults and nulls.
    made = users.create([{"name": "a"}, {"name": "b", "age": None}, {"name": "c", "age": 5, "email": "c"}])
    assert [(row["age"], row["email"]) for row in made] == [(18, None), (None, None), (5, "c")]


def test_create_minimal(users: Rows) -> None:
    answer = users.records.create(write([{"name": "a"}, {"name": "b"}]), (), minimal=True)
    assert (answer.body, answer.created, answer.record_id) == (b'{"created":2}', True, "")
    assert users.records.create(write({"name": "c"}), (), minimal=True).body == b'{"created":1}'
    assert count(users) == 3


def test_di_21_explicit_keys_move_the_sequence_on(users: Rows) -> None:
    assert users.create({"id": 1, "name": "explicit"})["id"] == 1
    assert users.create({"name": "generated"})["id"] == 2
    assert [row["id"] for row in users.create([{"id": 10, "name": "a"}, {"name": "b"}, {"id": 5, "name": "c"}])] == [
        10,
        11,
        5,
    ]
    assert [row["id"] for row in users.create([{"id": 20, "name": "a"}, {"id": 19, "name": "b"}])] == [20, 19]
    assert users.create({"name": "c"})["id"] == 21
    assert users.create({"id": -5, "name": "d"})["id"] == -5
    with refused(InvalidFields):
        users.create({"id": None, "name": "e"})  # null is not absent
    assert users.upsert({"id": 30, "name": "f"})["data"]["id"] == 30
    assert users.create({"name": "g"})["id"] == 31
    with refused(Conflict, "conflict_unique") as refusal:
        users.create({"id": 31, "name": "h"})
    assert refusal.error.extra == {"fields": ["id"]}


def test_di_21_the_last_key_of_all(users: Rows) -> None:
    users.create({"id": 2**63 - 1, "name": "last"})
    with refused(Conflict, "key_space_exhausted"):
        users.create({"name": "none left"})
    for key in (7, -1, -(2**63), -(2**63) + 1):
        assert users.create({"id": key, "name": "mine"})["id"] == key
        assert users.create([{"id": key + 2, "name": "mine"}])[0]["id"] == key + 2


def test_a_sequence_that_lies_behind_heals(engine: Engine, users: Rows) -> None:
    users.create([{"name": f"n{number}"} for number in range(50)])
    for expected in (51, 52):
        set_back(engine, users.table, 3)
        made = users.create({"name": "after"}) if expected == 51 else users.create([{"name": "after"}])[0]
        assert made["id"] == expected


def test_explicit_and_generated_keys_at_once(users: Rows) -> None:
    """No created row is refused because of another's explicit key, whoever comes first."""

    def writer(step: int) -> Callable[[], None]:
        def work() -> None:
            for number in range(40):
                users.create({"id": step * (number + 1), "name": "x"} if step else {"name": "y"})

        return work

    together([writer(0), writer(0), writer(0), writer(10**6)])
    assert count(users) == 160


def test_generated_uuid_keys(engine: Engine) -> None:
    fields = [{"name": "key", "type": "string", "format": "uuid"}, {"name": "n", "type": "integer"}]
    rows = engine.table("uuids", {"fields": fields, "primaryKey": "key"})
    made = rows.create([{"n": number} for number in range(5)])
    keys = [row["key"] for row in made]
    assert len(set(keys)) == 5
    assert all(key[14] == "7" for key in keys)
    sent = "0190A1B2-0000-7000-8000-00000000000A"
    assert rows.create({"key": sent, "n": 9})["key"] == sent.lower()
    assert rows.get(sent)["n"] == rows.get(sent.lower())["n"] == 9
    assert rows.upsert({"key": sent, "n": 10}) == {"data": {"key": sent.lower(), "n": 10}, "created": False}
    assert rows.delete_many(ids=sent) == {"deleted": 1, "ids": [sent.lower()]}


def test_patch_changes_what_is_sent(users: Rows) -> None:
    made = users.create({"email": "a", "name": "Ann", "age": 30})
    changed = users.update(1, {"age": 31})
    assert changed == {**made, "age": 31, "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > made["updated_at"]
    assert users.update(1, {"updated_at": "2020-01-01T00:00:00Z"})["updated_at"] == "2020-01-01T00:00:00Z"
    assert users.update(1, {"id": 1, "email": None})["email"] is None
    with refused(InvalidFields) as refusal:
        users.update(1, {"id": 2})
    assert refusal.fields == {(None, "id", "read_only_field")}
    for body in ([], [{"name": "x"}], 5, "x", None):
        with refused(Invalid, "invalid_type"):
            users.update(1, body)
    with refused(NotFound):
        users.update(2, {"age": 1})


def test_put_fills_what_is_absent(users: Rows) -> None:
    made = users.create({"email": "a", "name": "Ann", "age": 30, "created_at": "2020-01-01T00:00:00Z"})
    replaced = users.update(1, {"name": "Bob"}, replace=True)
    assert replaced == {
        "id": 1,
        "email": None,
        "name": "Bob",
        "age": 18,
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": replaced["updated_at"],
    }
    assert replaced["updated_at"] > made["updated_at"]
    assert users.update(1, replaced, replace=True) == replaced
    assert users.update(1, {"name": "x", "created_at": None}, replace=True)["created_at"] is None
    with refused(InvalidFields) as refusal:
        users.update(1, {"email": "b"}, replace=True)
    assert refusal.fields == {(None, "name", "required")}
    with refused(InvalidFields) as refusal:
        users.update(1, {"id": 2, "name": "x"}, replace=True)
    assert refusal.fields == {(None, "id", "read_only_field")}
    with refused(NotFound):
        users.update(2, {"name": "x"}, replace=True)


def test_bulk_patch_keeps_the_order_and_what_is_not_sent(users: Rows) -> None:
    users.create([{"name": f"n{number}", "age": number, "email": f"e{number}"} for number in range(1, 6)])
    changed = users.update_many([{"id": 4, "age": 40}, {"id": 1, "name": "one"}, {"id": 3, "age": None, "email": None}])
    seen = [(row["id"], row["name"], row["age"], row["email"]) for row in changed]
    assert seen == [(4, "n4", 40, "e4"), (1, "one", 1, "e1"), (3, "n3", None, None)]
    assert [users.get(row["id"]) for row in changed] == changed
    assert users.update_many([{"id": 2}])[0]["name"] == "n2"


def test_bulk_patch_of_columns_of_two_parts(engine: Engine) -> None:
    fields = [{"name": "d", "type": "duration"}, {"name": "p", "type": "geopoint"}, {"name": "n", "type": "integer"}]
    rows = engine.table("wide", {"fields": fields})
    rows.create([{"d": "P1D", "p": [1, 2], "n": 1}, {"d": "P2D", "p": [3, 4], "n": 2}])
    changed = rows.update_many([{"id": 2, "p": [5, 6]}, {"id": 1, "d": "P3D", "n": 9}])
    assert changed == [{"id": 2, "d": "P2D", "p": [5, 6], "n": 2}, {"id": 1, "d": "P3D", "p": [1, 2], "n": 9}]
    assert [row["id"] for row in rows.list(d__gt="P2D")["data"]] == [1]


def test_di_07_bulk_writes_are_all_or_nothing(users: Rows) -> None:
    rows: list[dict[str, Any]] = [{"name": f"n{number}", "email": f"e{number}"} for number in range(1000)]
    with refused(InvalidRows, "validation_error") as refusal:
        users.create([*rows[:500], {"name": 5}, *rows[500:]])
    assert refusal.fields == {(500, "name", "invalid_type")}
    with refused(Conflict, "conflict_unique") as refusal:
        users.create([*rows, {"name": "twin", "email": "e7"}])
    assert refusal.error.extra == {"fields": ["email"], "index": 1000, "indexes": [7, 1000]}
    assert count(users) == 0
    made = [row["id"] for row in users.create(rows)]
    with refused(Conflict, "conflict_unique") as refusal:
        users.create([{"name": "a", "email": "new"}, {"name": "b", "email": "e998"}])
    assert refusal.error.extra == {"fields": ["email"], "index": 1}
    with refused(NotFound) as refusal:
        users.update_many([{"id": number, "age": 1} for number in [*made[:100], 5000]])
    assert refusal.error.extra == {"ids": [5000]}
    assert users.list(age="1")["total"] == 0
    with refused(NotFound) as refusal:
        users.delete_many(ids=f"{made[0]},77777,{made[1]},88888")
    assert refusal.error.extra == {"ids": [77777, 88888]}
    with refused(NotFound) as refusal:
        users.delete_many(ids="77777")
    assert refusal.error.extra == {"ids": [77777]}
    assert count(users) == 1000


def test_the_index_of_a_conflicting_change(users: Rows) -> None:
    users.create([{"name": "a", "email": "a"}, {"name": "b", "email": "b"}, {"name": "c", "email": "c"}])
    # Row 0 sends what it has already: it does not stand against itself.
    with refused(Conflict, "conflict_unique") as refusal:
        users.update_many([{"id": 1, "email": "a"}, {"id": 2, "email": "c"}])
    assert refusal.error.extra == {"fields": ["email"], "index": 1}
    with refused(Conflict, "conflict_unique") as refusal:
        users.update(1, {"email": "b"})
    assert refusal.error.extra == {"fields": ["email"]}
    with refused(Conflict, "conflict_unique") as refusal:
        users.upsert([{"id": 1, "name": "a", "email": "a"}, {"id": 3, "name": "c", "age": 1, "email": "b"}])
    assert refusal.error.extra == {"fields": ["email"], "index": 1}
    assert [row["email"] for row in users.list()["data"]] == ["a", "b", "c"]


def test_bulk_patch_refusals(users: Rows) -> None:
    users.create([{"name": "a"}, {"name": "b"}])
    with refused(InvalidRows) as refusal:
        users.update_many([{"id": 1}, {"name": "x"}, {"age": 3}])
    assert refusal.fields == {(1, "id", "required"), (2, "id", "required")}
    with refused(InvalidRows) as refusal:
        users.update_many([{"id": 1}, {"id": None, "age": 3}])
    assert refusal.fields == {(1, "id", "required")}
    with refused(Conflict, "conflict_unique") as refusal:
        users.update_many([{"id": 1, "age": 1}, {"id": 2}, {"id": 1, "age": 2}])
    assert refusal.error.extra == {"fields": ["id"], "index": 2, "indexes": [0, 2]}
    bodies: list[Any] = [{"id": 1}, [], 5, None]
    for body in bodies:
        with refused(Invalid, "invalid_type"):
            users.records.update_many(write(body), ())
    with refused(InvalidRows):
        users.update_many([5])


def test_bodies_that_are_no_rows(users: Rows) -> None:
    for body in (b"[]", b"null", b"5", b'"x"', b"true"):
        with refused(Invalid, "invalid_type"):
            users.records.create(body, ())
    for body in (b"", b"{", b"{}x", b"{'a':1}", b"//\n{}", b"\xef\xbb\xbf{}", '{"a":1}'.encode("utf-16")):
        with refused(Invalid, "invalid_json"):
            users.records.create(body, ())
    with refused(InvalidRows) as refusal:
        users.create([{"name": "ok"}, [], None])
    assert {index for index, _, _ in refusal.fields} == {1, 2}
    for field, code in (("Name", "unknown_field"), ("nope", "unknown_field"), ("_version", "read_only_field")):
        with refused(InvalidFields) as refusal:
            users.create({"name": "x", field: 1})
        assert refusal.fields == {(None, field, code)}
    assert count(users) == 0


def test_a_bulk_change_stamps_the_rows_that_do_not_say_when(users: Rows) -> None:
    old = "2020-01-01T00:00:00Z"
    users.create([{"name": "a", "updated_at": old}, {"name": "b", "updated_at": old}])
    sent, stamped = users.update_many([{"id": 1, "updated_at": old, "age": 1}, {"id": 2, "age": 2}])
    assert sent["updated_at"] == old
    assert stamped["updated_at"] > "2021"
