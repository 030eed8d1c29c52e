"""Connections that do not wait for ever: not for a server that is silent, and not for a client that has left.

psycopg waits for every statement, commit and row in ``Connection.wait``. A statement that is answered within
``_LOOK_SECONDS`` costs a comparison more than psycopg's own. A longer one looks up that often: whoever asked may
have left, the server may have gone silent, the deadline may be over. It is the waiting thread itself that looks, so
nothing is registered, no thread watches, and a cancel cannot hit the next statement of the connection.
"""

import math
import time
from contextlib import suppress
from typing import Any, Final, NoReturn, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import _WaitTimeout
from psycopg.waiting import Ready

from datar import presence
from datar.errors import ClientGone
from records.providers.postgres.reach import Reach

RV = TypeVar("RV")

GRACE_SECONDS: Final = 1.0
"""The server ends a statement at its deadline; so much later it is not waited for any more."""
TCP: Final = {
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 4_000,
}
"""libpq's words, in seconds and milliseconds: a connection into a black hole ends, also when it is idle."""
_LOOK_SECONDS: Final = 0.3
_DOUBT_SECONDS: Final = 1.5
"""After so long the server is asked whether it answers; the ping has 2 s, and a client its 503 within 5."""
_CANCEL_SECONDS: Final = 2.0
_NOTHING_READY: Final = Ready.NONE


class NoAnswer(psycopg.errors.ConnectionFailure):
    """The server did not answer in time; what the statement did is not known. Asking again would wait again."""


class PatientConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection for records. ``reach`` must be set before the first statement."""

    reach: Reach
    deadline: float = math.inf
    """Seconds that one answer may take, the grace included."""
    patience: float = math.inf
    """Seconds after which a statement is cancelled whose own deadline at the server is later: an export's."""
    cancels: bool = True
    """Whether a statement ends when whoever asked has left."""

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """As psycopg's. Raises NoAnswer, and then the connection is closed, and ClientGone."""
        if self.reach.silent:
            self._give_up()
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, _LOOK_SECONDS)
        except _WaitTimeout:
            pass
        return self._wait_on(gen, interval)

    def _wait_on(self, gen: PQGen[RV], interval: float) -> RV:
        """Wait for the rest of an answer that takes long."""
        began = time.monotonic() - _LOOK_SECONDS
        while True:
            waited = time.monotonic() - began
            if waited > _DOUBT_SECONDS:
                self.reach.ask()
            if self.reach.silent or waited > self.deadline:
                self._give_up()
            if self.cancels and presence.gone():
                return self._call_off(gen, interval)
            if waited > self.patience:
                with suppress(psycopg.Error):
                    self.cancel_safe(timeout=_CANCEL_SECONDS)
            with suppress(_WaitTimeout):
                return super().wait(_resumed(gen), interval, _LOOK_SECONDS)

    def _give_up(self) -> NoReturn:
        self.close()
        raise NoAnswer("the server did not answer in time")

    def _call_off(self, gen: PQGen[RV], interval: float) -> RV:
        """Cancel the statement; when it was done before the cancel came, its answer after all. Raises ClientGone."""
        with suppress(psycopg.Error):
            self.cancel_safe(timeout=_CANCEL_SECONDS)
        try:
            return super().wait(_resumed(gen), interval, _CANCEL_SECONDS)
        except psycopg.errors.QueryCanceled:
            raise ClientGone from None
        except _WaitTimeout:
            self.close()
            raise ClientGone from None


def _resumed(gen: PQGen[RV]) -> PQGen[RV]:
    """The rest of a generator that was left at a timeout.

    psycopg's wait begins with ``next``, which says None; one that still sends wants to hear what is ready: nothing.
    """
    try:
        state = gen.send(_NOTHING_READY)
        while True:
            state = gen.send((yield state))
    except StopIteration as done:
        result: RV = done.value
        return result


class MetadataConnection(PatientConnection):
    """A connection for what is no record. Only a request gives up on a silent server: a command has time.

    Nothing is cancelled: these statements are short, or many of them make one change.
    """

    cancels = False

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """As PatientConnection's for a request, as psycopg's for all others."""
        if presence.asked():
            return super().wait(gen, interval, timeout)
        return psycopg.Connection.wait(self, gen, interval, timeout)
