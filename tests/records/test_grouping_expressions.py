"""Groups and aggregates of parts, truncated instants, paths into JSON and durations."""

import pytest

from tests.records.engine import Engine, Rows
from tests.records.flights import groups_of, make_flights, refused


@pytest.fixture
def flights(engine: Engine) -> Rows:
    """The stage."""
    return make_flights(engine)


def test_parts(flights: Rows) -> None:
    flights.update(1, {"left_at": "2024-12-31T23:30:00-01:00", "day": "2024-02-29"})
    flights.update(2, {"left_at": "2023-01-01T05:00:00Z", "day": "2023-12-31"})
    parts = ("year", "month", "day", "week_day")
    keys = ",".join([*(f"{part}(left_at)" for part in (*parts, "hour", "date"))])
    assert groups_of(flights, _group_by=keys, left_at__nnull="true") == [
        (2023, 1, 1, 1, 5, "2023-01-01"),
        (2025, 1, 1, 4, 0, "2025-01-01"),
    ]
    keys = ",".join(f"{part}(day) as {part}" for part in parts)
    assert groups_of(flights, _group_by=keys, day__nnull="true") == [(2023, 12, 31, 1), (2024, 2, 29, 5)]
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
    found = {unit: groups_of(flights, _group_by=f"date_trunc('{unit}',day)", day__nnull="true") for unit in _DAYS}
    assert found == {unit: [(day,)] for unit, day in _DAYS.items()}
    for unit in ("hour", "minute"):
        refused(flights, "invalid_aggregate", _group_by=f"date_trunc('{unit}',day)")


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
    assert groups_of(flights, _group_by="meta__size", _aggregate="count(*)", ordering="count") == [
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
    assert [groups_of(flights, _aggregate=terms) for terms in (one, other)] == [[(6, None)], [(6, 3)]]


@pytest.mark.parametrize("key", ["a'b", "a]", "{}", "$", "..", "x;y", "%s", "\\"])
def test_in_09_json_keys_are_literal_in_aggregates(flights: Rows, key: str) -> None:
    flights.update(1, {"meta": {key: 5}})
    assert flights.list(_group_by=f'meta__"{key}" as k', _aggregate=f'sum(meta__"{key}") as s')["data"] == [
        {"k": 5, "s": 5},
        {"k": None, "s": None},
    ]


def test_groups_of_equal_durations_show_the_least_text(engine: Engine) -> None:
    rows = engine.table("spans", {"fields": [{"name": "d", "type": "duration"}]})
    rows.create([{"d": text} for text in ("PT24H", "P1D", "PT3600S", "PT1H", "PT60M")])
    found = rows.list(_group_by="d", _aggregate="count(*),array_agg(distinct d) as all,max(d) as most")
    assert found["data"] == [
        {"d": "PT1H", "count": 3, "all": ["PT1H"], "most": "PT1H"},
        {"d": "P1D", "count": 2, "all": ["P1D"], "most": "P1D"},
    ]


def test_distinct_of_expressions_that_bind_values(flights: Rows) -> None:
    for place, size in enumerate((2, 2.0, 5, "x")):
        flights.update(place + 1, {"meta": {"size": size, "word": "wv"[place % 2]}, "left_at": "2024-01-02T05:00:00Z"})
    terms = (
        "sum(distinct meta__size) as s,avg(distinct meta__size) as a,variance(distinct meta__size) as v,"
        "variance(meta__size) as w,string_agg(distinct meta__word) as t,"
        "array_agg(distinct date_trunc('day',left_at,Asia/Tokyo)) as d,count(distinct meta__word) as c"
    )
    assert flights.list(_aggregate=terms, delay__isnull="false", search="JFK")["data"] == [
        {"s": 7, "a": 3.5, "v": 4.5, "w": 4.5, "t": "v,w", "d": ["2024-01-01T15:00:00Z", None], "c": 2}
    ]


def test_groups_within_filters_through_relations(engine: Engine, flights: Rows) -> None:
    params = {"airline.carrier__in": "AA,UA", "airline.flights.delay__gt": "9", "search": "JFK or LGA"}
    found = flights.list(
        _group_by='airline."Full Name" as name,meta__size', _aggregate="count(*)", _having="count>=2", **params
    )
    assert found["data"] == [{"name": "Air AA", "meta__size": None, "count": 2}]
    airlines = engine.rows("airlines")
    assert groups_of(airlines, _group_by="carrier", **{"flights.delay__gte": "7"}) == [("AA",), ("UA",)]


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "UTC"])
def test_date_trunc_stays_within_the_years_there_are(engine: Engine, zone: str) -> None:
    rows = engine.table("moments", {"fields": [{"name": "at", "type": "datetime"}]})
    rows.create([{"at": moment} for moment in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", None)])
    found = rows.list(_group_by=f"date_trunc('year',at,{zone}) as y")["data"]
    assert found[0] == {"y": "0001-01-01T00:00:00Z"}
    assert found[1]["y"].startswith("9999-")
    assert found[2] == {"y": None}
