"""How many statements a request sends in all, authentication included: one, whatever the size."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from datatables.catalog import TableCatalog
from tests.api.descriptors import new_app, new_table
from tests.cast import Answer, Api, new_tenant
from tests.cluster import Databases
from tests.statements import Statements, counting

ORDERS: dict[str, Any] = {
    "fields": [
        {"name": "code", "type": "string", "constraints": {"unique": True}},
        {"name": "total", "type": "number"},
        {"name": "updated_at", "type": "datetime"},
    ]
}
_numbers = itertools.count(1)


class Shop:
    """A tenant's table of orders."""

    def __init__(self) -> None:
        tenant = new_tenant("counted")
        self.api: Api = tenant.api
        self.schema = tenant.schema
        self.app = new_app(self.api)
        self.data = new_table(self.api, self.app, "orders", ORDERS, materialize=True) + "data/"
        made = self.api.post(self.data, [{"code": f"first {number}", "total": number} for number in range(1200)])
        assert made.status == 201, made
        self.ids = [row["id"] for row in made.data["data"]]

    def rows(self, count: int) -> list[dict[str, Any]]:
        """New rows."""
        return [{"code": f"c{next(_numbers)}", "total": 1} for _ in range(count)]


@pytest.fixture(scope="module")
def shop(django_db_setup: None) -> Shop:
    """Made once."""
    return Shop()


@pytest.fixture(scope="module")
def statements(databases: Databases, shop: Shop) -> Iterator[Statements]:
    """The counter, while this module's tests run."""
    with counting(databases) as statements:
        yield statements


def sent_by(statements: Statements, send: Callable[[], Answer], status: int = 200) -> tuple[int, int]:
    """(statements, transaction control) of a request that ends in ``status``."""

    def checked() -> None:
        answer = send()
        assert answer.status == status, answer

    found = statements.of(checked)
    return len(found.statements), len(found.control)


@pytest.mark.parametrize(
    "query",
    ["", "?page_size=1000", "?total__gte=5&ordering=-total&page=3", "?limit=5&offset=9999", "?_meta=true&fields=code"],
)
def test_a_list_is_one_statement(statements: Statements, shop: Shop, query: str) -> None:
    assert sent_by(statements, lambda: shop.api.get(shop.data + query)) == (1, 0)


def test_a_get_is_one_statement(statements: Statements, shop: Shop) -> None:
    assert sent_by(statements, lambda: shop.api.get(f"{shop.data}{shop.ids[0]}/")) == (1, 0)
    assert sent_by(statements, lambda: shop.api.get(f"{shop.data}99999999/"), 404) == (1, 0)


@pytest.mark.parametrize("count", [1, 2, 500])
def test_a_bulk_create_is_one_statement(statements: Statements, shop: Shop, count: int) -> None:
    assert sent_by(statements, lambda: shop.api.post(shop.data, shop.rows(count)), 201) == (1, 0)
    send = lambda: shop.api.post(shop.data, shop.rows(count), prefer="return=minimal")  # noqa: E731
    assert sent_by(statements, send, 201) == (1, 0)


def test_a_create_is_one_statement(statements: Statements, shop: Shop) -> None:
    assert sent_by(statements, lambda: shop.api.post(shop.data, shop.rows(1)[0]), 201) == (1, 0)


def test_an_upsert_is_one_statement(statements: Statements, shop: Shop) -> None:
    upsert = f"{shop.data}upsert/?unique_fields=code"
    assert sent_by(statements, lambda: shop.api.post(upsert, shop.rows(1)[0]), 201) == (1, 0)
    assert sent_by(statements, lambda: shop.api.post(upsert, {"code": "first 1", "total": 2})) == (1, 0)
    assert sent_by(statements, lambda: shop.api.post(upsert, shop.rows(500))) == (1, 0)


def test_changes_are_one_statement(statements: Statements, shop: Shop) -> None:
    one = f"{shop.data}{shop.ids[0]}/"
    assert sent_by(statements, lambda: shop.api.patch(one, {"total": 3})) == (1, 0)
    assert sent_by(statements, lambda: shop.api.put(one, {"total": 4})) == (1, 0)
    for count in (1, 500):
        body = [{"id": number, "total": 5} for number in shop.ids[:count]]
        assert sent_by(statements, lambda body=body: shop.api.patch(shop.data, body)) == (1, 0)  # type: ignore[misc]


def test_deletes_are_one_statement(statements: Statements, shop: Shop) -> None:
    ids = iter([str(row["id"]) for row in shop.api.post(shop.data, shop.rows(2000)).data["data"]])
    assert sent_by(statements, lambda: shop.api.delete(f"{shop.data}{next(ids)}/"), 204) == (1, 0)
    many = lambda: shop.api.delete(f"{shop.data}?ids={','.join(itertools.islice(ids, 100))}")  # noqa: E731
    assert sent_by(statements, many) == (1, 0)


def test_a_tenant_of_one_store_never_pays_for_another(statements: Statements, shop: Shop) -> None:
    """Where nothing is remembered a change and a delete look for what a list looks for, and for nothing more."""
    ids = iter([str(row["id"]) for row in shop.api.post(shop.data, shop.rows(6)).data["data"]])

    def cold(send: Callable[[], Answer], status: int = 200) -> int:
        def forgetful() -> Answer:
            TableCatalog(shop.schema).forget()
            return send()

        return sent_by(statements, forgetful, status)[0]

    least = cold(lambda: shop.api.get(shop.data))
    assert cold(lambda: shop.api.delete(f"{shop.data}{next(ids)}/"), 204) == least
    assert cold(lambda: shop.api.put(f"{shop.data}{shop.ids[9]}/", {"code": f"c{next(_numbers)}"})) == least


def test_conditional_requests_are_one_statement(statements: Statements, shop: Shop) -> None:
    one = f"{shop.data}{shop.ids[3]}/"
    tag = shop.api.get(one).headers["ETag"]
    assert sent_by(statements, lambda: shop.api.get(one, if_none_match=tag), 304) == (1, 0)
    for wrong in ('"1-1"', '"x"', f"W/{tag}"):
        for send in (
            lambda wrong=wrong: shop.api.patch(one, {"total": 3}, if_match=wrong),
            lambda wrong=wrong: shop.api.put(one, {"total": 3}, if_match=wrong),
            lambda wrong=wrong: shop.api.delete(one, if_match=wrong),
        ):
            assert sent_by(statements, send, 412) == (1, 0)
    assert sent_by(statements, lambda: shop.api.delete(f"{shop.data}999999/", if_match=tag), 404) == (1, 0)
    latest = [shop.api.patch(one, {"total": 1}).headers["ETag"]]

    def change() -> Answer:
        answer = shop.api.patch(one, {"total": 2}, if_match=latest[-1])
        latest.append(answer.headers["ETag"])
        return answer

    assert sent_by(statements, change) == (1, 0)


def test_a_delete_by_filter_is_one_statement(statements: Statements, shop: Shop) -> None:
    for tree in ('{"code":"nobody"}', '{"total":77,"code__startswith":"x"}', '{"or":[{"total":-1},{"total__gt":1e9}]}'):
        delete = f"{shop.data}?filter={quote(tree)}"
        assert sent_by(statements, lambda delete=delete: shop.api.delete(delete)) == (1, 0)  # type: ignore[misc]


def test_a_create_that_skips_is_one_statement_while_nothing_is_refused(statements: Statements, shop: Shop) -> None:
    skip = f"{shop.data}?on_error=skip"
    assert sent_by(statements, lambda: shop.api.post(skip, shop.rows(300))) == (1, 0)
    assert sent_by(statements, lambda: shop.api.post(skip, [*shop.rows(300), {"total": "x"}])) == (1, 0)
    taken = [{"code": f"first {number}"} for number in range(99)]
    assert sent_by(statements, lambda: shop.api.post(skip, [*shop.rows(300), *taken]))[0] <= 6


def test_a_refusal_of_what_is_sent_costs_nothing(statements: Statements, shop: Shop) -> None:
    for send in (
        lambda: shop.api.get(f"{shop.data}?nope=1"),
        lambda: shop.api.post(shop.data, {"nope": 1}),
        lambda: shop.api.post(shop.data, b"{"),
        lambda: shop.api.delete(shop.data),
    ):
        assert sent_by(statements, send, 400) == (0, 0)


def test_a_known_key_without_a_token_costs_nothing(statements: Statements, shop: Shop) -> None:
    assert sent_by(statements, lambda: shop.api.with_token("").get(shop.data), 401) == (0, 0)


def test_lists_of_metadata_do_not_grow_with_their_rows(statements: Statements, shop: Shop) -> None:
    paths = ["/api/apps/", shop.app, f"{shop.app}datasources/", f"{shop.app}datatables/"]
    before = {path: sent_by(statements, lambda path=path: shop.api.get(path))[0] for path in paths}  # type: ignore[misc]
    for number in range(4):
        new_app(shop.api)
        new_table(shop.api, shop.app, f"more{number}")
    after = {path: sent_by(statements, lambda path=path: shop.api.get(path))[0] for path in paths}  # type: ignore[misc]
    assert after == before
    assert max(after.values()) <= 4
