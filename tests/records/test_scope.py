"""A condition that is added to every question because of who asks, through relations too."""

from dataclasses import replace

import pytest

from datar.errors import Invalid, NotFound
from records.filters import condition_of
from records.providers.postgres.errors import wrapped
from records.query import Comparison
from records.recordset import RecordSet
from records.relations import Lookups
from tests.records.engine import Engine, Rows
from tests.records.refusals import refused


@pytest.fixture
def orders(engine: Engine) -> Rows:
    """Four orders; seen are those of Ann, 1 and 3."""
    customers = engine.table("customers", {"fields": [{"name": "name", "type": "string"}]})
    customers.create([{"name": "Ann"}, {"name": "Bob"}])
    key = {"fields": "customer_id", "reference": {"resource": "customers", "fields": "id"}}
    fields = [{"name": "total", "type": "integer"}, {"name": "customer_id", "type": "integer"}]
    rows = engine.table("orders", {"fields": fields, "foreignKeys": [key]})
    rows.create([{"total": number, "customer_id": number % 2 + 1} for number in range(4)])
    scope = condition_of(Comparison("customer.name", "Ann"), rows.table, Lookups(engine))
    return Rows(RecordSet(rows.table, engine, engine.provider, scope))


def test_a_row_is_seen_or_not_there(orders: Rows) -> None:
    assert orders.get(1) == {"id": 1, "total": 0, "customer_id": 1}
    assert orders.get(3, populate="customer", fields="total") == {"total": 2, "customer": {"id": 1, "name": "Ann"}}
    with refused(NotFound):
        orders.get(2)


def test_lists_pages_and_groups(orders: Rows) -> None:
    assert orders.list(fields="id") == {"data": [{"id": 1}, {"id": 3}], "total": 2, "page": 1, "page_size": 20}
    first = orders.list(cursor="", page_size="1", ordering="-total", fields="id")
    assert first["data"] == [{"id": 3}]
    after = orders.list(cursor=first["next_cursor"], page_size="1", ordering="-total", fields="id")
    assert (after["data"], after["next_cursor"]) == ([{"id": 1}], None)
    assert orders.list(_aggregate="sum(total)")["aggregates"] == {"sum_total": 2}


def test_removals(orders: Rows, engine: Engine) -> None:
    assert orders.delete_many(filter='{"total__gte":0}') == {"deleted": 2}
    assert [row["id"] for row in engine.rows("orders").list()["data"]] == [2, 4]


def test_a_place_with_a_null_in_a_field_that_is_required_by_now(engine: Engine) -> None:
    rows = engine.table("late", {"fields": [{"name": "x", "type": "integer"}]})
    rows.create([{"x": None}, {"x": None}])
    first = rows.list(cursor="", page_size="1", ordering="x")
    required = tuple(replace(field, required=True) for field in rows.table.fields)
    now = Rows(RecordSet(replace(rows.table, fields=required), engine, engine.provider))
    after = now.list(cursor=first["next_cursor"], page_size="1", ordering="x")
    assert (after["data"], after["next_cursor"]) == ([{"id": 2, "x": None}], None)


def test_an_answer_that_postgresql_cannot_make(engine: Engine) -> None:
    with refused(Invalid, "query_too_complex"), wrapped(), engine.pool.connection() as connection:
        connection.execute("SELECT repeat(repeat('a', 1000000), 1100)")
