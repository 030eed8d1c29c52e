"""Filters as they are understood and composed: paths, outputs of groups, shapes, values, indexes."""

import re
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL

from datar.errors import Invalid
from records.conditions import AllOf, Condition, Expression, Match, Not, Output, Some
from records.descriptor import InvalidDescriptor
from records.filters import condition_of, outputs_condition, paths_of
from records.params.tree import parse_tree
from records.providers.postgres.binding import Constants, Placeholders
from records.providers.postgres.source import Source
from records.providers.postgres.where import condition_shape, condition_text, condition_values
from records.query import Comparison
from records.relations import Lookups
from records.table import Field
from tests.records.engine import Engine, Rows
from tests.records.refusals import refused
from tests.records.shop import Shop


def understood(rows: Rows, tree: Any) -> Condition:
    """A filter tree over a table."""
    return condition_of(parse_tree(tree), rows.table, Lookups(rows.records.catalog))


def text_of(condition: Condition, rows: Rows) -> str:
    """The condition's SQL."""
    return condition_text(condition, Source(rows.table), Placeholders()).as_string(None)


def test_paths_are_those_of_values(shop: Shop) -> None:
    tree = {
        "total": 1,
        "customer.name": "Ann",
        "or": [{"customer.country.code": "FR"}, {"not": {"lines.article__in": ["pen"]}}],
        "customer.staff.boss.name": "Bob",
    }
    assert paths_of(understood(shop.orders, tree)) == {
        ("customer",),
        ("customer", "country"),
        ("lines",),
        ("customer", "staff", "boss"),
    }


def test_a_to_many_relation_opens_a_condition_of_its_own(shop: Shop) -> None:
    found = understood(shop.orders, {"customer.staff.boss.name__nstartswith": "B"})
    assert isinstance(found, Some)
    assert ([hop.name for hop in found.hops], found.relation.name) == (["customer"], "staff")
    assert isinstance(found.condition, Not)
    inner = found.condition.condition
    assert isinstance(inner, Match)
    assert isinstance(inner.expression, Expression)
    assert (inner.operator, [hop.name for hop in inner.expression.hops]) == ("startswith", ["boss"])


def test_between_speaks_of_one_row_of_many(shop: Shop) -> None:
    found = understood(shop.customers, {"bills.total__between": [1, 2]})
    assert isinstance(found, Some)
    assert isinstance(found.condition, AllOf)
    assert [part.operator for part in found.condition.conditions if isinstance(part, Match)] == ["gte", "lte"]


TREES: list[Any] = [
    {"number": 1},
    {"number__in": [1, 2]},
    {"number__between": [1, 2]},
    {"customer.name__icontains": "a", "not": {"customer.meta__vip": True}},
    {"customer.meta__a__b__gt": 5, "customer.meta__a__isnull": False},
    {"or": [{"lines.article__like": "p%"}, {"lines.article__nin": ["x"]}]},
    {"customer.staff.boss.name": "Ann", "customer.staff.country.name__nnull": True},
    {"at__year": 2024, "at__week_day__in": [1, 2], "at__date__gte": "2024-01-01"},
    {"customer.meta__has_any_keys": ["a", "b"], "customer.meta__has_key": "a", "customer.meta__contains": {"a": 1}},
    {"total__isnull": True},
    {"total__isnull": False},
]


@pytest.mark.parametrize("place", range(len(TREES)))
def test_every_value_has_its_placeholder(shop: Shop, place: int) -> None:
    condition = understood(shop.orders, TREES[place])
    asked = list(dict.fromkeys(re.findall(r"%\((value\d+)\)s", text_of(condition, shop.orders))))
    count = len(list(condition_values(condition)))
    assert sorted(asked) == sorted(f"value{number}" for number in range(count))


def test_values_come_in_the_order_in_which_the_text_asks(shop: Shop) -> None:
    told: list[Any] = []

    class Telling(Placeholders):
        def __call__(self, value: Any, /) -> Any:
            told.append(value)
            return super().__call__(value)

    for tree in TREES:
        condition = understood(shop.orders, tree)
        told.clear()
        condition_text(condition, Source(shop.orders.table), Telling())
        assert told == list(condition_values(condition)), tree


def test_equal_shapes_have_equal_texts(shop: Shop) -> None:
    pairs: list[tuple[Any, Any]] = [
        ({"number": 1}, {"number": 2}),
        ({"number__in": [1]}, {"number__in": [2, 3, 4]}),
        ({"customer.meta__a": 1}, {"customer.meta__b__c": "x"}),
        ({"lines.article": "a"}, {"lines.article": "b"}),
        ({"customer.meta__contains": "a"}, {"customer.meta__contains": {"a": 1}}),
    ]
    for one, other in pairs:
        first, second = understood(shop.orders, one), understood(shop.orders, other)
        assert condition_shape(first) == condition_shape(second)
        assert text_of(first, shop.orders) == text_of(second, shop.orders)
    conditions = [understood(shop.orders, tree) for tree in [*TREES, *(pair[0] for pair in pairs)]]
    texts = {condition_shape(condition): text_of(condition, shop.orders) for condition in conditions}
    assert len(set(texts.values())) == len(texts)


def test_outputs_are_compared_like_fields() -> None:
    outputs = {
        "count": Output(0, Field("count", "integer", "")),
        "sum_a__b": Output(1, Field("sum_a__b", "number", "")),
        "carrier": Output(2, Field("carrier", "string", "")),
        "json_agg_x": Output(3, Field("json_agg_x", "array", "")),
    }

    def found(name: str, value: Any, *, typed: bool = False) -> Condition:
        condition = outputs_condition((Comparison(name, value, typed),), outputs)
        assert isinstance(condition, AllOf)
        return condition.conditions[0]

    count = Output(0, Field("count", "integer", ""))
    assert found("count__gt", "5") == Match(count, "gt", "5")
    assert found("count", 5, typed=True) == Match(count, "eq", "5")
    assert found('"sum_a__b"__lte', "1.50") == found("sum_a__b__lte", "1.50")
    assert isinstance(found("count__between", "1,2"), AllOf)
    assert found("carrier__nicontains", "a") == Not(Match(outputs["carrier"], "icontains", "a"))
    assert found("json_agg_x__isnull", "true") == Match(outputs["json_agg_x"], "isnull", True)
    for name, value, code in (
        ("cout__gt", "5", "invalid_aggregate"),
        ("count__gt", "x", "invalid_type"),
        ("count__contains", "5", "operator_not_supported"),
        ("json_agg_x__contains", "5", "operator_not_supported"),
        ("count__year", "5", "unknown_operator"),
        ("count__gt", {"$gt": 1}, "invalid_filter"),
    ):
        with refused(Invalid, code) as refusal:
            found(name, value, typed=isinstance(value, dict))
        assert code != "invalid_aggregate" or "'count'" in refusal.error.detail


INDEXED: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "word", "type": "string"},
        {"name": "at", "type": "datetime"},
        {"name": "meta", "type": "object"},
        {"name": "price", "type": "number"},
    ],
    "primaryKey": "id",
    "indexes": [
        {"name": "words", "fields": ["word"]},
        {"name": "instants", "fields": ["at"]},
        {"name": "documents", "fields": ["meta"], "method": "gin"},
        {"name": "prices", "fields": ["price"]},
    ],
}


@pytest.mark.parametrize(
    "tree",
    [
        {"word": "a"},
        {"word__startswith": "a"},
        {"word__like": "a%"},
        {"word__in": ["a", "b"]},
        {"word__isnull": True},
        {"at__gte": "2024-01-01"},
        {"at__year": 2024},
        {"at__date": "2024-01-01"},
        {"at__year__between": [2020, 2024]},
        {"price__between": [1, 2]},
        {"price__in": [1, 2]},
        {"meta__contains": {"a": 1}},
        {"meta__has_key": "a"},
        {"meta__has_any_keys": ["a", "b"]},
    ],
)
def test_indexes_serve_plain_comparisons(sql_engine: Engine, tree: Any) -> None:
    rows = sql_engine.table("indexed", INDEXED)
    source = Source(rows.table)
    condition = condition_text(understood(rows, tree), source, Constants())
    explain = SQL("EXPLAIN SELECT FROM {source} WHERE {condition}").format(source=source.text, condition=condition)
    with psycopg.connect(sql_engine.url) as connection:
        connection.execute("SET enable_seqscan = off")
        plan = "\n".join(line for (line,) in connection.execute(explain).fetchall())
    assert "Index Cond" in plan, plan


def test_an_index_condition_takes_no_relation(engine: Engine) -> None:
    engine.table("parents", {"fields": [{"name": "id", "type": "integer"}, {"name": "w"}], "primaryKey": "id"})
    key = {"fields": "parent_id", "reference": {"resource": "parents", "fields": "id"}}
    own = {"fields": "boss_id", "reference": {"resource": "", "fields": "id"}}
    names = ("id", "parent_id", "boss_id")
    described = {
        "fields": [*({"name": name, "type": "integer"} for name in names), {"name": "w", "type": "string"}],
        "primaryKey": "id",
        "foreignKeys": [key, own],
    }
    for name in ("parent.w", "boss.w", "boss.boss.w", '"boss".w'):
        index = {"name": "one", "fields": ["w"], "where": {name: "x"}}
        with pytest.raises(InvalidDescriptor) as caught:
            engine.define("children", {**described, "indexes": [index]})
        (error,) = caught.value.errors
        assert error.code in ("invalid_filter", "unknown_field"), name
        assert "nly the table's own fields fit here" in error.message


@pytest.mark.parametrize(
    "where",
    [
        {"w__icontains": "É"},
        {"w__like": "a%'\\\\"},
        {"meta__a__in": [1, "x"]},
        {"meta__a'b__startswith": "x"},
        {"meta__has_any_keys": ["a", "{b}", 'c"']},
        {"at__year": 2024, "at__hour__gt": 3},
        {"at__date__in": ["2024-01-01"]},
        {"bytes__in": ["AAEC"]},
        {"for": "P1D"},
        {"w__nbetween": ["a", "b"]},
        {"meta__contained_by": {"a": [1]}},
    ],
)
def test_every_kind_of_condition_stands_in_an_index(engine: Engine, where: Any) -> None:
    fields = [
        {"name": "w"},
        {"name": "meta", "type": "object"},
        {"name": "at", "type": "datetime"},
        {"name": "bytes", "type": "string", "format": "binary"},
        {"name": "for", "type": "duration"},
    ]
    rows = engine.table("odd", {"fields": fields, "indexes": [{"name": "one", "fields": ["w"], "where": where}]})
    rows.create({"w": "É", "meta": {"a": "x"}, "at": "2024-01-01T05:00:00Z", "bytes": "AAEC", "for": "PT24H"})
    assert rows.list()["total"] == 1


def test_keys_and_parts_of_related_rows(shop: Shop) -> None:
    assert shop.numbers(("customer.meta__vip", "true")) == [1, 2]
    assert shop.numbers(("customer.meta__vip__isnull", "true")) == [3, 4, 5, 6]
    assert shop.names(("orders.at__year", "2024")) == shop.names(("orders.at__date__lte", "2024-01-02"))
    assert shop.names(("bills.customer.meta__vip", "true")) == ["Bob"]
    assert shop.names(("bills.customer.meta__nope__ne", "1")) == []
