"""Read plans → one statement each, and the values it binds. Names are generated columns, values always bound.

A statement depends on a plan's *shape* only, so it is composed once per shape and its text reused.
"""

from collections.abc import Hashable, Sequence
from typing import Final

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal, Placeholder

from records.conditions import EVERYTHING, Expression
from records.jsontext import dumps
from records.plan import KeyedPlan, ListPlan, Populated, Rank, Sort
from records.providers.postgres.binding import Placeholders
from records.providers.postgres.columns import compared
from records.providers.postgres.expressions import expression_shape, expression_text, hops_shape, table_shape
from records.providers.postgres.folding import Folding
from records.providers.postgres.rowtext import populated_row, populated_templates, read_columns, row_template
from records.providers.postgres.searching import rank_text
from records.providers.postgres.source import Source
from records.providers.postgres.totals import total_text
from records.providers.postgres.where import condition_shape, condition_text, condition_values
from records.query import Page
from records.system import VERSION
from records.table import Table

Values = dict[str, str | list[str] | None]
"""What is bound, by the name of its placeholder."""

_PAGE: Final = SQL("""
SELECT '{{"data":[' || coalesce(string_agg(row, ','), '') || '],"total":' || {total} || {tail}::text
FROM (
    SELECT {row} AS row FROM (
        SELECT {columns} FROM {source}{where} ORDER BY {order} LIMIT {limit} OFFSET {offset}
    ) AS page
) AS rows""")
_TOLD: Final = SQL("""(
    CASE WHEN count(*) < {limit} AND (count(*) > 0 OR {offset} = 0)
    THEN {offset} + count(*)
    ELSE {total} END
)::text""")
_AT_LEAST: Final = SQL("greatest({total}, CASE WHEN count(*) > 0 THEN {offset} + count(*) END)")
"""An estimate is never less than the rows that were seen."""
_ROW: Final = SQL(
    "SELECT '{{\"data\":' || {row} || '}}', {version} FROM (SELECT {columns} FROM {source} WHERE {condition}) AS page"
)
_USUAL_SIZES: Final = frozenset({10, 20, 25, 50, 100, 200, 250, 500, 1000})
_USUAL_PAGES: Final = 5
"""Sizes, and first pages of these sizes, that stand in the text: a bound LIMIT or OFFSET is planned anew each time,
for PostgreSQL takes an unknown one for a tenth of the table. Only these, so that no client can fill the memory."""


def list_shape(plan: ListPlan) -> Hashable:
    """What the statement of a list depends on; equal shapes share a statement."""
    return (
        "list",
        plan.count,
        _window(plan),
        table_shape(plan.table),
        plan.meta,
        tuple(field.column for field in plan.fields),
        condition_shape(plan.where),
        order_shape(plan.order),
        populated_shape(plan.populated),
    )


def list_statement(plan: ListPlan, folding: Folding) -> Composed:
    """One statement: the page as JSON text, and the total, counted only when the page does not tell it."""
    source = Source(plan.table)
    limit, offset = limit_text(plan), offset_text(plan)
    where = (
        SQL("")
        if plan.where == EVERYTHING
        else SQL(" WHERE {condition}").format(condition=where_text(plan, source, folding))
    )
    order = SQL(", ").join(order_term(sort, source) for sort in plan.order)
    total: Composable = SQL("'null'")
    if plan.count != "none":
        total = total_text(plan, folding)
        if plan.count == "estimated":
            total = _AT_LEAST.format(total=total, offset=offset)
        total = _TOLD.format(limit=limit, offset=offset, total=total)
    return _PAGE.format(
        total=total,
        tail=Placeholder("tail"),
        row=populated_row(plan.fields, plan.populated, "page", meta=plan.meta),
        columns=page_columns(plan, source),
        source=source.text,
        where=where,
        order=order,
        limit=limit,
        offset=offset,
    )


def limit_text(plan: ListPlan) -> Composable:
    """The size of a page: in the text where it is usual, else bound."""
    size, _ = _window(plan)
    return SQL("{size}::bigint").format(size=Placeholder("limit") if size is None else Literal(size))


def offset_text(plan: ListPlan) -> Composable:
    """The rows to pass over: in the text where that is usual, else bound."""
    _, offset = _window(plan)
    return SQL("{offset}::bigint").format(offset=Placeholder("offset") if offset is None else Literal(offset))


def _window(plan: ListPlan) -> tuple[int | None, int | None]:
    """Size and offset as they stand in the text, None where they are bound."""
    page = plan.page
    if page is None or page.size not in _USUAL_SIZES:
        return None, None if isinstance(page, Page) and page.offset else 0
    if not isinstance(page, Page):
        return page.size, 0
    usual = page.offset % page.size == 0 and page.offset // page.size < _USUAL_PAGES
    return page.size, page.offset if usual else None


def list_values(plan: ListPlan) -> Values:
    """The values of a list's statement."""
    page = plan.page
    assert isinstance(page, Page)
    return {**page_values(page), **shared_values(plan)}


def page_values(page: Page) -> Values:
    """Size and offset of a page, and the end of its answer: which page it is, in the words it was asked in."""
    return {"limit": str(page.size), "offset": str(page.offset), "tail": "," + dumps(page.place).decode()[1:]}


def shared_values(plan: ListPlan) -> Values:
    """The values of the conditions, the search and the relations of any statement of a list."""
    values: Values = {f"value{place}": value for place, value in enumerate(condition_values(plan.where))}
    for sort in plan.order:
        if isinstance(sort.expression, Rank):
            values["words"] = sort.expression.words
    return values | populated_values(plan.populated)


def populated_values(populated: Sequence[Populated]) -> Values:
    """The limit of to-many relations, where there may be one."""
    return {"populate_limit": str(populated[0].limit)} if populated else {}


def row_shape(plan: KeyedPlan) -> Hashable:
    """What the statement of a single row depends on."""
    columns = tuple(field.column for field in plan.fields)
    return (
        "row",
        table_shape(plan.table),
        plan.meta,
        columns,
        condition_shape(plan.scope),
        populated_shape(plan.populated),
    )


def row_statement(plan: KeyedPlan, folding: Folding) -> Composed:
    """One row by its key as ``{"data":{…}}``, and its version."""
    source = Source(plan.table)
    scope = [] if plan.scope == EVERYTHING else [condition_text(plan.scope, source, Placeholders(folding))]
    names = read_columns(plan.fields, plan.populated, meta=plan.meta)
    return _ROW.format(
        row=populated_row(plan.fields, plan.populated, "page", meta=plan.meta),
        version=Identifier("page", VERSION),
        columns=SQL(", ").join(Identifier(source.alias, name) for name in dict.fromkeys([*names, VERSION])),
        condition=SQL(" AND ").join([*key_conditions(plan.table, source.alias), *scope]),
        source=source.text,
    )


def row_values(plan: KeyedPlan) -> Values:
    """The values of a single row's statement."""
    scope: Values = {f"value{place}": value for place, value in enumerate(condition_values(plan.scope))}
    return {**key_values(plan.key), **scope, **populated_values(plan.populated)}


def key_conditions(table: Table, *alias: str) -> list[Composable]:
    """``key = value`` for each part of the primary key; of the table's ``alias``, where it has one."""
    return [
        SQL("{column} = {value}").format(
            column=Identifier(*alias, compared(field).name), value=compared(field).bound(Placeholder(f"key{place}"))
        )
        for place, field in enumerate(table.key_fields)
    ]


def key_values(key: tuple[str, ...]) -> Values:
    """The values of ``key_conditions``."""
    return {f"key{place}": part for place, part in enumerate(key)}


def read_templates(plan: ListPlan | KeyedPlan) -> dict[str, str]:
    """The row templates that a plan's statement binds, equal for equal shapes."""
    own = row_template(plan.fields, plan.populated, meta=plan.meta)
    return {"template": own, **populated_templates(plan.populated)}


def populated_shape(populated: Sequence[Populated]) -> Hashable:
    """Relations put into rows: by name, tables and how their rows belong together, in their order."""
    return tuple(
        (each.relation.many, hops_shape((each.relation,)), populated_shape(each.populated)) for each in populated
    )


def order_shape(order: Sequence[Sort]) -> Hashable:
    """The terms of an order."""
    return tuple((sort_shape(sort), sort.descending) for sort in order)


def sort_shape(sort: Sort) -> Hashable:
    """What one term is ordered by."""
    return expression_shape(sort.expression) if isinstance(sort.expression, Expression) else "rank"


def where_text(plan: ListPlan, source: Source, folding: Folding) -> Composable:
    """The condition of a list; joins it needs are made in ``source``."""
    return SQL("({condition})").format(condition=condition_text(plan.where, source, Placeholders(folding)))


def order_term(sort: Sort, source: Source) -> Composable:
    """One term of ORDER BY."""
    return SQL("{value}{direction}").format(
        value=sort_text(sort, source), direction=SQL(" DESC" if sort.descending else "")
    )


def sort_text(sort: Sort, source: Source) -> Composable:
    """What one term is ordered by."""
    if isinstance(sort.expression, Rank):
        return rank_text(source, Placeholder("words"))
    assert isinstance(sort.expression, Expression)
    return expression_text(sort.expression, source, Placeholders())


def page_columns(plan: ListPlan, source: Source) -> Composable:
    """The columns that the rows of a page are made of."""
    names = read_columns(plan.fields, plan.populated, meta=plan.meta)
    return SQL(", ").join(Identifier(source.alias, name) for name in names)
