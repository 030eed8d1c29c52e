"""Rows that come and rows that go at once: whatever the order, no row refers to one that is not there."""

from collections.abc import Callable
from typing import Any

import pytest

from datar.errors import Conflict, DatarError
from tests.records.engine import Engine, Rows
from tests.records.refusals import refused
from tests.records.test_rows_relations import ID, child
from tests.records.together import together

ROUNDS = 12
_ALLOWED = {"conflict_foreign_key", "conflict_retry", "not_found"}


def outcomes(work: Callable[[int], object], codes: set[str]) -> Callable[[], None]:
    """The work, round by round; what it is refused with, by code."""

    def run() -> None:
        for number in range(1, ROUNDS + 1):
            try:
                work(number)
            except DatarError as error:
                codes.add(error.code)

    return run


def orphans(parents: Rows, children: Rows) -> set[int]:
    """The parents that children have and that are not there."""
    known = {row["id"] for row in parents.list(page_size="1000")["data"]}
    return {row["parent_id"] for row in children.list(page_size="1000")["data"]} - {None} - known


@pytest.mark.parametrize("action", ["NO ACTION", "RESTRICT", "CASCADE", "SET NULL"])
def test_di_06_no_child_is_left_without_its_parent(engine: Engine, action: str) -> None:
    parents = engine.table("parents", {"fields": [ID], "primaryKey": "id"})
    parents.create([{"id": number} for number in range(1, ROUNDS + 1)])
    children = engine.table("children", child(action))
    children.create({"id": 1000, "parent_id": None})
    codes: set[str] = set()
    together(
        [
            outcomes(parents.delete, codes),
            outcomes(lambda number: children.create({"id": number, "parent_id": number}), codes),
            outcomes(lambda number: children.create([{"id": 100 + number, "parent_id": number}, {}]), codes),
            outcomes(lambda number: children.update(1000, {"parent_id": number}), codes),
        ]
    )
    assert codes <= _ALLOWED
    assert orphans(parents, children) == set()


def test_di_06_no_row_of_a_table_that_points_at_itself_is_left(engine: Engine) -> None:
    rows = engine.table("people", child("CASCADE", resource=""))
    rows.create([{"id": number} for number in range(1, ROUNDS + 1)])
    codes: set[str] = set()
    together(
        [
            outcomes(rows.delete, codes),
            outcomes(lambda number: rows.create({"id": 100 + number, "parent_id": number}), codes),
            outcomes(lambda number: rows.upsert([{"id": 200 + number, "parent_id": 100 + number}, {"id": 300}]), codes),
        ]
    )
    assert codes <= _ALLOWED
    assert orphans(rows, rows) == set()


def chain(engine: Engine, *actions: str) -> list[Rows]:
    """Tables of which each points at the one before; in each two rows, of which the first has the first as parent."""
    made = [engine.table("level0", {"fields": [ID], "primaryKey": "id"})]
    made[0].create([{"id": 1}, {"id": 2}])
    for number, action in enumerate(actions, 1):
        made.append(engine.table(f"level{number}", child(action, resource=f"level{number - 1}")))
        made[-1].create([{"id": 1, "parent_id": 1}, {"id": 2, "parent_id": 2}])
    return made


def ids(rows: Rows) -> list[int]:
    """The keys that are there."""
    return [row["id"] for row in rows.list(ordering="id")["data"]]


def test_a_removal_goes_down_level_by_level(engine: Engine) -> None:
    levels = chain(engine, "CASCADE", "CASCADE", "SET NULL")
    levels[0].delete(1)
    assert [ids(rows) for rows in levels] == [[2], [2], [2], [1, 2]]
    assert levels[3].get(1)["parent_id"] is None
    assert levels[0].delete_many(ids="2")["deleted"] == 1
    assert [ids(rows) for rows in levels] == [[], [], [], [1, 2]]


@pytest.mark.parametrize("last", ["NO ACTION", "RESTRICT"])
def test_one_row_far_below_keeps_all(engine: Engine, last: str) -> None:
    levels = chain(engine, "CASCADE", "CASCADE", last)
    for delete in (lambda: levels[0].delete(1), lambda: levels[0].delete_many(filter='{"id__gte":1}')):
        with refused(Conflict, "conflict_foreign_key") as refusal:
            delete()
        assert refusal.error.extra == {"table": "level3"}
    assert [ids(rows) for rows in levels] == [[1, 2]] * 4


def test_a_ring_goes_as_a_whole(engine: Engine) -> None:
    rows = engine.table("people", child("CASCADE", resource=""))
    rows.create([{"id": 1, "parent_id": 3}, {"id": 2, "parent_id": 1}, {"id": 3, "parent_id": 2}, {"id": 4}])
    rows.delete(2)
    assert ids(rows) == [4]


def referred(engine: Engine, action: str = "NO ACTION") -> tuple[Rows, Rows]:
    """Parents with a unique code, which children refer to."""
    code: dict[str, Any] = {"name": "code", "type": "string", "constraints": {"unique": True}}
    described = {"fields": [ID, code, {"name": "n", "type": "integer"}], "primaryKey": "id"}
    parents = engine.table("parents", described)
    parents.create([{"id": 1, "code": "a"}, {"id": 2, "code": "b"}, {"id": 3}])
    key = {
        "fields": "parent_code",
        "reference": {"resource": "parents", "fields": "code"},
        "x-actions": {"onDelete": action},
    }
    fields = [ID, {"name": "parent_code", "type": "string"}]
    children = engine.table("children", {"fields": fields, "primaryKey": "id", "foreignKeys": [key]})
    children.create([{"id": 1, "parent_code": "a"}, {"id": 2}])
    return parents, children


def test_a_value_that_rows_refer_to_does_not_change(engine: Engine) -> None:
    parents, children = referred(engine)
    changes: tuple[Callable[[], object], ...] = (
        lambda: parents.update(1, {"code": "z"}),
        lambda: parents.update(1, {"code": None}),
        lambda: parents.update_many([{"id": 2, "code": "y"}, {"id": 1, "code": "z"}]),
    )
    for change in changes:
        with refused(Conflict, "conflict_foreign_key") as refusal:
            change()
        assert refusal.error.extra == {"table": "children", "fields": ["code"]}
    assert [row["code"] for row in parents.list(ordering="id")["data"]] == ["a", "b", None]
    assert parents.update(1, {"code": "a", "n": 5})["n"] == 5
    assert parents.update(2, {"code": "y"})["code"] == "y"
    assert parents.update_many([{"id": 3, "code": "b"}, {"id": 1, "n": 6}])[1]["n"] == 6
    children.delete(1)
    assert parents.update(1, {"code": "z"})["code"] == "z"


def test_rows_leave_by_a_value_that_is_not_the_key(engine: Engine) -> None:
    parents, children = referred(engine, "SET NULL")
    parents.delete(1)
    parents.delete(3)
    assert [row["parent_code"] for row in children.list(ordering="id")["data"]] == [None, None]
    with refused(Conflict, "conflict_foreign_key"):
        children.update(1, {"parent_code": "a"})


def test_part_of_a_key_of_several_fields_changes(engine: Engine) -> None:
    fields = [{"name": "a", "type": "string"}, {"name": "b", "type": "integer"}]
    parents = engine.table("parents", {"fields": [ID, *fields], "primaryKey": "id", "uniqueKeys": [["b", "a"]]})
    parents.create([{"id": 1, "a": "x", "b": 1}, {"id": 2, "a": "x", "b": 2}, {"id": 3, "a": "y", "b": 3}])
    key = {"fields": ["pa", "pb"], "reference": {"resource": "parents", "fields": ["a", "b"]}}
    mine = [ID, {"name": "pa", "type": "string"}, {"name": "pb", "type": "integer"}]
    children = engine.table("children", {"fields": mine, "primaryKey": "id", "foreignKeys": [key]})
    children.create([{"id": 1, "pa": "x", "pb": 1}, {"id": 2, "pa": "y", "pb": 3}, {"id": 3, "pa": "none"}])
    assert children.update(1, {"pb": 2})["pb"] == 2
    assert children.update(1, {"pb": None})["pa"] == "x"
    changes: tuple[Callable[[], object], ...] = (
        lambda: children.update(1, {"pb": 3}),
        lambda: children.update_many([{"id": 2, "pa": "x"}]),
        lambda: children.update_many([{"id": 1, "pb": 1}, {"id": 3, "pb": 1}]),
    )
    for change in changes:
        with refused(Conflict, "conflict_foreign_key"):
            change()
    assert [row["id"] for row in children.update_many([{"id": 2, "pa": "x", "pb": 1}, {"id": 1, "pb": 1}])] == [2, 1]
    with refused(Conflict, "conflict_foreign_key"):
        parents.delete(1)
    parents.delete_many(ids="2,3")
