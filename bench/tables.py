"""The tables that are written to, and the rows: flights in shape, with a key, a unique field, two foreign keys and four
indexes (two of them the foreign keys')."""

import json
from typing import Any

from bench.client import Client

APP = "nycflights"
SERVICE_TABLE = "bench_service"
FLOOR_TABLE = "bench_floor"
SEARCH_TABLE = "bench_search"
_INTEGERS = (
    "year", "month", "day", "dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time", "arr_delay",
    "flight", "air_time", "distance", "hour", "minute",
)  # fmt: skip
_ROW: dict[str, Any] = {
    "year": 2013, "month": 1, "day": 1, "dep_time": 517, "sched_dep_time": 515, "dep_delay": 2, "arr_time": 830,
    "sched_arr_time": 819, "arr_delay": 11, "carrier": "UA", "flight": 1545, "tailnum": "N14228", "origin": "EWR",
    "dest": "IAH", "air_time": 227, "distance": 1400, "hour": 5, "minute": 15, "time_hour": "2013-01-01T10:00:00Z",
}  # fmt: skip
_CARRIERS = ("UA", "AA", "B6", "DL", "EV", "MQ", "US", "WN", "VX", "FL", "AS", "9E", "F9", "HA", "YV", "OO")
_ORIGINS = ("EWR", "LGA", "JFK")
_DESTINATIONS = ("IAH", "MIA", "BQN", "ATL", "ORD", "FLL", "IAD", "MCO", "PBI", "TPA", "LAX", "SFO", "DFW", "BOS")
PLACE = "@@"
"""Stands in a body where a number comes that was never sent before; ``bench/drive.lua`` puts it there."""


def create(client: Client, app: str) -> None:
    """Make the tables that are written to and searched, in an app that has the demo's tables."""
    for described in (description(SERVICE_TABLE), description(FLOOR_TABLE), search_description()):
        client.send("POST", f"/api/apps/{app}/datatables/", described)


def description(name: str) -> dict[str, Any]:
    """The body that creates and materializes such a table."""
    fields: list[dict[str, Any]] = [{"name": "id", "type": "integer"}]
    fields.append({"name": "ticket", "type": "integer", "constraints": {"unique": True, "required": True}})
    for label in _ROW:
        kind = "integer" if label in _INTEGERS else "datetime" if label == "time_hour" else "string"
        fields.append({"name": label, "type": kind})
    by_label = {field["name"]: field for field in fields}
    by_label["month"]["constraints"] = {"required": True, "minimum": 1, "maximum": 12}
    by_label["carrier"]["constraints"] = {"required": True}
    by_label["origin"]["constraints"] = {"required": True, "maxLength": 3}
    by_label["dest"]["constraints"] = {"required": True, "pattern": "[A-Z]{3}"}
    schema = {
        "fields": fields,
        "primaryKey": ["id"],
        "foreignKeys": [
            {"fields": ["carrier"], "reference": {"resource": "airlines", "fields": ["carrier"]}, "x-name": "airline",
             "x-reverse-name": f"{name}_rows"},
            {"fields": ["origin"], "reference": {"resource": "airports", "fields": ["faa"]}, "x-name": "airport",
             "x-reverse-name": f"{name}_rows"},
        ],
        "indexes": [{"name": "by_dest", "fields": ["dest"]}, {"name": "by_hour", "fields": ["time_hour"]}],
    }  # fmt: skip
    return {"name": name, "json_schema": schema, "materialize": True}


def search_description() -> dict[str, Any]:
    """The body that creates and materializes the table that is searched: flights in words."""
    kinds = {"id": "integer", "title": "string", "route": "string"}
    schema = {
        "fields": [{"name": label, "type": kind} for label, kind in kinds.items()],
        "primaryKey": ["id"],
        "search_fields": ["title", {"field": "route", "weight": "B"}],
    }
    return {"name": SEARCH_TABLE, "json_schema": schema, "materialize": True}


def rows(count: int) -> list[dict[str, Any]]:
    """Rows that differ as flights do; ``ticket`` counts from 1."""
    return [_row(at) | {"ticket": at + 1} for at in range(count)]


def body(count: int | None) -> str:
    """A body in one line: an object, or an array of ``count``; each ticket a place for a new number."""
    sent: Any = _row(0) | {"ticket": PLACE} if count is None else [_row(at) | {"ticket": PLACE} for at in range(count)]
    return json.dumps(sent, separators=(",", ":")).replace(f'"{PLACE}"', PLACE)


def json_text(sent: list[dict[str, Any]]) -> bytes:
    """The rows as a request's body."""
    return json.dumps(sent, separators=(",", ":")).encode()


def copy_text(sent: list[dict[str, Any]]) -> bytes:
    """The rows as COPY reads them; no value needs an escape."""
    return "".join("\t".join(str(value) for value in row.values()) + "\n" for row in sent).encode()


def _row(at: int) -> dict[str, Any]:
    return _ROW | {
        "carrier": _CARRIERS[at % len(_CARRIERS)],
        "origin": _ORIGINS[at % len(_ORIGINS)],
        "dest": _DESTINATIONS[at % len(_DESTINATIONS)],
        "flight": 1 + at % 8000,
        "dep_delay": at % 120 - 20,
        "day": 1 + at % 28,
        "time_hour": f"2013-{1 + at % 12:02}-{1 + at % 28:02}T{at % 24:02}:00:00Z",
    }
