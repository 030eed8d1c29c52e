"""Relations put into rows: objects, arrays, depth, names, limits."""

import time
from typing import Any

import pytest

from datar.errors import Invalid
from records import limits
from tests.records.engine import Engine
from tests.records.refusals import refused
from tests.records.shop import Shop

FRANCE = {"code": "FR", "name": "France"}


def ann(**more: Any) -> dict[str, Any]:
    """The first customer as a populated row shows her."""
    return {"id": 1, "name": "Ann", "country": "FR", "boss_id": None, "meta": {"vip": True}, **more}


def test_to_one_puts_the_object_beside_its_key(shop: Shop) -> None:
    rows = shop.orders.ask(("populate", "customer"), ("fields", "number,customer_id"))["data"]
    assert rows[0] == {"number": 1, "customer_id": 1, "customer": ann()}
    assert rows[4] == {"number": 5, "customer_id": None, "customer": None}
    assert list(rows[0]) == ["number", "customer_id", "customer"]


def test_to_one_of_the_fields_own_name_stands_in_its_place(shop: Shop) -> None:
    rows = shop.customers.ask(("populate", "country"))["data"]
    assert list(rows[0]) == ["id", "name", "country", "boss_id", "meta"]
    assert [row["country"] and row["country"]["name"] for row in rows] == ["France", "Germany", None, "Germany"]
    rows = shop.customers.ask(("populate", "country"), ("fields", "name"))["data"]
    assert rows[0] == {"name": "Ann", "country": FRANCE}


def test_to_many_puts_an_array_in_the_order_of_keys(shop: Shop) -> None:
    rows = shop.customers.ask(("populate", "orders,staff"), ("fields", "name"))["data"]
    assert [[order["number"] for order in row["orders"]] for row in rows] == [[1, 2], [3, 6], [4], []]
    assert [[each["name"] for each in row["staff"]] for row in rows] == [["Bob", "Cid"], ["Dot"], [], []]


def test_depth_and_both_directions(shop: Shop) -> None:
    row = shop.orders.ask(("populate", "customer.country,customer.staff.country,lines"), ("number", "1"))["data"][0]
    assert row["customer"]["country"] == FRANCE
    assert [each["country"] and each["country"]["code"] for each in row["customer"]["staff"]] == ["DE", None]
    assert [line["article"] for line in row["lines"]] == ["pen", "ink"]


def test_a_path_populates_what_it_goes_through_once(shop: Shop) -> None:
    one = shop.orders.ask(("populate", "customer.country"))
    assert shop.orders.ask(("populate", "customer,customer.country")) == one
    assert shop.orders.ask(("populate", "customer.country,customer")) == one


def test_star_is_every_foreign_key(shop: Shop) -> None:
    row = shop.orders.ask(("populate", "*"))["data"][0]
    assert (row["customer"]["name"], row["billing"]["name"]) == ("Ann", "Bob")
    row = shop.orders.ask(("populate", "*,lines,customer.country"))["data"][0]
    assert (row["customer"]["country"], len(row["lines"])) == (FRANCE, 2)
    assert shop.countries.ask(("populate", "*"))["data"][0] == {"code": "DE", "name": "Germany"}


def test_parents_without_children_cost_little(engine: Engine) -> None:
    parents = engine.table("parents", {"fields": [{"name": "n", "type": "integer"}]})
    key = {"fields": "parent_id", "reference": {"resource": "parents", "fields": "id"}}
    children = engine.table("children", {"fields": [{"name": "parent_id", "type": "integer"}], "foreignKeys": [key]})
    parents.create([{"n": number} for number in range(1_000)])
    for start in range(0, 60_000, 10_000):
        children.create([{"parent_id": number % 3 + 1} for number in range(start, start + 10_000)])
    began = time.perf_counter()
    rows = parents.list(populate="children", ordering="-id", page_size="1000", populate_limit="2")["data"]
    assert [len(row["children"]) for row in rows[-4:]] == [0, 2, 2, 2]
    assert time.perf_counter() - began < 2  # a walk along the whole key for each parent takes longer


def test_populate_limit(shop: Shop) -> None:
    rows = shop.customers.ask(("populate", "orders,staff"), ("populate_limit", "1"), ("fields", "name"))["data"]
    assert [len(row["orders"]) for row in rows] == [1, 1, 1, 0]
    assert [len(row["staff"]) for row in rows] == [1, 1, 0, 0]


def test_populate_limit_is_100_and_never_more(shop: Shop) -> None:
    shop.lines.create([{"order": 2, "place": place, "article": "x"} for place in range(150)])
    lines = shop.orders.ask(("populate", "lines"), ("number", "2"))["data"][0]["lines"]
    assert [line["place"] for line in lines] == list(range(100))
    for value in ("0", "101", "x", "-1"):
        with refused(Invalid):
            shop.orders.ask(("populate", "lines"), ("populate_limit", value))


def test_a_single_record_is_populated_too(shop: Shop) -> None:
    row = shop.orders.get(1, populate="customer.country,lines", populate_limit="1", fields="number")
    assert row["customer"]["country"] == FRANCE
    assert [line["article"] for line in row["lines"]] == ["pen"]
    assert list(row) == ["number", "customer", "lines"]


def test_system_columns_are_those_of_the_list(shop: Shop) -> None:
    row = shop.orders.ask(("populate", "customer"), ("_meta", "true"))["data"][0]
    assert {"_version", "_created_at", "_updated_at"} <= row.keys()
    assert row["customer"] == ann()


def test_with_order_filters_and_pages(one_store_shop: Shop) -> None:
    page = one_store_shop.orders.ask(
        ("populate", "customer"), ("ordering", "-customer.name,number"), ("page_size", "2"), ("page", "2")
    )
    assert [row["number"] for row in page["data"]] == [3, 6] and page["total"] == 6
    sliced = one_store_shop.orders.ask(("populate", "customer"), ("cursor", ""), ("page_size", "1"))
    assert sliced["data"][0]["customer"]["name"] == "Ann"


@pytest.mark.parametrize("path", ["custmer", "customer.contry", "number", "customer.name", "x.y", "orders"])
def test_what_is_no_relation(shop: Shop, path: str) -> None:
    with refused(Invalid, "unknown_field"):
        shop.orders.ask(("populate", path))


def test_re_05_populate_is_bounded(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (".".join(["boss"] * 20), "boss.boss.boss.boss", "boss.staff.boss.staff"):
        with refused(Invalid, "query_too_complex"):
            shop.customers.ask(("populate", path))
    monkeypatch.setattr(limits, "POPULATED_RELATIONS", 2)
    with refused(Invalid, "query_too_complex"):
        shop.customers.ask(("populate", "boss,staff,orders"))


def test_re_05_star_on_a_hundred_relations(engine: Engine) -> None:
    engine.table("targets", {"fields": [{"name": "x", "type": "string"}]})
    fields = [{"name": f"f{number}_id", "type": "integer"} for number in range(100)]
    keys = [
        {"fields": field["name"], "reference": {"resource": "targets", "fields": "id"}, "x-enforced": False}
        for field in fields
    ]
    rows = engine.table("wide", {"fields": fields, "foreignKeys": keys})
    with refused(Invalid, "query_too_complex"):
        rows.list(populate="*")
    fifty = ",".join(f"f{number}" for number in range(50))
    rows.create({"f0_id": 7})
    assert rows.list(populate=fifty)["data"][0]["f0"] is None


def test_re_05_many_rows_of_many_rows(shop: Shop) -> None:
    with refused(Invalid, "query_too_complex"):
        shop.customers.ask(("populate", "staff.staff.staff"))
    assert shop.customers.ask(("populate", "staff.staff.staff"), ("populate_limit", "5"))["total"] == 4


def test_a_relation_without_a_constraint_may_lead_nowhere(engine: Engine) -> None:
    engine.table("makers", {"fields": [{"name": "name", "type": "string"}]}).create({"name": "m"})
    key = {"fields": "maker_id", "reference": {"resource": "makers", "fields": "id"}, "x-enforced": False}
    cars = engine.table("cars", {"fields": [{"name": "maker_id", "type": "integer"}], "foreignKeys": [key]})
    cars.create([{"maker_id": 1}, {"maker_id": 2}])
    assert [row["maker"] for row in cars.list(populate="maker")["data"]] == [{"id": 1, "name": "m"}, None]


def test_composite_keys_and_odd_labels(engine: Engine) -> None:
    rooms = engine.table(
        "rooms",
        {
            "fields": [{"name": 'b"%s', "type": "string"}, {"name": "no", "type": "integer"}],
            "primaryKey": ['b"%s', "no"],
        },
    )
    desks = engine.table(
        "desks",
        {
            "fields": [{"name": "house", "type": "string"}, {"name": "room", "type": "integer"}],
            "foreignKeys": [
                {"fields": ["house", "room"], "reference": {"resource": "rooms", "fields": ['b"%s', "no"]}}
            ],
        },
    )
    rooms.create([{'b"%s': "A", "no": 1}, {'b"%s': "A", "no": 2}])
    desks.create([{"house": "A", "room": 2}, {"house": "A", "room": None}])
    assert [row["rooms"] for row in desks.list(populate="rooms")["data"]] == [{'b"%s': "A", "no": 2}, None]
    assert [len(row["desks"]) for row in rooms.list(populate="desks")["data"]] == [0, 1]
