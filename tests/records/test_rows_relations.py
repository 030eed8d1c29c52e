"""Foreign keys: every action, cycles, which row of a batch has no parent."""

from collections.abc import Iterator
from typing import Any

import pytest

from datar.errors import Conflict
from records.table import Table
from tests.records.engine import CROSSING, LAYOUTS, Engine, Rows
from tests.records.refusals import refused

ID = {"name": "id", "type": "integer"}


@pytest.fixture(params=[*LAYOUTS, *CROSSING])
def engine(database_url: str, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A namespace of its own; parents and children also in different stores."""
    engine = Engine(database_url, request.param)
    yield engine
    engine.close()


def child(action: str = "", *, resource: str = "parents", **more: Any) -> dict[str, Any]:
    """A table that points at ``resource``."""
    key: dict[str, Any] = {"fields": "parent_id", "reference": {"resource": resource, "fields": "id"}}
    if action:
        key["x-actions"] = {"onDelete": action}
    fields = [ID, {"name": "parent_id", "type": "integer", **more}, {"name": "updated_at", "type": "datetime"}]
    return {"fields": fields, "primaryKey": "id", "foreignKeys": [key]}


def family(engine: Engine, action: str = "", **more: Any) -> tuple[Rows, Rows]:
    """Two parents; children 1 and 2 of the first, 3 of nobody."""
    parents = engine.table("parents", {"fields": [ID, {"name": "n", "type": "string"}], "primaryKey": "id"})
    parents.create([{"id": 1}, {"id": 2}])
    children = engine.table("children", child(action, **more))
    old = "2020-01-01T00:00:00Z"
    children.create([{"id": number, "parent_id": 1, "updated_at": old} for number in (1, 2)])
    children.create({"id": 3, "parent_id": None, "updated_at": old})
    return parents, children


def test_a_missing_parent_is_named(engine: Engine) -> None:
    _, children = family(engine)
    with refused(Conflict, "conflict_foreign_key") as refusal:
        children.create({"parent_id": 9})
    assert refusal.error.extra == {"fields": ["parent_id"]}
    for write in (children.create, children.upsert):
        with refused(Conflict, "conflict_foreign_key") as refusal:
            write([{"parent_id": 2}, {"parent_id": None}, {"parent_id": 9}, {"parent_id": 10}])
        assert refusal.error.extra == {"fields": ["parent_id"], "index": 2}
    with refused(Conflict, "conflict_foreign_key") as refusal:
        children.update(1, {"parent_id": 9})
    assert refusal.error.extra == {"fields": ["parent_id"]}
    with refused(Conflict, "conflict_foreign_key") as refusal:
        children.update_many([{"id": 1, "parent_id": 2}, {"id": 2, "parent_id": 9}])
    assert refusal.error.extra == {"fields": ["parent_id"], "index": 1}
    assert children.list(parent_id="1")["total"] == 2


@pytest.mark.parametrize("action", ["", "NO ACTION", "RESTRICT"])
def test_a_parent_with_children_stays(engine: Engine, action: str) -> None:
    parents, children = family(engine, action)
    for delete in (lambda: parents.delete(1), lambda: parents.delete_many(ids="2,1")):
        with refused(Conflict, "conflict_foreign_key") as refusal:
            delete()
        assert refusal.error.extra == {"table": "children", "fields": ["id"]}
        assert refusal.error.detail.startswith("Rows of table 'children' still refer to this one")
    assert parents.list()["total"] == 2
    children.delete_many(ids="1,2")
    assert parents.delete_many(ids="2,1")["deleted"] == 2


def test_children_of_a_deleted_table_are_told_of(engine: Engine) -> None:
    parents, _ = family(engine)
    engine.deactivate("children")
    with refused(Conflict, "conflict_foreign_key") as refusal:
        parents.delete(1)
    assert "'children', which was deleted" in refusal.error.detail
    assert "restore/" in refusal.error.detail


def test_a_row_that_refers_to_nothing_is_told_so(engine: Engine) -> None:
    _, children = family(engine)
    with refused(Conflict, "conflict_foreign_key") as refusal:
        children.create({"parent_id": 9})
    assert refusal.error.detail == "This row refers to a row of table 'parents' that does not exist."


def test_cascade_removes_children(engine: Engine) -> None:
    parents, children = family(engine, "CASCADE")
    parents.delete(1)
    assert [row["id"] for row in children.list()["data"]] == [3]


@pytest.mark.parametrize(("action", "default"), [("SET NULL", None), ("SET DEFAULT", 2)])
def test_an_action_is_a_change_of_the_child(engine: Engine, action: str, default: int | None) -> None:
    parents, children = family(engine, action, **({"default": default} if default else {}))
    before = {row["id"]: row for row in children.list(_meta="true")["data"]}
    parents.delete(1)
    after = {row["id"]: row for row in children.list(_meta="true")["data"]}
    assert after[3] == before[3]
    assert len({after[1]["_version"], after[2]["_version"], before[1]["_version"], before[2]["_version"]}) == 4
    for number in (1, 2):
        assert after[number]["parent_id"] == default
        assert after[number]["_version"] > before[number]["_version"]
        assert after[number]["_updated_at"] > before[number]["_updated_at"]
        assert after[number]["updated_at"] > before[number]["updated_at"]
        assert after[number]["_created_at"] == before[number]["_created_at"]


def test_set_default_without_a_parent_of_that_key(engine: Engine) -> None:
    parents, _ = family(engine, "SET DEFAULT", default=77)
    with refused(Conflict, "conflict_foreign_key"):
        parents.delete(1)
    assert parents.list()["total"] == 2


def test_a_table_that_points_at_itself(engine: Engine) -> None:
    rows = engine.table("people", child(resource="", default=None))
    made = rows.create([{"id": 1, "parent_id": 2}, {"id": 2, "parent_id": 1}, {"id": 3, "parent_id": 3}])
    assert [row["parent_id"] for row in made] == [2, 1, 3]
    with refused(Conflict, "conflict_foreign_key") as refusal:
        rows.create(
            [
                {"id": 4, "parent_id": 5},
                {"id": 5, "parent_id": 4},
                {"id": 6, "parent_id": 1},
                {"id": 7, "parent_id": 99},
            ]
        )
    assert refusal.error.extra == {"fields": ["parent_id"], "index": 3}
    assert rows.list()["total"] == 3
    with refused(Conflict, "conflict_foreign_key") as refusal:
        rows.delete(1)
    assert refusal.error.extra == {"table": "people", "fields": ["id"]}
    assert rows.delete_many(ids="1,2,3")["deleted"] == 3


def test_the_same_table_name_in_another_app(engine: Engine) -> None:
    other = engine.define("people", {"fields": [ID], "primaryKey": "id"}, app="other")
    engine.make(other)
    engine.rows("people", app="other").create({"id": 5})
    rows = engine.table("people", child(resource="other:people"))
    assert rows.create({"id": 1, "parent_id": 5})["parent_id"] == 5
    with refused(Conflict, "conflict_foreign_key") as refusal:
        rows.create([{"id": 2, "parent_id": 5}, {"id": 3, "parent_id": 1}])
    assert refusal.error.extra == {"fields": ["parent_id"], "index": 1}


def test_a_relation_that_is_not_enforced(engine: Engine) -> None:
    parents, _ = family(engine)
    described = child()
    described["foreignKeys"][0]["x-enforced"] = False
    loose = engine.table("loose", described)
    assert loose.create({"id": 1, "parent_id": 999})["parent_id"] == 999
    loose.create({"id": 2, "parent_id": 2})
    parents.delete(2)
    assert loose.get(2)["parent_id"] == 2


def test_keys_of_several_fields(engine: Engine) -> None:
    fields = [{"name": "a", "type": "string"}, {"name": "b", "type": "integer"}]
    parents = engine.table("parents", {"fields": fields, "primaryKey": ["a", "b"]})
    parents.create([{"a": "x", "b": 1}, {"a": "y", "b": 2}])
    key = {
        "fields": ["pa", "pb"],
        "reference": {"resource": "parents", "fields": ["a", "b"]},
        "x-actions": {"onDelete": "SET NULL"},
    }
    described = {
        "fields": [ID, {"name": "pa", "type": "string"}, {"name": "pb", "type": "integer"}],
        "primaryKey": "id",
    }
    children = engine.table("children", {**described, "foreignKeys": [key]})
    children.create([{"pa": "x", "pb": 1}, {"pa": "x"}, {}])
    with refused(Conflict, "conflict_foreign_key") as refusal:
        children.create([{"pa": "y", "pb": 2}, {"pa": "zz"}, {"pa": "y", "pb": 1}])
    assert refusal.error.extra == {"fields": ["pa", "pb"], "index": 2}
    parents.delete("x,1")
    assert children.get(1) == {"id": 1, "pa": None, "pb": None}


def cycle(engine: Engine) -> tuple[Rows, Rows]:
    """Two tables that need each other."""

    def described(to: str) -> dict[str, Any]:
        return child(resource=to, constraints={"required": True})

    # The first one's target is not known yet, so it is described twice, as a package does.
    engine.define("hens", {"fields": [ID], "primaryKey": "id"})
    eggs: Table = engine.define("eggs", described("hens"))
    hens: Table = engine.define("hens", described("eggs"))
    engine.make(hens, eggs)
    return engine.rows("hens"), engine.rows("eggs")


def test_cyclic_keys_are_checked_at_the_end(engine: Engine) -> None:
    hens, eggs = cycle(engine)
    for rows in (hens, eggs):
        with refused(Conflict, "conflict_foreign_key") as refusal:
            rows.create({"id": 1, "parent_id": 1})
        assert refusal.error.extra == {"fields": ["parent_id"]}
        with refused(Conflict, "conflict_foreign_key") as refusal:
            rows.create([{"id": 1, "parent_id": 1}])
        assert refusal.error.extra == {"fields": ["parent_id"], "index": 0}
        with refused(Conflict, "conflict_foreign_key") as refusal:
            rows.upsert([{"id": 1, "parent_id": 1}, {"id": 2, "parent_id": 2, "updated_at": None}])
        assert refusal.error.extra == {"fields": ["parent_id"], "index": 0}
        assert rows.list()["total"] == 0
