"""Does the server answer at all? A server that is frozen, or behind a dead line, takes bytes and says nothing.

Nobody asks it before a statement. A statement that has waited long starts one ping in a thread of its own; when the
ping gets no answer either, the server is ``silent`` until one does.
"""

import threading
import time
from functools import cache
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

_PING_SECONDS: Final = 2
_PAUSE_SECONDS: Final = 0.5
_FRESH_SECONDS: Final = 1.5
"""A server that answered so lately is not asked again."""
_STUCK_SECONDS: Final = 0.5
"""Beyond its hosts' time: a ping without any end, as when a name is looked up in vain, is no answer."""


class Reach:
    """One server as this process knows it. ``silent`` may be read without a lock."""

    def __init__(self, conninfo: str) -> None:
        self.silent = False
        self._conninfo = conninfo
        hosts = str(conninfo_to_dict(conninfo).get("host", "")).count(",") + 1
        self._stuck_after = hosts * _PING_SECONDS + _STUCK_SECONDS
        self._lock = threading.Lock()
        self._pinging: threading.Thread | None = None
        self._asked_at = float("-inf")

    def ask(self) -> None:
        """Have it found out, unless that is under way or was done just now. Never waits."""
        with self._lock:
            now = time.monotonic()
            if self._pinging is not None and self._pinging.is_alive():
                self.silent = self.silent or now - self._asked_at > self._stuck_after
            elif self.silent or now - self._asked_at > _FRESH_SECONDS:
                self._asked_at = now
                self._pinging = threading.Thread(target=self._ping, name="datar-ping", daemon=True)
                self._pinging.start()

    def _ping(self) -> None:
        """Ask until there is an answer."""
        while not self._answers():
            self.silent = True
            time.sleep(_PAUSE_SECONDS)
        with self._lock:  # else ``ask`` could find this thread alive and call the server silent for good
            self.silent = False
            self._pinging = None

    def _answers(self) -> bool:
        """A refusal is an answer too: of what it means, whoever connects is told."""
        try:
            psycopg.connect(self._conninfo, connect_timeout=_PING_SECONDS, application_name="datar ping").close()
        except psycopg.errors.ConnectionTimeout:
            return False
        except psycopg.Error:
            return True
        return True


@cache
def reach_of(conninfo: str) -> Reach:
    """The one Reach of a server in this process."""
    return Reach(conninfo)
