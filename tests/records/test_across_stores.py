"""Tables of two stores: what is asked of each and how often, what is refused, what happens at a delete."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datar.errors import Invalid
from records import limits
from records.exports import Form
from tests.records.agreeing import agree
from tests.records.engine import CROSSING, Engine, Rows
from tests.records.model import Question
from tests.records.questions import spellings, worlds
from tests.records.refusals import refused
from tests.records.shop import Shop
from tests.records.worlds import Stand, stand_on

ID = {"name": "id", "type": "integer"}
READS = ("read", "read_slice", "stream", "get", "linked")


@pytest.fixture(params=CROSSING)
def engine(database_url: str, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A namespace whose tables are kept by one store and the other in turn."""
    engine = Engine(database_url, request.param)
    yield engine
    engine.close()


@pytest.fixture
def shop(engine: Engine) -> Shop:
    """Countries and orders in PostgreSQL, customers and lines in the other store."""
    return Shop(engine)


@pytest.fixture(scope="module", params=CROSSING)
def stand(database_url: str, request: pytest.FixtureRequest) -> Iterator[Stand]:
    """The tables of the worlds in two stores."""
    with stand_on(database_url, request.param) as stand:
        yield stand


@pytest.fixture
def questions(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the two providers are asked from now on, the table's name after the verb."""
    asked: list[str] = []

    def counting(verb: str, ask: Callable[..., Any]) -> Callable[..., Any]:
        def counted(plan: Any, *more: Any) -> Any:
            asked.append(f"{verb} {plan.table.identity.name}")
            return ask(plan, *more)

        return counted

    for provider in (engine.provider, engine.other):
        for verb in READS:
            monkeypatch.setattr(provider, verb, counting(verb, getattr(provider, verb)))
    return asked


def texts(rows: Rows, form: Form, *pairs: tuple[str, str]) -> list[str]:
    """The lines of an export."""
    return b"".join(rows.records.export(pairs, form)).decode().splitlines()


def key(fields: Any, resource: str, to: Any = "id", action: str = "NO ACTION", **more: Any) -> dict[str, Any]:
    """A foreign key."""
    return {
        "fields": fields,
        "reference": {"resource": resource, "fields": to},
        "x-actions": {"onDelete": action},
        **more,
    }


def test_populate_asks_once_for_each_relation_and_level(shop: Shop, questions: list[str]) -> None:
    shop.orders.ask(("populate", "customer"))
    assert questions == ["read orders", "linked customers"]
    questions.clear()
    shop.orders.ask(("populate", "customer.country,customer.boss,lines,billing.orders.customer_id"))
    assert sorted(questions) == [
        "linked countries", "linked customers", "linked customers", "linked lines", "linked orders", "read orders",
    ]  # fmt: skip
    questions.clear()
    shop.customers.ask(("populate", "boss"))
    assert questions == ["read customers"]


def test_populate_goes_back_and_forth(shop: Shop) -> None:
    path = ("populate", "customers.orders.customer_id.lines")
    found = shop.countries.ask(path, ("populate_limit", "9"))["data"]
    assert [row["code"] for row in found] == ["DE", "FR", "IT"]
    orders = [order for row in found for one in row["customers"] for order in one["orders.customer_id"]]
    assert [(order["number"], [line["article"] for line in order["lines"]]) for order in orders] == [
        (3, ["pen"]), (6, []), (1, ["pen", "ink"]), (2, []),
    ]  # fmt: skip
    row = shop.lines.ask(("populate", "order.customer.country"), ("limit", "1"))["data"][0]
    assert row["order"]["customer"]["country"] == {"code": "FR", "name": "France"}


def test_members_stand_where_one_store_puts_them(shop: Shop) -> None:
    row = shop.orders.ask(("populate", "lines,customer"), ("fields", "total,number"), ("_meta", "true"))["data"][0]
    assert list(row) == ["total", "number", "lines", "customer", "_created_at", "_updated_at", "_version"]
    row = shop.customers.ask(("populate", "country"), ("fields", "meta,name"))["data"][0]
    assert list(row) == ["meta", "name", "country"] and row["country"]["name"] == "France"


def test_numbers_stay_exact_on_their_way(engine: Engine) -> None:
    fields = [{"name": "code", "type": "number"}, {"name": "exact", "type": "number"}]
    makers = engine.table(
        "makers",
        {"fields": fields, "primaryKey": "code"}
        | {"primaryKey": "id", "uniqueKeys": [["code"]], "fields": [ID, *fields]},
    )
    cars = engine.table(
        "cars",
        {
            "fields": [{"name": "made", "type": "number"}, {"name": "wide", "type": "object"}],
            "foreignKeys": [key("made", "makers", "code", **{"x-name": "maker"})],
        },
    )
    makers.create(
        b'[{"code":1.10,"exact":0.1000000000000000000000001},{"code":2,"exact":12345678901234567890123456789}]'
    )
    cars.create(b'[{"made":1.1,"wide":{"n":36893488147419103232}},{"made":2.0,"wide":{"n":1.50}}]')
    text = cars.records.list([("populate", "maker")])
    assert b"0.1000000000000000000000001" in text and b"12345678901234567890123456789" in text
    assert b"36893488147419103232" in text
    assert [row["maker"]["code"] for row in cars.list(populate="maker")["data"]] == [
        row["code"] for row in makers.list()["data"]
    ]


def test_a_relation_may_hide_the_field_of_another(engine: Engine) -> None:
    places = engine.table("places", {"fields": [{"name": "land", "type": "string"}, ID], "primaryKey": ["land", "id"]})
    engine.table("unrelated", {"fields": [ID], "primaryKey": "id"})
    lands = engine.table("lands", {"fields": [{"name": "code", "type": "string"}], "primaryKey": "code"})
    engine.table("unrelated_too", {"fields": [ID], "primaryKey": "id"})
    engine.table("between", {"fields": [ID], "primaryKey": "id"})
    described = {
        "fields": [ID, {"name": "land", "type": "string"}, {"name": "place_id", "type": "integer"}],
        "primaryKey": "id",
        "foreignKeys": [key("land", "lands", "code"), key(["land", "place_id"], "places", ["land", "id"])],
    }
    visits = engine.table("visits", described)
    places.create([{"land": "DE", "id": 1}, {"land": "FR", "id": 1}])
    lands.create([{"code": "DE"}, {"code": "FR"}])
    visits.create([{"id": 1, "land": "FR", "place_id": 1}, {"id": 2, "land": "DE"}, {"id": 3}])
    assert visits.list(populate="land,places")["data"] == [
        {"id": 1, "land": {"code": "FR"}, "place_id": 1, "places": {"land": "FR", "id": 1}},
        {"id": 2, "land": {"code": "DE"}, "place_id": None, "places": None},
        {"id": 3, "land": None, "place_id": None, "places": None},
    ]
    found = places.list(populate="visits.land")["data"]
    assert [[each["land"] for each in row["visits"]] for row in found] == [[], [{"code": "FR"}]]


def test_single_rows_slices_and_exports_are_filled(shop: Shop, questions: list[str]) -> None:
    assert shop.orders.get(1, populate="customer.country")["customer"]["country"]["code"] == "FR"
    page = shop.orders.ask(("populate", "customer"), ("cursor", ""), ("page_size", "4"), ("ordering", "-total"))
    assert [(row["number"], row["customer"] and row["customer"]["name"]) for row in page["data"]] == [
        (4, "Cid"), (2, "Ann"), (3, "Bob"), (6, "Bob"),
    ]  # fmt: skip
    rest = shop.orders.ask(
        ("populate", "customer"), ("cursor", page["next_cursor"]), ("page_size", "4"), ("ordering", "-total")
    )
    assert [row["number"] for row in rest["data"]] == [1, 5] and rest["next_cursor"] is None
    questions.clear()
    assert texts(shop.orders, "ndjson", ("populate", "lines"), ("fields", "number"))[:2] == [
        '{"number":1,"lines":[{"order":1,"place":1,"article":"pen"},{"order":1,"place":2,"article":"ink"}]}',
        '{"number":2,"lines":[]}',
    ]
    assert questions == ["stream orders", "linked lines"]
    assert texts(shop.orders, "csv", ("populate", "customer"), ("fields", "number,total,at"), ("limit", "2")) == [
        "number,total,at,customer",
        '1,10,2024-01-01T00:00:00Z,"{""id"":1,""name"":""Ann"",""country"":""FR"",""boss_id"":null,""meta"":{""vip"":true}}"',
        '2,20,2024-01-02T00:00:00Z,"{""id"":1,""name"":""Ann"",""country"":""FR"",""boss_id"":null,""meta"":{""vip"":true}}"',
    ]
    assert texts(shop.orders, "csv", ("populate", "customer"), ("fields", "at"), ("number", "5")) == [
        "at,customer", "2024-01-01T00:00:00Z,",
    ]  # fmt: skip
    assert texts(shop.customers, "csv", ("populate", "country,boss"), ("fields", "name"), ("id__gte", "3")) == [
        "name,country,boss",
        'Cid,,"{""id"":1,""name"":""Ann"",""country"":""FR"",""boss_id"":null,""meta"":{""vip"":true}}"',
        'Dot,"{""code"":""DE"",""name"":""Germany""}",'
        '"{""id"":2,""name"":""Bob"",""country"":""DE"",""boss_id"":1,""meta"":null}"',
    ]


def test_filters_ask_once_for_each_relation(shop: Shop, questions: list[str]) -> None:
    assert shop.numbers(("customer.name", "Ann")) == [1, 2]
    assert questions == ["read customers", "read orders"]
    questions.clear()
    assert shop.numbers(("customer.country.name", "Germany")) == [3, 6]
    assert questions == ["read countries", "read customers", "read orders"]
    questions.clear()
    assert shop.orders.ask(("customer.name", "Ann"), ("_aggregate", "sum(total)"))["data"] == [{"sum_total": 30}]
    assert questions == ["read customers", "read orders"]


def test_kept_plans_hold_no_keys(shop: Shop) -> None:
    assert shop.numbers(("customer.name", "Ann")) == [1, 2]
    shop.customers.update(3, {"name": "Ann"})
    assert shop.numbers(("customer.name", "Ann")) == [1, 2, 4]


def test_re_05_only_so_many_keys_are_carried(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REMOTE_KEYS", 2)
    assert shop.numbers(("customer.name__in", "Ann,Bob")) == [1, 2, 3, 6]
    for asked in (("customer.name__nnull", "true"), ("customer.name__isnull", "true"), ("customer.name__ne", "Ann")):
        with refused(Invalid, "relation_not_local") as refusal:
            shop.numbers(asked)
        assert "'customer' leads to table 'customers' in another database" in refusal.error.detail
    assert len(shop.orders.ask(("populate", "customer"))["data"]) == 6


def test_order_groups_and_aggregates_stay_in_one_store(shop: Shop) -> None:
    for words in (
        {"ordering": "customer.name"},
        {"_group_by": "customer.name"},
        {"_aggregate": "max(customer.name)"},
        {"_group_by": "number", "_aggregate": "count(customer.country.name)"},
    ):
        with refused(Invalid, "relation_not_local") as refusal:
            shop.orders.list(**words)
        assert "table 'customers' is kept in another database" in refusal.error.detail
    assert [row["name"] for row in shop.customers.list(ordering="-boss.name,name")["data"]] == [
        "Ann",
        "Dot",
        "Bob",
        "Cid",
    ]


PATHS = {
    "things": [("owner",), ("made by",), ("owner", "regions"), ("notes.thing_code",), ("owner", "things", "made by")],
    "people": [
        ("regions",),
        ("things",),
        ("manager",),
        ("manager", "makes"),
        ("things", "notes.copy_of"),
        ("reports",),
    ],
    "notes": [
        ("thing_code",),
        ("copy_of", "owner"),
        ("thing_code", "owner", "regions"),
        ("thing_code", "notes.copy_of"),
    ],
    "regions": [("people",), ("people", "things"), ("people", "manager", "makes")],
}
COLUMNS = {
    "regions": ("name", "area"),
    "people": ("name", "manager_id", "mentor", "country", "height", "meta"),
    "things": ("num", "obj", "at", "owner_id", "maker_id"),
    "notes": ("title", "Unit Price", "thing_code", "copy_of"),
}


@given(data=st.data())
def test_populated_rows_are_those_of_the_model(stand: Stand, data: st.DataObject) -> None:
    stand.write(data.draw(worlds(COLUMNS)))
    for table in data.draw(st.lists(st.sampled_from(sorted(PATHS)), min_size=1, max_size=2)):
        paths = data.draw(st.lists(st.sampled_from(PATHS[table]), min_size=1, max_size=4, unique=True))
        labels = data.draw(st.one_of(st.none(), st.just(tuple(stand.world.shapes[table].key))))
        limit = data.draw(st.sampled_from([1, 2, 20]))
        question = Question(fields=labels, populate=tuple(paths), populate_limit=limit)
        agree(stand, table, question, data.draw(spellings))
