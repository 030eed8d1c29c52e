"""What a refusal of the database is called, and which row it is said to concern."""

import random
import string

from datar.errors import Conflict, Invalid, InvalidFields
from records.payload import render_validation
from tests.records.engine import Engine, Rows
from tests.records.refusals import refused


def test_a_row_that_fits_no_page_is_too_large(engine: Engine) -> None:
    rows = engine.table("wide", {"fields": [{"name": f"f{place}"} for place in range(900)]})
    letters = random.Random(1)
    row = {f"f{place}": "".join(letters.choices(string.ascii_letters, k=40)) for place in range(900)}
    if rows.table.identity.document is not None or rows.table.identity.store == "mongodb":  # no pages to fit
        assert rows.create(row) == {"id": 1, **row}
        return
    with refused(Invalid, "row_too_large"):
        rows.create(row)


def test_a_unique_index_of_some_rows_names_no_row(engine: Engine) -> None:
    index = {"name": "one", "fields": "a", "unique": True, "where": {"b": 1}}
    fields = [{"name": "a", "type": "integer"}, {"name": "b", "type": "integer"}]
    rows = engine.table("partial", {"fields": fields, "indexes": [index]})
    rows.create([{"a": 1, "b": 1}, {"a": 2, "b": 1}])
    with refused(Conflict, "conflict_unique") as refusal:
        rows.create([{"a": 1, "b": 0}, {"a": 2, "b": 1}])
    assert refusal.error.extra == {"fields": ["a"]}


def test_two_rows_of_a_batch_with_one_key_are_both_named(users: Rows) -> None:
    for body in ([{"id": 5, "name": "a"}, {"id": 6, "name": "b"}, {"id": 5, "name": "c"}],):
        with refused(Conflict, "conflict_unique") as refusal:
            users.create(body)
        assert refusal.error.detail.startswith("Rows 0 and 2 have the same key")
        assert refusal.error.extra == {"fields": ["id"], "index": 2, "indexes": [0, 2]}


def test_a_replacement_that_lacks_a_field_is_told_that_it_is_required(users: Rows) -> None:
    users.create({"name": "a"})
    with refused(InvalidFields) as refusal:
        users.update(1, {"age": "x"}, replace=True)
    assert isinstance(refusal.error, InvalidFields)
    assert {(error.field, error.message) for error in refusal.error.errors if error.code == "required"} == {
        ("name", "This field is required.")
    }
    with refused(InvalidFields) as refusal:
        users.update(1, {"name": None}, replace=True)
    assert "must not be null" in refusal.error.detail


def test_validation_finds_duplicates_beside_invalid_rows(users: Rows) -> None:
    rows = [{"id": 1, "name": "a"}, {"id": 2, "name": 7}, {"id": 1, "name": "b"}, 5]
    valid, sentences, details = render_validation(users.table, rows)
    assert not valid
    assert [(each["row"], each["code"]) for each in details] == [
        (1, "invalid_type"),
        (2, "duplicate_in_batch"),
        (3, "invalid_type"),
    ]
    assert len(sentences) == 3
