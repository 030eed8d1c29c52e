"""What groups and aggregates refuse."""

import pytest

from datar.errors import Invalid
from tests.records.engine import Engine, Rows
from tests.records.flights import make_flights, refused


@pytest.fixture
def flights(engine: Engine) -> Rows:
    """The stage."""
    return make_flights(engine)


def test_what_cannot_order_groups(flights: Rows) -> None:
    params = {"_group_by": "carrier", "_aggregate": "count(*),array_agg(delay) as delays"}
    assert "Did you mean 'carrier'?" in refused(flights, "invalid_ordering", **params, ordering="carier")
    for ordering in ("delay", "delays", "rank", "count,-count", "carrier.name", "count(*"):
        refused(flights, "invalid_ordering", **params, ordering=ordering)


def test_to_many_relations_are_refused(engine: Engine, flights: Rows) -> None:
    airlines = engine.rows("airlines")
    for params in ({"_group_by": "flights.origin"}, {"_aggregate": "sum(flights.delay)"}):
        assert "to-one" in refused(airlines, "invalid_aggregate", **params)


def test_two_columns_of_one_name_need_an_alias(flights: Rows) -> None:
    for params in (
        {"_aggregate": "count(*),count(*)"},
        {"_aggregate": "sum(delay) as x,max(delay) as x"},
        {"_group_by": "origin,carrier as origin"},
        {"_group_by": "origin", "_aggregate": "count(*) as origin"},
        {"_group_by": "date_trunc('day',left_at),date_trunc('month',left_at)"},
    ):
        assert "alias" in refused(flights, "invalid_aggregate", **params)
    row = flights.list(_aggregate="count(*),count(*) as again")["aggregates"]
    assert row == {"count": 7, "again": 7}


_PAYLOADS = [
    {"_aggregate": "sum(price)),pg_sleep(5)--"},
    {"_aggregate": "sum(delay)),pg_sleep(5)--"},
    {"_aggregate": "sum(delay);drop table x"},
    {"_aggregate": "pg_sleep(delay)"},
    {"_aggregate": "median(delay)"},
    {"_aggregate": "sum(max(delay))"},
    {"_aggregate": "sum(*)"},
    {"_aggregate": "sum"},
    {"_aggregate": "sum()"},
    {"_aggregate": 'sum(delay) as "x"'},
    {"_aggregate": "sum(delay) as 'x'"},
    {"_aggregate": "sum(delay) as a.b"},
    {"_aggregate": "sum(delay) as a\nb"},
    {"_aggregate": "sum(delay) as 1a"},
    {"_aggregate": f"sum(delay) as {'a' * 64}"},
    {"_aggregate": "sum(delai)"},
    {"_aggregate": "sum(airline.nothing)"},
    {"_aggregate": "sum(nowhere.delay)"},
    {"_aggregate": "sum(delay__gt)"},
    {"_aggregate": "max(century(left_at))"},
    {"_aggregate": "max(hour(day))"},
    {"_aggregate": "max(year(delay))"},
    {"_aggregate": "sum(ctid)"},
    {"_aggregate": "sum(_version)"},
    {"_group_by": "nothing"},
    {"_group_by": "1"},
    {"_group_by": "sum(delay)"},
    {"_group_by": "left_at__year"},
    {"_group_by": "meta"},
    {"_group_by": "photo"},
    {"_group_by": "date_trunc('decade',left_at)"},
    {"_group_by": "date_trunc('day',left_at,Europe/Pariss)"},
    {"_group_by": "date_trunc('day',left_at,'UTC'); drop table x)"},
    {"_group_by": "date_trunc('day',day,UTC)"},
    {"_group_by": "date_trunc('day',delay)"},
    {"_group_by": "date_trunc('day',meta__at)"},
    {"_group_by": "year(meta__at)"},
]


@pytest.mark.parametrize("params", _PAYLOADS, ids=lambda params: next(iter(params.values()))[:40].replace("\n", " "))
def test_in_07_what_the_grammar_does_not_know_is_refused(flights: Rows, params: dict[str, str]) -> None:
    refused(flights, "invalid_aggregate", **params)


def test_in_07_refusals_offer_the_nearest(flights: Rows) -> None:
    for params, hint in (
        ({"_aggregate": "sum(delayy)"}, "'delay'"),
        ({"_group_by": "orgin"}, "'origin'"),
        ({"_group_by": "date_trunc('day',left_at,Europe/Pariss)"}, "'Europe/Paris'"),
        ({"_group_by": "left_at__year"}, "year(left_at)"),
        ({"_group_by": "origin", "_aggregate": "count(*) as flown", "_having": "flow>1"}, "'flown'"),
    ):
        assert hint in refused(flights, "invalid_aggregate", **params)


def test_words_of_rows_do_not_go_with_groups(flights: Rows) -> None:
    for words in ({"fields": "origin"}, {"populate": "airline"}, {"_meta": "true"}, {"cursor": ""}):
        with pytest.raises(Invalid):
            flights.list(_group_by="origin", **words)


def test_limits(flights: Rows) -> None:
    refused(flights, "query_too_complex", _aggregate=",".join(f"count(*) as c{place}" for place in range(21)))
    refused(flights, "query_too_complex", _group_by=",".join(f"origin as o{place}" for place in range(11)))
    terms = ",".join(f"sum(delay) as c{place}" for place in range(20))
    assert len(flights.list(_aggregate=terms)["aggregates"]) == 20
    assert len(flights.list(_group_by=",".join(f"origin as o{place}" for place in range(10)))["data"][0]) == 10
