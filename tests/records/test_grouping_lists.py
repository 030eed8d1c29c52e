"""Groups: their keys, names, order, pages, conditions; parts and truncations of instants; what is refused."""

from typing import Any

import pytest

from datar.errors import Invalid
from tests.records.engine import Engine, Rows

_AIRLINES = {
    "primaryKey": "carrier",
    "fields": [{"name": "carrier", "type": "string"}, {"name": "Full Name", "type": "string"}],
}
_FLIGHTS = {
    "fields": [
        {"name": "carrier", "type": "string"},
        {"name": "origin", "type": "string"},
        {"name": "delay", "type": "integer"},
        {"name": "Unit Price", "type": "number"},
        {"name": "a,b", "type": "integer"},
        {"name": "left_at", "type": "datetime"},
        {"name": "day", "type": "date"},
        {"name": "lasted", "type": "duration"},
        {"name": "meta", "type": "object"},
        {"name": "photo", "type": "string", "format": "binary"},
    ],
    "foreignKeys": [
        {
            "fields": "carrier",
            "reference": {"resource": "airlines", "fields": "carrier"},
            "x-name": "airline",
            "x-reverse-name": "flights",
        }
    ],
}


@pytest.fixture
def flights(engine: Engine) -> Rows:
    """Seven flights of three airlines, one of none."""
    airlines = engine.table("airlines", _AIRLINES)
    airlines.create([{"carrier": code, "Full Name": f"Air {code}"} for code in ("AA", "UA", "ZZ")])
    flights = engine.table("flights", _FLIGHTS)
    rows = [("AA", "JFK", 10), ("AA", "LGA", None), ("UA", "JFK", 5), ("UA", "JFK", 6), ("UA", "EWR", 7)]
    rows += [("ZZ", None, -1), (None, "JFK", 2)]
    flights.create([{"carrier": carrier, "origin": origin, "delay": delay} for carrier, origin, delay in rows])
    return flights


def _groups(rows: Rows, **params: str) -> list[Any]:
    return [tuple(row.values()) for row in rows.list(**params)["data"]]


def _refused(rows: Rows, code: str, **params: str) -> str:
    with pytest.raises(Invalid) as refused:
        rows.list(**params)
    assert refused.value.code == code, refused.value.detail
    return refused.value.detail


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
    assert _groups(flights, _group_by="origin") == [("EWR",), ("JFK",), ("LGA",), (None,)]
    assert _groups(flights, _group_by="origin,carrier", origin="JFK") == [("JFK", "AA"), ("JFK", "UA"), ("JFK", None)]


def test_filters_come_before_groups_and_having_after(flights: Rows) -> None:
    params = {"_group_by": "carrier", "_aggregate": "count(*)"}
    assert _groups(flights, **params, delay__gte="6") == [("AA", 1), ("UA", 2)]
    assert _groups(flights, **params, _having="count>1") == [("AA", 2), ("UA", 3)]
    assert _groups(flights, **params, _having="count__gte=2,carrier__startswith=U") == [("UA", 3)]
    assert _groups(flights, **params, _having="carrier__isnull=true") == [(None, 1)]
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
    _refused(flights, "operator_not_supported", **params, _having="delays__contains=7")


def test_having_without_groups(flights: Rows) -> None:
    refused = flights.list(_aggregate="count(*)", _having="count>100")
    assert refused == {"data": [], "aggregates": None, "total": 0}
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
        assert [group[0] for group in _groups(flights, **params, ordering=ordering)] == [2023, 2024], ordering


def test_what_cannot_order_groups(flights: Rows) -> None:
    params = {"_group_by": "carrier", "_aggregate": "count(*),array_agg(delay) as delays"}
    assert "Did you mean 'carrier'?" in _refused(flights, "invalid_ordering", **params, ordering="carier")
    for ordering in ("delay", "delays", "rank", "count,-count", "carrier.name", "count(*"):
        _refused(flights, "invalid_ordering", **params, ordering=ordering)


def test_ties_are_broken_by_the_keys(engine: Engine) -> None:
    rows = engine.table("ties", {"fields": [{"name": "a", "type": "integer"}, {"name": "b", "type": "string"}]})
    rows.create([{"a": place % 3, "b": f"{place % 4}"} for place in range(24)])
    found = _groups(rows, _group_by="a,b", _aggregate="count(*)", ordering="-count")
    assert found == [(a, f"{b}", 2) for a in range(3) for b in range(4)]
    found = _groups(rows, _group_by="a,b", _aggregate="count(*)", ordering="-b")
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
    _refused(flights, "invalid_pagination", _aggregate="count(*)", page="2")
    _refused(flights, "invalid_pagination", _aggregate="count(*)", offset="1")


def test_groups_and_aggregates_of_related_fields(flights: Rows) -> None:
    found = flights.list(_group_by='airline."Full Name"', _aggregate="count(*),max(airline.carrier)")
    assert found["data"][1:] == [
        {"airline.Full Name": "Air UA", "count": 3, "max_airline.carrier": "UA"},
        {"airline.Full Name": "Air ZZ", "count": 1, "max_airline.carrier": "ZZ"},
        {"airline.Full Name": None, "count": 1, "max_airline.carrier": None},
    ]
    params = {"_group_by": "airline.carrier as code", "_aggregate": "count(*)"}
    assert _groups(flights, **params, ordering="-airline.carrier")[0] == (None, 1)
    assert _groups(flights, **params, **{"airline.Full Name__endswith": "UA"}) == [("UA", 3)]


def test_to_many_relations_are_refused(engine: Engine, flights: Rows) -> None:
    airlines = engine.rows("airlines")
    for params in ({"_group_by": "flights.origin"}, {"_aggregate": "sum(flights.delay)"}):
        assert "to-one" in _refused(airlines, "invalid_aggregate", **params)


def test_names(flights: Rows) -> None:
    terms = 'count(*),sum("Unit Price"),count(distinct origin),min("a,b"),max(year(left_at)),avg(delay) as Mean_1'
    assert list(flights.list(_aggregate=terms)["aggregates"]) == [
        *("count", "sum_Unit Price", "count_distinct_origin", "min_a,b", "max_year_left_at", "Mean_1")
    ]
    row = flights.list(_group_by="\"a,b\",month(day),date_trunc('day',left_at),origin as place")["data"][0]
    assert list(row) == ["a,b", "month_day", "date_trunc_left_at", "place"]
    assert _groups(flights, _group_by="origin", _aggregate='sum("Unit Price")', _having="sum_Unit Price>1") == []


def test_two_columns_of_one_name_need_an_alias(flights: Rows) -> None:
    for params in (
        {"_aggregate": "count(*),count(*)"},
        {"_aggregate": "sum(delay) as x,max(delay) as x"},
        {"_group_by": "origin,carrier as origin"},
        {"_group_by": "origin", "_aggregate": "count(*) as origin"},
        {"_group_by": "date_trunc('day',left_at),date_trunc('month',left_at)"},
    ):
        assert "alias" in _refused(flights, "invalid_aggregate", **params)
    row = flights.list(_aggregate="count(*),count(*) as again")["aggregates"]
    assert row == {"count": 7, "again": 7}


def test_percent_signs_and_quotes_in_names(engine: Engine) -> None:
    rows = engine.table("odd", {"fields": [{"name": '100% "sure" %s', "type": "integer"}]})
    rows.create([{'100% "sure" %s': 1}])
    name = '"100% ""sure"" %s"'
    assert rows.list(_group_by=name, _aggregate=f"sum({name})")["data"] == [
        {'100% "sure" %s': 1, 'sum_100% "sure" %s': 1}
    ]


def test_parts(flights: Rows) -> None:
    flights.update(1, {"left_at": "2024-12-31T23:30:00-01:00", "day": "2024-02-29"})
    flights.update(2, {"left_at": "2023-01-01T05:00:00Z", "day": "2023-12-31"})
    parts = ("year", "month", "day", "week_day")
    keys = ",".join([*(f"{part}(left_at)" for part in (*parts, "hour", "date"))])
    assert _groups(flights, _group_by=keys, left_at__nnull="true") == [
        (2023, 1, 1, 1, 5, "2023-01-01"),
        (2025, 1, 1, 4, 0, "2025-01-01"),
    ]
    keys = ",".join(f"{part}(day) as {part}" for part in parts)
    assert _groups(flights, _group_by=keys, day__nnull="true") == [(2023, 12, 31, 1), (2024, 2, 29, 5)]
    row = flights.list(_aggregate="sum(year(day)),max(date(left_at)),count(distinct month(day))")["aggregates"]
    assert row == {"sum_year_day": 4047, "max_date_left_at": "2025-01-01", "count_distinct_month_day": 2}


@pytest.mark.parametrize(
    ("unit", "zone", "expected"),
    [
        ("year", "", ["2024-01-01T00:00:00Z"]),
        ("quarter", "", ["2024-01-01T00:00:00Z", "2024-10-01T00:00:00Z"]),
        ("week", "", ["2024-03-25T00:00:00Z", "2024-10-21T00:00:00Z"]),
        (
            "minute",
            "",
            ["2024-03-30T23:30:00Z", "2024-03-31T21:59:00Z", "2024-10-27T00:30:00Z", "2024-10-27T22:59:00Z"],
        ),
        # In Paris the clock goes on an hour on 31 March and back on 27 October: days of 23 and of 25 hours.
        ("day", "Europe/Paris", ["2024-03-30T23:00:00Z", "2024-10-26T22:00:00Z"]),
        ("month", "'Europe/Paris'", ["2024-02-29T23:00:00Z", "2024-09-30T22:00:00Z"]),
        (
            "day",
            "Asia/Kolkata",
            ["2024-03-30T18:30:00Z", "2024-03-31T18:30:00Z", "2024-10-26T18:30:00Z", "2024-10-27T18:30:00Z"],
        ),
        (
            "hour",
            "Europe/Paris",
            ["2024-03-30T23:00:00Z", "2024-03-31T21:00:00Z", "2024-10-27T00:00:00Z", "2024-10-27T22:00:00Z"],
        ),
    ],
)
def test_date_trunc_of_instants(engine: Engine, unit: str, zone: str, expected: list[str]) -> None:
    rows = engine.table("moments", {"fields": [{"name": "at", "type": "datetime"}]})
    moments = ("2024-03-30T23:30:00Z", "2024-03-31T21:59:59.9Z", "2024-10-27T00:30:00Z", "2024-10-27T22:59:59Z")
    rows.create([{"at": moment} for moment in moments])
    call = f"date_trunc('{unit}',at{',' if zone else ''}{zone})"
    found = rows.list(_group_by=call, _aggregate=f"count(*),max({call}) as most")["data"]
    assert [group["date_trunc_at"] for group in found] == expected
    assert [group["most"] for group in found] == expected


def test_date_trunc_of_days(flights: Rows) -> None:
    flights.update(1, {"day": "2024-02-29"})
    found = {unit: _groups(flights, _group_by=f"date_trunc('{unit}',day)", day__nnull="true") for unit in _DAYS}
    assert found == {unit: [(day,)] for unit, day in _DAYS.items()}
    for unit in ("hour", "minute"):
        _refused(flights, "invalid_aggregate", _group_by=f"date_trunc('{unit}',day)")


_DAYS = {
    "year": "2024-01-01",
    "quarter": "2024-01-01",
    "month": "2024-02-01",
    "week": "2024-02-26",
    "day": "2024-02-29",
}


def test_statements_are_shared_and_values_are_not(flights: Rows) -> None:
    for zone, expected in (("Europe/Paris", "2024-01-01T23:00:00Z"), ("UTC", "2024-01-02T00:00:00Z")):
        flights.update(1, {"left_at": "2024-01-02T05:00:00Z"})
        terms = f"date_trunc('day',left_at,{zone}) as a,date_trunc('day',left_at,UTC) as b"
        found = flights.list(_group_by=terms, left_at__nnull="true", _aggregate="min(left_at)", delay__gte="1")
        assert found["data"] == [{"a": expected, "b": "2024-01-02T00:00:00Z", "min_left_at": "2024-01-02T05:00:00Z"}]


def test_paths_into_json(flights: Rows) -> None:
    for place, meta in enumerate(
        ({"size": 3, "k": {"x": "a"}}, {"size": 3.0}, {"size": "3", "k": {"x": "b"}}, {}, {"size": None})
    ):
        flights.update(place + 1, {"meta": meta})
    assert _groups(flights, _group_by="meta__size", _aggregate="count(*)", ordering="count") == [
        ("3", 1),
        (3, 2),
        (None, 4),
    ]
    terms = "sum(meta__size),count(meta__size),count(distinct meta__size),string_agg(meta__k__x),array_agg(meta__k)"
    assert flights.list(_aggregate=terms)["aggregates"] == {
        "sum_meta__size": 6,
        "count_meta__size": 3,
        "count_distinct_meta__size": 2,
        "string_agg_meta__k__x": "a,b",
        "array_agg_meta__k": [{"x": "a"}, None, {"x": "b"}, None, None, None, None],
    }
    one, other = "sum(meta__size) as a,max(meta__other) as b", "sum(meta__size) as a,max(meta__size) as b"
    assert [_groups(flights, _aggregate=terms) for terms in (one, other)] == [[(6, None)], [(6, 3)]]


@pytest.mark.parametrize("key", ["a'b", "a]", "{}", "$", "..", "x;y", "%s", "\\"])
def test_in_09_json_keys_are_literal_in_aggregates(flights: Rows, key: str) -> None:
    flights.update(1, {"meta": {key: 5}})
    assert flights.list(_group_by=f'meta__"{key}" as k', _aggregate=f'sum(meta__"{key}") as s')["data"] == [
        {"k": 5, "s": 5},
        {"k": None, "s": None},
    ]


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
    _refused(flights, "invalid_aggregate", **params)


def test_in_07_refusals_offer_the_nearest(flights: Rows) -> None:
    for params, hint in (
        ({"_aggregate": "sum(delayy)"}, "'delay'"),
        ({"_group_by": "orgin"}, "'origin'"),
        ({"_group_by": "date_trunc('day',left_at,Europe/Pariss)"}, "'Europe/Paris'"),
        ({"_group_by": "left_at__year"}, "year(left_at)"),
        ({"_group_by": "origin", "_aggregate": "count(*) as flown", "_having": "flow>1"}, "'flown'"),
    ):
        assert hint in _refused(flights, "invalid_aggregate", **params)


def test_words_of_rows_do_not_go_with_groups(flights: Rows) -> None:
    for words in ({"fields": "origin"}, {"populate": "airline"}, {"_meta": "true"}, {"cursor": ""}):
        with pytest.raises(Invalid):
            flights.list(_group_by="origin", **words)


def test_groups_of_equal_durations_show_the_least_text(engine: Engine) -> None:
    rows = engine.table("spans", {"fields": [{"name": "d", "type": "duration"}]})
    rows.create([{"d": text} for text in ("PT24H", "P1D", "PT3600S", "PT1H", "PT60M")])
    found = rows.list(_group_by="d", _aggregate="count(*),array_agg(distinct d) as all,max(d) as most")
    assert found["data"] == [
        {"d": "PT1H", "count": 3, "all": ["PT1H"], "most": "PT1H"},
        {"d": "P1D", "count": 2, "all": ["P1D"], "most": "P1D"},
    ]


def test_limits(flights: Rows) -> None:
    _refused(flights, "query_too_complex", _aggregate=",".join(f"count(*) as c{place}" for place in range(21)))
    _refused(flights, "query_too_complex", _group_by=",".join(f"origin as o{place}" for place in range(11)))
    terms = ",".join(f"sum(delay) as c{place}" for place in range(20))
    assert len(flights.list(_aggregate=terms)["aggregates"]) == 20
    assert len(flights.list(_group_by=",".join(f"origin as o{place}" for place in range(10)))["data"][0]) == 10
