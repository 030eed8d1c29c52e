"""`make bench`: the service against the floor, in turn, in one run on one database.

Rounds alternate, so that both meet the same machine; a line's ratio is the median of its rounds' ratios.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
from psycopg.sql import SQL

from bench import bulk, searched, servers, tables
from bench.client import Client, Refused
from bench.counting import count_statements
from bench.load import MISSING, Driver, Outcome, Traffic, Unusable, find_tool
from bench.measures import SEARCH, Measure, Places, all_measures, find_places, write_config
from bench.report import Line, machine, markdown, plain
from bench.same import Different, same_answers
from bench.statements import Place
from datar.embedded import Cluster

CREDENTIALS = "demo.json"


class Run:
    """One run: two servers, a client of the demo tenant and a connection that empties tables between rounds."""

    def __init__(
        self, options: argparse.Namespace, client: Client, floor: str, cluster: Cluster, directory: Path
    ) -> None:
        self.options = options
        self.client = client
        self.cluster = cluster
        self._service = Driver(client.base, directory)
        self._floor = Driver(floor, directory)

    def line(self, measure: Measure, connection: "psycopg.Connection[Any]") -> Line:
        """Drive both in turn and judge."""
        self._service.headers = self.client.headers()
        rounds = [self._round(measure, connection, number) for number in range(self.options.rounds + 1)][1:]
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
            statements=self._count(measure.service),
            beside=beside,
        )

    def _round(self, measure: Measure, connection: "psycopg.Connection[Any]", number: int) -> tuple[Outcome, Outcome]:
        """Both for some seconds each, the one that begins changing; the first round only warms up."""
        seconds = self.options.seconds if number else 1
        empty(connection, measure.writes)
        beneath = self._service if measure.own else self._floor
        if number % 2:
            floor = beneath.run(measure.floor, seconds)
            return self._service.run(measure.service, seconds), floor
        service = self._service.run(measure.service, seconds)
        return service, beneath.run(measure.floor, seconds)

    def _count(self, traffic: Traffic) -> tuple[int, int]:
        numbers = iter(range(10**12, 10**13))

        def send() -> bytes:
            if traffic.method == "GET":
                return self.client.send("GET", traffic.lines[0])
            pieces = traffic.lines[1].split("@@")
            body = "".join(piece + str(next(numbers)) for piece in pieces[:-1]) + pieces[-1]
            return self.client.send("POST", traffic.lines[0], body.encode())

        return count_statements(self.cluster.superuser_url(), self.cluster.log, send)


def empty(connection: "psycopg.Connection[Any]", places: Sequence[Place]) -> None:
    """Both writers begin every round with an empty table."""
    for place in places:
        connection.execute(SQL("TRUNCATE {}").format(place.name))


def measure_all(options: argparse.Namespace, directory: Path) -> tuple[list[Line], str]:
    """Start everything, measure every line, end everything. The lines and PostgreSQL's version."""
    say("starting the service: embedded PostgreSQL, demo data, gunicorn …")
    state = directory / "state"
    state.mkdir(mode=0o711)
    with servers.service(state) as base:
        cluster = Cluster(state)
        credentials = json.loads((state / CREDENTIALS).read_text("utf-8"))
        client = Client(base, credentials)
        client.headers()
        for name in (tables.SERVICE_TABLE, tables.FLOOR_TABLE):
            client.send("POST", f"/api/apps/{tables.APP}/datatables/", tables.description(name))
        client.send("POST", f"/api/apps/{tables.APP}/datatables/", tables.search_description())
        if options.only in SEARCH:
            searched.fill(client)
        with psycopg.connect(cluster.url(), autocommit=True) as connection:
            places = find_places(connection, credentials["tenant"])
            config = directory / "floor.json"
            write_config(config, cluster.url(), places, connection)
            analyze(connection, places)
            with servers.floor(directory, config) as floor:
                run = Run(options, client, floor, cluster, directory)
                return all_lines(run, places, floor, connection), server_version(connection)


def all_lines(run: Run, places: Places, floor: str, connection: "psycopg.Connection[Any]") -> list[Line]:
    """The lines that were asked for, each said as it is done."""
    lines = []
    for measure in all_measures(places, connection, run.client, run.options.only):
        run.client.headers()
        if not measure.own:
            same_answers(run.client, floor, measure)
        lines.append(run.line(measure, connection))
        say(plain(lines[-1:]).split("\n")[1])
    if run.options.only in bulk.NAME:
        run.client.headers()
        lines.append(bulk.against_copy(run.client, connection, places.service, run.cluster, run.options.rounds))
        say(plain(lines[-1:]).split("\n")[1])
    return lines


def analyze(connection: "psycopg.Connection[Any]", places: Places) -> None:
    """Statistics now, so that none of the rounds has autovacuum beside it."""
    for place in (places.flights, places.airlines, places.airports, places.search):
        connection.execute(SQL("VACUUM ANALYZE {}").format(place.name))


def server_version(connection: "psycopg.Connection[Any]") -> str:
    """As PostgreSQL says it."""
    row = connection.execute("SHOW server_version").fetchone()
    return str(row[0]) if row else "unknown"


def say(text: str) -> None:
    """Progress, for the person who waits."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """0 when every target is reached, 1 when one is missed or nothing could be measured."""
    parser = argparse.ArgumentParser(
        prog="make bench", description="The service against the floor, as ratios in one run."
    )
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each line (7)")
    parser.add_argument("--seconds", type=int, default=2, help="seconds of each round and server (2)")
    parser.add_argument("--only", default="", help="lines whose name contains this")
    parser.add_argument("--markdown", type=Path, help="also write the table to this file")
    options = parser.parse_args()
    if find_tool() is None:
        say(MISSING)
        return 1
    began = time.monotonic()
    try:
        with servers.temporary_directory() as directory:
            lines, postgres = measure_all(options, directory)
    except (servers.NotStarted, Unusable, Refused, Different) as error:
        say(f"bench: {error}.")
        return 1
    say(f"\n{machine(postgres)}; {time.monotonic() - began:.0f} s\n")
    print(plain(lines))
    if options.markdown:
        options.markdown.write_text(markdown(lines, postgres), "utf-8")
    return 0 if all(line.reached for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
