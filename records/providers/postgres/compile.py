"""Read plans → one statement each, and the values it binds. Names are generated columns, values always bound.

A statement depends on a plan's *shape* only, so it is composed once per shape and its text reused.
"""

from collections.abc import Hashable
from itertools import count
from typing import Final

from psycopg.sql import SQL, Composable, Composed, Identifier, Placeholder

from records.conditions import EVERYTHING, AllOf, AnyOf, Condition, Match, Not
from records.jsontext import dumps
from records.plan import KeyedPlan, ListPlan, Sort
from records.providers.postgres.columns import CREATED, UPDATED, VERSION, columns_of, compared, qualified
from records.providers.postgres.rowtext import row_text
from records.providers.postgres.triggers import row_count
from records.providers.postgres.where import Bind, condition_text, values, values_of
from records.table import Table

Values = dict[str, str | list[str] | None]
"""What is bound, by the name of its placeholder."""

_TEMPLATE: Final = Placeholder("template")
_PAGE: Final = SQL("""
SELECT '{{"data":[' || coalesce(string_agg(row, ','), '') || '],"total":' || (
    CASE WHEN count(*) < {limit}::bigint AND (count(*) > 0 OR {offset}::bigint = 0)
    THEN {offset}::bigint + count(*)
    ELSE {total} END
)::text || {tail}::text
FROM (
    SELECT {row} AS row FROM (
        SELECT {columns} FROM {table}{where} ORDER BY {order} LIMIT {limit}::bigint OFFSET {offset}::bigint
    ) AS page
) AS rows""")
_ROW: Final = SQL("SELECT '{{\"data\":' || {row} || '}}' FROM {table} WHERE {condition}")


def list_shape(plan: ListPlan) -> Hashable:
    """What the statement of a list depends on; equal shapes share a statement."""
    return (
        "list",
        _table_shape(plan.table),
        plan.meta,
        tuple(field.column for field in plan.fields),
        _condition_shape(plan.where),
        tuple((sort.field.column, sort.descending) for sort in plan.order),
    )


def list_statement(plan: ListPlan) -> Composed:
    """One statement: the page as JSON text, and the total, counted only when the page does not tell it."""
    return _PAGE.format(
        table=qualified(plan.table),
        where=_where(plan.where),
        total=_total(plan),
        row=row_text(plan.fields, _TEMPLATE, meta=plan.meta),
        columns=_read_columns(plan),
        order=SQL(", ").join(_order_term(sort) for sort in plan.order),
        limit=Placeholder("limit"),
        offset=Placeholder("offset"),
        tail=Placeholder("tail"),
    )


def _total(plan: ListPlan) -> Composable:
    """All rows of a table are counted by the table itself; those of a filter are counted here."""
    if plan.where == EVERYTHING:
        return row_count(plan.table)
    return SQL("(SELECT count(*) FROM {table}{where})").format(table=qualified(plan.table), where=_where(plan.where))


def list_values(plan: ListPlan) -> Values:
    """The values of a list's statement."""
    page = plan.page
    place = (
        {"page": page.number, "page_size": page.size}
        if page.number is not None
        else {"limit": page.size, "offset": page.offset}
    )
    return {
        "limit": str(page.size),
        "offset": str(page.offset),
        "tail": "," + dumps(place).decode()[1:],
        **_condition_values(plan.where),
    }


def row_shape(plan: KeyedPlan) -> Hashable:
    """What the statement of a single row depends on."""
    columns = tuple(field.column for field in plan.fields)
    return ("row", _table_shape(plan.table), plan.meta, columns, _condition_shape(plan.scope))


def row_statement(plan: KeyedPlan) -> Composed:
    """One row by its key as ``{"data":{…}}``."""
    scope = [] if plan.scope == EVERYTHING else [condition_text(plan.scope, _placeholders())]
    return _ROW.format(
        row=row_text(plan.fields, _TEMPLATE, meta=plan.meta),
        table=qualified(plan.table),
        condition=SQL(" AND ").join([*key_conditions(plan.table), *scope]),
    )


def row_values(plan: KeyedPlan) -> Values:
    """The values of a single row's statement."""
    return {**key_values(plan.key), **_condition_values(plan.scope)}


def key_conditions(table: Table) -> list[Composable]:
    """``key = value`` for each part of the primary key."""
    return [
        SQL("{column} = {value}").format(
            column=compared(field).identifier, value=compared(field).bound(Placeholder(f"key{place}"))
        )
        for place, field in enumerate(table.key_fields)
    ]


def key_values(key: tuple[str, ...]) -> Values:
    """The values of ``key_conditions``."""
    return {f"key{place}": part for place, part in enumerate(key)}


def _table_shape(table: Table) -> Hashable:
    return table.identity.namespace, table.identity.id, table.identity.revision


def _condition_shape(condition: Condition) -> Hashable:
    match condition:
        case Match(field, operator, value):
            return field.column, operator, value if isinstance(value, bool) else None
        case Not(inner):
            return "not", _condition_shape(inner)
        case AllOf(parts) | AnyOf(parts):
            return type(condition).__name__, tuple(_condition_shape(part) for part in parts)


def _condition_values(condition: Condition) -> Values:
    return {f"value{place}": value for place, value in enumerate(values(condition))}


def _where(condition: Condition) -> Composable:
    if condition == EVERYTHING:
        return SQL("")
    return SQL(" WHERE {condition}").format(condition=condition_text(condition, _placeholders()))


def _placeholders() -> Bind:
    places = count()

    def bind(match: Match) -> Composable:
        return values_of(match, Placeholder(f"value{next(places)}"))

    return bind


def _order_term(sort: Sort) -> Composable:
    return SQL("{column}{direction}").format(
        column=compared(sort.field).identifier, direction=SQL(" DESC" if sort.descending else "")
    )


def _read_columns(plan: ListPlan) -> Composable:
    names = [column.name for field in plan.fields for column in columns_of(field)]
    if plan.meta:
        names += [CREATED, UPDATED, VERSION]
    return SQL(", ").join(Identifier(name) for name in dict.fromkeys(names))
