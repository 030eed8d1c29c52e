"""How many lists are streamed at once. A client takes one at its own pace, and a thread of the worker waits for it."""

import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Final

from datar import env
from datar.errors import Unavailable
from records.exports import Pieces

AT_ONCE: Final = max(1, env.integer("DATAR_THREADS", 2, least=1, most=64) - 1)
"""In one process. A thread is left for all others, or a few clients that do not read would stop the service."""


class Places:
    """A number of places. They may be left from within a finalizer, which may run in the middle of ``enter``."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._lock = threading.RLock()

    def enter(self) -> bool:
        """Take a place, if there is one."""
        with self._lock:
            if self._free == 0:
                return False
            self._free -= 1
            return True

    def leave(self) -> None:
        """Give it back."""
        with self._lock:
            self._free += 1


_places = Places(AT_ONCE)


class Streamed:
    """Pieces that hold one of the places until they end, are closed or forgotten."""

    def __init__(self, begin: Callable[[], Pieces]) -> None:
        """Begin when there is a place. Raises Unavailable (``overloaded``), and what ``begin`` raises."""
        if not _places.enter():
            raise Unavailable("Too many lists are streamed at once; try again.", code="overloaded")
        self._leave = weakref.finalize(self, _places.leave)
        self._leave.atexit = False
        try:
            self._pieces = begin()
        except BaseException:
            self._leave()
            raise

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except BaseException:
            self._leave()
            raise

    def close(self) -> None:
        """Nothing more is wanted."""
        try:
            self._pieces.close()
        finally:
            self._leave()
