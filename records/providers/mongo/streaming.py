"""Documents while they come, a few at once: memory holds a piece and these, however many there are.

The first ones, and each of the next, have a read's deadline; all of them an export's.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.command_cursor import CommandCursor
from pymongo.errors import PyMongoError

from datar.errors import DatarError, Unavailable
from records import limits
from records.providers.mongo.errors import late
from records.providers.mongo.patience import within
from records.providers.mongo.server import Document, Pipeline, Server
from records.providers.mongo.standing import check_joined, standing
from records.table import Table

_WAIT_SECONDS: Final = 2.0
_FIRST: Final = 20
_MOST: Final = 500
_BATCH_BYTES: Final = 65_536
"""About so much of lines is asked for at once."""


class Batches:
    """The documents of pipelines that one stream sends, all in one snapshot."""

    def __init__(self, server: Server, session: ClientSession) -> None:
        self._server = server
        self._session = session
        self._deadline = time.monotonic() + limits.EXPORT_SECONDS
        self._size = _FIRST

    def of(self, table: Table, pipeline: Pipeline) -> Iterator[list[Document]]:
        """The documents of a pipeline. Raises PyMongoError, Unavailable (``query_timeout``)."""
        options: dict[str, Any] = {"allowDiskUse": True, "maxTimeMS": max(round(self._left() * 1000), 1)}
        with within(limits.STATEMENT_SECONDS), standing(self._server, table) as option:
            collection = self._server.collection(table)
            cursor = collection.aggregate(pipeline, session=self._session, batchSize=self._size, **options, **option)
        with ended(cursor, collection):
            with within(limits.STATEMENT_SECONDS):
                check_joined(self._server, table, pipeline)
            while documents := self._next(cursor):
                yield documents

    def wrote(self, documents: int, size: int) -> None:
        """So many documents made lines of so many bytes: the next batch is to make about a piece."""
        self._size = max(1, min(_MOST, documents * _BATCH_BYTES // max(size, 1)))

    def _next(self, cursor: Any) -> list[Document]:
        self._left()
        cursor.batch_size(self._size)
        with within(limits.STATEMENT_SECONDS):
            found: list[Document] = cursor.to_list(self._size)
            return found

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise late()
        return left


@contextmanager
def ended(cursor: CommandCursor[Document], collection: Collection[Document]) -> Iterator[None]:
    """End a cursor at the server, too, when the block is left before its end.

    pymongo sends a snapshot session's read concern with ``killCursors``, which refuses that; a second later it tries
    again.
    """
    try:
        yield
    finally:
        if cursor.alive:
            with suppress(PyMongoError, DatarError):
                collection.database.command("killCursors", collection.name, cursors=[cursor.cursor_id])
        cursor.close()


@contextmanager
def turn(server: Server) -> Iterator[None]:
    """One of the streams that a process has at once. Raises Unavailable (``overloaded``) when all are taken."""
    if not server.streams.acquire(timeout=_WAIT_SECONDS):
        raise Unavailable("Too many requests at once; try again.", code="overloaded")
    try:
        yield
    finally:
        server.streams.release()
