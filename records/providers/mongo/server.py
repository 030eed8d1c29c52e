"""The MongoDB server as the provider meets it: one client a process, a tenant's database, sessions with a purpose.

It knows how long things may take and how a command is sent. It refuses to know what a pipeline or a document means.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from pymongo import MongoClient, WriteConcern
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.read_concern import ReadConcern

from records.providers.mongo.layout import collection_name, database_name
from records.table import Table

Document = dict[str, Any]
Pipeline = list[dict[str, Any]]
_FIND_SECONDS: Final = 2.0
"""So long a server is looked for before its tables answer 503."""


class Server:
    """One MongoDB, opened on first use in the process that uses it."""

    def __init__(self, url: str, *, prefix: str = "datar", size: int = 8) -> None:
        self._prefix = prefix
        milliseconds = round(_FIND_SECONDS * 1000)
        self._client: MongoClient[Document] = MongoClient(
            url,
            connect=False,
            tz_aware=False,
            maxPoolSize=size,
            serverSelectionTimeoutMS=milliseconds,
            connectTimeoutMS=milliseconds,
            appname="datar",
            retryWrites=True,
            retryReads=True,
        )

    @property
    def client(self) -> MongoClient[Document]:
        """pymongo's client."""
        return self._client

    def database(self, namespace: str) -> Database[Document]:
        """A tenant's database."""
        return self._client.get_database(database_name(self._prefix, namespace), write_concern=WriteConcern("majority"))

    def collection(self, table: Table) -> Collection[Document]:
        """The collection of a table."""
        return self.database(table.identity.namespace).get_collection(collection_name(table))

    @contextmanager
    def snapshot(self) -> Iterator[ClientSession]:
        """A session whose reads all see one moment."""
        with self._client.start_session(snapshot=True) as session:
            yield session

    @contextmanager
    def transaction(self) -> Iterator[ClientSession]:
        """A session in a transaction: committed at the end of the block, with ``w: majority``, else taken back."""
        with (
            self._client.start_session() as session,
            session.start_transaction(read_concern=ReadConcern("snapshot"), write_concern=WriteConcern("majority")),
        ):
            yield session

    def close(self) -> None:
        """Close every connection."""
        self._client.close()
