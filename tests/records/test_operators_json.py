"""Operators on values inside JSON: keys of any text, types, absent keys, containment."""

from decimal import Decimal
from typing import Any

import pytest

from datar.errors import Invalid
from records.operators import OPERATORS
from tests.records.engine import Engine, Rows
from tests.records.refusals import refused
from tests.records.test_operators import found
from tests.records.test_rows_types import ids

DOCS: list[Any] = [
    {"color": "red", "size": 3, "ok": True, "tags": ["a", "b"], "in": {"deep": [10, {"x": "y"}]}},
    {"color": "Red", "size": Decimal("3.0"), "ok": False, "gt": 5, "tags": "abc"},
    {"color": "blue", "size": "3", "tags": {"a": 1}},
    {"color": None, "size": 30, "ok": "true"},
    {"size": True, "tags": []},
    None,
]


@pytest.fixture
def docs(engine: Engine) -> Rows:
    """Six documents, the last one null."""
    rows = engine.table("docs", {"fields": [{"name": "meta", "type": "object"}, {"name": "any", "type": "any"}]})
    rows.create([{"meta": value} for value in DOCS])
    return rows


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("meta__color", "red", [1]),
        ("meta__color__ne", "red", [2, 3]),
        ("meta__color__iexact", "RED", [1, 2]),
        ("meta__color__in", "red,blue", [1, 3]),
        ("meta__color__nin", "red,blue", [2]),
        ("meta__color__startswith", "R", [2]),
        ("meta__color__nicontains", "r", [3]),
        ("meta__color__like", "%e_", [1, 2]),
        ("meta__color__isnull", "true", [4, 5, 6]),
        ("meta__color__nnull", "true", [1, 2, 3]),
        ("meta__size", "3", [1, 2]),
        ("meta__size", "3.00", [1, 2]),
        ("meta__size", '"3"', [3]),
        ("meta__size__ne", "3", [3, 4, 5]),
        ("meta__size__in", '3,"3"', [1, 2, 3]),
        ("meta__size__in", '["3"]', [3]),
        ("meta__size__gt", "3", [4]),
        ("meta__size__gte", "3", [1, 2, 4]),
        ("meta__size__gte", '"3"', [3]),
        ("meta__size__between", "3,29", [1, 2]),
        ("meta__size__nbetween", "3,29", [4]),
        ("meta__size__contains", "3", [1, 2]),
        ("meta__ok", "true", [1]),
        ("meta__ok", '"true"', [4]),
        ('meta__"gt"', "5", [2]),
        ('meta__"gt"__gte', "5", [2]),
        ("meta__in__deep__0", "10", [1]),
        ("meta__in__deep__1__x", "y", [1]),
        ("meta__in__deep__9", "10", []),
        ("meta__tags__contains", "b", [1, 2]),
        ("meta__tags__ncontains", "b", [3, 5]),
        ("meta__tags__contains", '["a"]', [1]),
        ("meta__tags__contains", '{"a":1}', [3]),
        ("meta__tags__contained_by", '["a","b","c"]', [1, 5]),
        ("meta__tags__has_key", "a", [1, 3]),
        ("meta__tags__has_any_keys", "a,z", [1, 3]),
        ("meta__tags__has_all_keys", "a,b", [1]),
        ("meta__has_key", "ok", [1, 2, 4]),
        ("meta__has_all_keys", '["ok","gt"]', [2]),
        ("meta__contains", '{"ok":true}', [1]),
        ("meta__contained_by", '{"size":true,"tags":[],"more":1}', [5]),
        ("meta__isnull", "true", [6]),
    ],
)
def test_json_values(docs: Rows, name: str, value: str, expected: list[int]) -> None:
    assert ids(docs.ask((name, value))) == expected


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"meta__size": 3}, [1, 2]),
        ({"meta__size": "3"}, [3]),
        ({"meta__ok": True}, [1]),
        ({"meta__ok": "true"}, [4]),
        ({"meta__size__in": [3, "3", True]}, [1, 2, 3, 5]),
        ({"not": {"meta__size__gt": 3}}, [1, 2]),
        ({"not": {"meta__color": "red"}}, [2, 3]),
        ({"not": {"meta__nope": 1}}, []),
        ({"not": {"meta__color__like": "r%"}}, [2, 3]),
        ({"meta__tags__contains": {"a": 1}}, [3]),
        ([{"field": "meta", "operator": "has_key", "value": "gt"}], [2]),
    ],
)
def test_typed_json_values(docs: Rows, tree: Any, expected: list[int]) -> None:
    assert found(docs, tree) == expected


KEYS = [
    "a'b",
    'a"b',
    "a]",
    "{}",
    "{",
    "$",
    "..",
    "a,b",
    "",
    " ",
    "%s",
    "%(v)s",
    "{0}",
    "é😀",
    "\\",
    "null",
    "0",
    "-1",
    "a__b",
]


@pytest.mark.parametrize("key", KEYS)
def test_in_09_keys_of_any_text_are_literal(engine: Engine, key: str) -> None:
    rows = engine.table("docs", {"fields": [{"name": "meta", "type": "object"}]})
    rows.create([{"meta": {key: "here"}}, {"meta": {"other": "here"}}, {"meta": {key: {key: 5}}}])
    quoted = '"' + key.replace('"', '""') + '"'
    assert ids(rows.ask((f"meta__{quoted}", "here"))) == [1]
    assert ids(rows.ask((f"meta__{quoted}__{quoted}__gt", "4"))) == [3]
    assert ids(rows.ask((f"meta__{quoted}__isnull", "true"))) == [2]
    assert found(rows, {"meta__has_key": key}) == [1, 3]
    assert found(rows, {"meta__has_any_keys": [key]}) == [1, 3]
    if key and "__" not in key and '"' not in key and key not in OPERATORS:
        assert ids(rows.ask((f"meta__{key}", "here"))) == [1]


def test_an_any_is_compared_as_the_json_it_is(docs: Rows) -> None:
    docs.create([{"any": value} for value in (5, "5", True, ["5"], {"k": 5})])
    assert ids(docs.ask(("any", "5"))) == [7]
    assert ids(docs.ask(("any", '"5"'))) == [8]
    assert ids(docs.ask(("any__contains", '"5"'))) == [8, 10]
    assert ids(docs.ask(("any__gt", "4"))) == [7]
    assert ids(docs.ask(("any__k", "5"))) == [11]
    assert ids(docs.ask(("any__has_key", "5"))) == [10]
    assert ids(docs.ask(("any__ne", "5"))) == [8, 9, 10, 11]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("meta__a__gt", "true", "invalid_filter"),
        ("meta__a__between", '1,"b"', "invalid_filter"),
        ("meta__a__between", "1", "invalid_filter"),
        ("meta__a__in", "", "invalid_filter"),
        ("meta__a__in", "[[1]]", "invalid_filter"),
        ("meta__a__in", "[1", "invalid_filter"),
        ("meta__a__contains", "{bad", "invalid_filter"),
        ("meta__a", "1e999", "number_out_of_range"),
        ("meta__a", "a\x00b", "invalid_text"),
        ("meta__a\x00b", "a", "invalid_text"),
        ("meta__has_key", "a\x00b", "invalid_text"),
        ("meta__a__like", "a\\", "invalid_filter"),
        ("meta__a__isnull", "1", "invalid_parameter"),
        ("meta__a__in", ",".join(["1"] * 1001), "query_too_complex"),
        ("meta", "red", "operator_not_supported"),
        ("meta__gt", "1", "operator_not_supported"),
        ("meta__icontains", "a", "operator_not_supported"),
        ("meta__a____b", "1", "unknown_operator"),
        ('meta__"a', "1", "unknown_field"),
        ('meta__"a"b', "1", "unknown_field"),
    ],
)
def test_what_json_is_not_compared_with(docs: Rows, name: str, value: str, code: str) -> None:
    with refused(Invalid, code):
        docs.ask((name, value))


@pytest.mark.parametrize("value", [None, {"a": 1}, [1], {"$ne": None}])
def test_in_08_a_structure_is_no_value_of_a_key(docs: Rows, value: Any) -> None:
    for name in ("meta__a", "meta__a__ne", "meta__a__gt", "meta__a__like", "meta__has_key"):
        with refused(Invalid, "invalid_filter"):
            found(docs, {name: value})
    with refused(Invalid, "invalid_filter"):
        found(docs, {"meta__contains": None})
