"""Comparisons of a year or a day → half-open ranges of the date or instant itself, which an index can serve."""

from collections.abc import Callable
from dataclasses import replace
from datetime import MAXYEAR, MINYEAR, date, timedelta
from typing import Final

from records.conditions import AllOf, Condition, Expression, Match

_RANGED: Final = frozenset({"eq", "gt", "gte", "lt", "lte"})


def part_range(left: Expression, operator: str, value: str) -> Condition | None:
    """The same as ``left operator value``, nulls too; None where no range says it. ``value`` is canonical."""
    bounds = _BOUNDS.get(left.part)
    if bounds is None or operator not in _RANGED:
        return None
    first, after = bounds(value)
    plain = replace(left, part="")
    if operator in ("gt", "lte"):
        return _match(plain, "gte" if operator == "gt" else "lt", after)
    begins = _match(plain, "lt" if operator == "lt" else "gte", first)
    ends = _match(plain, "lt", after)
    return AllOf((begins, ends)) if operator == "eq" and begins and ends else begins


def _year(value: str) -> tuple[date | None, date | None]:
    """The first day of the year and of the next one; None where the calendar has none."""
    number = int(value)
    return _january(number), _january(number + 1)


def _january(number: int) -> date | None:
    return date(number, 1, 1) if MINYEAR <= number <= MAXYEAR else None


def _day(value: str) -> tuple[date | None, date | None]:
    day = date.fromisoformat(value)
    return day, day + timedelta(days=1) if day < date.max else None


_BOUNDS: Final[dict[str, Callable[[str], tuple[date | None, date | None]]]] = {"year": _year, "date": _day}


def _match(plain: Expression, operator: str, day: date | None) -> Match | None:
    if day is None:
        return None
    text = day.isoformat()
    return Match(plain, operator, f"{text}T00:00:00Z" if plain.field.type == "datetime" else text)
