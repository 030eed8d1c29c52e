"""Upserts by a unique field that also say the primary key."""

import pytest

from datar.errors import InvalidFields
from tests.records.engine import Engine

TABLE = {
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "code", "type": "string", "constraints": {"unique": True}},
        {"name": "text", "type": "string"},
    ],
    "primaryKey": "id",
}


def test_a_key_that_is_not_the_found_rows_is_refused(engine: Engine) -> None:
    rows = engine.table("notes", TABLE)
    rows.create([{"id": 1, "code": "a", "text": "old"}, {"id": 2, "code": "b", "text": "old"}])
    for body in (
        {"id": 9, "code": "a", "text": "new"},
        [{"id": 1, "code": "a", "text": "new"}, {"id": 9, "code": "b"}],
    ):
        with pytest.raises(InvalidFields) as refused:
            rows.upsert(body, unique_fields="code")
        assert [(error.field, error.code) for error in refused.value.errors] == [("id", "read_only_field")]
    assert [row["text"] for row in rows.list()["data"]] == ["old", "old"], "all or nothing"


def test_the_found_rows_own_key_and_a_new_rows_are_taken(engine: Engine) -> None:
    rows = engine.table("notes", TABLE)
    rows.create({"id": 1, "code": "a", "text": "old"})
    answer = rows.upsert([{"id": 1, "code": "a", "text": "new"}, {"id": 7, "code": "c"}], unique_fields="code")
    assert (answer["created"], answer["updated"]) == (1, 1)
    assert [row["id"] for row in answer["data"]] == [1, 7]
    assert rows.upsert({"id": 1, "code": "a", "text": "newer"}, unique_fields="code")["created"] is False
