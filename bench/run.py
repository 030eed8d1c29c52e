"""`make bench`: the service against the floor, in turn, in one run on one database.

Rounds alternate, so that both meet the same machine; a line's ratio is the median of its rounds' ratios.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import psycopg

from bench import bulk, providers, searched, servers, tables
from bench.client import Client, Refused
from bench.load import MISSING, Unusable, find_tool
from bench.measures import SEARCH, Places, all_measures, find_places, write_config
from bench.report import Line, machine, markdown, plain
from bench.running import Run, analyze, emptying, say, say_line
from bench.same import Different, same_answers
from datar.embedded import Cluster


def measure_all(options: argparse.Namespace, directory: Path) -> tuple[list[Line], str]:
    """Start everything, measure every line, end everything. The lines and PostgreSQL's version."""
    say("starting the service: embedded PostgreSQL, demo data, gunicorn …")
    state = directory / "state"
    state.mkdir(mode=0o711)
    with servers.service(state) as base:
        cluster = Cluster(state)
        credentials = json.loads((state / servers.CREDENTIALS).read_text("utf-8"))
        client = Client(base, credentials)
        client.headers()
        tables.create(client, tables.APP)
        if options.only in SEARCH:
            searched.fill(client, tables.APP)
        with psycopg.connect(cluster.url(), autocommit=True) as connection:
            places = find_places(connection, credentials["tenant"])
            config = directory / "floor.json"
            write_config(config, cluster.url(), places, connection)
            analyze(connection, places)
            with servers.floor(directory, config) as floor:
                run = Run(options, client, floor, cluster, directory, emptying(connection))
                return all_lines(run, places, floor, connection), servers.postgres_version(connection)


def all_lines(run: Run, places: Places, floor: str, connection: "psycopg.Connection[Any]") -> list[Line]:
    """The lines that were asked for, each said as it is done."""
    lines = []
    for measure in all_measures(places, connection, run.client, run.options.only):
        run.client.headers()
        if not measure.own:
            same_answers(run.client, floor, measure)
        lines.append(run.line(measure))
        say_line(lines[-1])
    if run.options.only in bulk.NAME:
        run.client.headers()
        lines.append(bulk.against_copy(run.client, connection, places.service, run.cluster, run.options.rounds))
        say_line(lines[-1])
    return lines


def main() -> int:
    """0 when every target is reached, 1 when one is missed or nothing could be measured."""
    parser = argparse.ArgumentParser(
        prog="make bench", description="The service against the floor, as ratios in one run."
    )
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each line (7)")
    parser.add_argument("--seconds", type=int, default=2, help="seconds of each round and server (2)")
    parser.add_argument("--only", default="", help="lines whose name contains this")
    parser.add_argument(
        "--providers", action="store_true", help="tables on jsonb and mongodb beside flat ones: make bench-providers"
    )
    parser.add_argument("--markdown", type=Path, help="also write the table to this file")
    options = parser.parse_args()
    if find_tool() is None:
        say(MISSING)
        return 1
    began = time.monotonic()
    try:
        with servers.temporary_directory() as directory:
            measure = providers.measure_all if options.providers else measure_all
            lines, versions = measure(options, directory)
    except (servers.NotStarted, Unusable, Refused, Different) as error:
        say(f"bench: {error}.")
        return 1
    say(f"\n{machine(versions)}; {time.monotonic() - began:.0f} s\n")
    print(plain(lines))
    if options.markdown:
        options.markdown.write_text(markdown(lines, versions), "utf-8")
    return 0 if all(line.reached for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
