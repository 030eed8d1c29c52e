"""The engine without Django: a namespace with the catalogue's guard table, and tables made from descriptors."""

import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import jiter
import psycopg
from psycopg.sql import SQL, Identifier
from pymongo.collection import Collection

from records.descriptor import assign_columns, parse_table
from records.documents import own_columns
from records.jsontext import dumps
from records.provider import Provider
from records.providers.mongo.ledger import Ledger
from records.providers.mongo.provider import MongoProvider
from records.providers.mongo.server import Server
from records.providers.postgres.pool import Pool
from records.providers.postgres.provider import PostgresProvider
from records.providers.postgres.support import COUNT_STATEMENTS, STATEMENTS
from records.recordset import RecordSet
from records.table import Document, Identity, Store, Table
from tests.mongo import mongodb_url

Layout = Literal["flat", "document", "mongo", "mixed", "across", "apart"]
_KNOWN: tuple[Layout, ...] = ("flat", "document", "mongo")
LAYOUTS = [layout for layout in _KNOWN if layout in os.environ.get("DATAR_TEST_LAYOUTS", "flat,document").split(",")]
"""How tables keep rows: in columns, most of a row in one JSON document, or in MongoDB. Every test runs on each (``make
test``: in several runs); where tables are related, also with every second table in the other layout of PostgreSQL."""

CROSSING: list[Layout] = ["across"] if "mongo" in LAYOUTS else ["apart"]
"""Layouts of which every second table is kept by another store, beginning with the second. ``apart``: by another
provider of the same PostgreSQL, which is taken for another store; it needs no MongoDB."""

SQL_LAYOUTS: list[Layout] = [layout for layout in LAYOUTS if layout != "mongo"] or ["flat"]
"""Those of PostgreSQL: for tests that read its statements or write past the service in SQL."""

_numbers = itertools.count(1)

GUARD = SQL(
    "CREATE TABLE {schema}.datar_datatable (id bigint PRIMARY KEY, revision bigint NOT NULL,"
    " name text, is_active boolean NOT NULL DEFAULT true)"
)


_asides: dict[str, "psycopg.Connection[Any]"] = {}


@contextmanager
def aside(url: str) -> Iterator["psycopg.Connection[Any]"]:
    """A transaction beside the service, on a connection that is kept: each new one costs the server some milliseconds.

    Tests end connections of the service's role, so it is looked at before.
    """
    connection = _asides.get(url)
    try:
        if connection is not None:
            connection.execute("SELECT 1")
    except psycopg.OperationalError:
        connection = None
    if connection is None:
        connection = _asides[url] = psycopg.connect(url, autocommit=True)
    with connection.transaction():
        yield connection


def close_asides() -> None:
    """Close what ``aside`` has kept."""
    while _asides:
        _asides.popitem()[1].close()


class Engine:
    """One namespace on a real server; also the Catalog of its RecordSets."""

    def __init__(self, url: str, layout: Layout = "flat") -> None:
        self.url, self.layout = url, layout
        self.pool = Pool(url, size=8)
        self.server = Server(mongodb_url()) if layout in ("mongo", "across") else None
        self.provider: Provider = PostgresProvider(self.pool)
        self.other: Provider = PostgresProvider(self.pool)
        if self.server is not None:
            self.other = MongoProvider(self.server, Ledger(self.pool))
        if layout == "mongo":
            self.provider = self.other
        self._places: dict[tuple[str, str], int] = {}
        self.namespace = f"space_{next(_numbers)}"
        self.tables: dict[tuple[str, str], Table] = {}
        self.additional = False
        """Whether tables of PostgreSQL that are defined from now on are documents that take additional fields."""
        self.inactive: set[tuple[str, str]] = set()
        space = Identifier(self.namespace)
        with aside(url) as connection:
            connection.execute(SQL("DROP SCHEMA IF EXISTS {space} CASCADE").format(space=space))
            connection.execute(SQL("CREATE SCHEMA {space}").format(space=space))
            for statement in (GUARD, *STATEMENTS, *COUNT_STATEMENTS):
                connection.execute(statement.format(schema=space))

    def close(self) -> None:
        """Drop the namespace and close the pool."""
        with aside(self.url) as connection:
            connection.execute(SQL("DROP SCHEMA {space} CASCADE").format(space=Identifier(self.namespace)))
        self.pool.close()
        if self.server is not None:
            self.server.client.drop_database(self.server.database(self.namespace).name)
            self.server.close()

    def define(self, name: str, descriptor: Mapping[str, Any], *, app: str = "crm") -> Table:
        """A table's description, with columns, not yet made."""
        number = next(_numbers)
        draft = self._parse(number, app, name, descriptor, {})
        columns, _ = assign_columns([field.name for field in draft.fields], {}, 0)
        table = self._parse(number, app, name, descriptor, columns)
        self.tables[app, name] = table
        return table

    def _parse(self, number: int, app: str, name: str, descriptor: Any, columns: Mapping[str, str]) -> Table:
        physical = f"{app}_{name}".lower().replace("-", "_")
        keeps = self.additional or self._keeps_documents(number)
        document = Document(own_columns(descriptor), indexed=True, additional=self.additional) if keeps else None
        store = self._store_of(app, name)
        identity = Identity(number, app, name, self.namespace, physical, 1, columns, document, store)
        return parse_table(descriptor, identity, self.find)

    def _store_of(self, app: str, name: str) -> Store:
        if self.layout in ("across", "apart"):
            return "mongodb" if self._places.setdefault((app, name), len(self._places)) % 2 else "postgres"
        return "mongodb" if self.layout == "mongo" else "postgres"

    def _keeps_documents(self, number: int) -> bool:
        return self.layout == "document" or (self.layout == "mixed" and number % 2 == 0)

    def make(self, *tables: Table) -> None:
        """Create the tables physically."""
        with aside(self.url) as connection:
            for table in tables:
                guard = SQL("INSERT INTO {place} VALUES (%s, 1, %s)").format(
                    place=Identifier(self.namespace, "datar_datatable")
                )
                connection.execute(guard, [table.identity.id, table.identity.name])
            for provider in dict.fromkeys((self.provider, self.other)):
                own = [table for table in tables if self.provider_of(table) is provider]
                if own:
                    provider.apply(provider.create(own, self.find), connection)

    def table(self, name: str, descriptor: Mapping[str, Any]) -> "Rows":
        """Define and make a table; its rows."""
        table = self.define(name, descriptor)
        self.make(table)
        return self.rows(name)

    def rows(self, name: str, *, app: str = "crm") -> "Rows":
        """The rows of a table that was made."""
        table = self.tables[app, name]
        return Rows(RecordSet(table, self, self.provider_of(table)))

    def provider_of(self, table: Table) -> Provider:
        """Catalog."""
        return self.other if table.identity.store == "mongodb" and self.layout != "mongo" else self.provider

    def collection(self, table: Table) -> Collection[dict[str, Any]]:
        """The collection of a table that MongoDB keeps."""
        assert self.server is not None
        return self.server.collection(table)

    def deactivate(self, name: str, *, app: str = "crm") -> None:
        """Delete a table as the service does: its rows stay."""
        self.inactive.add((app, name))
        with psycopg.connect(self.url) as connection:
            place = Identifier(self.namespace, "datar_datatable")
            connection.execute(SQL("UPDATE {} SET is_active = false WHERE name = %s").format(place), [name])

    def find(self, app: str, name: str) -> Table | None:
        """Catalog."""
        return None if (app, name) in self.inactive else self.tables.get((app, name))

    def children(self, table: Table) -> tuple[Table, ...]:
        """Catalog."""
        here = (table.identity.app, table.identity.name)
        return tuple(
            other
            for other in self.tables.values()
            if any((key.target_app, key.target_table) == here for key in other.foreign_keys)
        )

    def dependents(self, table: Table) -> tuple[Table, ...]:
        """Catalog."""
        here = (table.identity.app, table.identity.name)
        return tuple(
            child
            for child in self.children(table)
            if any(key.enforced and (key.target_app, key.target_table) == here for key in child.foreign_keys)
        )

    def parent(self, app: str, name: str) -> Table | None:
        """Catalog."""
        return self.tables.get((app, name))

    @property
    def crossed(self) -> bool:
        """Catalog."""
        return any(table.remote_keys for table in self.tables.values())

    @property
    def secret(self) -> bytes:
        """Catalog."""
        return b"only for tests"

    def reload(self, table: Table) -> Table:
        """Catalog."""
        return self.tables[table.identity.app, table.identity.name]

    def forget(self) -> None:
        """Catalog."""


class Rows:
    """A RecordSet spoken to in Python values; exact numbers come back as Decimal."""

    def __init__(self, records: RecordSet) -> None:
        self.records = records

    @property
    def table(self) -> Table:
        """The table."""
        return self.records.table

    def list(self, **params: str) -> Any:
        """A page."""
        return read(self.records.list(list(params.items())))

    def ask(self, *pairs: tuple[str, str]) -> Any:
        """A page, by pairs of any text."""
        return read(self.records.list(pairs))

    def query(self, body: Any) -> Any:
        """A page, asked in a body."""
        return read(self.records.query(write(body)))

    def get(self, record_id: object, **params: str) -> Any:
        """One row."""
        return read(self.records.get(str(record_id), list(params.items())).body)["data"]

    def create(self, value: Any, **params: str) -> Any:
        """Create; the created row or rows."""
        return read(self.records.create(write(value), list(params.items())).body)["data"]

    def skip(self, value: Any, *, minimal: bool = False, **params: str) -> Any:
        """Create what can be created; the whole answer."""
        asked = [("on_error", "skip"), *params.items()]
        return read(self.records.create(write(value), asked, minimal=minimal).body)

    def upsert(self, value: Any, **params: str) -> Any:
        """Upsert; the whole answer."""
        return read(self.records.upsert(write(value), list(params.items())).body)

    def update(self, record_id: object, value: Any, *, replace: bool = False) -> Any:
        """Change one row."""
        return read(self.records.update(str(record_id), write(value), (), replace=replace).body)["data"]

    def update_many(self, value: Sequence[Any]) -> Any:
        """Change many rows."""
        return read(self.records.update_many(write(value), ()).body)["data"]

    def delete(self, record_id: object) -> None:
        """Delete one row."""
        self.records.delete(str(record_id), ())

    def delete_many(self, **params: str) -> Any:
        """Delete many rows."""
        return read(self.records.delete_many(list(params.items())).body)


def read(body: bytes) -> Any:
    """JSON text as Python, numbers exact."""
    return jiter.from_json(body, float_mode="decimal", catch_duplicate_keys=True)


def write(value: Any) -> bytes:
    """Python as JSON text; bytes as they are."""
    return value if isinstance(value, bytes) else dumps(value)


__all__ = ["Engine", "Rows", "close_asides", "read", "write"]
