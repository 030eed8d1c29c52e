"""``_count``: exact, estimated, or none at all; what each answers and what it does not look at."""

from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL

from datar.errors import Invalid
from records.conditions import EVERYTHING
from records.plan import ListPlan
from records.planning import plan_list
from records.providers.postgres.columns import qualified
from records.providers.postgres.compile import list_statement
from records.providers.postgres.folding import Folding
from records.providers.postgres.keyset import slice_statement
from tests.records.engine import Engine, Rows
from tests.records.refusals import refused
from tests.records.shop import Shop

MANY = 30_000
POINTS: dict[str, Any] = {"fields": [{"name": "n", "type": "integer"}, {"name": "pad", "type": "string"}]}


@pytest.fixture
def points(engine: Engine) -> Rows:
    """Thirty thousand rows, each hundredth value 300 times."""
    return many_points(engine)


def many_points(engine: Engine) -> Rows:
    """The same on this engine."""
    rows = engine.table("points", POINTS)
    for start in range(0, MANY, 10_000):
        rows.create([{"n": number % 100, "pad": "x" * 50} for number in range(start, start + 10_000)])
    return rows


def text_of(rows: Rows, *pairs: tuple[str, str]) -> str:
    """The statement of a list."""
    records = rows.records
    plan = plan_list(pairs, records.table, records.catalog, EVERYTHING)
    assert isinstance(plan, ListPlan)
    compose = slice_statement if plan.mark else list_statement
    return compose(plan, Folding(180_000)).as_string(None)


def test_exact_is_the_default(points: Rows) -> None:
    assert points.list(n="7", page_size="1")["total"] == MANY // 100
    assert points.list(n="7", page_size="1", _count="exact")["total"] == MANY // 100


def test_none_answers_null(points: Rows) -> None:
    assert points.list(n="7", page_size="1", _count="none")["total"] is None
    assert points.list(_count="none")["total"] is None
    assert points.list(n="1000", _count="none") == {"data": [], "total": None, "page": 1, "page_size": 20}


def test_none_never_counts(sql_engine: Engine) -> None:
    points = sql_engine.table("points", POINTS)
    for pairs in ((), (("n", "7"),), (("search", "x"), ("ordering", "-rank"))):
        assert "count(" not in text_of(points, ("_count", "none"), *pairs)
        assert "count(" in text_of(points, *pairs)


def test_estimated_is_near(points: Rows) -> None:
    for pairs, truth in (({"n__lt": "50"}, 15_000), ({"n": "7"}, 300), ({"n__isnull": "true"}, 0)):
        total = points.list(**pairs, page_size="10", _count="estimated")["total"]
        assert abs(total - truth) <= truth * 0.5 + 1, pairs


def test_estimated_is_exact_where_that_costs_nothing(points: Rows, shop: Shop) -> None:
    assert points.list(_count="estimated", page_size="1")["total"] == MANY
    assert points.list(n="7", _count="estimated", page_size="1000")["total"] == 300
    assert points.list(n__gte="99", _count="estimated", limit="200", offset="200")["total"] == 300
    assert shop.orders.ask(("total__gte", "5"), ("page_size", "1"), ("_count", "estimated"))["total"] == 5


def test_estimated_looks_at_a_sample_only(sql_engine: Engine) -> None:
    points = many_points(sql_engine)
    statement = SQL("EXPLAIN (ANALYZE, FORMAT TEXT, TIMING OFF, COSTS OFF, SUMMARY OFF) ")
    with psycopg.connect(sql_engine.url) as connection:
        connection.execute(SQL("ANALYZE {}").format(qualified(points.table)))
        values = {"value0": "50", "template": "%s %s %s", "limit": "1", "offset": "0", "tail": "}"}
        text = text_of(points, ("n__lt", "50"), ("_count", "estimated"), ("page_size", "1"))
        plan = [row[0] for row in connection.execute(statement.as_string(None) + text, values)]
    sampled = next(line for line in plan if "Sample Scan" in line)
    assert "loops=1" in sampled, plan
    assert any("never executed" in line for line in plan), plan


def test_an_estimate_is_never_less_than_what_was_seen(points: Rows) -> None:
    seen = points.list(n__in="1,2,3", _count="estimated", limit="100", offset="700")
    assert seen["total"] >= 800


def test_counts_go_through_relations(shop: Shop) -> None:
    for count in ("exact", "estimated"):
        pairs = (("customer.country.name", "Germany"), ("page_size", "1"), ("_count", count))
        assert shop.orders.ask(*pairs)["total"] == 2
        assert shop.customers.ask(("staff.name__nnull", "true"), ("page_size", "1"), ("_count", count))["total"] == 2


@pytest.mark.parametrize("value", ["", "all", "Exact", "true"])
def test_other_words(shop: Shop, value: str) -> None:
    with refused(Invalid):
        shop.orders.ask(("_count", value))


def test_di_11_a_page_beyond_the_end_has_the_total(shop: Shop) -> None:
    for count in ("exact", "estimated"):
        assert shop.orders.ask(("page", "9"), ("_count", count))["total"] == 6
        assert shop.orders.ask(("page", "9"), ("total", "20"), ("_count", count))["total"] == 3
