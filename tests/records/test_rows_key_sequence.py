"""The sequence of a generated key: what was refused does not move it, and it is never used up by keys that are gone."""

from typing import Any

import pytest

from datar.errors import Conflict, InvalidFields
from tests.records.engine import Engine, Rows, write
from tests.records.physical import set_back
from tests.records.refusals import refused
from tests.records.users import USERS

LAST = 2**63 - 1
ITEMS: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "code", "type": "string", "constraints": {"unique": True}},
        {"name": "user", "type": "integer"},
    ],
    "foreignKeys": [{"fields": "user", "reference": {"resource": "users", "fields": "id"}}],
}


@pytest.fixture
def items(engine: Engine) -> Rows:
    """One row with the key 1; its table refers to users, of which there are none."""
    engine.table("users", USERS)
    rows = engine.table("items", ITEMS)
    rows.create({"code": "a"})
    return rows


@pytest.mark.parametrize(
    "body",
    [
        [{"id": LAST}, {"id": 1}],
        [{"id": LAST, "code": "a"}],
        {"id": LAST, "code": "a"},
        {"id": LAST, "user": 5},
        [{"id": LAST, "user": 5}],
        [{"id": LAST}, {"code": "a"}],
        [{"id": 5}, {"code": "a"}],
    ],
)
@pytest.mark.parametrize("minimal", [False, True])
def test_a_refused_create_leaves_keys_to_be_generated(items: Rows, body: Any, minimal: bool) -> None:
    with refused(Conflict) as refusal:
        items.records.create(write(body), (), minimal=minimal)
    assert refusal.code in ("conflict_unique", "conflict_foreign_key", "key_space_exhausted")
    assert items.create({"code": "b"})["id"] < 100


@pytest.mark.parametrize("body", [[{"id": LAST, "code": "a"}], {"id": LAST, "code": "a"}, {"id": LAST, "user": 5}])
def test_a_refused_upsert_leaves_keys_to_be_generated(items: Rows, body: Any) -> None:
    with refused(Conflict):
        items.upsert(body)
    assert items.create({"code": "b"})["id"] < 100


def test_a_failed_insert_moves_nothing(items: Rows) -> None:
    for body in ([{"id": 70}, {"id": 1}], {"id": 70, "code": "a"}):
        with refused(Conflict, "conflict_unique"):
            items.create(body)
    with pytest.raises(InvalidFields):
        items.upsert({"id": 70, "code": "a"}, unique_fields="code")
    assert items.create({"code": "b"})["id"] < 10


def test_every_form_of_create_moves_the_sequence_on(items: Rows) -> None:
    items.create({"id": 10})
    assert items.create({})["id"] == 11
    items.records.create(write({"id": 20}), (), minimal=True)
    assert items.create({})["id"] == 21
    items.records.create(write([{"id": 30}, {"id": 25}]), (), minimal=True)
    assert items.create({})["id"] == 31
    items.upsert([{"id": 40, "code": "x"}, {"code": "y"}])
    assert items.upsert({"code": "z"})["data"]["id"] == 42
    items.upsert({"id": 50, "code": "w"}, unique_fields="code")
    assert items.create({})["id"] == 51


def test_the_last_key_deleted_makes_room_again(items: Rows) -> None:
    items.create({"id": LAST})
    with refused(Conflict, "key_space_exhausted"):
        items.create({"code": "b"})
    with refused(Conflict, "key_space_exhausted"):
        items.create([{"id": 7}, {"code": "b"}])
    with refused(Conflict, "key_space_exhausted"):
        items.upsert([{"code": "b"}, {"id": 8}])
    items.delete(LAST)
    assert items.create({"code": "b"})["id"] == 2
    items.create({"id": LAST})
    items.delete_many(ids=f"1,2,{LAST}")
    assert [row["id"] for row in items.upsert([{"code": "a"}, {"code": "b", "user": None}])["data"]] == [1, 2]


def test_a_generated_key_never_finds_a_row_to_change(engine: Engine, items: Rows) -> None:
    """An upsert that sends no key adds a row, even where the sequence lies behind."""
    items.create({"id": 2, "code": "mine"})
    set_back(engine, items.table, 1)
    answer = items.upsert({"code": "new"})
    assert (answer["created"], answer["data"]["id"]) == (True, 3)
    assert items.get(2)["code"] == "mine"
