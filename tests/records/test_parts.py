"""Parts of days and instants, in UTC, at their borders; years and days as ranges that indexes serve."""

from typing import Any

import pytest

from datar.errors import Invalid
from records.conditions import AllOf, Match, Not
from records.filters import own_condition
from records.query import Comparison
from tests.records.building import table_of
from tests.records.engine import Engine, Rows
from tests.records.refusals import refused
from tests.records.test_operators import found
from tests.records.test_rows_types import ids

INSTANTS = [
    "0001-01-01T00:00:00Z",
    "2023-12-31T23:59:59.999999Z",
    "2024-01-01T00:00:00Z",
    "2024-02-29T12:30:00Z",
    "2024-12-31T23:59:59Z",
    "2025-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z",
    None,
]


@pytest.fixture
def moments(engine: Engine) -> Rows:
    """Instants around the borders of years and days, their days beside them."""
    rows = engine.table("moments", {"fields": [{"name": "at", "type": "datetime"}, {"name": "day", "type": "date"}]})
    rows.create([{"at": at, "day": at and at[:10]} for at in INSTANTS])
    return rows


EVERYBODY = [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("field", ["at", "day"])
@pytest.mark.parametrize(
    ("words", "value", "expected"),
    [
        ("year", "2024", [3, 4, 5]),
        ("year__ne", "2024", [1, 2, 6, 7]),
        ("year__gt", "2024", [6, 7]),
        ("year__gte", "2024", [3, 4, 5, 6, 7]),
        ("year__lt", "2024", [1, 2]),
        ("year__lte", "2024", [1, 2, 3, 4, 5]),
        ("year__in", "1,2025", [1, 6]),
        ("year__nin", "1,2025", [2, 3, 4, 5, 7]),
        ("year__between", "2023,2024", [2, 3, 4, 5]),
        ("year__nbetween", "2023,2024", [1, 6, 7]),
        ("year", "9999", [7]),
        ("year__gt", "9999", []),
        ("year__gte", "9999", [7]),
        ("year__lte", "9999", EVERYBODY),
        ("year__lt", "10000", EVERYBODY),
        ("year__gt", "10000", []),
        ("year", "0", []),
        ("year__gt", "0", EVERYBODY),
        ("year__gte", "0", EVERYBODY),
        ("year__lte", "0", []),
        ("year__lt", "1", []),
        ("year__gt", "-5", EVERYBODY),
        ("year", "99999999999", []),
        ("year__isnull", "true", [8]),
        ("month", "12", [2, 5, 7]),
        ("month__in", "1,2", [1, 3, 4, 6]),
        ("day", "31", [2, 5, 7]),
        ("day__lt", "2", [1, 3, 6]),
        ("week_day", "1", [2]),
        ("week_day", "2", [1, 3]),
    ],
)
def test_parts_of_days(moments: Rows, field: str, words: str, value: str, expected: list[int]) -> None:
    assert ids(moments.ask((f"{field}__{words}", value))) == expected
    if words in ("year", "year__gt", "year__lte", "month"):
        others = [number for number in EVERYBODY if number not in expected]
        assert found(moments, {"not": {f"{field}__{words}": int(value)}}) == others


@pytest.mark.parametrize(
    ("words", "value", "expected"),
    [
        ("hour", "23", [2, 5, 7]),
        ("hour__lt", "12", [1, 3, 6]),
        ("date", "2024-12-31", [5]),
        ("date__gt", "2024-12-31", [6, 7]),
        ("date__gte", "2024-12-31", [5, 6, 7]),
        ("date__lt", "2024-01-01", [1, 2]),
        ("date__lte", "2023-12-31", [1, 2]),
        ("date", "9999-12-31", [7]),
        ("date__gt", "9999-12-31", []),
        ("date__lte", "9999-12-31", EVERYBODY),
        ("date__in", "2024-01-01,2025-01-01", [3, 6]),
        ("date__between", "2024-01-01,2024-12-31", [3, 4, 5]),
    ],
)
def test_parts_of_instants(moments: Rows, words: str, value: str, expected: list[int]) -> None:
    assert ids(moments.ask((f"at__{words}", value))) == expected


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("day__hour", "1", "operator_not_supported"),
        ("day__date", "2024-01-01", "operator_not_supported"),
        ("id__year", "1", "operator_not_supported"),
        ("at__minute", "1", "unknown_operator"),
        ("at__year__month", "1", "unknown_operator"),
        ("at__year__contains", "1", "operator_not_supported"),
        ('at__"year"', "1", "unknown_operator"),
        ("at__year", "x", "invalid_type"),
        ("at__year", "1.5", "invalid_type"),
        ("at__date", "2024-13-01", "invalid_date"),
    ],
)
def test_parts_that_do_not_fit(moments: Rows, name: str, value: str, code: str) -> None:
    with refused(Invalid, code):
        moments.ask((name, value))


def test_years_and_days_are_ranges_of_the_instant() -> None:
    table = table_of({"name": "at", "type": "datetime"}, {"name": "day", "type": "date"})

    def shape(name: str, value: Any) -> Any:
        match own_condition(Comparison(name, value), table):
            case Match(expression, operator, text):
                return expression.part if expression.part else (operator, text)  # type: ignore[union-attr]
            case AllOf(parts):
                return [(part.operator, part.value) for part in parts if isinstance(part, Match)]
            case Not():
                return "not"

    assert shape("at__year", "2024") == [("gte", "2024-01-01T00:00:00Z"), ("lt", "2025-01-01T00:00:00Z")]
    assert shape("at__date", "2024-02-28") == [("gte", "2024-02-28T00:00:00Z"), ("lt", "2024-02-29T00:00:00Z")]
    assert shape("day__year__lte", "2024") == ("lt", "2025-01-01")
    assert shape("day__year__gt", "2024") == ("gte", "2025-01-01")
    assert shape("day__year__gt", "9999") == "year"
    assert shape("at__month", "2") == "month"
