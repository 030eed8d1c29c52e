"""Does the server answer at all? pymongo's monitors ask every half second; this remembers when they last heard of whom.

So nothing is asked before a command, and a server that is frozen, gone or without a primary is known within seconds.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from pymongo.monitoring import ServerHeartbeatListener

from records.providers.mongo.errors import unreachable

Address = tuple[str, int | None]

SILENT_SECONDS: Final = 1.2
"""A server that was not heard of for so long says nothing to anybody; so long a new primary is waited for, too."""
DOUBTS: Final = 5
DOUBT_SECONDS: Final = 0.03
"""So often that is doubted for so long before it is believed. Where the processor was kept from the monitors, each
doubt takes longer, and they hear meanwhile what was said long ago."""
_WRITABLE: Final = None
"""Among the addresses: whichever server takes writes."""

_threads = threading.local()
"""``patience``: after how many seconds a server is silent to this thread."""


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """In this block a server is silent only after so long: for work that is better late than not done.

    A primary is waited for no longer than else, ``serverSelectionTimeoutMS``.
    """
    _threads.patience = seconds
    try:
        yield
    finally:
        _threads.patience = SILENT_SECONDS


class Reach(ServerHeartbeatListener):
    """The servers of one MongoDB as this process knows them. It is called by pymongo's monitors, whom nobody keeps.

    ``direct``: it is one server that was named as the only one, whatever part it plays.
    """

    def __init__(self, *, direct: bool) -> None:
        self._direct = direct
        self._heard: dict[Address | None, float] = {}
        self._sought: float | None = None
        self._news = threading.Condition()
        self._believed: set[Address | None] = set()
        """Whose silence is no longer doubted."""

    @property
    def there(self) -> bool:
        """Whether a server that takes writes was heard of lately."""
        return _WRITABLE in self._heard and not self._is_late(self._heard[_WRITABLE])

    def silent(self, address: Address) -> bool:
        """Whether this server was not heard of lately; one that never was may be new. Doubts once."""
        return self._is_silent(address, None)

    def require(self) -> None:
        """Raise Unavailable (``db_unavailable``) while it is known that nobody would answer. Doubts once."""
        if self._is_silent(_WRITABLE, self._sought):
            raise unreachable()

    # --- what pymongo tells

    def started(self, event: Any) -> None:
        """A server is asked; with the first one the search begins."""
        self._sought = self._sought or time.monotonic()

    def succeeded(self, event: Any) -> None:
        """A server answered."""
        with self._news:
            self._hear(event.connection_id)
            if self._direct or event.reply.is_writable:
                self._hear(_WRITABLE)
            self._news.notify_all()

    def failed(self, event: Any) -> None:
        """A server did not answer."""

    def _hear(self, who: Address | None) -> None:
        self._heard[who] = time.monotonic()
        self._believed.discard(who)

    def _is_silent(self, who: Address | None, sought: float | None) -> bool:
        """``sought``: since when it was looked for, if it never was heard of."""
        if not self._is_late(self._heard.get(who, sought)):
            return False
        with self._news:
            for _ in range(DOUBTS):
                if who in self._believed:
                    break
                self._news.wait(DOUBT_SECONDS)
                if not self._is_late(self._heard.get(who, sought)):
                    return False
            self._believed.add(who)
        return True

    def _is_late(self, heard: float | None) -> bool:
        seconds: float = getattr(_threads, "patience", SILENT_SECONDS)
        return heard is not None and time.monotonic() - heard > seconds
