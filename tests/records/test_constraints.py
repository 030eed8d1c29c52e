"""Constraints and the limits of indexes hold for every type (TRUST RE-03, RE-12)."""

from decimal import Decimal
from typing import Any

import pytest

from datar.errors import InvalidFields, InvalidRows
from records import limits
from records.payload import Purpose, check_rows
from records.table import Table
from tests.records.building import row_codes, table_of
from tests.records.refusals import refused
from tests.records.test_values import code_of, field_of

WHOLE = {"$defs": {"n": {"type": "integer"}}, "properties": {"a": {"$ref": "#/$defs/n"}}}


@pytest.mark.parametrize(
    ("kind", "constraints", "value", "code"),
    [
        ("string", {"maxLength": 10}, "x" * 1_000_000, "too_long"),
        ("string", {"minLength": 2}, "é", "too_short"),
        ("string", {"enum": ["a", "b"]}, "c", "not_in_enum"),
        ("integer", {"minimum": 5}, 4, "too_small"),
        ("integer", {"exclusiveMaximum": 5}, 5, "too_large"),
        ("number", {"minimum": Decimal("0.1")}, Decimal("0.09999999999999999999"), "too_small"),
        ("number", {"enum": [Decimal("1.10")]}, Decimal("1.11"), "not_in_enum"),
        ("number", {"enum": [Decimal("1.10")]}, Decimal("1.1"), ""),
        ("year", {"minimum": 2000}, 1999, "too_small"),
        ("date", {"minimum": "2024-01-01"}, "2023-12-31", "too_small"),
        ("datetime", {"maximum": "2024-01-01T00:00:00Z"}, "2024-01-01T00:00:00.1Z", "too_large"),
        ("datetime", {"maximum": "2024-01-01T00:00:00Z"}, "2024-01-01T02:00:00+02:00", ""),
        ("datetime", {"enum": ["2024-01-01T00:00:00Z"]}, "2024-01-01T02:00:00.0+02:00", ""),
        ("datetime", {"enum": ["2024-01-01T00:00:00Z"]}, "2024-01-01T00:00:01Z", "not_in_enum"),
        ("time", {"exclusiveMinimum": "10:00"}, "10:00:00", "too_small"),
        ("duration", {"maximum": "P1D"}, "PT24H", ""),
        ("duration", {"maximum": "P1D"}, "PT25H", "too_large"),
        ("string/uuid", {"enum": ["6BA7B810-9DAD-11D1-80B4-00C04FD430C8"]}, "6ba7b810-9dad-11d1-80b4-00C04FD430C8", ""),
        ("array", {"maxLength": 1}, [1, 2], "too_long"),
        ("object", {"minLength": 1}, {}, "too_short"),
        ("object", {"jsonSchema": {"required": ["a"]}}, {"b": 1}, "json_schema_mismatch"),
        ("object", {"jsonSchema": {"required": ["a"]}}, {"a": 1}, ""),
        ("object", {"jsonSchema": WHOLE}, {"a": "x"}, "json_schema_mismatch"),
    ],
)
def test_constraints_hold(kind: str, constraints: dict[str, Any], value: Any, code: str) -> None:
    assert code_of(kind, value, **constraints) == code


def test_items_of_a_list_have_its_type() -> None:
    table = table_of({"name": "v", "type": "list", "itemType": "integer"})
    assert row_codes(table, {"v": [1, 2]}) == row_codes(table, {"v": None}) == set()
    assert row_codes(table, {"v": [1, "2"]}) == {("v", "invalid_type")}


def test_messages_never_echo_the_value() -> None:
    table = table_of(field_of("integer"), {"name": "w", "constraints": {"maxLength": 3}})
    with pytest.raises(InvalidRows) as caught:
        check_rows(table, [{"v": "s3cr3t", "w": "s3cr3t"}], Purpose.CREATE)
    assert "s3cr3t" not in repr(caught.value.errors)


INDEXED: dict[str, Table] = {
    "unique": table_of(field_of("string", unique=True)),
    "key": table_of(field_of("string"), primaryKey="v"),
    "unique key": table_of(field_of("string"), uniqueKeys=[["v"]]),
    "index": table_of(field_of("string"), indexes=[{"name": "i", "fields": ["v"]}]),
}


@pytest.mark.parametrize("name", INDEXED)
def test_re_12_text_too_long_for_its_index_is_refused(name: str) -> None:
    table, most = INDEXED[name], limits.INDEXED_TEXT_BYTES
    assert row_codes(table, {"v": "x" * most}) == set()
    assert row_codes(table, {"v": "x" * (most + 1)}) == {("v", "value_too_long_for_index")}
    assert row_codes(table, {"v": "é" * (most // 2 + 1)}) == {("v", "value_too_long_for_index")}
    assert row_codes(table_of(field_of("string")), {"v": "x" * 9_000}) == set()


def test_re_12_the_texts_of_one_key_are_measured_together() -> None:
    table = table_of(field_of("string"), {"name": "w"}, uniqueKeys=[["v", "w"]])
    half = limits.INDEXED_TEXT_BYTES // 2
    assert row_codes(table, {"v": "x" * half, "w": "y" * half}) == set()
    assert row_codes(table, {"v": "x" * half, "w": "y" * (half + 1)}) == {("w", "value_too_long_for_index")}


def test_a_value_that_the_enum_lacks_is_told_the_first_of_those_it_has() -> None:
    few = {"name": "v", "type": "string", "constraints": {"enum": ["a", "b"]}}
    many = {
        "name": "v",
        "type": "number",
        "constraints": {"enum": [Decimal(n) / 10 for n in range(9)] + [Decimal("1.50")]},
    }
    long = {"name": "v", "type": "string", "constraints": {"enum": ["x" * 500]}}
    for field, value, says in (
        (few, "c", ': "a", "b".'),
        (many, Decimal("1.51"), ": 0, 0.1, 0.2, 0.3, 0.4, …."),
        (long, "c", f': "{"x" * 99}….'),
    ):
        table = table_of(field)
        with refused(InvalidFields) as refusal:
            check_rows(table, [{"v": value}], Purpose.CREATE, single=True)
        assert isinstance(refusal.error, InvalidFields)
        assert [error.message for error in refusal.error.errors] == [
            f"Must be one of the values of the field's enum{says}"
        ]
