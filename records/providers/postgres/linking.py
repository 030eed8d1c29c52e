"""Rows that belong to rows known by their keys alone → one statement, whatever the number of keys."""

from collections.abc import Hashable
from typing import Final

from psycopg.sql import SQL, Composable, Composed, Identifier, Placeholder

from records.jsontext import dumps
from records.plan import LinkedPlan
from records.providers.postgres.columns import compared, qualified
from records.providers.postgres.compile import Values, populated_shape, populated_values
from records.providers.postgres.expressions import table_shape
from records.providers.postgres.insert import sent_rows
from records.providers.postgres.rowtext import populated_row, populated_templates, read_columns, row_template

# OFFSET 0 makes the planner look for the rows of a key first, as where the relation is followed in one database.
_LINKED: Final = SQL(
    "SELECT coalesce(string_agg(row, ','), '') FROM (SELECT {row} AS row FROM (SELECT {columns} FROM {sent}"
    " CROSS JOIN LATERAL (SELECT * FROM (SELECT t.* FROM {table} AS t WHERE {belongs} OFFSET 0) AS t{limit}) AS t"
    " ORDER BY sent.n, {order}) AS page) AS rows"
)
_LIMIT: Final = SQL(" ORDER BY {order} LIMIT {limit}::bigint")


def linked_shape(plan: LinkedPlan) -> Hashable:
    """What the statement depends on."""
    return (
        "linked",
        table_shape(plan.table),
        tuple(field.column for field in plan.fields),
        tuple(field.column for field in plan.by),
        plan.limit is None,
        populated_shape(plan.populated),
    )


def linked_statement(plan: LinkedPlan) -> Composed:
    """The rows as JSON texts joined by commas, those of one key together and in the order of the primary key."""
    columns = [compared(field) for field in plan.by]
    belongs: list[Composable] = [
        SQL("{own} = {value}").format(own=column.of("t"), value=column.bound(Identifier("sent", f"s{place}")))
        for place, column in enumerate(columns)
    ]
    order = SQL(", ").join(compared(field).of("t") for field in plan.table.key_fields)
    names = read_columns(plan.fields, plan.populated, meta=False)
    return _LINKED.format(
        row=populated_row(plan.fields, plan.populated, "page", meta=False),
        columns=SQL(", ").join(Identifier("t", name) for name in names),
        sent=sent_rows(len(columns)),
        table=qualified(plan.table),
        belongs=SQL(" AND ").join(belongs),
        limit=SQL("") if plan.limit is None else _LIMIT.format(order=order, limit=Placeholder("limit")),
        order=order,
    )


def linked_values(plan: LinkedPlan) -> Values:
    """The keys, an array for each of their fields, and the limit."""
    columns = enumerate(zip(*plan.keys, strict=True))
    values: Values = {f"column{place}": dumps(list(texts)).decode() for place, texts in columns}
    return {**values, "limit": str(plan.limit), **populated_values(plan.populated)}


def linked_templates(plan: LinkedPlan) -> dict[str, str]:
    """The row templates that the statement binds."""
    own = row_template(plan.fields, plan.populated, meta=False)
    return {"template": own, **populated_templates(plan.populated)}
