"""Foreign keys between two stores: parents at a write, children at a delete, in both directions and through chains."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Literal

from datar.errors import Conflict, Invalid, NotFound, PreconditionFailed
from records import limits
from records.plan import LinkedPlan
from records.versions import Tags
from tests.records.building import mistakes
from tests.records.engine import CROSSING, Engine, Rows
from tests.records.refusals import refused

ID = {"name": "id", "type": "integer"}
OTHER = {"fields": [ID], "primaryKey": "id"}


@pytest.fixture(params=CROSSING)
def engine(database_url: str, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A namespace whose tables are kept by one store and the other in turn."""
    engine = Engine(database_url, request.param)
    yield engine
    engine.close()


@pytest.fixture(params=["parent first", "child first"])
def turned(engine: Engine, request: pytest.FixtureRequest) -> Engine:
    """The same, beginning with the one store or with the other."""
    if request.param == "child first":
        engine.table("before", OTHER)
    return engine


def child(action: str = "NO ACTION", resource: str = "parents", to: Any = "id", **more: Any) -> dict[str, Any]:
    """A table whose ``parent_id`` leads to ``resource``."""
    foreign = {
        "fields": "parent_id",
        "reference": {"resource": resource, "fields": to},
        "x-actions": {"onDelete": action},
    }
    fields = [ID, {"name": "parent_id", "type": "integer", **more}, {"name": "n", "type": "integer"}]
    return {"fields": fields, "primaryKey": "id", "foreignKeys": [foreign]}


def parents_of(engine: Engine, rows: int = 3) -> Rows:
    """Parents 1, 2, …; ``code`` is unique, and ten times as much."""
    fields = [
        ID,
        {"name": "code", "type": "integer", "constraints": {"unique": True}},
        {"name": "n", "type": "integer"},
    ]
    parents = engine.table("parents", {"fields": fields, "primaryKey": "id"})
    parents.create([{"id": number, "code": number * 10, "n": 0} for number in range(1, rows + 1)])
    return parents


def ids(rows: Rows, **params: str) -> list[int]:
    """The keys of the rows."""
    return [row["id"] for row in rows.list(fields="id", **params)["data"]]


def test_postgresql_holds_no_key_of_another_store(turned: Engine) -> None:
    parents_of(turned)
    turned.table("children", child())
    statement = SQL("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND connamespace = {}::regnamespace")
    with psycopg.connect(turned.url) as connection:
        assert connection.execute(statement.format(Literal(turned.namespace))).fetchone() == (0,)


def test_one_question_for_each_key(turned: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    parents = parents_of(turned)
    children = turned.table("children", child())
    asked: list[int] = []
    provider = turned.provider_of(parents.table)
    linked = provider.linked

    def counted(plan: LinkedPlan) -> bytes:
        asked.append(len(plan.keys))
        return linked(plan)

    monkeypatch.setattr(provider, "linked", counted)
    children.create([{"parent_id": number % 3 + 1} for number in range(500)])
    children.create([{"n": 1}, {"n": 2}])
    children.update(1, {"n": 5})
    assert asked == [3]


def test_every_write_looks_for_its_parents(turned: Engine) -> None:
    parents_of(turned)
    children = turned.table("children", child())
    children.create([{"id": 1, "parent_id": 1}, {"id": 2}])
    single: list[Callable[[], object]] = [
        lambda: children.create({"parent_id": 9}),
        lambda: children.upsert({"id": 1, "parent_id": 9}),
        lambda: children.update(1, {"parent_id": 9}),
        lambda: children.update(1, {"id": 1, "parent_id": 9, "n": 1}, replace=True),
    ]
    for write in single:
        with refused(Conflict, "conflict_foreign_key") as refusal:
            write()
        assert refusal.error.extra == {"fields": ["parent_id"]}
        assert refusal.error.detail == "This row refers to a row of table 'parents' that does not exist."
    with refused(Conflict, "conflict_foreign_key") as refusal:
        children.upsert([{"id": 1, "parent_id": 2}, {"id": 2, "n": 3}, {"id": 3, "parent_id": 8}])
    assert refusal.error.extra == {"fields": ["parent_id"], "index": 2}
    with refused(Conflict, "conflict_foreign_key") as refusal:
        children.update_many([{"id": 2, "n": 3}, {"id": 1, "parent_id": 8}])
    assert refusal.error.extra == {"fields": ["parent_id"], "index": 1}
    assert [row["parent_id"] for row in children.list()["data"]] == [1, None]


def test_rows_without_a_parent_are_left_out(turned: Engine) -> None:
    parents_of(turned)
    children = turned.table("children", child())
    rows = [{"id": 1, "parent_id": 9}, {"id": 2, "parent_id": 1}, {"id": 2}, {"id": "x"}, {"id": 4, "parent_id": 7}]
    answer = children.skip(rows)
    assert (answer["created"], answer["skipped"], [row["id"] for row in answer["data"]]) == (1, 4, [2])
    assert [(error["index"], list(error["errors"])) for error in answer["errors"]] == [
        (0, ["parent_id"]), (2, ["id"]), (3, ["id"]), (4, ["parent_id"]),
    ]  # fmt: skip
    assert children.skip([{"parent_id": 9}])["created"] == 0


def test_a_part_of_a_key_is_checked_with_the_part_that_stays(turned: Engine) -> None:
    places = turned.table("places", {"fields": [{"name": "a", "type": "string"}, ID], "primaryKey": ["a", "id"]})
    places.create([{"a": "x", "id": 1}, {"a": "x", "id": 2}, {"a": "y", "id": 1}])
    foreign = {"fields": ["a", "b"], "reference": {"resource": "places", "fields": ["a", "id"]}}
    fields = [ID, {"name": "a", "type": "string"}, {"name": "b", "type": "integer"}]
    visits = turned.table("visits", {"fields": fields, "primaryKey": "id", "foreignKeys": [foreign]})
    visits.create([{"id": 1, "a": "x", "b": 2}, {"id": 2, "a": "y", "b": 1}, {"id": 3, "a": "q"}])
    assert visits.update(1, {"b": 1})["b"] == 1
    assert visits.update(3, {"a": "z"})["a"] == "z"
    assert visits.upsert([{"id": 2, "a": "x"}, {"id": 4, "a": "q"}])["updated"] == 1
    wrong: list[Callable[[], object]] = [
        lambda: visits.update(3, {"b": 1}),
        lambda: visits.upsert({"id": 1, "a": "z"}),
    ]
    for write in wrong:
        with refused(Conflict, "conflict_foreign_key") as refusal:
            write()
        assert refusal.error.extra == {"fields": ["a", "b"]}
    with refused(Conflict, "conflict_foreign_key") as refusal:
        visits.update_many([{"id": 3, "a": "x"}, {"id": 2, "a": "y", "b": 7}])
    assert refusal.error.extra == {"fields": ["a", "b"], "index": 1}


def test_a_parent_of_a_deleted_table_is_still_there(turned: Engine) -> None:
    parents_of(turned)
    children = turned.table("children", child())
    turned.deactivate("parents")
    assert children.create({"parent_id": 1})["parent_id"] == 1
    with refused(Conflict, "conflict_foreign_key"):
        children.create({"parent_id": 9})


def test_a_unique_value_that_is_referred_to_stays(turned: Engine) -> None:
    parents = parents_of(turned)
    children = turned.table("children", child(to="code"))
    children.create({"id": 1, "parent_id": 10})
    wrong: list[Callable[[], object]] = [
        lambda: parents.update(1, {"code": 11}),
        lambda: parents.update_many([{"id": 2, "code": 21}, {"id": 1, "code": None}]),
        lambda: parents.upsert([{"id": 1, "code": 11}]),
    ]
    for write in wrong:
        with refused(Conflict, "conflict_foreign_key") as refusal:
            write()
        assert refusal.error.extra == {"table": "children", "fields": ["code"]}
    assert parents.update(1, {"code": 10, "n": 4})["n"] == 4
    assert parents.update(2, {"code": 21})["code"] == 21


def test_a_chain_goes_down_through_both_stores(engine: Engine) -> None:
    parents = parents_of(engine)
    one = engine.table("one", child("CASCADE"))
    two = engine.table("two", child("CASCADE", "one"))
    near = engine.table("near", child("CASCADE", "two"))
    last = engine.table("last", child("SET NULL", "two"))
    for rows in (one, two, near, last):
        rows.create([{"id": number, "parent_id": number} for number in (1, 2, 3)])
    parents.delete(1)
    assert [ids(rows) for rows in (parents, one, two, near)] == [[2, 3]] * 4
    assert [row["parent_id"] for row in last.list()["data"]] == [None, 2, 3]


def test_a_refusal_far_below_keeps_everything(engine: Engine) -> None:
    parents = parents_of(engine)
    one = engine.table("one", child("CASCADE"))
    two = engine.table("two", child("CASCADE", "one"))
    last = engine.table("last", child("NO ACTION", "two"))
    for rows in (one, two, last):
        rows.create([{"id": number, "parent_id": number} for number in (1, 2)])
    for delete in (lambda: parents.delete(1), lambda: parents.delete_many(filter='{"id__lte": 2}')):
        with refused(Conflict, "conflict_foreign_key") as refusal:
            delete()
        assert refusal.error.extra == {"table": "last"}
    assert [ids(rows) for rows in (parents, one, two, last)] == [[1, 2, 3], [1, 2], [1, 2], [1, 2]]
    last.delete_many(ids="1,2")
    assert parents.delete_many(filter='{"id__lte": 2}') == {"deleted": 2}
    assert [ids(rows) for rows in (parents, one, two)] == [[3], [], []]


def test_what_its_own_store_would_refuse_is_looked_at_first(engine: Engine) -> None:
    parents = parents_of(engine)
    far = engine.table("far", child("CASCADE"))
    near = engine.table("near", child("NO ACTION"))
    for rows in (far, near):
        rows.create({"id": 1, "parent_id": 1})
    with refused(Conflict, "conflict_foreign_key") as refusal:
        parents.delete(1)
    assert refusal.error.extra == {"table": "near", "fields": ["id"]}
    assert ids(far) == [1]


def test_only_what_is_there_and_meant_is_released(turned: Engine) -> None:
    parents = parents_of(turned)
    children = turned.table("children", child("CASCADE"))
    children.create([{"id": number, "parent_id": number} for number in (1, 2, 3)])
    with refused(NotFound):
        parents.delete_many(ids="1,9")
    with refused(NotFound):
        parents.delete(9)
    with refused(PreconditionFailed):
        parents.records.delete("1", (), if_match=Tags(frozenset({"999-1"})))
    assert ids(children) == [1, 2, 3]
    assert parents.delete_many(filter='{"n": 0, "children.n__isnull": true, "id": 2}') == {"deleted": 1}
    assert ids(children) == [1, 3]


def test_many_children_lose_their_parent_some_at_a_time(turned: Engine) -> None:
    parents = parents_of(turned)
    children = turned.table("children", child("SET NULL"))
    children.create([{"parent_id": 1} for _ in range(2_500)])
    parents.delete(1)
    assert children.list(parent_id__isnull="true", page_size="1")["total"] == 2_500


def test_a_default_must_be_there_and_stay(turned: Engine) -> None:
    parents = parents_of(turned)
    children = turned.table("children", child("SET DEFAULT", default=2))
    children.create([{"id": 1, "parent_id": 1}, {"id": 2, "parent_id": 3}])
    for wrong in ("1,2", "2,3"):
        with refused(Conflict, "conflict_foreign_key"):
            parents.delete_many(ids=wrong)
    parents.delete(1)
    assert [row["parent_id"] for row in children.list()["data"]] == [2, 3]


def test_rows_are_removed_by_what_another_store_holds(turned: Engine) -> None:
    parents = parents_of(turned)
    children = turned.table("children", child("CASCADE"))
    children.create([{"id": number, "parent_id": number, "n": number} for number in (1, 2, 3)])
    assert children.delete_many(filter='{"parent.code__gte": 30}') == {"deleted": 1}
    assert parents.delete_many(filter='{"not": {"children.n": 1}}') == {"deleted": 2}
    assert (ids(parents), ids(children)) == ([1], [1])


def test_re_05_only_so_many_rows_are_looked_at_in_a_delete(turned: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    parents = parents_of(turned, 5)
    turned.table("children", child()).create({"id": 1, "parent_id": 5})
    monkeypatch.setattr(limits, "REMOTE_KEYS", 2)
    with refused(Invalid, "relation_not_local"):
        parents.delete_many(filter='{"n": 0}')
    assert parents.delete_many(ids="1,2,3,4")["deleted"] == 4


@pytest.mark.parametrize("target", ["b_schema.parents", "public.auth_user", "other:parents", "b:parents", "Parents"])
def test_ti_09_no_reference_leaves_the_tenant(engine: Engine, target: str) -> None:
    parents = parents_of(engine)
    described = child(resource=target)
    assert mistakes(described, tables=(parents.table,)) == [("fk_target_unknown", "foreignKeys[0].reference.resource")]
    children = engine.table("children", child())
    children.create({"parent_id": 1})
    for words in (
        {"populate": target},
        {f"{target}.id": "1"},
        {"populate": f"parent.{target}"},
        {"ordering": f"{target}.id"},
    ):
        with refused(Invalid):
            children.list(**words)
