"""How many rows a list has: kept by the table itself, counted, or estimated from a sample."""

from typing import Final

from psycopg.sql import SQL, Composable, Literal

from records.conditions import EVERYTHING
from records.plan import ListPlan
from records.providers.postgres.binding import Placeholders
from records.providers.postgres.folding import Folding
from records.providers.postgres.source import Source
from records.providers.postgres.triggers import row_count
from records.providers.postgres.where import condition_text

SAMPLED_ROWS: Final = 10_000
"""About how many rows an estimate looks at; smaller tables are counted."""

_COUNTED: Final = SQL("(SELECT count(*) FROM {source} WHERE {condition})")
_ESTIMATED: Final = SQL("""(
    SELECT CASE WHEN known.total <= {sample} THEN {counted} ELSE (
        SELECT round(known.total::numeric * count(*) FILTER (WHERE {condition}) / greatest(count(*), 1))::bigint
        FROM {sampled}
    ) END
    FROM (SELECT {kept} AS total) AS known
)""")
_SAMPLE: Final = SQL(" TABLESAMPLE SYSTEM (least(100, 100.0 * {sample} / known.total)::real) REPEATABLE (0)")


def total_text(plan: ListPlan, folding: Folding) -> Composable:
    """The number of rows that satisfy the condition; without one the table's own count, which is always exact."""
    if plan.where == EVERYTHING:
        return row_count(plan.table)
    if plan.count == "exact":
        return _counted(plan, folding)
    source = Source(plan.table)
    text = condition_text(plan.where, source, Placeholders(folding))
    return _ESTIMATED.format(
        sample=Literal(SAMPLED_ROWS),
        counted=_counted(plan, folding),
        condition=text,
        sampled=source.sampled(_SAMPLE.format(sample=Literal(SAMPLED_ROWS))),
        kept=row_count(plan.table),
    )


def _counted(plan: ListPlan, folding: Folding) -> Composable:
    source = Source(plan.table)
    text = condition_text(plan.where, source, Placeholders(folding))
    return _COUNTED.format(source=source.text, condition=text)
