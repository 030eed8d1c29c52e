"""Aggregates: every function on every type it takes, nulls, no rows, distinct. For digits: ``test_grouping_digits``."""

from decimal import Decimal
from typing import Any

import pytest

from datar.errors import Invalid
from records.fieldtypes import FIELD_TYPES, field_type
from tests.records.engine import Engine, Rows

_TYPES: dict[str, tuple[dict[str, str], list[Any]]] = {
    "text": ({"type": "string"}, ["b", None, "a", "b", "é", ""]),
    "email": ({"type": "string", "format": "email"}, ["b@x.org", "a@x.org", None]),
    "uri": ({"type": "string", "format": "uri"}, ["http://b.org/", "http://a.org/"]),
    "uuid": (
        {"type": "string", "format": "uuid"},
        ["ffffffff-0000-4000-8000-000000000000", None, "0a000000-0000-4000-8000-000000000000"],
    ),
    "binary": ({"type": "string", "format": "binary"}, ["AQID", None]),
    "whole": ({"type": "integer"}, [9007199254740993, None, -5, 9007199254740993]),
    "number": ({"type": "number"}, [Decimal("1.10"), None, Decimal("-2.5"), Decimal("1.1")]),
    "flag": ({"type": "boolean"}, [True, None, False, True]),
    "day": ({"type": "date"}, ["2024-02-29", None, "0001-01-01"]),
    "clock": ({"type": "time"}, ["23:59:59.5", None, "00:00:00"]),
    "moment": ({"type": "datetime"}, ["2024-02-29T12:00:00.25Z", None, "0001-01-01T00:00:00Z"]),
    "calendar_year": ({"type": "year"}, [2024, None, 0, 2024]),
    "year_month": ({"type": "yearmonth"}, ["2024-02", None, "1999-12"]),
    "length": ({"type": "duration"}, ["PT24H", None, "P1D", "PT1S", "P1D"]),
    "thing": ({"type": "object"}, [{"a": 1}, None]),
    "items": ({"type": "array"}, [[1, "x", None], None, []]),
    "listed": ({"type": "list"}, [["a", "b"], None]),
    "anything": ({"type": "any"}, ["text", None, 5, [1]]),
    "shape": ({"type": "geojson"}, [{"type": "Point", "coordinates": [1, 2]}, None]),
    "point": ({"type": "geopoint"}, [[Decimal("1.5"), 2], None]),
}
_SCHEMA = {"fields": [{"name": name, **words} for name, (words, _) in _TYPES.items()]}
_KINDS = {name: field_type(words["type"], words.get("format", "default")) for name, (words, _) in _TYPES.items()}
_ORDERED = [name for name, kind in _KINDS.items() if kind.order]
_GROUPABLE = [name for name, kind in _KINDS.items() if kind.group]
_NUMBERS = ("whole", "number", "calendar_year")
_TEXTS = ("text", "email", "uri")


def _kept(name: str) -> list[Any]:
    return [value for value in _TYPES[name][1] if value is not None]


@pytest.fixture
def rows(engine: Engine) -> Rows:
    """One table with a field of every type."""
    table = engine.table("all_types", _SCHEMA)
    most = max(len(values) for _, values in _TYPES.values())
    bodies = [
        {name: values[place] for name, (_, values) in _TYPES.items() if place < len(values)} for place in range(most)
    ]
    table.create(bodies)
    return table


def one(rows: Rows, *terms: str) -> dict[str, Any]:
    answer = rows.list(_aggregate=",".join(terms))
    assert answer["total"] == 1
    assert answer["data"] == [answer["aggregates"]]
    row: dict[str, Any] = answer["aggregates"]
    return row


def test_every_type_stands_in_the_table() -> None:
    assert {(words["type"], words.get("format", "")) for words, _ in _TYPES.values()} == {
        (name.partition("/")[0], name.partition("/")[2]) for name in FIELD_TYPES
    }


def test_count_leaves_nulls_out(rows: Rows) -> None:
    row = one(rows, "count(*)", *(f"count({name})" for name in list(_TYPES)[:19]))
    assert row.pop("count") == 6
    assert row == {f"count_{name}": len(_kept(name)) for name in list(_TYPES)[:19]}
    assert one(rows, "count(point)") == {"count_point": 1}


def test_count_distinct(rows: Rows) -> None:
    row = one(rows, *(f"count(distinct {name})" for name in _GROUPABLE))
    expected = {f"count_distinct_{name}": len({str(value) for value in _kept(name)}) for name in _GROUPABLE}
    assert row == expected | {"count_distinct_number": 2, "count_distinct_length": 2}


def test_sum_is_exact(rows: Rows) -> None:
    row = one(rows, *(f"sum({name})" for name in _NUMBERS), *(f"sum(distinct {name})" for name in _NUMBERS))
    assert row == {
        "sum_whole": 2 * 9007199254740993 - 5,
        "sum_number": Decimal("-0.30"),
        "sum_calendar_year": 4048,
        "sum_distinct_whole": 9007199254740993 - 5,
        "sum_distinct_number": Decimal("-1.40"),
        "sum_distinct_calendar_year": 2024,
    }


def test_sums_go_beyond_64_bits(engine: Engine) -> None:
    rows = engine.table("large", {"fields": [{"name": "n", "type": "integer"}]})
    rows.create([{"n": 2**63 - 1}] * 3)
    assert one(rows, "sum(n)", "avg(n)") == {"sum_n": 3 * (2**63 - 1), "avg_n": 9223372036854780000}
    assert one(rows, "variance(n)", "stddev(distinct n)") == {"variance_n": 0, "stddev_distinct_n": None}


def test_min_and_max_keep_the_form_of_their_type(rows: Rows) -> None:
    least = one(rows, *(f"min({name})" for name in _ORDERED))
    most = one(rows, *(f"max({name})" for name in _ORDERED))
    special = {"length": ("PT1S", "P1D")}
    for name in _ORDERED:
        ordered = sorted(_kept(name)) if name not in special else list(special[name])
        assert (least[f"min_{name}"], most[f"max_{name}"]) == (ordered[0], ordered[-1]), name
    assert one(rows, "min(distinct text)") == {"min_distinct_text": ""}


def test_arrays_hold_every_value_in_the_order_of_the_key(rows: Rows) -> None:
    for function in ("array_agg", "json_agg"):
        for name, (_, values) in _TYPES.items():
            expected = values + [None] * (6 - len(values))
            assert one(rows, f"{function}({name})") == {f"{function}_{name}": expected}, name


def test_distinct_arrays_are_in_the_order_of_their_values(rows: Rows) -> None:
    for name in _GROUPABLE:
        expected = sorted(set(_kept(name)))
        expected = ["PT1S", "P1D"] if name == "length" else expected
        assert one(rows, f"array_agg(distinct {name}) as a") == {"a": [*expected, None]}, name


def test_string_agg_joins_texts(rows: Rows) -> None:
    for name in _TEXTS:
        assert one(rows, f"string_agg({name}) as joined") == {"joined": ",".join(_kept(name))}
        assert one(rows, f"string_agg(distinct {name}) as joined") == {"joined": ",".join(sorted(set(_kept(name))))}


def test_no_rows(engine: Engine) -> None:
    rows = engine.table("none", _SCHEMA)
    terms = [f"{function}({name}) as {function}_{name}" for function, name in _fitting()]
    for place in range(0, len(terms), 20):
        row = one(rows, *terms[place : place + 20])
        assert all(value == (0 if name.startswith("count") else None) for name, value in row.items()), row
    assert one(rows, "count(*)") == {"count": 0}
    assert rows.list(_group_by="text", _aggregate="count(*)")["data"] == []


def _fitting() -> list[tuple[str, str]]:
    pairs = [(function, name) for function in ("count", "array_agg", "json_agg") for name in _TYPES]
    pairs += [(function, name) for function in ("min", "max") for name in _ORDERED]
    pairs += [(function, name) for function in ("sum", "avg", "stddev", "variance") for name in _NUMBERS]
    return pairs + [("string_agg", name) for name in _TEXTS]


def test_a_function_refuses_types_it_does_not_take(rows: Rows) -> None:
    fitting = set(_fitting())
    for function in ("sum", "avg", "stddev", "variance", "min", "max", "string_agg"):
        for name in _TYPES:
            if (function, name) not in fitting:
                with pytest.raises(Invalid, match=f"'{function}' takes .*'{name}'") as refused:
                    rows.list(_aggregate=f"{function}({name})")
                assert refused.value.code == "invalid_aggregate"


def test_distinct_and_groups_refuse_what_has_no_equality(rows: Rows) -> None:
    for name in _TYPES.keys() - set(_GROUPABLE):
        for params in ({"_aggregate": f"count(distinct {name})"}, {"_group_by": name}):
            with pytest.raises(Invalid, match=name) as refused:
                rows.list(**params)
            assert refused.value.code == "invalid_aggregate"


def test_groups_of_every_type(rows: Rows) -> None:
    for name in _GROUPABLE:
        groups = rows.list(_group_by=name, _aggregate="count(*)")
        keys = ["PT1S", "P1D"] if name == "length" else sorted(set(_kept(name)))
        assert [group[name] for group in groups["data"]] == [*keys, None]
        assert sum(group["count"] for group in groups["data"]) == 6
        assert groups["total"] == len(keys) + 1


@pytest.mark.parametrize("function", ["stddev", "variance"])
def test_the_spread_of_one_row_is_null(engine: Engine, function: str) -> None:
    rows = engine.table("samples", {"fields": [{"name": "x", "type": "integer"}]})
    rows.create([{"x": 5}, {"x": None}])
    assert one(rows, f"{function}(x) as s") == {"s": None}


def test_a_field_without_nulls_is_counted_as_rows_are(engine: Engine) -> None:
    fields = [{"name": "x", "type": "integer", "constraints": {"required": True}}]
    rows = engine.table("samples", {"fields": fields})
    rows.create([{"x": 1}, {"x": 2}, {"x": 2}])
    row = one(rows, "count(x)", "count(id)", "count(distinct x)", "avg(x)")
    assert row == {"count_x": 3, "count_id": 3, "count_distinct_x": 2, "avg_x": Decimal("1.66666666666667")}


def test_rounded_values_are_compared_as_they_are_shown(engine: Engine) -> None:
    rows = engine.table("samples", {"fields": [{"name": "x", "type": "integer"}]})
    rows.create([{"x": 1}, {"x": 0}, {"x": 0}])
    assert rows.list(_aggregate="avg(x)", _having="avg_x=0.333333333333333")["total"] == 1
