"""Fields that the schema does not name in rows that other rows carry, of the same store and of another."""

from tests.records.engine import Engine, Rows, read
from tests.records.exported import cells, objects
from tests.records.test_additional import FIELDS, PLAIN

CHILDREN = {
    "fields": [{"name": "thing_id", "type": "integer"}],
    "foreignKeys": [{"fields": "thing_id", "reference": {"resource": "things", "fields": "id"}}],
}


PART, THING = {"id": 1, "thing_id": 1, "y": [2]}, {"id": 1, **PLAIN, "word": "a", "x": 1}
"""The two rows, but for what relations hide."""


def related(engine: Engine) -> tuple[Rows, Rows]:
    """A thing and a part of it; each carries a field that is called as a relation."""
    things, parts = engine.table("things", {"fields": FIELDS}), engine.table("parts", CHILDREN)
    things.create({"word": "a", "parts": "mine", "x": 1})
    parts.create({"thing_id": 1, "thing": "other", "y": [2]})
    return things, parts


def test_they_are_in_populated_rows_but_for_names_of_relations(open_engine: Engine) -> None:
    rows, children = related(open_engine)
    assert rows.get(1) == {**THING, "parts": "mine"}
    assert rows.get(1, populate="parts") == {**THING, "parts": [{**PART, "thing": "other"}]}
    assert rows.list(populate="parts.thing")["data"] == [
        {**THING, "parts": [{**PART, "thing": {**THING, "parts": "mine"}}]}
    ]
    assert children.list(populate="thing", cursor="")["data"] == [{**PART, "thing": {**THING, "parts": "mine"}}]
    assert [row["id"] for row in children.ask(('thing."x"', "1"))["data"]] == [1]
    assert list(cells(children, populate="thing")[0]) == ["id", "thing_id", "_additional", "thing"]


def test_they_are_in_rows_of_another_store(open_apart: Engine) -> None:
    things, children = related(open_apart)
    inner = {**PART, "thing": {**THING, "parts": "mine"}}
    assert things.get(1, populate="parts") == {**THING, "parts": [{**PART, "thing": "other"}]}
    assert children.get(1, populate="thing") == inner
    assert things.get(1, populate="parts.thing", fields="word") == {"word": "a", "parts": [inner]}
    assert objects(children, populate="thing") == [inner]
    (line,) = cells(children, populate="thing")
    assert (list(line), read(line["_additional"].encode())) == (["id", "thing_id", "_additional", "thing"], {"y": [2]})
    assert [row["id"] for row in children.ask(('thing."x"', "1"))["data"]] == [1]
