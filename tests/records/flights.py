"""A stage for groups: seven flights of three airlines, one flight of none."""

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


def make_flights(engine: Engine) -> Rows:
    """The flights; the airlines are ``engine.rows("airlines")``."""
    airlines = engine.table("airlines", _AIRLINES)
    airlines.create([{"carrier": code, "Full Name": f"Air {code}"} for code in ("AA", "UA", "ZZ")])
    flights = engine.table("flights", _FLIGHTS)
    rows: list[tuple[str | None, str | None, int | None]] = [("AA", "JFK", 10), ("AA", "LGA", None), ("UA", "JFK", 5)]
    rows += [("UA", "JFK", 6), ("UA", "EWR", 7), ("ZZ", None, -1), (None, "JFK", 2)]
    flights.create([{"carrier": carrier, "origin": origin, "delay": delay} for carrier, origin, delay in rows])
    return flights


def groups_of(rows: Rows, **params: str) -> list[Any]:
    """A page of groups, each a tuple of its columns."""
    return [tuple(row.values()) for row in rows.list(**params)["data"]]


def refused(rows: Rows, code: str, **params: str) -> str:
    """The words that refuse the question, by that code."""
    with pytest.raises(Invalid) as caught:
        rows.list(**params)
    assert caught.value.code == code, caught.value.detail
    return caught.value.detail
