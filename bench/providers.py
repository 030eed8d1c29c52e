"""`make bench-providers`: every line of `make bench` for tables on jsonb and on mongodb, in one run with flat ones.

The demo's package is loaded into an app for each provider. A line of jsonb is the service measured against itself on
flat tables; one of mongodb is measured against pymongo in a bare server, and what flat tables give stands beside.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
from pymongo import MongoClient, WriteConcern
from pymongo.database import Database

from bench import bulk, searched, servers, tables
from bench.client import Client
from bench.counting import count_commands
from bench.measures import BULK_NAME, FAR_OF_FIRST, SEARCH, SINGLE_WRITE, Measure, Places, all_measures, find_places
from bench.pipelines import Document, Writer
from bench.report import Line, rate_text
from bench.running import Empty, Run, analyze, emptying, say, say_line
from bench.same import same_answers
from bench.statements import Place
from datar.embedded import Cluster
from datar.embedded_mongo import ReplicaSet
from records.providers.mongo.layout import database_name

PREFIX = "datar"
"""Begins the names of databases where no URL names one."""
JSONB, MONGODB = "jsonb", "mongodb"
APPS = {provider: f"flights-{provider}" for provider in (JSONB, MONGODB)}
OF_FLAT_READ, OF_FLAT_WRITE = 0.70, 0.80
"""Of jsonb: shares of what flat tables give."""
OF_PYMONGO, OF_PYMONGO_BULK = 0.40, 0.50
"""Of mongodb: shares of what pymongo gives with the same pipelines."""
_WRITES = (SINGLE_WRITE, BULK_NAME)


@dataclass(frozen=True, slots=True)
class Stores:
    """Both database servers, and where the demo's and the bench's tables lie for each provider."""

    connection: "psycopg.Connection[Any]"
    database: Database[Document]
    superuser_url: str
    flat: Places
    jsonb: Places
    mongodb: Places


def measure_all(options: argparse.Namespace, directory: Path) -> tuple[list[Line], str]:
    """Start everything, measure every line, end everything. The lines and the databases' versions."""
    say("starting the service: embedded PostgreSQL, demo data, gunicorn …")
    state = directory / "state"
    state.mkdir(mode=0o711)
    with servers.service(state) as base:
        credentials = json.loads((state / servers.CREDENTIALS).read_text("utf-8"))
        client = Client(base, credentials)
        _fill(client, options, state, credentials["tenant"])
        cluster = Cluster(state)
        with _stores(state, cluster, credentials["tenant"]) as stores:
            config = directory / "floor.json"
            write_config(config, ReplicaSet(state).url(), stores)
            with servers.floor(directory, config, "bench.mongofloor") as floor:
                on_postgres = Run(options, client, floor, cluster, directory, emptying(stores.connection))
                on_mongodb = Run(options, client, floor, cluster, directory, making_anew(stores.database))
                lines = list(all_lines(stores, on_postgres, on_mongodb))
            version = stores.database.client.server_info()["version"]
            return lines, f"{servers.postgres_version(stores.connection)}, MongoDB {version}"


def _fill(client: Client, options: argparse.Namespace, state: Path, tenant: str) -> None:
    for provider, app in APPS.items():
        say(f"loading the demo's package into {provider} …")
        servers.load_package(state, tenant, app, provider)
    client.headers()
    for app in (tables.APP, *APPS.values()):
        tables.create(client, app)
    if options.only in SEARCH:
        searched.fill(client, tables.APP, *APPS.values())


@contextmanager
def _stores(state: Path, cluster: Cluster, tenant: str) -> Iterator[Stores]:
    """What the lines are measured on, statistics fresh."""
    replica_set = ReplicaSet(state)
    with (
        psycopg.connect(cluster.url(), autocommit=True) as connection,
        MongoClient[Document](replica_set.url()) as server,
    ):
        apps = (tables.APP, APPS[JSONB], APPS[MONGODB])
        flat, jsonb, mongodb = (find_places(connection, tenant, app) for app in apps)
        for places in (flat, jsonb):
            analyze(connection, places)
        database = server.get_database(database_name(PREFIX, tenant), write_concern=WriteConcern("majority"))
        yield Stores(connection, database, replica_set.superuser_url(), flat, jsonb, mongodb)


def write_config(file: Path, url: str, stores: Stores) -> None:
    """What the floor must know, for its owner alone."""
    entry = {"url": url, "database": stores.database.name, "places": asdict(stores.mongodb)}
    file.write_text(json.dumps(entry), "utf-8")
    file.chmod(0o600)


def making_anew(database: Database[Document]) -> Empty:
    """Both writers begin every round with an empty collection, made anew with its validator and indexes.

    Deleted keys stay in indexes for minutes, and each insert would walk over them. It takes the other one's place at
    once, for the last requests of a round may still come.
    """

    def empty(places: Sequence[Place]) -> None:
        for place in places:
            collection = database[place.table]
            options, indexes = collection.options(), [dict(index) for index in collection.list_indexes()]
            anew = database.create_collection(f"{place.table}_anew", **options)
            database.command("createIndexes", anew.name, indexes=indexes, writeConcern={"w": "majority"})
            anew.rename(place.table, dropTarget=True)

    return empty


def all_lines(stores: Stores, on_postgres: Run, on_mongodb: Run) -> Iterator[Line]:
    """The lines that were asked for, of jsonb and then of mongodb, each said as it is done."""
    client, only = on_postgres.client, on_postgres.options.only
    flat, jsonb, mongodb = (
        list(all_measures(stores.flat, stores.connection, client, only, app))
        for app in (tables.APP, APPS[JSONB], APPS[MONGODB])
    )
    for measures in zip(flat, jsonb, mongodb, strict=True):
        beside = _of_flat(stores, on_postgres, measures[0], measures[1])
        say_line(beside)
        yield beside
        line = _of_pymongo(stores, on_mongodb, measures[2], beside.floor_rate)
        say_line(line)
        yield line
    if only in bulk.NAME:
        beside = _bulk_of_flat(stores, on_postgres)
        say_line(beside)
        yield beside
        line = _bulk_of_pymongo(stores, on_mongodb, beside.floor_rate)
        say_line(line)
        yield line


def _of_flat(stores: Stores, run: Run, flat: Measure, jsonb: Measure) -> Line:
    """A line of jsonb: the service against itself on flat tables, or against its own first page."""
    run.client.headers()
    if jsonb.name == FAR_OF_FIRST:
        return replace(run.line(jsonb), name=f"{jsonb.name}, {JSONB}")
    is_write = jsonb.name in _WRITES
    measure = replace(
        jsonb,
        name=f"{jsonb.name}, {JSONB}",
        target=OF_FLAT_WRITE if is_write else OF_FLAT_READ,
        floor=flat.service,
        also=None,
        writes=(stores.jsonb.service, stores.flat.service) if is_write else (),
        own=True,
    )
    same_answers(run.client, "", measure)
    return replace(run.line(measure), beside="floor: flat")


def _of_pymongo(stores: Stores, run: Run, mongodb: Measure, flat_rate: float) -> Line:
    """A line of mongodb: the service against pymongo with the same pipeline, or against its own first page."""
    run.client.headers()
    if mongodb.own:
        return replace(run.line(mongodb), name=f"{mongodb.name}, {MONGODB}")
    measure = replace(
        mongodb,
        name=f"{mongodb.name}, {MONGODB}",
        target=OF_PYMONGO_BULK if mongodb.name == BULK_NAME else OF_PYMONGO,
        also=None,
        writes=(stores.mongodb.service, stores.mongodb.floor) if mongodb.name in _WRITES else (),
    )
    same_answers(run.client, run.floor, measure)
    line = run.line(measure)
    commands = count_commands(stores.superuser_url, run.sender(measure.service))
    return replace(line, beside=f"flat {rate_text(flat_rate)}/s; commands to MongoDB: {commands}")


def _bulk_of_flat(stores: Stores, run: Run) -> Line:
    run.client.headers()

    def empty() -> None:
        run.empty((stores.jsonb.service, stores.flat.service))

    service, floor = (bulk.posting(run.client, app) for app in (APPS[JSONB], tables.APP))
    pair = bulk.Pair(service, floor, empty, "flat")
    counted = bulk.count(pair, run.cluster, emptied=2)
    line = bulk.compared(pair, run.options.rounds, OF_FLAT_WRITE, counted)
    return replace(line, name=f"{line.name}, {JSONB}")


def _bulk_of_pymongo(stores: Stores, run: Run, flat_rate: float) -> Line:
    """Against ``insert_many`` of ready documents in a transaction, parents looked for."""
    run.client.headers()
    places = stores.mongodb
    parents = {"carrier": places.airlines, "origin": places.airports}
    writer = Writer(stores.database, places.floor, parents)
    documents = writer.documents(tables.rows(bulk.ROWS), 1)

    def empty() -> None:
        run.empty((places.service, places.floor))

    def insert() -> None:
        with stores.database.client.start_session() as session:
            writer.write(session, documents)

    pair = bulk.Pair(bulk.posting(run.client, APPS[MONGODB]), insert, empty, "pymongo")
    line = bulk.compared(pair, run.options.rounds, OF_PYMONGO_BULK, bulk.count(pair, run.cluster, emptied=0))
    beside = f"{line.beside}, flat {bulk.ROWS * flat_rate:,.0f}"
    return replace(line, name=f"{line.name}, {MONGODB}", beside=beside)
