"""Connections that do not wait for ever: not for a server that is silent, and not for a client that has left.

pymongo asks, twice a second, whether the wait for an answer was called off, and then closes the connection. The
thread that waits is asked, so nothing is registered and no thread watches. A server ends what it does for a
connection that was closed.
"""

import math
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from pymongo.errors import AutoReconnect
from pymongo.monitoring import ConnectionClosedReason
from pymongo.network_layer import NetworkingInterface
from pymongo.pool_shared import _CancellationContext
from pymongo.synchronous.pool import Connection, Pool

from datar import presence
from datar.errors import ClientGone
from records.providers.mongo.errors import late, unreachable
from records.providers.mongo.reach import Address, Reach

_LOOK_SECONDS: Final = 0.3
_AT_ONCE: Final = 1_048_576
"""Bytes that are given to the kernel in one call."""


_waits = threading.local()
"""``until``: when the answers that this thread waits for are late."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Wait no longer than so in this block: then ``query_timeout``, and the server ends what it does.

    pymongo's own deadline would bound all batches of a cursor together.
    """
    _waits.until = time.monotonic() + seconds
    try:
        yield
    finally:
        _waits.until = math.inf


class _Waiting(_CancellationContext):
    """Whether one connection's wait is over before its answer has come."""

    def __init__(self, reach: Reach, address: Address) -> None:
        super().__init__()
        self._reach = reach
        self._address = address

    @property
    def cancelled(self) -> bool:
        """Asked by the waiting thread. Raises ClientGone, Unavailable."""
        if presence.gone():
            raise ClientGone
        if self._reach.silent(self._address):
            raise unreachable()
        if time.monotonic() > getattr(_waits, "until", math.inf):
            raise late()
        return super().cancelled


class _Patient(NetworkingInterface):
    """A connection's socket, which looks up while it sends as pymongo does while it receives."""

    def __init__(self, sock: Any, waiting: _Waiting) -> None:
        super().__init__(sock)
        self._waiting = waiting

    @property
    def get_conn(self) -> Any:
        """What pymongo sends with and sets deadlines on."""
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self.conn, name)

    def sendall(self, data: bytes) -> None:
        """Send all, or raise what ended the wait; TimeoutError when the socket's own time is over."""
        whole = self.conn.gettimeout()
        deadline = None if whole is None else time.monotonic() + whole
        rest = memoryview(data)
        try:
            while rest:
                left = _LOOK_SECONDS if deadline is None else min(_LOOK_SECONDS, deadline - time.monotonic())
                self.conn.settimeout(max(left, 0.001))
                try:
                    rest = rest[self.conn.send(rest[:_AT_ONCE]) :]
                except TimeoutError:
                    self._look_up(deadline)
        finally:
            self.conn.settimeout(whole)

    def _look_up(self, deadline: float | None) -> None:
        if self._waiting.cancelled:
            raise ConnectionAbortedError("the wait was called off")
        if deadline is not None and time.monotonic() >= deadline:
            raise TimeoutError("timed out")


class _PatientPool(Pool):
    """The connections to one server."""

    def __init__(self, *arguments: Any, reach: Reach, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._reach = reach

    def connect(self, handler: Any = None) -> Connection:
        """As pymongo's; monitors wait as they do.

        A member of a replica set that has just started, or is leaving, knows no sessions. pymongo would remember that
        of the connection for as long as it is kept, and refuse each transaction on it. Raises AutoReconnect.
        """
        connection = super().connect(handler)
        if self.is_sdam:
            return connection
        if not connection.supports_sessions:
            with self.lock:
                self.active_contexts.discard(connection.cancel_context)
            connection.close_conn(ConnectionClosedReason.ERROR)
            raise AutoReconnect("the server knows no sessions now")
        waiting = _Waiting(self._reach, self.address)
        with self.lock:
            self.active_contexts.discard(connection.cancel_context)
            self.active_contexts.add(waiting)
        if connection.cancel_context.cancelled:
            waiting.cancel()
        connection.cancel_context = waiting
        if isinstance(connection.conn.sock, socket.socket):
            connection.conn = _Patient(connection.conn.sock, waiting)
        return connection


class _PatientCondition(threading.Condition):
    """What is waited on for a primary: as long as there may be one, which no deadline of pymongo's asks."""

    def __init__(self, lock: Any, reach: Reach) -> None:
        super().__init__(lock)
        self._reach = reach

    def wait(self, timeout: float | None = None) -> bool:
        """As threading's. Raises ClientGone, Unavailable."""
        notified = super().wait(timeout)
        if presence.gone():
            raise ClientGone
        self.release()  # a silence is doubted for a moment, in which the monitors need this lock to tell the news
        try:
            self._reach.require()
        finally:
            self.acquire()
        return notified


def patient(reach: Reach) -> dict[str, Any]:
    """What pymongo's client is to be made with, so that nobody waits for ever."""
    return {
        "event_listeners": [reach],
        "_pool_class": partial(_PatientPool, reach=reach),
        "_condition_class": partial(_PatientCondition, reach=reach),
    }
