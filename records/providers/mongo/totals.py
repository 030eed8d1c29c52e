"""How many rows a list has: counted, or estimated from what the server keeps or from a sample."""

from typing import Final

from records.conditions import EVERYTHING
from records.plan import ListPlan
from records.providers.mongo.asking import Asking
from records.providers.mongo.matching import condition_stages
from records.providers.mongo.server import Pipeline
from records.providers.mongo.source import Source
from records.query import Page

SAMPLED_ROWS: Final = 10_000
"""How many rows an estimate looks at."""
COUNTED_ROWS: Final = 200_000
"""Smaller tables are counted: a sample of more than a twentieth of a collection is drawn from all of it."""


def total_of(plan: ListPlan, seen: int, asking: Asking) -> int | None:
    """The total of a list of whose page so many rows were seen; nothing is counted where the page tells it."""
    page = plan.page
    assert isinstance(page, Page)
    if plan.count == "none":
        return None
    if seen < page.size and (seen or not page.offset):
        return page.offset + seen
    if plan.count == "exact":
        return asking.count(plan.table, _stages(plan))
    return max(_estimated(plan, asking), page.offset + seen if seen else 0)


def _estimated(plan: ListPlan, asking: Asking) -> int:
    kept = asking.kept_count(plan.table)
    if plan.where == EVERYTHING:
        return kept
    if kept <= COUNTED_ROWS:
        return asking.count(plan.table, _stages(plan))
    sample: Pipeline = [{"$sample": {"size": SAMPLED_ROWS}}]
    return round(kept * asking.count(plan.table, [*sample, *_stages(plan)]) / SAMPLED_ROWS)


def _stages(plan: ListPlan) -> Pipeline:
    return condition_stages(plan.where, Source(plan.table))
