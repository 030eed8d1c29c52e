"""Pipelines sent, documents back: every read of one answer in one snapshot, each within a read's deadline."""

import time
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from pymongo.client_session import ClientSession
from pymongo.errors import OperationFailure

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


class Asking:
    """One session with its snapshot: the first pipeline takes it, the others see the same moment."""

    def __init__(self, server: Server, session: ClientSession) -> None:
        self._server = server
        self._session = session

    def rows(self, table: Table, pipeline: Pipeline, *, most: int, **options: Any) -> list[Document]:
        """The documents of a pipeline that gives at most so many: one batch, as long as they fit 16 MB."""
        options |= {"allowDiskUse": True, "maxTimeMS": round(limits.STATEMENT_SECONDS * 1000)}
        collection = self._server.collection(table)
        with standing(self._server, table) as option:
            options |= option
            # With room for one more the server knows that it is done and keeps no cursor.
            with collection.aggregate(pipeline, session=self._session, batchSize=most + 1, **options) as cursor:
                found = cursor.to_list()
        check_joined(self._server, table, pipeline)
        return found

    def each(self, table: Table, pipeline: Pipeline) -> Iterator[Document]:
        """The documents of a pipeline one by one, however many there are."""
        options: dict[str, Any] = {"allowDiskUse": True, "maxTimeMS": round(limits.STATEMENT_SECONDS * 1000)}
        with standing(self._server, table) as option:
            cursor = self._server.collection(table).aggregate(pipeline, session=self._session, **options, **option)
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
        return self._server.collection(table).estimated_document_count(maxTimeMS=round(limits.STATEMENT_SECONDS * 1000))


def asked(server: Server, ask: Callable[[Asking], T]) -> T:
    """What ``ask`` finds in one snapshot; asked again where a collection is newer than it. Raises PyMongoError."""

    def ask_once() -> T:
        with server.snapshot() as session:
            return ask(Asking(server, session))

    return again(ask_once)


def row_asked(server: Server, table: Table, query: Document, members: Document) -> Document | None:
    """These members of a row that a query finds, in the last moment that a majority has; None when there is none.

    One ``find`` costs MongoDB and pymongo a third less than a pipeline does. Raises PyMongoError, Stale.
    """
    collection = server.collection(table)
    command: dict[str, Any] = {
        "find": collection.name,
        "filter": query,
        "projection": members,
        "limit": 1,
        "singleBatch": True,
        "readConcern": {"level": "snapshot"},
        "maxTimeMS": round(limits.STATEMENT_SECONDS * 1000),
    }

    def ask_once() -> Document | None:
        with standing(server, table) as option:
            found = collection.database.command({**command, **option}, codec_options=collection.codec_options)
        rows = found["cursor"]["firstBatch"]
        return rows[0] if rows else None

    return again(ask_once)


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
