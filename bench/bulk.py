"""The bulk of 10,000: one request at a time against raw COPY of the same rows into the same table."""

import time
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
_URL = f"/api/apps/{tables.APP}/datatables/{tables.SERVICE_TABLE}/data/"


def against_copy(
    client: Client, connection: "psycopg.Connection[Any]", place: Place, cluster: Cluster, rounds: int
) -> Line:
    """Both write 10,000 rows into the emptied table in turn; rates are batches a second, p99 the slowest batch."""
    sent = tables.rows(ROWS)
    body = tables.json_text(sent)
    copied = tables.copy_text(sent)
    statement = statements.copy_in(place, list(sent[0]))

    def post() -> None:
        client.send("POST", _URL, body, {"Prefer": "return=minimal"})

    def copy() -> None:
        with connection.transaction(), connection.cursor().copy(statement) as stream:
            stream.write(copied)

    pairs = []
    for _ in range(max(rounds, 3) + 2):
        times = []
        for work in (post, copy):
            connection.execute(SQL("TRUNCATE {}").format(place.name))
            began = time.perf_counter()
            work()
            times.append(time.perf_counter() - began)
        pairs.append(times)
    service, floor = zip(*pairs[1:], strict=True)  # the first pair warms up
    return Line(
        name=NAME,
        target=TARGET,
        service_rate=1 / median(service),
        service_p99=max(service) * 1000,
        floor_rate=1 / median(floor),
        floor_p99=max(floor) * 1000,
        ratio=median(theirs / ours for ours, theirs in zip(service, floor, strict=True)),
        statements=_count(client, connection, place, cluster, body),
        beside=f"{ROWS / median(service):,.0f} rows/s, COPY {ROWS / median(floor):,.0f}",
    )


def _count(
    client: Client, connection: "psycopg.Connection[Any]", place: Place, cluster: Cluster, body: bytes
) -> tuple[int, int]:
    """The statements of one batch; the TRUNCATE between batches is taken off."""

    def send() -> None:
        connection.execute(SQL("TRUNCATE {}").format(place.name))
        client.send("POST", _URL, body, {"Prefer": "return=minimal"})

    counted, control = count_statements(cluster.superuser_url(), cluster.log, send)
    return counted - 1, control
