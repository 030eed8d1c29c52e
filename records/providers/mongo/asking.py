"""Questions sent, documents back: every read of one answer in one snapshot, each within a read's deadline."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final, TypeVar

from bson.timestamp import Timestamp
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError

from datar.errors import DatarError
from records import limits
from records.providers.mongo.server import Document, Pipeline, Server
from records.providers.mongo.standing import check_joined, standing
from records.table import Table

T = TypeVar("T")

_UNAVAILABLE: Final = 246
"""The server's SnapshotUnavailable: the snapshot is older than the collection or one of its indexes."""
_KEYS: Final = "_id_"
"""The index that every collection has, of ``_id``."""
_TRIES: Final = 5
_PAUSE_SECONDS: Final = 0.02
_FIND: Final = {
    "$match": (0, "filter"),
    "$sort": (0, "sort"),
    "$skip": (1, "skip"),
    "$limit": (2, "limit"),
    "$project": (3, "projection"),
}
"""Stages that ``find`` knows, in the order in which it takes them, and what it calls them."""
_PLAIN: Final = (0, 1)
"""What is said of a path that is to be there, or not."""


class Asking:
    """One snapshot: the first question takes it, in the last moment that a majority has, the others see the same.

    What a ``find`` can ask is asked by one: it costs MongoDB and pymongo less than a pipeline does. A session would
    keep the moment as well, and cost more than its number here.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._moment: Timestamp | None = None

    def rows(self, table: Table, pipeline: Pipeline, *, most: int, **options: Any) -> list[Document]:
        """The documents of a pipeline that gives at most so many: one batch, as long as they fit 16 MB."""
        collection = self._server.collection(table)
        command: Document = {**(found_by(pipeline) or {"aggregate": "", "pipeline": pipeline}), **options}
        # With room for one more the server knows that it is done and keeps no cursor.
        if "find" in command:
            command |= {"find": collection.name, "batchSize": most + 1}
        else:
            command |= {"aggregate": collection.name, "cursor": {"batchSize": most + 1}}
        with standing(self._server, table) as option:
            command |= {**self._terms(), **option}
            found = collection.database.command(command, codec_options=collection.codec_options)["cursor"]
            self._moment = found["atClusterTime"]
            rows: list[Document] = found["firstBatch"]
            if found["id"]:
                _kill(collection.database, collection.name, found["id"])
                rows = self._whole(collection, command)
        check_joined(self._server, table, pipeline)
        return rows

    def each(self, table: Table, pipeline: Pipeline) -> Iterator[Document]:
        """The documents of a pipeline one by one, however many. It takes no snapshot: nothing is asked after it."""
        collection = self._server.collection(table)
        with standing(self._server, table) as option:
            command = {"aggregate": collection.name, "pipeline": pipeline, "cursor": {}, **self._terms(), **option}
            cursor = collection.database.cursor_command(command, codec_options=collection.codec_options)
        with cursor:
            yield from cursor
        check_joined(self._server, table, pipeline)

    def count(self, table: Table, stages: Pipeline) -> int:
        """How many documents come out of these stages."""
        # Keys are smaller than documents: to go through them takes a sixth less time.
        options = {} if stages else {"hint": _KEYS}
        found = self.rows(table, [*stages, {"$count": "n"}], most=1, **options)
        return int(found[0]["n"]) if found else 0

    def kept_count(self, table: Table) -> int:
        """How many documents the collection's metadata speaks of, which knows no snapshot."""
        return self._server.collection(table).estimated_document_count(maxTimeMS=_milliseconds())

    def _whole(self, collection: Collection[Document], command: Document) -> list[Document]:
        """The documents of a question whose answer is larger than a batch can be, asked once more."""
        again = {**command, **self._terms()}
        with collection.database.cursor_command(again, codec_options=collection.codec_options) as cursor:
            return cursor.to_list()

    def _terms(self) -> Document:
        """What every question says: which moment, how long, and that sorting may use the disk."""
        concern = {"level": "snapshot"} | ({} if self._moment is None else {"atClusterTime": self._moment})
        return {"readConcern": concern, "maxTimeMS": _milliseconds(), "allowDiskUse": True}


def found_by(pipeline: Pipeline) -> Document | None:
    """The ``find`` that gives the documents of a pipeline, without its collection; None where only a pipeline can."""
    command: Document = {"find": ""}
    conditions: list[Document] = []
    before = 0
    for stage in pipeline:
        ((name, value),) = stage.items()
        place, word = _FIND.get(name, (-1, ""))
        plain = word != "projection" or all(each in _PLAIN for each in value.values())
        if place < before or word in command or not plain or (word == "limit" and not value):
            return None
        before = place
        if word == "filter":
            conditions.append(value)
        else:
            command[word] = value
    return command | ({"filter": {"$and": conditions}} if conditions else {})


def _kill(database: Database[Document], name: str, cursor: int) -> None:
    with suppress(PyMongoError, DatarError):
        database.command("killCursors", name, cursors=[cursor])


def _milliseconds() -> int:
    return round(limits.STATEMENT_SECONDS * 1000)


def asked(server: Server, ask: Callable[[Asking], T]) -> T:
    """What ``ask`` finds in one snapshot; asked again where a collection is newer than it. Raises PyMongoError."""
    return again(lambda: ask(Asking(server)))


def again(attempt_once: Callable[[], T]) -> T:
    """What the attempt finds, which takes a snapshot; tried again where a collection is newer than that."""
    for attempt in range(_TRIES):
        try:
            return attempt_once()
        except (OperationFailure, DatarError) as error:
            cause = error if isinstance(error, OperationFailure) else error.__cause__
            unavailable = isinstance(cause, OperationFailure) and cause.code == _UNAVAILABLE
            if not unavailable or attempt == _TRIES - 1:
                raise
        time.sleep(_PAUSE_SECONDS * (attempt + 1))
    raise AssertionError
