"""Groups → one statement: the groups are made once, for the page and for their number; and the values it binds.

The answer is finished JSON text. ``group_rows_statement`` gives the same groups one by one.
"""

from collections.abc import Hashable, Iterator, Sequence
from itertools import chain
from typing import Final

from psycopg.sql import SQL, Composable, Composed, Identifier, Placeholder

from records.conditions import EVERYTHING, Output
from records.jsontext import dumps
from records.plan import GroupPlan
from records.providers.postgres.aggregates import Gathering, Shown
from records.providers.postgres.binding import Bound, Placeholders
from records.providers.postgres.compile import Values, page_values
from records.providers.postgres.expressions import expression_shape, expression_values, table_shape
from records.providers.postgres.folding import Folding
from records.providers.postgres.source import Source
from records.providers.postgres.triggers import row_count
from records.providers.postgres.where import condition_shape, condition_text, condition_values

_LIMIT: Final = SQL(" LIMIT {limit}::bigint OFFSET {offset}::bigint").format(
    limit=Placeholder("limit"), offset=Placeholder("offset")
)
_GROUPS: Final = SQL("SELECT {groups} FROM (SELECT {rows} FROM {source}{where}{once}) AS rows{group_by}")
_ONCE: Final = SQL(" OFFSET 0")
"""PostgreSQL would write a value into each aggregate that takes it, and compute it there again."""
_COUNTED: Final = SQL("SELECT {count} AS g0")
_HAVING: Final = SQL("SELECT * FROM ({groups}) AS groups WHERE {having}")
_PAGE: Final = SQL("""
WITH groups AS {materialized} ({groups})
SELECT '{{"data":[' || coalesce(string_agg(row, ','), '') || '],"total":' || {total} || {tail}::text
FROM (SELECT {row} AS row FROM (SELECT * FROM groups{order}{limit}) AS page) AS rows""")
_WHOLE: Final = SQL("""
SELECT '{{"data":[' || coalesce(max(row), '') || '],"aggregates":' || coalesce(max(row), 'null') || ',"total":'
    || {total} || '}}'
FROM (SELECT {row} AS row FROM ({groups}) AS groups) AS rows""")
_ROWS: Final = SQL("SELECT {columns} FROM ({groups}) AS groups{order}{limit}")
_ROW: Final = SQL("format({template}::text, VARIADIC ARRAY[{holes}])")
_HOLE: Final = SQL("coalesce({json}, 'null')")


def group_shape(plan: GroupPlan) -> Hashable:
    """Everything the statements of groups depend on; equal shapes share a statement."""
    return (
        "groups",
        tuple(group_names(plan)),
        table_shape(plan.table),
        tuple(expression_shape(group.expression) for group in plan.groups),
        tuple(
            (each.function, each.distinct, each.expression and expression_shape(each.expression))
            for each in plan.aggregates
        ),
        condition_shape(plan.where),
        condition_shape(plan.having),
        tuple((sort.expression.place, sort.descending) for sort in plan.order if isinstance(sort.expression, Output)),
        plan.page is None,
        plan.count == "none",
    )


def group_statement(plan: GroupPlan, folding: Folding) -> Composed:
    """One statement, one text: the page of groups and their number, or the one row of a plan without groups."""
    parts = _Parts(plan, folding)
    if not plan.groups:
        total = SQL("'null'") if plan.count == "none" else SQL("count(*)::text")
        return _WHOLE.format(row=parts.row, groups=parts.groups, total=total)
    none = plan.count == "none"
    return _PAGE.format(
        materialized=SQL("NOT MATERIALIZED" if none else "MATERIALIZED"),
        groups=parts.groups,
        total=SQL("'null'" if none else "(SELECT count(*) FROM groups)::text"),
        tail=Placeholder("tail"),
        row=parts.row,
        order=parts.order,
        limit=_LIMIT,
    )


def group_rows_statement(plan: GroupPlan, folding: Folding) -> Composed:
    """One row of text for each group: its JSON object. All groups where the plan has no page."""
    parts = _Parts(plan, folding)
    return _ROWS.format(columns=parts.row, groups=parts.groups, order=parts.order, limit=_limit(plan))


def group_cells_statement(plan: GroupPlan, folding: Folding) -> Composed:
    """The same with a column for each output: its JSON text, NULL for null."""
    parts = _Parts(plan, folding)
    # Named, for else PostgreSQL would name them as the groups, whose names the order speaks of.
    columns = SQL(", ").join(
        SQL("{json} AS {name}").format(json=shown.json, name=Identifier(f"c{place}"))
        for place, shown in enumerate(parts.outputs)
    )
    return _ROWS.format(columns=columns, groups=parts.groups, order=parts.order, limit=_limit(plan))


def group_values(plan: GroupPlan) -> Values:
    """The values of the statements; ``group_templates`` has the rest."""
    values: Values = {f"value{place}": value for place, value in enumerate(_bound(plan))}
    return values if plan.page is None else values | page_values(plan.page)


def group_templates(plan: GroupPlan) -> dict[str, str]:
    """The row's template by its placeholder: ``{"name":%s,…}``, with ``%`` of a name doubled."""
    names = (dumps(name).decode().replace("%", "%%") for name in group_names(plan))
    return {"template": "{" + ",".join(f"{name}:%s" for name in names) + "}"}


def group_names(plan: GroupPlan) -> list[str]:
    """What the outputs are called, in their order."""
    return [*(group.name for group in plan.groups), *(aggregate.name for aggregate in plan.aggregates)]


class _Parts:
    """The parts of a plan's statements; values are asked for in the order of ``_bound``."""

    def __init__(self, plan: GroupPlan, folding: Folding) -> None:
        source, binds = Source(plan.table), Placeholders(folding)
        gathering = Gathering(plan, source, binds)
        self.outputs = gathering.outputs
        where: Composable = SQL("")
        if plan.where != EVERYTHING:
            where = SQL(" WHERE {where}").format(where=condition_text(plan.where, source, binds))
        self.groups: Composable = _GROUPS.format(
            groups=gathering.groups.text,
            rows=gathering.rows.text,
            source=source.text,
            where=where,
            once=_ONCE if gathering.is_computed else SQL(""),
            group_by=_after(SQL(" GROUP BY "), gathering.keys),
        )
        if _counts_table(plan):
            self.groups = _COUNTED.format(count=row_count(plan.table))
        if plan.having != EVERYTHING:
            values = [shown.value for shown in self.outputs]
            having = condition_text(plan.having, source, binds, values)
            self.groups = _HAVING.format(groups=self.groups, having=having)
        holes = SQL(", ").join(_HOLE.format(json=shown.json) for shown in self.outputs)
        self.row = _ROW.format(template=Placeholder("template"), holes=holes)
        self.order = _after(SQL(" ORDER BY "), list(_order(plan, self.outputs)))


def _bound(plan: GroupPlan) -> Iterator[Bound]:
    """What the text asks to bind, in its order."""
    expressions = chain(
        (group.expression for group in plan.groups), (each.expression for each in plan.aggregates if each.expression)
    )
    for expression in expressions:
        yield from expression_values(expression)
    yield from condition_values(plan.where)
    yield from condition_values(plan.having)


def _counts_table(plan: GroupPlan) -> bool:
    """Whether nothing is asked but how many rows the table has, which it knows."""
    alone = not plan.groups and all(each.expression is None for each in plan.aggregates)
    return alone and plan.where == EVERYTHING


def _order(plan: GroupPlan, outputs: list[Shown]) -> Iterator[Composable]:
    for sort in plan.order:
        assert isinstance(sort.expression, Output)
        direction = SQL(" DESC" if sort.descending else "")
        yield SQL("{value}{direction}").format(value=outputs[sort.expression.place].value, direction=direction)


def _after(words: SQL, terms: Sequence[Composable]) -> Composable:
    return SQL("{words}{terms}").format(words=words, terms=SQL(", ").join(terms)) if terms else SQL("")


def _limit(plan: GroupPlan) -> Composable:
    return SQL("") if plan.page is None else _LIMIT
