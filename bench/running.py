"""One line measured: both servers driven in turn, their requests counted, a ratio judged.

It knows rounds and emptied tables. It refuses to know what is asked and where the servers came from.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
from psycopg.sql import SQL

from bench.client import Client
from bench.counting import count_statements
from bench.load import Driver, Outcome, Traffic
from bench.measures import Measure, Places
from bench.report import Line, plain
from bench.statements import Place
from datar.embedded import Cluster

Empty = Callable[[Sequence[Place]], None]


class Run:
    """One run: two servers, a client of the demo tenant, and ``empty``, by which tables are emptied between rounds."""

    def __init__(
        self,
        options: argparse.Namespace,
        client: Client,
        floor: str,
        cluster: Cluster,
        directory: Path,
        empty: Empty,
    ) -> None:
        self.options = options
        self.client = client
        self.cluster = cluster
        self.empty = empty
        self.floor = floor
        self._service = Driver(client.base, directory)
        self._floor = Driver(floor, directory)

    def line(self, measure: Measure) -> Line:
        """Drive both in turn and judge."""
        self._service.headers = self.client.headers()
        rounds = [self._round(measure, number) for number in range(self.options.rounds + 1)][1:]
        beside = "against the service itself" if measure.own else ""
        if measure.also:
            beside = (
                f"floor with {measure.also_name}: {self._floor.run(measure.also, self.options.seconds).rate:,.0f}/s"
            )
        return Line(
            name=measure.name,
            target=measure.target,
            service_rate=median(service.rate for service, _ in rounds),
            service_p99=median(service.p99 for service, _ in rounds),
            floor_rate=median(floor.rate for _, floor in rounds),
            floor_p99=median(floor.p99 for _, floor in rounds),
            ratio=median(service.rate / floor.rate for service, floor in rounds),
            statements=count_statements(self.cluster.superuser_url(), self.cluster.log, self.sender(measure.service)),
            beside=beside,
        )

    def _round(self, measure: Measure, number: int) -> tuple[Outcome, Outcome]:
        """Both for some seconds each, the one that begins changing; the first round only warms up."""
        seconds = self.options.seconds if number else 1
        self.empty(measure.writes)
        beneath = self._service if measure.own else self._floor
        if number % 2:
            floor = beneath.run(measure.floor, seconds)
            return self._service.run(measure.service, seconds), floor
        service = self._service.run(measure.service, seconds)
        return service, beneath.run(measure.floor, seconds)

    def sender(self, traffic: Traffic) -> Callable[[], bytes]:
        """What sends the first request of it, with new numbers each time."""
        numbers = iter(range(time.time_ns() // 1_000, 10**18))

        def send() -> bytes:
            if traffic.method == "GET":
                return self.client.send("GET", traffic.lines[0])
            pieces = traffic.lines[1].split("@@")
            body = "".join(piece + str(next(numbers)) for piece in pieces[:-1]) + pieces[-1]
            return self.client.send("POST", traffic.lines[0], body.encode())

        return send


def emptying(connection: "psycopg.Connection[Any]") -> Empty:
    """Both writers begin every round with an empty table."""

    def empty(places: Sequence[Place]) -> None:
        for place in places:
            connection.execute(SQL("TRUNCATE {}").format(place.name))

    return empty


def analyze(connection: "psycopg.Connection[Any]", places: Places) -> None:
    """Statistics now, so that none of the rounds has autovacuum beside it."""
    for place in (places.flights, places.airlines, places.airports, places.search):
        connection.execute(SQL("VACUUM ANALYZE {}").format(place.name))


def say(text: str) -> None:
    """Progress, for the person who waits."""
    print(text, file=sys.stderr, flush=True)


def say_line(line: Line) -> None:
    """A line that was measured."""
    say(plain([line]).split("\n")[1])
