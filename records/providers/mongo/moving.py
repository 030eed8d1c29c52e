"""A table that leaves MongoDB or comes to it. What MongoDB made is there at once, under a name that nobody reads yet.

The caller holds the tables' rows of ``datar_datatable`` for update, so their writers wait; MongoDB has no locks for it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, Final

from bson import encode as bson_of
from psycopg.sql import SQL, Identifier, Literal
from pymongo.errors import PyMongoError

from datar.errors import Invalid, Unavailable
from records.canonical import RefusedError
from records.limits import BULK_SECONDS, ERRORS_SHOWN
from records.mover import CannotHoldError, Done, Resolve
from records.moving import values_of
from records.plan import ListPlan
from records.providers.mongo import defining, exporting
from records.providers.mongo.documents import documents_of
from records.providers.mongo.errors import wrapped
from records.providers.mongo.ledger import key_sequence
from records.providers.mongo.server import Document, Server
from records.providers.mongo.values import moment_of, numeric, row_errors, stored_instant
from records.providers.postgres.ddl import sequence_text
from records.system import CREATED, UPDATED
from records.table import Json, Table

_BATCH: Final = 2_000
_DOCUMENT_BYTES: Final = 16 * 1024 * 1024
_LAST: Final = SQL("SELECT pg_sequence_last_value({sequence}::regclass)")
_GO_ON: Final = SQL("SELECT setval({sequence}::regclass, {last})")

Row = Mapping[str, Json]


class MongoMover:
    """``records.mover.Mover`` of collections."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def hold(self, tables: Sequence[Table], transaction: Any) -> None:
        """Their writers wait for the caller already."""

    def set_aside(self, table: Table, number: int, transaction: Any) -> Done:
        """Names of indexes are a collection's own."""
        return Done()

    def make(self, table: Table, resolve: Resolve, transaction: Any) -> Done:
        """The collection and its indexes, and the key's sequence in PostgreSQL; one of an earlier stay goes first."""
        sequence = Identifier(table.identity.namespace, key_sequence(table))
        transaction.execute(SQL("DROP SEQUENCE IF EXISTS {name}").format(name=sequence))
        with wrapped(BULK_SECONDS, writes=True):
            done = defining.apply(self._server, defining.create([table], resolve), transaction)
        return Done(tuple(each.sql for each in done), tuple(each.rollback_sql for each in done))

    def fill(self, table: Table, rows: Iterable[Row], transaction: Any) -> None:
        """Batch by batch. Once a row cannot be held, the others are only looked at."""
        filling = _Filling(self._server, table)
        coming = iter(rows)
        while batch := list(islice(coming, _BATCH)):
            filling.add(batch)
        filling.end()

    def written(self, plan: ListPlan, transaction: Any) -> Iterator[bytes]:
        """What a majority has kept."""
        return exporting.stream(self._server, plan, "ndjson")

    def standing(self, table: Table, transaction: Any) -> int | None:
        """Of the sequence in PostgreSQL."""
        if table.generated_key != "integer":
            return None
        found = transaction.execute(_LAST.format(sequence=_sequence(table))).fetchone()
        return found[0] if found else None

    def go_on(self, table: Table, last: int | None, transaction: Any) -> None:
        """The sequence is new."""
        if last is not None and table.generated_key == "integer":
            transaction.execute(_GO_ON.format(sequence=_sequence(table), last=Literal(last)))

    def untie(self, table: Table, transaction: Any) -> Done:
        """MongoDB holds no foreign keys."""
        return Done()

    def tie(self, table: Table, children: Sequence[Table], resolve: Resolve, before: Done, transaction: Any) -> Done:
        """The engine holds them."""
        return Done()

    def discard(self, table: Table) -> bool:
        """Drop the collection; while MongoDB is away it stays, under a name that is written down."""
        with suppress(Unavailable, PyMongoError), wrapped(BULK_SECONDS, writes=True):
            self._server.collection(table).drop()
        return False

    def drop(self, namespace: str, name: str, transaction: Any) -> None:
        """At once."""
        with wrapped(BULK_SECONDS, writes=True):
            self._server.database(namespace).drop_collection(name)


class _Filling:
    """Rows on their way into one collection."""

    def __init__(self, server: Server, table: Table) -> None:
        self._table = table
        self._exact = numeric(table.fields)
        self._insert: Callable[[list[Document]], Any] = server.collection(table).insert_many
        self._seen = self._refused = 0
        self._places: list[int] = []
        self._said = ""

    def add(self, rows: Sequence[Row]) -> None:
        """Rows as one batch."""
        try:
            if self._refused:
                self._look(rows)
            else:
                self._write(_documents(self._table, rows))
        except RefusedError as error:
            self._look(rows)
            if not self._refused:
                self._refuse(self._seen, error.message)
        self._seen += len(rows)

    def _look(self, rows: Sequence[Row]) -> None:
        """Which of them cannot be documents; none is written any more."""
        for place, row in enumerate(rows, start=self._seen):
            if errors := row_errors(self._exact, row, place):
                self._refuse(place, f"Field '{errors[0].field}': {errors[0].message}")

    def end(self) -> None:
        """Raise CannotHoldError where a row was not taken."""
        if self._refused:
            raise CannotHoldError(self._said, self._places, self._refused)

    def _write(self, documents: list[Document]) -> None:
        try:
            with wrapped(BULK_SECONDS, writes=True):
                self._insert(documents)
        except Invalid as error:
            for place, document in enumerate(documents, start=self._seen):
                if _is_too_large(document):
                    self._refuse(place, error.detail)
            if not self._refused:
                raise

    def _refuse(self, place: int, said: str) -> None:
        self._refused += 1
        self._said = self._said or said
        if len(self._places) < ERRORS_SHOWN:
            self._places.append(place)


def _documents(table: Table, rows: Sequence[Row]) -> list[Document]:
    """As they were: each in its version, of its instants."""
    own = [values_of(row) for row in rows]
    versions, some = [version for *_, version in own], moment_of(stored_instant(own[0][0]))
    documents = documents_of(table, table.fields, rows, now=some, versions=versions)
    for document, (created, updated, _) in zip(documents, own, strict=True):
        document[CREATED], document[UPDATED] = stored_instant(created), stored_instant(updated)
    return documents


def _is_too_large(document: Document) -> bool:
    return len(bson_of(document)) > _DOCUMENT_BYTES


def _sequence(table: Table) -> Literal:
    return Literal(sequence_text(table.identity.namespace, key_sequence(table)))
