"""Groups: their keys, names, order, pages and conditions."""

import pytest

from tests.records.engine import Engine, Rows
from tests.records.flights import groups_of, make_flights, refused


@pytest.fixture
def flights(engine: Engine) -> Rows:
    """The stage."""
    return make_flights(engine)


def test_the_answer_of_groups(flights: Rows) -> None:
    assert flights.list(_group_by="carrier", _aggregate="count(*),avg(delay),max(delay) as worst") == {
        "data": [
            {"carrier": "AA", "count": 2, "avg_delay": 10, "worst": 10},
            {"carrier": "UA", "count": 3, "avg_delay": 6, "worst": 7},
            {"carrier": "ZZ", "count": 1, "avg_delay": -1, "worst": -1},
            {"carrier": None, "count": 1, "avg_delay": 2, "worst": 2},
        ],
        "total": 4,
        "page": 1,
        "page_size": 20,
    }


def test_the_answer_without_groups(flights: Rows) -> None:
    row = {"count": 7, "sum_delay": 29}
    assert flights.list(_aggregate="count(*),sum(delay)") == {"data": [row], "aggregates": row, "total": 1}
    assert flights.list(_aggregate="count(*)", carrier="UA")["aggregates"] == {"count": 3}
    assert flights.list(_aggregate="count(*)", _count="none")["total"] is None


def test_group_by_alone_lists_the_different_keys(flights: Rows) -> None:
    assert groups_of(flights, _group_by="origin") == [("EWR",), ("JFK",), ("LGA",), (None,)]
    assert groups_of(flights, _group_by="origin,carrier", origin="JFK") == [("JFK", "AA"), ("JFK", "UA"), ("JFK", None)]


def test_filters_come_before_groups_and_having_after(flights: Rows) -> None:
    params = {"_group_by": "carrier", "_aggregate": "count(*)"}
    assert groups_of(flights, **params, delay__gte="6") == [("AA", 1), ("UA", 2)]
    assert groups_of(flights, **params, _having="count>1") == [("AA", 2), ("UA", 3)]
    assert groups_of(flights, **params, _having="count__gte=2,carrier__startswith=U") == [("UA", 3)]
    assert groups_of(flights, **params, _having="carrier__isnull=true") == [(None, 1)]
    answer = flights.list(**params, _having="count>1", page_size="1")
    assert (len(answer["data"]), answer["total"]) == (1, 2)


def test_having_takes_every_kind_of_output(flights: Rows) -> None:
    flights.update(1, {"lasted": "PT24H"})
    flights.update(2, {"lasted": "P2D"})
    terms = "avg(delay) as mean,max(lasted) as longest,string_agg(origin) as places,array_agg(delay) as delays"
    params = {"_group_by": "carrier", "_aggregate": terms}
    for having, expected in (
        ("mean__between=5,6", ["UA"]),
        ("mean>=10", ["AA"]),
        ("longest__gt=P1D", ["AA"]),
        ("longest__isnull=false", ["AA"]),
        ("places__contains=EWR", ["UA"]),
        ("places__isnull=true", ["ZZ"]),
        ("delays__isnull=false,mean=10", ["AA"]),
    ):
        parts = [having] if "between" not in having else ["mean__gte=5", "mean__lte=6"]
        found = flights.list(**params, _having=",".join(parts))
        assert [group["carrier"] for group in found["data"]] == expected, having
    refused(flights, "operator_not_supported", **params, _having="delays__contains=7")


def test_having_without_groups(flights: Rows) -> None:
    none = flights.list(_aggregate="count(*)", _having="count>100")
    assert none == {"data": [], "aggregates": None, "total": 0}
    assert flights.list(_aggregate="count(*)", _having="count=7")["total"] == 1


def test_ordering_by_any_output(flights: Rows) -> None:
    params = {"_group_by": "carrier", "_aggregate": "count(*),min(delay) as least"}
    for ordering, expected in (
        ("-count", ["UA", "AA", "ZZ", None]),
        ("count", ["ZZ", None, "AA", "UA"]),
        ("least", ["ZZ", None, "UA", "AA"]),
        ("-carrier", [None, "ZZ", "UA", "AA"]),
        ("-count(*),-carrier", ["UA", "AA", None, "ZZ"]),
        ("-min(delay)", ["AA", "UA", None, "ZZ"]),
    ):
        found = flights.list(**params, ordering=ordering)
        assert [group["carrier"] for group in found["data"]] == expected, ordering


def test_ordering_by_an_expression_as_it_was_written(flights: Rows) -> None:
    flights.update(1, {"left_at": "2024-05-05T00:00:00Z", "Unit Price": 3})
    flights.update(2, {"left_at": "2023-05-05T00:00:00Z", "Unit Price": 4})
    params = {
        "_group_by": "year(left_at) as y,date_trunc('month',left_at) as m,\"Unit Price\"",
        "left_at__nnull": "true",
    }
    for ordering in ("year(left_at)", "date_trunc('month',left_at)", '-"Unit Price"', "-Unit Price", "y", '"m"'):
        assert [group[0] for group in groups_of(flights, **params, ordering=ordering)] == [2023, 2024], ordering


def test_ties_are_broken_by_the_keys(engine: Engine) -> None:
    rows = engine.table("ties", {"fields": [{"name": "a", "type": "integer"}, {"name": "b", "type": "string"}]})
    rows.create([{"a": place % 3, "b": f"{place % 4}"} for place in range(24)])
    found = groups_of(rows, _group_by="a,b", _aggregate="count(*)", ordering="-count")
    assert found == [(a, f"{b}", 2) for a in range(3) for b in range(4)]
    found = groups_of(rows, _group_by="a,b", _aggregate="count(*)", ordering="-b")
    assert found == [(a, f"{b}", 2) for b in (3, 2, 1, 0) for a in range(3)]


def test_pages_of_groups(flights: Rows) -> None:
    params = {"_group_by": "carrier", "_aggregate": "count(*)"}
    whole = flights.list(**params)["data"]
    for page in (1, 2, 3):
        answer = flights.list(**params, page=str(page), page_size="2")
        assert answer == {"data": whole[page * 2 - 2 : page * 2], "total": 4, "page": page, "page_size": 2}
    answer = flights.list(**params, limit="2", offset="3", _count="estimated")
    assert answer == {"data": whole[3:], "total": 4, "limit": 2, "offset": 3}
    assert flights.list(**params, page_size="1", _count="none") == {
        "data": whole[:1],
        "total": None,
        "page": 1,
        "page_size": 1,
    }


def test_one_row_has_one_page(flights: Rows) -> None:
    assert flights.list(_aggregate="count(*)", page_size="5")["total"] == 1
    refused(flights, "invalid_pagination", _aggregate="count(*)", page="2")
    refused(flights, "invalid_pagination", _aggregate="count(*)", offset="1")


def test_groups_and_aggregates_of_related_fields(flights: Rows) -> None:
    found = flights.list(_group_by='airline."Full Name"', _aggregate="count(*),max(airline.carrier)")
    assert found["data"][1:] == [
        {"airline.Full Name": "Air UA", "count": 3, "max_airline.carrier": "UA"},
        {"airline.Full Name": "Air ZZ", "count": 1, "max_airline.carrier": "ZZ"},
        {"airline.Full Name": None, "count": 1, "max_airline.carrier": None},
    ]
    params = {"_group_by": "airline.carrier as code", "_aggregate": "count(*)"}
    assert groups_of(flights, **params, ordering="-airline.carrier")[0] == (None, 1)
    assert groups_of(flights, **params, **{"airline.Full Name__endswith": "UA"}) == [("UA", 3)]


def test_names(flights: Rows) -> None:
    terms = 'count(*),sum("Unit Price"),count(distinct origin),min("a,b"),max(year(left_at)),avg(delay) as Mean_1'
    assert list(flights.list(_aggregate=terms)["aggregates"]) == [
        *("count", "sum_Unit Price", "count_distinct_origin", "min_a,b", "max_year_left_at", "Mean_1")
    ]
    row = flights.list(_group_by="\"a,b\",month(day),date_trunc('day',left_at),origin as place")["data"][0]
    assert list(row) == ["a,b", "month_day", "date_trunc_left_at", "place"]
    assert groups_of(flights, _group_by="origin", _aggregate='sum("Unit Price")', _having="sum_Unit Price>1") == []


def test_percent_signs_and_quotes_in_names(engine: Engine) -> None:
    rows = engine.table("odd", {"fields": [{"name": '100% "sure" %s', "type": "integer"}]})
    rows.create([{'100% "sure" %s': 1}])
    name = '"100% ""sure"" %s"'
    assert rows.list(_group_by=name, _aggregate=f"sum({name})")["data"] == [
        {'100% "sure" %s': 1, 'sum_100% "sure" %s': 1}
    ]
