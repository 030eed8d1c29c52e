"""Aggregate functions → SQL, in layers that PostgreSQL flattens into one grouping.

*Rows* hold the values that are looked at, each written once, so that what is bound in it is bound once. *Groups* hold
the keys and what is gathered of the values, each once. *Outputs* are made of these: what divides, rounds and renders
is done for the groups that are shown and not for every row.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

from psycopg.sql import SQL, Composable, Identifier

from records.conditions import Expression
from records.plan import Aggregate, GroupPlan
from records.providers.postgres.binding import Binds
from records.providers.postgres.columns import columns_of
from records.providers.postgres.expressions import expression_shape, expression_text, expression_values, storage_of
from records.providers.postgres.source import Source
from records.table import Field

_SCALES: Final = {"avg": (SQL("40"), SQL("240")), "spread": (SQL("120"), SQL("600"))}
"""Digits after the point that decide the 15th significant one, of integers and of numbers.

A number has at most 199 digits after its point and there are fewer than 1e19 rows. So an average differs from the
middle between two answers by more than 1e-235 or not at all; a variance by 1e-490, its root by 1e-540; those of
integers by 1e-36, 1e-92, 1e-115.
"""
_ROUNDED: Final = SQL("trim_scale(to_char({value}, '9.99999999999999EEEE')::numeric)")
_AVERAGE: Final = SQL("round({sum}::numeric, {scale}) / {count}")
_VARIANCE: Final = SQL(
    "round({count} * ({squares}) - {sum}::numeric * {sum}::numeric, {scale})"
    " / nullif({count}::numeric * ({count} - 1), 0)"
)
_DEVIATION: Final = SQL("sqrt({variance})")
_COUNT_ALL: Final = SQL("count(*)")
_COUNT: Final = SQL("count({distinct}{x})")
_SUM: Final = SQL("sum({distinct}{x})")
_SQUARES: Final = SQL("sum({x} * {x})")
_INTEGER_SQUARES: Final = SQL(
    "coalesce(sum({x}::bigint * {x}::bigint) FILTER (WHERE {x} BETWEEN -3037000499 AND 3037000499), 0)"
    " + coalesce(sum({x}::numeric * {x}::numeric) FILTER (WHERE {x} NOT BETWEEN -3037000499 AND 3037000499), 0)"
)
"""Squares that fit 64 bits are summed as such, which is faster."""
_OF_DISTINCT: Final = SQL(
    "(SELECT {value} FROM (SELECT count(x) AS n, sum(x::numeric) AS s, sum(x::numeric * x) AS q"
    " FROM unnest({array}) AS item(x)) AS sums)"
)
_BOUNDS: Final = {"min": SQL("min({x})"), "max": SQL("max({x})")}
_BOOLEAN_BOUNDS: Final = {"min": SQL("bool_and({x})"), "max": SQL("bool_or({x})")}
_UUID_BOUNDS: Final = {
    "min": SQL('min({x}::text COLLATE "C")::uuid'),
    "max": SQL('max({x}::text COLLATE "C")::uuid'),
}
_DURATION_BOUNDS: Final = {
    "min": SQL("(array_agg({text} ORDER BY {x}, {text}) FILTER (WHERE {x} IS NOT NULL))[1]"),
    "max": SQL("(array_agg({text} ORDER BY {x} DESC, {text}) FILTER (WHERE {x} IS NOT NULL))[1]"),
}
_LEAST_TEXT: Final = SQL("min({text})")
_JOINED: Final = SQL("string_agg({distinct}{x}, ',' ORDER BY {order})")
_ARRAY: Final = SQL("array_agg({distinct}{x} ORDER BY {order})")
_ITEMS: Final = SQL(
    "(SELECT '[' || string_agg(coalesce({item}, 'null'), ',' ORDER BY n) || ']'"
    " FROM unnest({array}) WITH ORDINALITY AS items(x, n))"
)
_DURATIONS: Final = SQL(
    "(SELECT '[' || string_agg(coalesce(to_json(t)::text, 'null'), ',' ORDER BY x) || ']' FROM"
    " (SELECT DISTINCT ON (x) x, t FROM unnest({lengths}, {texts}) AS items(x, t) ORDER BY x, t) AS different)"
)
_POINT: Final = SQL("CASE WHEN {lon} IS NOT NULL THEN jsonb_build_array({lon}, {lat}) END")
_JSON: Final = SQL("to_json({text})::text")
_ITEM: Final = Identifier("x")


@dataclass(frozen=True, slots=True)
class Shown:
    """An output: as a value that is compared and ordered (of a duration, its length), and as JSON text."""

    value: Composable
    json: Composable


class Layer:
    """The columns of a subquery, each under a name of its own and written once."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._columns: dict[Hashable, tuple[Identifier, Composable]] = {}

    def put(self, key: Hashable, write: Callable[[], Composable]) -> Identifier:
        """The column of that key, written when it is new."""
        if key not in self._columns:
            self._columns[key] = Identifier(f"{self._prefix}{len(self._columns)}"), write()
        return self._columns[key][0]

    @property
    def text(self) -> Composable:
        """The list after SELECT; empty where no column was asked for."""
        columns = self._columns.values()
        return SQL(", ").join(SQL("{text} AS {name}").format(text=text, name=name) for name, text in columns)


class Gathering:
    """The rows and the groups of one statement, and its outputs, groups' keys first.

    ``binds`` is asked for the values of the groups' expressions, then the aggregates', in their order. ``is_computed``:
    some value of a row is more than what a column holds.
    """

    def __init__(self, plan: GroupPlan, source: Source, binds: Binds) -> None:
        self._key_fields = plan.table.key_fields
        self._source, self._binds = source, binds
        self.rows, self.groups = Layer("x"), Layer("g")
        self.is_computed = False
        self._output = 0
        self.keys: list[Identifier] = []
        self.outputs: list[Shown] = []
        for group in plan.groups:
            self.keys.append(self._value(group.expression))
            self.outputs.append(self._key(group.expression, self.keys[-1]))
            self._output += 1
        for aggregate in plan.aggregates:
            self.outputs.append(self._aggregate(aggregate))
            self._output += 1

    def _value(self, expression: Expression) -> Identifier:
        """The expression among the rows' columns, written at its first use.

        One that binds is shared within its output alone: plans of one shape may bind different values in two outputs.
        """
        self.is_computed |= bool(expression.field.inside or expression.keys or expression.part or expression.unit)
        bound = any(True for _ in expression_values(expression))
        key = (expression_shape(expression), self._output if bound else None)
        return self.rows.put(key, lambda: expression_text(expression, self._source, self._binds))

    def _text(self, expression: Expression) -> Identifier:
        """A duration as it was sent, among the rows' columns."""
        column = columns_of(expression.field)[0]
        key = ("text", expression_shape(expression))
        return self.rows.put(key, lambda: self._source.column(expression.hops, column))

    def _item(self, expression: Expression) -> Identifier:
        """What an array holds of a row: a geopoint as JSON, a duration as it was sent, else the value."""
        if expression.field.type == "duration":
            return self._text(expression)
        if expression.field.type != "geopoint":
            return self._value(expression)
        lon, lat = (self._source.column(expression.hops, column) for column in columns_of(expression.field))
        return self.rows.put(("point", expression_shape(expression)), lambda: _POINT.format(lon=lon, lat=lat))

    def _primary_key(self) -> Composable:
        return SQL(", ").join(self._value(Expression(field)) for field in self._key_fields)

    def _gathered(self, template: SQL, **columns: Composable) -> Identifier:
        text = template.format(**columns)
        return self.groups.put(text.as_bytes(None), lambda: text)

    def _key(self, expression: Expression, key: Identifier) -> Shown:
        value = self._gathered(SQL("{x}"), x=key)
        if expression.result.type != "duration":
            return _shown(expression.result, value)
        return Shown(value, _JSON.format(text=self._gathered(_LEAST_TEXT, text=self._text(expression))))

    def _aggregate(self, aggregate: Aggregate) -> Shown:
        expression = aggregate.expression
        if expression is None:
            return _shown(aggregate.result, self._gathered(_COUNT_ALL))
        match aggregate.function:
            case "count":
                return _shown(aggregate.result, self._count(expression, distinct=aggregate.distinct))
            case "min" | "max":
                return self._bound(aggregate, expression)
            case "string_agg":
                return _shown(aggregate.result, self._array(_JOINED, expression, distinct=aggregate.distinct))
            case "array_agg" | "json_agg":
                return self._items(expression, distinct=aggregate.distinct)
        return _shown(aggregate.result, self._number(aggregate, expression))

    def _number(self, aggregate: Aggregate, expression: Expression) -> Composable:
        distinct = aggregate.distinct
        if aggregate.function == "sum":
            return SQL("{sum}::numeric").format(sum=self._sum(expression, distinct=distinct))
        if aggregate.function == "avg":
            scale = _scale("avg", expression)
            count = self._count(expression, distinct=distinct)
            value = _AVERAGE.format(sum=self._sum(expression, distinct=distinct), count=count, scale=scale)
            return _ROUNDED.format(value=value)
        spread = self._distinct_variance(expression) if distinct else self._variance(expression)
        return _ROUNDED.format(value=_DEVIATION.format(variance=spread) if aggregate.function == "stddev" else spread)

    def _sum(self, expression: Expression, *, distinct: bool) -> Identifier:
        return self._gathered(_SUM, x=self._value(expression), distinct=_distinct(distinct))

    def _count(self, expression: Expression, *, distinct: bool) -> Identifier:
        """Of a field without nulls every row is counted, which costs nothing where they are counted anyway."""
        value = self._value(expression)
        plain = not (expression.hops or expression.keys or distinct)
        if plain and (expression.field.required or expression.field in self._key_fields):
            return self._gathered(_COUNT_ALL)
        return self._gathered(_COUNT, x=value, distinct=_distinct(distinct))

    def _variance(self, expression: Expression) -> Composable:
        value = self._value(expression)
        squares = _SQUARES if expression.result.type == "number" else _INTEGER_SQUARES
        return _VARIANCE.format(
            count=self._gathered(_COUNT, x=value, distinct=SQL("")),
            squares=self._gathered(squares, x=value),
            sum=self._gathered(_SUM, x=value, distinct=SQL("")),
            scale=_scale("spread", expression),
        )

    def _distinct_variance(self, expression: Expression) -> Composable:
        """Distinct squares are not the squares of distinct values: the values are gathered first."""
        value = self._value(expression)
        array = self._gathered(_ARRAY, distinct=_distinct(True), x=value, order=value)
        variance = _VARIANCE.format(count=SQL("n"), squares=SQL("q"), sum=SQL("s"), scale=_scale("spread", expression))
        return _OF_DISTINCT.format(value=variance, array=array)

    def _bound(self, aggregate: Aggregate, expression: Expression) -> Shown:
        value = self._value(expression)
        type_, function = aggregate.result.type, aggregate.function
        if type_ == "duration":
            text = self._gathered(_DURATION_BOUNDS[function], x=value, text=self._text(expression))
            return Shown(self._gathered(_BOUNDS[function], x=value), _JSON.format(text=text))
        if type_ == "boolean":
            return _shown(aggregate.result, self._gathered(_BOOLEAN_BOUNDS[function], x=value))
        bounds = _UUID_BOUNDS if aggregate.result.format == "uuid" else _BOUNDS
        return _shown(aggregate.result, self._gathered(bounds[function], x=value))

    def _array(self, template: SQL, expression: Expression, *, distinct: bool) -> Identifier:
        """Values in the order of the primary key; distinct ones in their own."""
        value = self._value(expression) if distinct else self._item(expression)
        order = value if distinct else self._primary_key()
        return self._gathered(template, distinct=_distinct(distinct), x=value, order=order)

    def _items(self, expression: Expression, *, distinct: bool) -> Shown:
        if distinct and expression.result.type == "duration":
            value, text = self._value(expression), self._text(expression)
            order = SQL("{x}, {text}").format(x=value, text=text)
            lengths = self._gathered(_ARRAY, distinct=SQL(""), x=value, order=order)
            texts = self._gathered(_ARRAY, distinct=SQL(""), x=text, order=order)
            return _array_shown(_DURATIONS.format(lengths=lengths, texts=texts))
        array = self._array(_ARRAY, expression, distinct=distinct)
        return _array_shown(_ITEMS.format(item=_item_json(expression.result), array=array))


def _shown(result: Field, value: Composable) -> Shown:
    return Shown(value, storage_of(result).render.format(column=SQL("({value})").format(value=value)))


def _array_shown(json: Composable) -> Shown:
    return Shown(SQL("{json}::jsonb").format(json=json), json)


def _item_json(result: Field) -> Composable:
    if result.type == "duration":
        return _JSON.format(text=_ITEM)
    if result.type == "geopoint":
        return SQL("{item}::text").format(item=_ITEM)
    return storage_of(result).render.format(column=_ITEM)


def _distinct(distinct: bool) -> SQL:
    return SQL("DISTINCT ") if distinct else SQL("")


def _scale(kind: str, expression: Expression) -> SQL:
    return _SCALES[kind][expression.result.type == "number"]
