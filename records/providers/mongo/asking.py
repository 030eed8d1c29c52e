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
_TRIES: Final = 5
_PAUSE_SECONDS: Final = 0.02


class Asking:
    """One session with its snapshot: the first pipeline takes it, the others see the same moment."""

    def __init__(self, server: Server, session: ClientSession) -> None:
        self._server = server
        self._session = session

    def rows(self, table: Table, pipeline: Pipeline, *, most: int) -> list[Document]:
        """The documents of a pipeline that gives at most so many: one batch, as long as they fit 16 MB."""
        options: dict[str, Any] = {"allowDiskUse": True, "maxTimeMS": round(limits.STATEMENT_SECONDS * 1000)}
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
        found = self.rows(table, [*stages, {"$count": "n"}], most=1)
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
