"""The grammar of ``_aggregate``, ``_group_by`` and ``_having``: what gets through, and that nothing else does."""

import time

import pytest

from datar.errors import Invalid
from records import limits
from records.params.aggregates import FUNCTIONS, UNITS, parse_aggregates, parse_groups, parse_having
from records.params.flat import parse_params
from records.query import AskedAggregate, AskedExpression, AskedGroup, Comparison
from tests.records.refusals import refused

pytestmark = pytest.mark.no_database

PRICE = AskedExpression("price")


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("count(*)", AskedAggregate("count")),
        (" count( * )  AS  n ", AskedAggregate("count", alias="n")),
        *((f"{name}(price)", AskedAggregate(name, PRICE)) for name in FUNCTIONS),
        ("sum(price) as Total_1", AskedAggregate("sum", PRICE, alias="Total_1")),
        (f"sum(price) as {'a' * 63}", AskedAggregate("sum", PRICE, alias="a" * 63)),
        ("count(distinct price)", AskedAggregate("count", PRICE, distinct=True)),
        ("count( Distinct  price )", AskedAggregate("count", PRICE, distinct=True)),
        ("count(distinct)", AskedAggregate("count", AskedExpression("distinct"))),
        ("count(distinct )", AskedAggregate("count", AskedExpression("distinct"))),
        ('sum("Unit Price")', AskedAggregate("sum", AskedExpression('"Unit Price"'))),
        ('sum("a)"",(b".c__"gt")', AskedAggregate("sum", AskedExpression('"a)"",(b".c__"gt"'))),
        ("avg(plane.seats)", AskedAggregate("avg", AskedExpression("plane.seats"))),
        ("max(año%s{0};--)", AskedAggregate("max", AskedExpression("año%s{0};--"))),
        ("min(week_day(a.b))", AskedAggregate("min", AskedExpression("a.b", part="week_day"))),
        ("max(date_trunc('week',at))", AskedAggregate("max", AskedExpression("at", unit="week"))),
    ],
)
def test_aggregates_that_can_be(text: str, asked: AskedAggregate) -> None:
    assert parse_params([("_aggregate", text)]).aggregates == (asked,)


@pytest.mark.parametrize(
    "text",
    [
        *("", "price", "sum", "sum(", "sum)", "sum()", "sum(price", "sum(price))", "()", "(price)", "*", "count*"),
        *("sum(*)", "count(distinct *)", "count(distinct(a))", "sum(a b)", "sum(a,b)", "sum(a)(b)", "sum(a)x"),
        *("sum(avg(price))", "sum(year(month(a)))", "count(count(*))", "sum(nope(a))", "year(a)"),
        *("SUM(price)", "summ(price)", "pg_sleep(5)", "sum(price)),pg_sleep(5)--", "sum(price);drop table t"),
        *("sum(price) as", "sum(price) as 1a", "sum(price) as _a", 'sum(price) as "a"', "sum(price) as a.b"),
        *("sum(price) as a\n", "sum(price) as a b", "sum(price)as a", f"sum(price) as {'a' * 64}", "sum(price) as é"),
        *("sum('price')", "sum(a'b)", 'sum("a)', "sum(a\n)", "sum(a\x00)", "sum\n(a)", "sum(a\xa0b)"),
        *("date_trunc('day',a)", "max(date_trunc('day'))", "max(date_trunc('day',a,b,c))", "max(date_trunc(a,'day'))"),
        *("count(*),", ",count(*)", "count(*),,count(*)"),
    ],
)
def test_in_07_aggregates_that_cannot_be(text: str) -> None:
    with refused(Invalid, "invalid_aggregate"):
        parse_params([("_aggregate", text)])


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("a", AskedGroup(AskedExpression("a"))),
        ("a.b as c", AskedGroup(AskedExpression("a.b"), "c")),
        ('"a as b".c AS d', AskedGroup(AskedExpression('"a as b".c'), "d")),
        ("year(a.b)", AskedGroup(AskedExpression("a.b", part="year"))),
        *((f"date_trunc('{unit}',at)", AskedGroup(AskedExpression("at", unit=unit))) for unit in UNITS),
        (
            "date_trunc( 'month' , at , 'Europe/Paris' ) as m",
            AskedGroup(AskedExpression("at", unit="month", zone="Europe/Paris"), "m"),
        ),
        ("date_trunc('day',at,Etc/GMT-5)", AskedGroup(AskedExpression("at", unit="day", zone="Etc/GMT-5"))),
        ("date_trunc('day',at,'Etc/GMT+5')", AskedGroup(AskedExpression("at", unit="day", zone="Etc/GMT+5"))),
        ("date_trunc('day',at,Etc/GMT 5)", AskedGroup(AskedExpression("at", unit="day", zone="Etc/GMT+5"))),
        ("distinct", AskedGroup(AskedExpression("distinct"))),
        ("date_trunc", AskedGroup(AskedExpression("date_trunc"))),
    ],
)
def test_groups_that_can_be(text: str, asked: AskedGroup) -> None:
    assert parse_params([("_group_by", text)]).group_by == (asked,)


@pytest.mark.parametrize(
    "text",
    [
        *("", ",", "a,", "a b", "a as", "a as b.c", "*", "count(*)", "sum(a)", "distinct a", "year()", "year(a,b)"),
        *("yaer(a)", "date_trunc(month,a)", "date_trunc('',a)", "date_trunc('months',a)", "date_trunc('day',a,'')"),
        *("date_trunc('day',a,' ')", "date_trunc('day',a,'../x')", f"date_trunc('day',a,'{'a' * 65}')", "year('a')"),
    ],
)
def test_groups_that_cannot_be(text: str) -> None:
    with refused(Invalid, "invalid_aggregate"):
        parse_params([("_group_by", text)])


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("count__gt=1", [("count__gt", "1")]),
        ("sum_price>=1.5, count < -2e3 ,n=3", [("sum_price__gte", "1.5"), ("count__lt", "-2e3"), ("n", "3")]),
        ("a!=1,a<>1,a<=1,a>1", [("a__ne", "1"), ("a__ne", "1"), ("a__lte", "1"), ("a__gt", "1")]),
        (r'a__in=[1,"],\",",2],b__gt=5', [("a__in", r'[1,"],\",",2]'), ("b__gt", "5")]),
        ('a="x,""y",b= "" ', [("a", 'x,"y'), ("b", "")]),
        ('"sum_Unit, <Price>"__gt=5', [('"sum_Unit, <Price>"__gt', "5")]),
        ("a=", [("a", "")]),
        ("a==b", [("a", "=b")]),
        ("max_at__gte=2024-01-01T00:00:00+01:00", [("max_at__gte", "2024-01-01T00:00:00+01:00")]),
    ],
)
def test_having_that_can_be(text: str, asked: list[tuple[str, str]]) -> None:
    assert parse_having(text) == tuple(Comparison(name, value) for name, value in asked)


@pytest.mark.parametrize(
    "text",
    ["", ",", "a", "a=1,", ",a=1", "=1", " =1", "a__in=1,2", "a>x", "a>", "a<'1'", 'a="b', 'a="b"c', "a=[1", '"a=1'],
)
def test_having_that_cannot_be(text: str) -> None:
    with refused(Invalid, "invalid_aggregate"):
        parse_having(text)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"_aggregate": "SUM(price)"}, "Did you mean 'sum'?"),
        ({"_aggregate": "cuont(*)"}, "Did you mean 'count'?"),
        ({"_group_by": "yaer(at)"}, "Did you mean 'year'?"),
        ({"_group_by": "date_trunc('dya',at)"}, "Did you mean 'day'?"),
        ({"_aggregate": "sum(avg(price))"}, "do not nest"),
        ({"_aggregate": "sum(a) as 1"}, "a name after 'as'"),
        ({"_aggregate": "sum(a b)"}, 'sum("Unit Price")'),
        ({"_aggregate": "count(*)", "_having": "count__in=1,2"}, "[1,2]"),
    ],
)
def test_refusals_say_what_was_meant(words: dict[str, str], says: str) -> None:
    with refused(Invalid, "invalid_aggregate") as refusal:
        parse_params(tuple(words.items()))
    assert says in refusal.error.detail


def test_refusals_show_a_piece_only() -> None:
    for words in ({"_aggregate": "é" * 1_900}, {"_group_by": "a " * 900}, {"_group_by": "a", "_having": "b" * 5_000}):
        with refused(Invalid, "invalid_aggregate") as refusal:
            parse_params(tuple(words.items()))
        assert len(refusal.error.detail) < 400


def test_there_are_so_many_of_each() -> None:
    for parse, term, most in (
        (parse_aggregates, "count(*)", limits.AGGREGATES),
        (parse_groups, "a", limits.GROUP_KEYS),
    ):
        assert len(parse([term] * most)) == most
        with refused(Invalid, "query_too_complex"):
            parse([term] * (most + 1))
    assert len(parse_having(",".join(["a>1"] * limits.FILTERS))) == limits.FILTERS
    with refused(Invalid, "query_too_complex"):
        parse_having(",".join(["a>1"] * (limits.FILTERS + 1)))


def test_time_grows_with_the_length_only() -> None:
    blanks, quotes = " " * 100_000, '"' * 100_001
    texts = (
        *(f"sum({blanks}x", f"sum(x{blanks}y", f"sum(x){blanks}y", f"sum(x) as{blanks}!", f"sum({quotes}"),
        *(f"sum(date_trunc('day',x{blanks}y", f"sum(date_trunc('day',x,{blanks}!", f"sum(distinct{blanks}"),
        *(f'a={blanks}"x', f"a={blanks}[", f"a=[{quotes}", f"a={quotes}", quotes, f"{blanks}a=1{blanks}b"),
        *("sum(" * 50_000, "a=[" * 50_000, "a=1," * 50_000),
    )
    begun = time.perf_counter()
    for text in texts:
        for parse in (lambda text: parse_aggregates([text]), lambda text: parse_groups([text]), parse_having):
            try:
                parse(text)
            except Invalid:
                continue
    assert time.perf_counter() - begun < 2
