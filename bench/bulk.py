"""The bulk of 10,000: one request at a time against what writes the same rows beneath it, or beside it.

That is raw COPY into the same table, pymongo into the same collection, or the service itself on another provider.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import psycopg
from psycopg.sql import SQL

from bench import statements, tables
from bench.client import Client
from bench.counting import count_statements
from bench.report import Line
from bench.statements import Place
from datar.embedded import Cluster

NAME = "bulk of 10,000, minimal"
ROWS = 10_000
TARGET = 0.50
Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Pair:
    """A request and what it is compared with, both once; ``empty`` empties both their tables before each."""

    service: Work
    floor: Work
    empty: Work
    floor_name: str


def against_copy(
    client: Client, connection: "psycopg.Connection[Any]", place: Place, cluster: Cluster, rounds: int
) -> Line:
    """Both write 10,000 rows into the emptied table in turn."""
    sent = tables.rows(ROWS)
    copied = tables.copy_text(sent)
    statement = statements.copy_in(place, list(sent[0]))

    def copy() -> None:
        with connection.transaction(), connection.cursor().copy(statement) as stream:
            stream.write(copied)

    def empty() -> None:
        connection.execute(SQL("TRUNCATE {}").format(place.name))

    pair = Pair(posting(client, tables.APP), copy, empty, "COPY")
    return compared(pair, rounds, TARGET, count(pair, cluster, emptied=1))


def posting(client: Client, app: str) -> Work:
    """What writes the 10,000 rows into the service's table of an app."""
    url = f"/api/apps/{app}/datatables/{tables.SERVICE_TABLE}/data/"
    body = tables.json_text(tables.rows(ROWS))
    return lambda: client.send("POST", url, body, {"Prefer": "return=minimal"})


def compared(pair: Pair, rounds: int, target: float, counted: tuple[int, int]) -> Line:
    """Both in turn; rates are batches a second, p99 the slowest batch."""
    pairs = []
    for _ in range(max(rounds, 3) + 2):
        times = []
        for work in (pair.service, pair.floor):
            pair.empty()
            began = time.perf_counter()
            work()
            times.append(time.perf_counter() - began)
        pairs.append(times)
    service, floor = zip(*pairs[1:], strict=True)  # the first pair warms up
    return Line(
        name=NAME,
        target=target,
        service_rate=1 / median(service),
        service_p99=max(service) * 1000,
        floor_rate=1 / median(floor),
        floor_p99=max(floor) * 1000,
        ratio=median(theirs / ours for ours, theirs in zip(service, floor, strict=True)),
        statements=counted,
        beside=f"{ROWS / median(service):,.0f} rows/s, {pair.floor_name} {ROWS / median(floor):,.0f}",
    )


def count(pair: Pair, cluster: Cluster, *, emptied: int) -> tuple[int, int]:
    """The statements of one batch; the ``emptied`` of PostgreSQL's tables between batches are taken off."""

    def send() -> None:
        pair.empty()
        pair.service()

    counted, control = count_statements(cluster.superuser_url(), cluster.log, send)
    return counted - emptied, control
