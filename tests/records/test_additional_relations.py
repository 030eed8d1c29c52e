"""Fields that the schema does not name in rows that other rows carry, of the same store and of another."""

from tests.records.engine import Engine, read
from tests.records.exported import cells, objects
from tests.records.test_additional import FIELDS, PLAIN

CHILDREN = {
    "fields": [{"name": "thing_id", "type": "integer"}],
    "foreignKeys": [{"fields": "thing_id", "reference": {"resource": "things", "fields": "id"}}],
}


def test_they_are_in_populated_rows_but_for_names_of_relations(open_engine: Engine) -> None:
    rows = open_engine.table("things", {"fields": FIELDS})
    children = open_engine.table("parts", CHILDREN)
    rows.create({"word": "a", "parts": "mine", "x": 1})
    children.create({"thing_id": 1, "thing": "other", "y": [2]})
    part, thing = {"id": 1, "thing_id": 1, "y": [2]}, {"id": 1, **PLAIN, "word": "a", "x": 1}
    assert rows.get(1) == {**thing, "parts": "mine"}
    assert rows.get(1, populate="parts") == {**thing, "parts": [{**part, "thing": "other"}]}
    assert rows.list(populate="parts.thing")["data"] == [
        {**thing, "parts": [{**part, "thing": {**thing, "parts": "mine"}}]}
    ]
    assert children.list(populate="thing", cursor="")["data"] == [{**part, "thing": {**thing, "parts": "mine"}}]
    assert [row["id"] for row in children.ask(('thing."x"', "1"))["data"]] == [1]
    assert list(cells(children, populate="thing")[0]) == ["id", "thing_id", "_additional", "thing"]


def test_they_are_in_rows_of_another_store(open_apart: Engine) -> None:
    things = open_apart.table("things", {"fields": FIELDS})
    children = open_apart.table("parts", CHILDREN)
    things.create({"word": "a", "parts": "mine", "x": 1})
    children.create({"thing_id": 1, "thing": "other", "y": [2]})
    part, thing = {"id": 1, "thing_id": 1, "y": [2]}, {"id": 1, **PLAIN, "word": "a", "x": 1}
    inner = {**part, "thing": {**thing, "parts": "mine"}}
    assert things.get(1, populate="parts") == {**thing, "parts": [{**part, "thing": "other"}]}
    assert children.get(1, populate="thing") == inner
    assert things.get(1, populate="parts.thing", fields="word") == {"word": "a", "parts": [inner]}
    assert objects(children, populate="thing") == [inner]
    (line,) = cells(children, populate="thing")
    assert (list(line), read(line["_additional"].encode())) == (["id", "thing_id", "_additional", "thing"], {"y": [2]})
    assert [row["id"] for row in children.ask(('thing."x"', "1"))["data"]] == [1]
