"""Raw connections for records: autocommit, prepared statements, session settings fixed when a connection opens.

One pool for requests and small ones for bulk writes and exports, whose deadlines are longer. A request holds one
connection.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, Final, Literal

import psycopg
from psycopg.abc import AdaptContext
from psycopg.adapt import Loader
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import ConnectionPool, PoolTimeout

from datar.errors import Unavailable
from records.limits import BULK_SECONDS, EXPORT_SECONDS, LOCK_MILLISECONDS, LOCK_TRIES, STATEMENT_SECONDS
from records.providers.postgres.patience import GRACE_SECONDS, TCP, PatientConnection
from records.providers.postgres.reach import reach_of

Connection = psycopg.Connection[tuple[Any, ...]]
_Use = Literal["read", "bulk", "export"]
_WAIT_SECONDS: Final = 2.0
_CONNECT_SECONDS: Final = 2
_PREPARE_AFTER: Final = 2
_STATEMENTS_KEPT: Final = 200


class _Text(Loader):
    """Text columns stay bytes: finished JSON goes out as it came."""

    def load(self, data: Any) -> bytes:
        return bytes(data)


def adapt(context: AdaptContext) -> None:
    """Register the loaders of record connections."""
    context.adapters.register_loader("text", _Text)


class Pool:
    """Connections to one database, opened on first use in the process that uses them."""

    def __init__(self, conninfo: str, *, size: int) -> None:
        self._conninfo = conninfo
        self._size = size
        self._reach = reach_of(conninfo)
        self._lock = threading.Lock()
        self._pools: dict[_Use, ConnectionPool[PatientConnection]] = {}
        self._lent: Counter[_Use] = Counter()
        self._version = 0

    def connection(self, *, bulk: bool = False) -> AbstractContextManager[Connection]:
        """A connection for the length of the block.

        Raises Unavailable: ``overloaded`` when all are busy, ``db_unavailable`` when the database is not there.
        """
        return self._connection("bulk" if bulk else "read")

    def export_connection(self) -> AbstractContextManager[Connection]:
        """The same for a statement whose rows a client takes at its own pace."""
        return self._connection("export")

    @contextmanager
    def _connection(self, use: _Use) -> Iterator[Connection]:
        self._require_answers()
        pool = self._pools.get(use) or self._open(use)
        try:
            connection = pool.getconn(timeout=_WAIT_SECONDS)
        except PoolTimeout:
            if self._lent[use] >= pool.max_size:
                raise Unavailable("Too many requests at once; try again.", code="overloaded") from None
            self._reach.ask()
            raise _unreachable() from None
        except psycopg.OperationalError:
            raise _unreachable() from None
        self._lend(use, 1)
        try:
            yield connection
        finally:
            self._lend(use, -1)
            pool.putconn(connection)

    @contextmanager
    def fresh_connection(self) -> Iterator[Connection]:
        """A connection that nobody had before: where one was lost, others of the pool may be dying too."""
        self._require_answers()
        with PatientConnection.connect(self._conninfo, **self._arguments(STATEMENT_SECONDS)) as connection:
            self._configure(connection, STATEMENT_SECONDS)
            yield connection

    def server_version(self) -> int:
        """The server's version as libpq tells it (180004), asked once: how text is composed may depend on it."""
        if not self._version:
            with self.connection() as connection:
                self._version = connection.info.server_version
        return self._version

    def check(self) -> None:
        """Part with every idle connection that is broken: where one was lost, its neighbours mostly are too."""
        self._version = 0  # the server may come back as a newer one
        if self._reach.silent:
            return  # a frozen server's connections are whole when it thaws
        for pool in list(self._pools.values()):
            pool.check()

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            for pool in self._pools.values():
                pool.close()
            self._pools.clear()

    def _require_answers(self) -> None:
        """Nobody queues for a server that is silent."""
        if self._reach.silent:
            self._reach.ask()
            raise _unreachable()

    def _lend(self, use: _Use, change: int) -> None:
        """Count the connections in use; when all are, a wait in vain is no fault of the database."""
        with self._lock:
            self._lent[use] += change

    def _open(self, use: _Use) -> ConnectionPool[PatientConnection]:
        with self._lock:
            if use not in self._pools:
                self._pools[use] = self._make(use)
            return self._pools[use]

    def _make(self, use: _Use) -> ConnectionPool[PatientConnection]:
        deadline = {"read": STATEMENT_SECONDS, "bulk": BULK_SECONDS, "export": EXPORT_SECONDS}[use]
        configure = self._configure_export if use == "export" else partial(self._configure, deadline=deadline)
        return ConnectionPool(
            self._conninfo,
            connection_class=PatientConnection,
            min_size=1 if use == "read" else 0,
            max_size=self._size if use == "read" else max(2, self._size // 2),
            kwargs=self._arguments(deadline),
            configure=configure,
            open=True,
            reconnect_timeout=1,
            num_workers=1,
        )

    def _arguments(self, deadline: float) -> dict[str, Any]:
        """How a connection is opened whose statements may take ``deadline`` seconds."""
        settings = {
            "TimeZone": "UTC",
            "IntervalStyle": "iso_8601",
            "DateStyle": "ISO",
            "statement_timeout": str(round(deadline * 1000)),
            "lock_timeout": str(LOCK_MILLISECONDS * LOCK_TRIES),
            "client_encoding": "UTF8",
            "search_path": "pg_catalog",
            "jit": "off",
        }
        given = conninfo_to_dict(self._conninfo)
        return {
            **{name: value for name, value in TCP.items() if name not in given},
            "autocommit": True,
            "prepare_threshold": _PREPARE_AFTER,
            "options": " ".join("-c " + name + "=" + value for name, value in settings.items()),
            "connect_timeout": _CONNECT_SECONDS,
            "application_name": "datar",
        }

    def _configure(self, connection: PatientConnection, deadline: float) -> None:
        adapt(connection)
        connection.prepared_max = _STATEMENTS_KEPT
        connection.reach = self._reach
        connection.deadline = deadline + GRACE_SECONDS

    def _configure_export(self, connection: PatientConnection) -> None:
        """Some rows, the first ones too, may take as long as a read; all of them together as long as an export."""
        self._configure(connection, STATEMENT_SECONDS)
        connection.patience = STATEMENT_SECONDS


def _unreachable() -> Unavailable:
    return Unavailable("The database cannot be reached; try again.", code="db_unavailable")
