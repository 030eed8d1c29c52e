"""Expressions → SQL, the values they bind, and what their text depends on."""

from collections.abc import Hashable, Iterator
from typing import Final

from psycopg.sql import SQL, Composable, Literal

from records.conditions import Expression
from records.fieldtypes import field_type
from records.operators import JSON_TYPES
from records.providers.postgres.binding import Binds, Bound
from records.providers.postgres.columns import STORAGES, Storage, columns_of, compared
from records.providers.postgres.source import Source
from records.relations import Relation
from records.table import Field, Table

_KEYS: Final = SQL("nullif({value} #> {keys}::text[], 'null')")
_READINGS: Final = {
    "": SQL("{value}"),
    "json": SQL("{value}"),
    "text": SQL("(CASE WHEN jsonb_typeof({value}) = 'string' THEN {value} #>> '{{}}' END COLLATE \"C\")"),
    "number": SQL("CASE WHEN jsonb_typeof({value}) = 'number' THEN ({value})::numeric END"),
}
_PARTS: Final = {
    "year": SQL("extract(year FROM {value})::bigint"),
    "month": SQL("extract(month FROM {value})::bigint"),
    "day": SQL("extract(day FROM {value})::bigint"),
    "week_day": SQL("(extract(dow FROM {value})::bigint + 1)"),
    "hour": SQL("extract(hour FROM {value})::bigint"),
    "date": SQL("({value})::date"),
}
_UTC: Final = SQL("({value} AT TIME ZONE 'UTC')")
_UNITS: Final = {unit: Literal(unit) for unit in ("year", "quarter", "month", "week", "day", "hour", "minute")}
_TRUNCATED: Final = SQL("date_trunc({unit}, {value}, {zone})")
# East of Greenwich the year 1 begins before the first instant that can be written.
_NOT_BEFORE: Final = SQL(
    "greatest({instant}, CASE WHEN {value} IS NOT NULL THEN '0001-01-01 00:00:00+00'::timestamptz END)"
)
_TRUNCATED_DAY: Final = SQL("date_trunc({unit}, {value}::timestamp)::date")


def expression_text(expression: Expression, source: Source, binds: Binds) -> Composable:
    """The value as it is compared, ordered and grouped: a duration by its length, of a geopoint the longitude."""
    field = expression.field
    value = source.column(expression.hops, compared(field))
    if expression.keys:
        value = _KEYS.format(value=value, keys=binds(list(expression.keys)))
    value = _READINGS[expression.reading].format(value=value)
    if expression.part:
        plain = _UTC.format(value=value) if field.type == "datetime" else value
        return _PARTS[expression.part].format(value=plain)
    if expression.unit:
        return _truncated(expression, value, binds)
    return value


def null_text(expression: Expression, source: Source, binds: Binds) -> Composable:
    """Whether the value is null, as a value: the column alone where that says it, so that an index can serve."""
    if expression.keys or expression.reading:
        return expression_text(expression, source, binds)
    return source.column(expression.hops, columns_of(expression.field)[0].as_json)


def expression_values(expression: Expression) -> Iterator[Bound]:
    """What the expression's text asks to bind, in its order."""
    if expression.keys:
        yield list(expression.keys)
    if expression.unit and expression.zone:
        yield expression.zone


def expression_shape(expression: Expression) -> Hashable:
    """Everything the expression's text depends on."""
    return (
        expression.field.column,
        field_type(expression.field).name,
        hops_shape(expression.hops),
        bool(expression.keys),
        expression.names_additional,
        expression.reading,
        expression.part,
        expression.unit,
        bool(expression.zone),
    )


def hops_shape(hops: tuple[Relation, ...]) -> Hashable:
    """What the joins of these relations depend on."""
    return tuple((hop.name, table_shape(hop.target), _pairs_shape(hop)) for hop in hops)


def table_shape(table: Table) -> Hashable:
    """Which table, at which revision."""
    return table.identity.namespace, table.identity.id, table.identity.revision


def storage_of(field: Field) -> Storage:
    """The type that values compared with a field (or an expression's result) are bound as."""
    if field.type in JSON_TYPES:
        return STORAGES["jsonb"]
    return compared(field).storage


def _pairs_shape(hop: Relation) -> Hashable:
    return tuple((here.column, there.column) for here, there in hop.pairs)


def _truncated(expression: Expression, value: Composable, binds: Binds) -> Composable:
    unit = _UNITS[expression.unit]
    if expression.field.type == "date":
        return _TRUNCATED_DAY.format(unit=unit, value=value)
    if not expression.zone:
        return _TRUNCATED.format(unit=unit, value=value, zone=SQL("'UTC'"))
    zone = SQL("{zone}::text").format(zone=binds(expression.zone))
    return _NOT_BEFORE.format(instant=_TRUNCATED.format(unit=unit, value=value, zone=zone), value=value)
