"""The MongoDB server as the provider meets it: one client a process, a tenant's database, sessions with a purpose.

It knows how long things may take and how a command is sent. It refuses to know what a pipeline or a document means.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import pymongo
from pymongo import MongoClient, WriteConcern
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import ConnectionFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from datar.errors import ClientGone, Unavailable
from records.kept import Kept
from records.providers.mongo.layout import collection_name, database_name
from records.providers.mongo.patience import patient
from records.providers.mongo.reach import Reach
from records.table import Table

Document = dict[str, Any]
Pipeline = list[dict[str, Any]]
_PREFIX: Final = "datar"
_TIMES: Final[Mapping[str, int]] = {
    "serverSelectionTimeoutMS": 1_500,  # so long a primary is looked for before its tables answer 503
    "connectTimeoutMS": 1_000,
    "heartbeatFrequencyMS": 500,
    "waitQueueTimeoutMS": 2_000,
}
"""Of them the URL may name others."""
_PAUSE_SECONDS: Final = 0.2
_COLLECTIONS_KEPT: Final = 10_000
_AFTERWARDS_SECONDS: Final = 70.0
"""After 60 s a server takes back by itself what nobody committed."""


class Server:
    """One MongoDB, opened on first use in the process that uses it. ``prefix`` begins the names of its databases."""

    def __init__(self, url: str, *, prefix: str = "", size: int = 8) -> None:
        self._prefix = prefix or database_of(url) or _PREFIX
        self.streams = threading.BoundedSemaphore(max(2, size // 2))
        """One for each stream of this process at once, which a client takes at its own pace."""
        self.uuids: Kept[tuple[str, str], Any] = Kept(_COLLECTIONS_KEPT)
        """Of collections that were read, by namespace and name."""
        self._collections: Kept[tuple[str, str], Collection[Document]] = Kept(_COLLECTIONS_KEPT)
        given = {name.lower(): value.lower() for name, value in parse_qsl(url.partition("?")[2])}
        self._reach = Reach(direct=given.get("directconnection") == "true")
        times: dict[str, Any] = {name: value for name, value in _TIMES.items() if name.lower() not in given}
        self._client: MongoClient[Document] = MongoClient(
            url,
            connect=False,
            tz_aware=False,
            datetime_conversion="DATETIME_AUTO",  # a date that another program wrote must not close a table
            maxPoolSize=size,
            appname="datar",
            retryWrites=True,
            retryReads=False,
            **patient(self._reach),
            **times,
        )

    @property
    def client(self) -> MongoClient[Document]:
        """pymongo's client."""
        return self._client

    def database(self, namespace: str) -> Database[Document]:
        """A tenant's database."""
        return self._client.get_database(database_name(self._prefix, namespace), write_concern=WriteConcern("majority"))

    def collection(self, table: Table) -> Collection[Document]:
        """The collection of a table. Raises Unavailable while it is known that the server does not answer."""
        self._reach.require()
        place = (table.identity.namespace, collection_name(table))
        known = self._collections.get(place)
        if known is None:
            known = self.database(place[0]).get_collection(place[1])
            self._collections.put(place, known)
        return known

    @contextmanager
    def snapshot(self) -> Iterator[ClientSession]:
        """A session whose reads all see one moment. Raises Unavailable as ``collection`` does."""
        self._reach.require()
        with self._client.start_session(snapshot=True) as session:
            yield session

    @contextmanager
    def transaction(self) -> Iterator[ClientSession]:
        """A session in a transaction: committed at the end of the block, with ``w: majority``, else taken back.

        Raises Unavailable as ``collection`` does.
        """
        self._reach.require()
        session = self._client.start_session()
        session.start_transaction(read_concern=ReadConcern("snapshot"), write_concern=WriteConcern("majority"))
        try:
            yield session
            if session.in_transaction:  # else the block has committed it itself
                session.commit_transaction()
        except BaseException as error:
            self._take_back(session, error)
            raise
        session.end_session()

    @property
    def is_there(self) -> bool:
        """Whether it was met, and has a primary as far as is known."""
        return self._reach.there

    def answers(self) -> bool:
        """Whether the server is there and has a primary; it is asked now."""
        try:
            self._reach.require()
            with pymongo.timeout(_TIMES["connectTimeoutMS"] / 1000):
                self._client.admin.command("ping")
        except (PyMongoError, Unavailable):
            return False
        return True

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def _take_back(self, session: ClientSession, error: BaseException) -> None:
        """End a transaction that was not committed; where nobody would answer, as soon as somebody does.

        What is left open would stand in the way of other writes for a minute.
        """
        lost = isinstance(error, ConnectionFailure | ClientGone | Unavailable) or getattr(error, "timeout", False)
        if not (lost and session.in_transaction):
            session.end_session()
            return
        threading.Thread(target=self._kill, args=(session,), name="datar-take-back", daemon=True).start()

    def _kill(self, session: ClientSession) -> None:
        """End what the server does for the session, too."""
        deadline = time.monotonic() + _AFTERWARDS_SECONDS
        while time.monotonic() < deadline:
            time.sleep(_PAUSE_SECONDS)
            if not self._reach.there:
                continue
            with suppress(PyMongoError, Unavailable):
                self._client.admin.command("killSessions", [session.session_id])
                session.end_session()
                return


def database_of(url: str) -> str:
    """The database that a URL names; empty when it names none."""
    _, _, path = url.partition("?")[0].partition("://")[2].partition("/")
    return unquote(path)
