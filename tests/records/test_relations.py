"""Paths through relations: how they are named, what they find, what stays unknown."""

import time

import pytest

from datar.errors import Invalid
from records.table import Table
from tests.records.engine import Engine
from tests.records.refusals import refused
from tests.records.shop import Shop


def test_a_to_one_path_is_a_value(shop: Shop) -> None:
    assert shop.numbers(("customer.name", "Ann")) == [1, 2]
    assert shop.numbers(("customer.name__contains", "o"), ("total__gte", "20")) == [3, 6]
    assert shop.numbers(("customer.country.name", "Germany")) == [3, 6]
    assert shop.numbers(("customer.boss.country.code", "FR")) == [3, 4, 6]


def test_a_missing_parent_is_null(shop: Shop) -> None:
    assert shop.numbers(("customer.country.name__isnull", "true")) == [4, 5]
    assert shop.numbers(("customer.country.name__ne", "Germany")) == [1, 2]
    assert shop.numbers(("filters", '{"not": {"customer.country.name": "Germany"}}')) == [1, 2]
    assert shop.numbers(("customer.country.name__nin", "Germany,Italy")) == [1, 2]


def test_a_to_many_path_says_some(shop: Shop) -> None:
    assert shop.names(("orders.customer_id.total", "20")) == ["Ann", "Bob"]
    assert shop.names(("bills.total__lt", "15")) == ["Bob"]
    assert shop.names(("staff.name", "Bob")) == ["Ann"]
    assert shop.names(("staff.staff.name", "Dot")) == ["Ann"]


def test_a_to_many_path_is_never_unknown(shop: Shop) -> None:
    assert shop.names(("filters", '{"not": {"bills.total": 10}}')) == ["Ann", "Cid", "Dot"]
    assert shop.names(("filters", '{"not": {"staff.id__nnull": true}}')) == ["Cid", "Dot"]
    assert shop.names(("bills.at__isnull", "true")) == ["Bob"]


@pytest.mark.parametrize(
    ("tree", "names"),
    [
        ('{"or": [{"bills.total": 10}, {"staff.name": "Dot"}]}', ["Bob"]),
        ('{"or": [{"bills.number__nnull": true}, {"name": "Cid"}]}', ["Bob", "Cid"]),
        ('{"not": {"or": [{"bills.total": 10}, {"staff.name": "Bob"}]}}', ["Cid", "Dot"]),
        ('{"not": {"and": [{"orders.total": 20}, {"staff.name": "Dot"}]}}', ["Ann", "Cid", "Dot"]),
        ('{"or": [{"not": {"orders.total": 20}}, {"boss.staff.name": "Cid"}]}', ["Bob", "Cid", "Dot"]),
        ('{"or": [{"orders.lines.article": "ink"}, {"country.name": "Germany"}]}', ["Ann", "Bob", "Dot"]),
        ('{"not": {"not": {"staff.name": "Bob"}}}', ["Ann"]),
    ],
)
def test_some_row_inside_trees(shop: Shop, tree: str, names: list[str]) -> None:
    assert shop.names(("filters", tree)) == names


def test_some_row_of_a_disjunction_is_asked_once_for_all_rows(engine: Engine) -> None:
    parents = engine.table("parents", {"fields": [{"name": "n", "type": "integer"}]})
    key = {"reference": {"resource": "parents", "fields": "id"}, "x-enforced": False}
    keys = [
        {"fields": "one_id", **key, "x-reverse-name": "ones"},
        {"fields": "two_id", **key, "x-reverse-name": "twos"},
    ]
    fields = [{"name": "one_id", "type": "integer"}, {"name": "two_id", "type": "integer"}]
    children = engine.table("children", {"fields": fields, "foreignKeys": keys})
    parents.create([{"n": number} for number in range(2_000)])
    for start in range(0, 60_000, 10_000):
        rows = [{"one_id": number % 3 + 1, "two_id": number % 3 + 1} for number in range(start, start + 10_000)]
        children.create(rows)
    for tree in (
        '{"or": [{"ones.id__nnull": true}, {"twos.id__nnull": true}]}',
        '{"not": {"or": [{"ones.id__nnull": true}, {"twos.id__nnull": true}]}}',
    ):
        began = time.perf_counter()
        found = parents.ask(("filters", tree))["total"]
        assert found in (3, 1_997)
        assert time.perf_counter() - began < 2  # 2,000 rows, each looking through 60,000, take longer


def test_what_no_statistics_speak_of_is_asked_once_for_all_rows(engine: Engine) -> None:
    key = {"fields": "parent_id", "reference": {"resource": "parents", "fields": "id"}}
    parents = engine.table("parents", {"fields": [{"name": "n", "type": "integer"}]})
    fields = [{"name": "parent_id", "type": "integer"}, {"name": "name", "type": "string"}]
    children = engine.table("children", {"fields": fields, "foreignKeys": [key]})
    grandchildren = engine.table("grandchildren", {"fields": fields[:1], "foreignKeys": [key]})
    parents.create([{"n": number} for number in range(300)])
    children.create([{"parent_id": number % 300 + 1, "name": f"n{number}"} for number in range(10_000)])
    for _ in range(3):
        grandchildren.create([{"parent_id": number % 300 + 1} for number in range(10_000)])
    for operator in ("iexact", "icontains", "contains", "endswith", "like"):
        began = time.perf_counter()
        assert grandchildren.ask((f"parent.children.name__{operator}", "nowhere"))["total"] == 0
        assert time.perf_counter() - began < 1  # a million comparisons, row by row, take longer


def test_each_comparison_has_a_row_of_its_own(shop: Shop) -> None:
    assert shop.names(("orders.customer_id.total", "10"), ("orders.customer_id.total", "20")) == ["Ann"]


def test_mixed_paths(shop: Shop) -> None:
    assert shop.numbers(("customer.boss.staff.name", "Cid")) == [3, 4, 6]
    assert shop.numbers(("lines.order.customer.name", "Ann")) == [1]
    found = shop.countries.ask(("customers.orders.customer_id.total__gte", "20"), ("fields", "code"))
    assert [row["code"] for row in found["data"]] == ["DE", "FR"]


def test_totals_and_pages_through_relations(shop: Shop) -> None:
    page = shop.orders.ask(("customer.country.name", "Germany"), ("page_size", "1"), ("fields", "number"))
    assert (page["data"], page["total"]) == ([{"number": 3}], 2)


def test_order_through_to_one_relations(one_store_shop: Shop) -> None:
    assert one_store_shop.numbers(("ordering", "customer.name,-total")) == [2, 1, 3, 6, 4, 5]
    assert one_store_shop.numbers(("ordering", "-customer.country.name")) == [4, 5, 3, 6, 1, 2]
    with refused(Invalid, "invalid_ordering"):
        one_store_shop.names(("ordering", "staff.name"))
    with refused(Invalid, "invalid_ordering"):
        one_store_shop.names(("ordering", "a.b"))
    with refused(Invalid, "invalid_ordering"):
        one_store_shop.numbers(("ordering", "customer"))


def test_a_default_reverse_name_that_is_taken_is_no_error(engine: Engine) -> None:
    engine.table("people", {"fields": [{"name": "name", "type": "string"}, {"name": "pets", "type": "integer"}]})
    key = {"reference": {"resource": "people", "fields": "id"}}
    fields = [{"name": "owner_id", "type": "integer"}, {"name": "vet_id", "type": "integer"}]
    keys = [{"fields": "owner_id", **key}, {"fields": "vet_id", **key}]
    engine.table("pets", {"fields": fields, "foreignKeys": keys})
    engine.rows("people").create([{"name": "a", "pets": 2}, {"name": "b", "pets": 0}])
    engine.rows("pets").create([{"owner_id": 1, "vet_id": 2}, {"owner_id": 1, "vet_id": 2}])
    people = engine.rows("people")
    assert [row["name"] for row in people.ask(("pets", "2"))["data"]] == ["a"]
    assert [row["name"] for row in people.ask(("pets.vet_id.id", "1"))["data"]] == ["b"]
    with refused(Invalid, "unknown_field"):
        people.ask(("pets.id", "1"))
    populated = people.ask(("populate", "pets.owner_id"), ("fields", "name"))["data"]
    assert [len(row["pets.owner_id"]) for row in populated] == [2, 0]


def test_names_in_quotes(engine: Engine) -> None:
    key = {"fields": "its.maker", "reference": {"resource": "makers", "fields": "id"}, "x-name": 'the "maker".x'}
    engine.table("makers", {"fields": [{"name": "a.b", "type": "string"}, {"name": "c__gt", "type": "integer"}]})
    engine.table("cars", {"fields": [{"name": "its.maker", "type": "integer"}], "foreignKeys": [key]})
    engine.rows("makers").create([{"a.b": "x", "c__gt": 1}, {"a.b": "y", "c__gt": 2}])
    cars = engine.rows("cars")
    cars.create([{"its.maker": 1}, {"its.maker": 2}])
    for name in ('the "maker".x.a.b', '"the ""maker"".x"."a.b"', '"the ""maker"".x".a.b', 'the "maker".x."a.b"__eq'):
        assert [row["id"] for row in cars.ask((name, "y"))["data"]] == [2], name
    assert [row["id"] for row in cars.ask(('the "maker".x.c__gt', "2"))["data"]] == [2]
    assert [row["id"] for row in cars.ask(('the "maker".x."c__gt"__gt', "1"))["data"]] == [2]
    assert [row["id"] for row in cars.ask(("its.maker", "1"))["data"]] == [1]
    assert [row["id"] for row in cars.ask(("ordering", '-"the ""maker"".x"."a.b"'))["data"]] == [2, 1]
    assert cars.ask(("populate", '"the ""maker"".x"'))["data"][0]['the "maker".x'] == {"id": 1, "a.b": "x", "c__gt": 1}


@pytest.mark.parametrize(
    "name",
    ["customer.nme", "custmer.name", "customer", "customer.country.nme", "x.y", "customer.", ".name", '"customer".nme'],
)
def test_unknown_paths_name_what_is_wrong(shop: Shop, name: str) -> None:
    with refused(Invalid, "unknown_field"):
        shop.numbers((name, "1"))


@pytest.mark.parametrize(
    ("pairs", "says"),
    [
        (("customer__name", "Ann"), "customer.name"),
        (("fields", "number,customer.name"), "populate=customer"),
        (("custmer.name", "Ann"), "Did you mean 'customer'?"),
    ],
)
def test_a_refusal_says_how_relations_are_written(shop: Shop, pairs: tuple[str, str], says: str) -> None:
    with refused(Invalid, "unknown_field") as refusal:
        shop.numbers(pairs)
    assert says in refusal.error.detail


def test_limits_of_paths(one_store_shop: Shop) -> None:
    with refused(Invalid, "query_too_complex"):
        one_store_shop.numbers(("customer.boss.boss.boss.name", "x"))
    paths = ["customer.name", "billing.name", "customer.boss.name", "billing.boss.name", "customer.country.name"]
    assert one_store_shop.numbers(*((path, "x") for path in paths)) == []
    more = [*paths, "billing.country.name"]
    with refused(Invalid, "query_too_complex"):
        one_store_shop.numbers(*((path, "x") for path in more))
    with refused(Invalid, "query_too_complex"):
        one_store_shop.numbers(("ordering", ",".join(more)))


def test_a_relation_to_a_table_that_is_gone(shop: Shop) -> None:
    del shop.engine.tables["crm", "countries"]
    with refused(Invalid, "unknown_field"):
        shop.names(("country.name", "France"))
    with refused(Invalid, "unknown_field"):
        shop.names(("populate", "country"))
    assert len(shop.names(("populate", "*"))) == 4


def test_only_tables_that_are_asked_for_are_looked_up(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = []
    for number in range(5):
        engine.table(f"p{number}", {"fields": [{"name": "x", "type": "integer"}]})
        keys.append({"fields": f"p{number}_id", "reference": {"resource": f"p{number}", "fields": "id"}})
    fields = [{"name": key["fields"], "type": "integer"} for key in keys]
    rows = engine.table("children", {"fields": fields, "foreignKeys": keys})
    asked: list[str] = []
    find = engine.find

    def counting(app: str, name: str) -> Table | None:
        asked.append(name)
        return find(app, name)

    monkeypatch.setattr(engine, "find", counting)
    rows.list(populate="p3")
    rows.list(**{"p3.x": "1"})
    assert asked == ["p3", "p3"]
