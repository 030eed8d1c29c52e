"""What is measured: each line of the table as a request to the service and the same to the floor, and its target.

Targets are shares of the floor's requests a second.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg.sql import SQL, Composable

from bench import questions, statements, tables
from bench.client import Client
from bench.load import Traffic
from bench.statements import Place, bound

_DATA = "/api/apps/{}/datatables/{}/data/"
_KEYS = 500
BULK = 200
SINGLE_WRITE, BULK_NAME = "create", f"bulk of {BULK}"
SEARCH = "search, page of 20"
FIRST, FAR = "cursor page 1", "cursor page 10,000"
FAR_OF_FIRST = "cursor page 10,000, of cursor page 1"
_FAR_RANK = 20 * 9_999
"""Rows before the 10,000th page of 20."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the table. ``also`` is a second floor, shown beside and not judged; ``writes`` are emptied first.

    ``own``: what stands for the floor is asked of the service too; the line compares it with itself.
    """

    name: str
    target: float
    service: Traffic
    floor: Traffic
    also: Traffic | None = None
    also_name: str = ""
    writes: tuple[Place, ...] = ()
    status: str = field(default="200 OK")
    own: bool = False


@dataclass(frozen=True, slots=True)
class Places:
    """Where the tables of an app lie."""

    flights: Place
    airlines: Place
    airports: Place
    search: Place
    service: Place
    floor: Place


def find_places(connection: "psycopg.Connection[Any]", tenant: str, app: str = tables.APP) -> Places:
    """The tables of an app of the demo tenant."""
    names = ("flights", "airlines", "airports", tables.SEARCH_TABLE, tables.SERVICE_TABLE, tables.FLOOR_TABLE)
    return Places(*(statements.find_place(connection, tenant, app, name) for name in names))


def write_config(file: Path, url: str, places: Places, connection: "psycopg.Connection[Any]") -> None:
    """The floor's statements, by the names that ``all_measures`` asks for."""
    texts = {**_texts(places), **_question_texts(places, connection)}
    entries = {
        name: {
            "text": text.as_string(connection),
            "template": place.template,
            "status": "201 Created" if name in ("create", "bulk") else "200 OK",
        }
        for name, (text, place) in texts.items()
    }
    file.write_text(json.dumps({"url": url, "statements": entries}), "utf-8")
    file.chmod(0o600)


def _texts(places: Places) -> dict[str, tuple[Composable, Place]]:
    flights, airports = places.flights, places.airports
    everything = None
    filtered = SQL("{} = {} AND {} >= {}").format(
        flights.column("dest"), bound(1), flights.column("dep_delay"), bound(2)
    )
    return {
        "single": (statements.single(flights), flights),
        "page20": (statements.page(flights, 20, everything, total=True), flights),
        "page20bare": (statements.page(flights, 20, everything, total=False), flights),
        "filtered": (statements.page(flights, 20, filtered, total=True), flights),
        "filteredbare": (statements.page(flights, 20, filtered, total=False), flights),
        "small": (statements.page(airports, 20, everything, total=True), airports),
        "smallbare": (statements.page(airports, 20, everything, total=False), airports),
        "page1000": (statements.page(flights, 1000, everything, total=True), flights),
        "page1000bare": (statements.page(flights, 1000, everything, total=False), flights),
        "create": (statements.insert(places.floor, many=False), places.floor),
        "bulk": (statements.insert(places.floor, many=True), places.floor),
        "ready": (SQL("SELECT 'true'"), flights),
    }


def _question_texts(places: Places, connection: "psycopg.Connection[Any]") -> dict[str, tuple[Composable, Place]]:
    flights = places.flights
    three = SQL("{} = {} AND {} >= {} AND {} = {}").format(
        flights.column("dest"), bound(1), flights.column("dep_delay"), bound(2), flights.column("carrier"), bound(3)
    )
    parents = [("airline", "carrier", places.airlines), ("origin_airport", "origin", places.airports)]
    found = questions.found(places.search, connection)
    return {
        "three": (statements.page(flights, 20, three, total=True), flights),
        "threebare": (statements.page(flights, 20, three, total=False), flights),
        "populated": (questions.populated(flights, 20, parents), flights),
        "groups": (questions.groups(flights, "carrier", "distance", "dep_delay"), flights),
        "search": (statements.page(places.search, 20, found, total=True), places.search),
        "searchbare": (statements.page(places.search, 20, found, total=False), places.search),
        "first": (questions.by_place(flights, 20, first=True), flights),
        "behind": (questions.by_place(flights, 20, first=False), flights),
    }


def all_measures(
    places: Places, connection: "psycopg.Connection[Any]", client: Client, only: str, app: str = tables.APP
) -> Iterator[Measure]:
    """The lines that wrk drives and whose name contains ``only``, in the table's order.

    Keys to ask for are taken from ``places``; the service is asked for the same rows of ``app``.
    """
    lines = [_single(places, connection, app), *_pages(app), *_questions(app), *_writes(places, app)]
    yield from (line for line in lines if only in line.name)
    if any(only in name for name in (FIRST, FAR, FAR_OF_FIRST)):
        yield from (line for line in _cursors(places, connection, client, app) if only in line.name)


def _single(places: Places, connection: "psycopg.Connection[Any]", app: str) -> Measure:
    place = places.flights
    parts = SQL(", ").join(place.column(label) for label in place.key)
    # The same keys whenever it is asked, so that providers are asked for the same rows.
    statement = SQL("SELECT {} FROM {} ORDER BY md5(ROW({})::text) LIMIT {}").format(
        parts, place.name, parts, SQL(str(_KEYS))
    )
    keys = [
        (f"{hour:%Y-%m-%dT%H:%M:%SZ}", carrier, str(flight)) for hour, carrier, flight in connection.execute(statement)
    ]
    return Measure(
        "single read",
        0.40,
        _get([_DATA.format(app, "flights") + ",".join(key) + "/" for key in keys]),
        _get(["/single/" + "/".join(key) for key in keys]),
    )


def _pages(app: str) -> list[Measure]:
    flights, airports = _DATA.format(app, "flights"), _DATA.format(app, "airports")
    wanted = "dest=HNL&dep_delay__gte=30"
    twenty = [(page, (page - 1) * 20) for page in range(1, 6)]
    thousand = [(page, (page - 1) * 1000) for page in range(1, 6)]
    return [
        _page("page of 20 of 1,458", 0.45, f"{airports}?page_size=20", "small", twenty),
        _page("page of 20 of 336,776", 0.45, f"{flights}?page_size=20", "page20", twenty),
        _page("page of 20, two filters", 0.45, f"{flights}?{wanted}&page_size=20", "filtered", twenty[:2], "/HNL/30"),
        _page("page of 1,000 of 336,776", 0.90, f"{flights}?page_size=1000", "page1000", thousand),
    ]


def _alone(
    name: str, target: float, url: str, statement: str, pages: Sequence[tuple[int, int]], values: str = ""
) -> Measure:
    """Pages against the same SQL, and nothing beside."""
    return Measure(
        name,
        target,
        _get([f"{url}&page={page}" for page, _ in pages]),
        _get([f"/{statement}/{offset}{values}" for _, offset in pages]),
    )


def _page(
    name: str, target: float, url: str, statement: str, pages: Sequence[tuple[int, int]], values: str = ""
) -> Measure:
    beside = _get([f"/{statement}bare/{offset}{values}" for _, offset in pages])
    return replace(_alone(name, target, url, statement, pages, values), also=beside, also_name="no total")


def _questions(app: str) -> list[Measure]:
    flights, found = _DATA.format(app, "flights"), _DATA.format(app, tables.SEARCH_TABLE)
    wanted = "dest=HNL&dep_delay__gte=10&carrier=UA&page_size=20"
    values = "/HNL/10/UA"
    twenty = [(page, (page - 1) * 20) for page in range(1, 6)]
    bare = f"{flights}?{wanted}&_count=none"
    populated = f"{flights}?page_size=20&_count=none&populate=airline,origin_airport"
    grouped = f"{flights}?_group_by=carrier&_aggregate=count(*),sum(distance),avg(dep_delay)"
    return [
        _page("page of 20, three filters", 0.45, f"{flights}?{wanted}", "three", twenty, values),
        _alone("page of 20, three filters, no total", 0.45, bare, "threebare", twenty, values),
        _alone("page of 20, two relations populated, no total", 0.45, populated, "populated", twenty),
        Measure("group by over 336,776", 0.90, _get([grouped]), _get(["/groups"])),
        _page(SEARCH, 0.45, f"{found}?search=honolulu&page_size=20", "search", twenty, "/honolulu"),
    ]


def _cursors(places: Places, connection: "psycopg.Connection[Any]", client: Client, app: str) -> list[Measure]:
    """The first page of flights, the 10,000th, and the one against the other."""
    url = f"{_DATA.format(app, 'flights')}?page_size=20&cursor="
    far = _get([url + quote(_cursor_behind(client, app, _FAR_RANK))])
    key = questions.key_at(places.flights, _FAR_RANK, connection)
    behind = "/behind/" + "/".join(quote(part) for part in key)
    return [
        Measure(FIRST, 0.45, _get([url]), _get(["/first"])),
        Measure(FAR, 0.45, far, _get([behind])),
        Measure(FAR_OF_FIRST, 1 / 1.2, far, _get([url]), own=True),
    ]


def _cursor_behind(client: Client, app: str, rank: int) -> str:
    """Where the row of that rank ends, found by walking there in large pages, which may change in size."""
    cursor = ""
    while rank:
        size = min(rank, 1_000)
        url = f"{_DATA.format(app, 'flights')}?fields=flight&page_size={size}&cursor={quote(cursor)}"
        cursor = json.loads(client.send("GET", url))["next_cursor"]
        rank -= size
    return cursor


def _writes(places: Places, app: str) -> list[Measure]:
    both = (places.service, places.floor)
    url = _DATA.format(app, tables.SERVICE_TABLE)
    return [
        Measure(SINGLE_WRITE, 0.35, _post(url, None), _post("/create", None), writes=both),
        Measure(BULK_NAME, 0.40, _post(url, BULK), _post("/bulk", BULK), writes=both),
    ]


def _get(paths: list[str]) -> Traffic:
    return Traffic("GET", paths)


def _post(path: str, count: int | None) -> Traffic:
    return Traffic("POST", [path, tables.body(count)], rows_per_request=count or 1)
