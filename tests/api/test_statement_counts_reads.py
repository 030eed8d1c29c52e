"""Whatever a list populates, filters through, counts, searches or groups: it is one statement."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.descriptors import new_app, new_table
from tests.api.test_statement_counts import sent_by
from tests.cast import Api, new_tenant
from tests.cluster import Databases
from tests.statements import Statements, counting

PEOPLE: dict[str, Any] = {
    "fields": [{"name": "name", "type": "string"}, {"name": "meta", "type": "object"}],
    "search_fields": ["name"],
}
ORDERS: dict[str, Any] = {
    "fields": [
        {"name": "total", "type": "number"},
        {"name": "person_id", "type": "integer"},
        {"name": "at", "type": "datetime"},
    ],
    "foreignKeys": [{"fields": "person_id", "reference": {"resource": "people", "fields": "id"}}],
}


class Desk:
    """A tenant's people and their orders."""

    def __init__(self) -> None:
        self.api: Api = new_tenant("asked").api
        app = new_app(self.api)
        self.people = new_table(self.api, app, "people", PEOPLE, materialize=True) + "data/"
        self.orders = new_table(self.api, app, "orders", ORDERS, materialize=True) + "data/"
        self.api.post(self.people, [{"name": f"person {number}", "meta": {"n": number}} for number in range(50)])
        made = self.api.post(self.orders, [{"total": number, "person_id": number % 50 + 1} for number in range(200)])
        assert made.status == 201, made


@pytest.fixture(scope="module")
def desk(django_db_setup: None) -> Desk:
    """Made once."""
    return Desk()


@pytest.fixture(scope="module")
def statements(databases: Databases, desk: Desk) -> Iterator[Statements]:
    """The counter, while this module's tests run."""
    with counting(databases) as statements:
        yield statements


@pytest.mark.parametrize(
    "query",
    [
        "populate=person",
        "populate=*&page_size=200",
        "person.name__contains=1&ordering=-person.name&populate=person",
        "person.meta__n__gt=3&_count=estimated&page_size=5",
        'filters={"or":[{"person.name":"person 3"},{"not":{"total__lt":150}}]}',
        "cursor=&page_size=5&populate=person",
        "_count=none",
        "_aggregate=count(*),sum(total)",
        "_aggregate=avg(total)&_group_by=person.name&ordering=-avg_total&_having=avg_total__gt=50",
    ],
)
def test_a_list_of_orders_is_one_statement(statements: Statements, desk: Desk, query: str) -> None:
    assert sent_by(statements, lambda: desk.api.get(f"{desk.orders}?{query}")) == (1, 0)


@pytest.mark.parametrize(
    "query",
    [
        "populate=orders",
        "populate=orders,orders.person&populate_limit=3",
        "orders.total__gt=100",
        "search=person -7",
        "search=3 OR 4&ordering=-rank&populate=orders",
        "meta__n__in=1,2&search=person",
    ],
)
def test_a_list_of_people_is_one_statement(statements: Statements, desk: Desk, query: str) -> None:
    assert sent_by(statements, lambda: desk.api.get(f"{desk.people}?{query}")) == (1, 0)


def test_a_populated_record_is_one_statement(statements: Statements, desk: Desk) -> None:
    assert sent_by(statements, lambda: desk.api.get(f"{desk.people}1/?populate=orders,orders.person")) == (1, 0)


def test_a_query_in_a_body_is_one_statement(statements: Statements, desk: Desk) -> None:
    body = {"filters": {"person.name__startswith": "person 1"}, "populate": ["person"], "ordering": "-total"}
    assert sent_by(statements, lambda: desk.api.post(f"{desk.orders}query/", body)) == (1, 0)


def test_refused_questions_cost_nothing(statements: Statements, desk: Desk) -> None:
    for query in ("populate=persn", "person.nme=1", "_aggregate=sum(nope)", "cursor=x", "ordering=-nope", "search="):
        assert sent_by(statements, lambda query=query: desk.api.get(f"{desk.orders}?{query}"), 400) == (0, 0)  # type: ignore[misc]
