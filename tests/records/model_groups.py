"""The reference model's aggregates: groups of a table's rows, their columns exact, their order total."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from typing import Any

from tests.records.model import Is, Question, Row, Sort, Value, World, by_key, found, in_order, kind_of, look, truth
from tests.records.model_operators import holds, is_number, is_text

_EXACT = Context(prec=600)
_SHORT = Context(prec=15, rounding=ROUND_HALF_UP, Emin=-999_999, Emax=999_999)


@dataclass(frozen=True)
class Key:
    """A value that rows are grouped by, and what it is called in the answer."""

    name: str
    value: Value


@dataclass(frozen=True)
class Aggregate:
    """``function`` of the values of a group, of its rows where ``value`` is None; what it is called in the answer."""

    name: str
    function: str
    value: Value | None = None
    distinct: bool = False


@dataclass(frozen=True)
class Grouping:
    """A question to groups. ``base`` has what is asked of rows, and order and page of groups; ``having`` names."""

    base: Question
    keys: tuple[Key, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    having: tuple[Is, ...] = ()


def groups(world: World, table: str, asked: Grouping) -> list[Row]:
    """Every group's plain values by name, in order; without keys there is one group of all rows."""
    shape, where = world.shapes[table], asked.base.where
    rows = [row for row in world.rows[table] if all(truth(world, table, row, part) is True for part in where)]
    rows = by_key(shape, [row for row in rows if found(shape, row, asked.base.search)])
    parted: dict[tuple[Any, ...], list[Row]] = {} if asked.keys else {(): []}
    for row in rows:
        parted.setdefault(tuple(look(world, table, row, key.value) for key in asked.keys), []).append(row)
    kinds = kinds_of(world, table, asked)
    made = [
        dict(zip((key.name for key in asked.keys), values, strict=True))
        | {each.name: _aggregated(world, table, members, each) for each in asked.aggregates}
        for values, members in parted.items()
    ]
    made = [one for one in made if all(_kept(one, kinds, term) for term in asked.having)]
    keys = [Sort(key.name) for key in asked.keys]
    return in_order(made, [*asked.base.order, *keys], lambda one, by: one[by if isinstance(by, str) else by.label])


def kinds_of(world: World, table: str, asked: Grouping) -> dict[str, str]:
    """The kind of every column of the groups; ``[kind`` is an array of such values."""
    kinds = {key.name: kind_of(world, table, key.value) for key in asked.keys}
    for each in asked.aggregates:
        inner = kind_of(world, table, each.value) if each.value is not None else ""
        bound = "number" if inner == "json" else inner
        known = {"count": "integer", "string_agg": "string", "min": bound, "max": bound}
        kinds[each.name] = f"[{inner}" if each.function in ARRAYS else known.get(each.function, "number")
    return kinds


def _kept(group: Row, kinds: Mapping[str, str], term: Is) -> bool:
    name = term.value.label
    return holds(kinds[name], term.operator, group[name], term.operand) is True


def _aggregated(world: World, table: str, rows: list[Row], each: Aggregate) -> Any:
    if each.value is None:
        return len(rows)
    values = [_seen(each, look(world, table, row, each.value)) for row in rows]
    if each.distinct:
        values = sorted(set(values), key=lambda value: (value is None, 0 if value is None else value))
    if each.function in ARRAYS:
        return values or None
    there = [value for value in values if value is not None]
    return FUNCTIONS[each.function](there) if there or each.function == "count" else None


def _seen(each: Aggregate, value: Any) -> Any:
    """Inside JSON a function of numbers or texts sees only these."""
    if each.value is None or not each.value.keys or each.function in ARRAYS or each.function == "count":
        return value
    return value if (is_text if each.function == "string_agg" else is_number)(value) else None


def rounded(value: Decimal) -> Decimal:
    """15 significant digits, half away from zero."""
    return _SHORT.plus(value)


def _decimal(value: Fraction) -> Decimal:
    return _EXACT.divide(Decimal(value.numerator), Decimal(value.denominator))


def _variance(values: list[Any]) -> Decimal | None:
    if len(values) < 2:
        return None
    exact = [Fraction(value) for value in values]
    mean = sum(exact, Fraction(0)) / len(exact)
    return _decimal(sum(((value - mean) ** 2 for value in exact), Fraction(0)) / (len(exact) - 1))


def _stddev(values: list[Any]) -> Decimal | None:
    variance = _variance(values)
    return None if variance is None else rounded(_EXACT.sqrt(variance))


def _rounded_variance(values: list[Any]) -> Decimal | None:
    variance = _variance(values)
    return None if variance is None else rounded(variance)


ARRAYS = frozenset({"array_agg", "json_agg"})
FUNCTIONS: dict[str, Callable[[list[Any]], Any]] = {
    "count": len,
    "sum": lambda values: _EXACT.plus(_decimal(sum(map(Fraction, values), Fraction(0)))),
    "avg": lambda values: rounded(_decimal(sum(map(Fraction, values), Fraction(0)) / len(values))),
    "min": min,
    "max": max,
    "stddev": _stddev,
    "variance": _rounded_variance,
    "string_agg": ",".join,
}
