"""What is measured: each line of the table as a request to the service and the same to the floor, and its target.

Targets are shares of the floor's requests a second (issue: "Done when" 6 of the first version).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.sql import SQL, Composable

from bench import statements, tables
from bench.load import Traffic
from bench.statements import Place, bound

_DATA = f"/api/apps/{tables.APP}/datatables/{{}}/data/"
_KEYS = 500
BULK = 200


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the table. ``also`` is a second floor, shown beside and not judged; ``writes`` are emptied first."""

    name: str
    target: float
    service: Traffic
    floor: Traffic
    also: Traffic | None = None
    also_name: str = ""
    writes: tuple[Place, ...] = ()
    status: str = field(default="200 OK")


@dataclass(frozen=True, slots=True)
class Places:
    """Where the tables lie."""

    flights: Place
    airports: Place
    service: Place
    floor: Place


def find_places(connection: "psycopg.Connection[Any]", tenant: str) -> Places:
    """The tables of the demo tenant."""
    names = ("flights", "airports", tables.SERVICE_TABLE, tables.FLOOR_TABLE)
    return Places(*(statements.find_place(connection, tenant, tables.APP, name) for name in names))


def write_config(file: Path, url: str, places: Places, connection: "psycopg.Connection[Any]") -> None:
    """The floor's statements, by the names that ``all_measures`` asks for."""
    flights, airports = places.flights, places.airports
    everything = None
    filtered = SQL("{} = {} AND {} >= {}").format(
        flights.column("dest"), bound(1), flights.column("dep_delay"), bound(2)
    )
    texts: dict[str, tuple[Composable, Place, str]] = {
        "single": (statements.single(flights), flights, "200 OK"),
        "page20": (statements.page(flights, 20, everything, total=True), flights, "200 OK"),
        "page20bare": (statements.page(flights, 20, everything, total=False), flights, "200 OK"),
        "filtered": (statements.page(flights, 20, filtered, total=True), flights, "200 OK"),
        "filteredbare": (statements.page(flights, 20, filtered, total=False), flights, "200 OK"),
        "small": (statements.page(airports, 20, everything, total=True), airports, "200 OK"),
        "smallbare": (statements.page(airports, 20, everything, total=False), airports, "200 OK"),
        "page1000": (statements.page(flights, 1000, everything, total=True), flights, "200 OK"),
        "page1000bare": (statements.page(flights, 1000, everything, total=False), flights, "200 OK"),
        "create": (statements.insert(places.floor, many=False), places.floor, "201 Created"),
        "bulk": (statements.insert(places.floor, many=True), places.floor, "201 Created"),
        "ready": (SQL("SELECT 'true'"), flights, "200 OK"),
    }
    entries = {
        name: {"text": text.as_string(connection), "template": place.template, "status": status}
        for name, (text, place, status) in texts.items()
    }
    file.write_text(json.dumps({"url": url, "statements": entries}), "utf-8")
    file.chmod(0o600)


def all_measures(places: Places, connection: "psycopg.Connection[Any]") -> list[Measure]:
    """Every line that wrk drives, in the table's order."""
    return [_single(places, connection), *_pages(), *_writes(places)]


def _single(places: Places, connection: "psycopg.Connection[Any]") -> Measure:
    place = places.flights
    parts = SQL(", ").join(place.column(label) for label in place.key)
    statement = SQL("SELECT {} FROM {} TABLESAMPLE SYSTEM (20) ORDER BY random() LIMIT {}").format(
        parts, place.name, SQL(str(_KEYS))
    )
    keys = [
        (f"{hour:%Y-%m-%dT%H:%M:%SZ}", carrier, str(flight)) for hour, carrier, flight in connection.execute(statement)
    ]
    return Measure(
        "single read",
        0.40,
        _get([_DATA.format("flights") + ",".join(key) + "/" for key in keys]),
        _get(["/single/" + "/".join(key) for key in keys]),
    )


def _pages() -> list[Measure]:
    flights, airports = _DATA.format("flights"), _DATA.format("airports")
    wanted = "dest=HNL&dep_delay__gte=30"
    twenty = [(page, (page - 1) * 20) for page in range(1, 6)]
    thousand = [(page, (page - 1) * 1000) for page in range(1, 6)]
    return [
        _page("page of 20 of 1,458", 0.45, f"{airports}?page_size=20", "small", twenty),
        _page("page of 20 of 336,776", 0.45, f"{flights}?page_size=20", "page20", twenty),
        _page("page of 20, two filters", 0.45, f"{flights}?{wanted}&page_size=20", "filtered", twenty[:2], "/HNL/30"),
        _page("page of 1,000 of 336,776", 0.70, f"{flights}?page_size=1000", "page1000", thousand),
    ]


def _page(
    name: str, target: float, url: str, statement: str, pages: Sequence[tuple[int, int]], values: str = ""
) -> Measure:
    return Measure(
        name,
        target,
        _get([f"{url}&page={page}" for page, _ in pages]),
        _get([f"/{statement}/{offset}{values}" for _, offset in pages]),
        also=_get([f"/{statement}bare/{offset}{values}" for _, offset in pages]),
        also_name="no total",
    )


def _writes(places: Places) -> list[Measure]:
    both = (places.service, places.floor)
    url = _DATA.format(tables.SERVICE_TABLE)
    return [
        Measure("create", 0.35, _post(url, None), _post("/create", None), writes=both),
        Measure(f"bulk of {BULK}", 0.40, _post(url, BULK), _post("/bulk", BULK), writes=both),
    ]


def _get(paths: list[str]) -> Traffic:
    return Traffic("GET", paths)


def _post(path: str, count: int | None) -> Traffic:
    return Traffic("POST", [path, tables.body(count)], rows_per_request=count or 1)
