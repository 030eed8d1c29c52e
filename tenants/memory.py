"""A short memory: what was loaded less than a second ago need not be asked again.

It holds nothing longer than ``SECONDS``, counted from before the load began, so that a revocation elsewhere is seen
within one second; and never more than ``ENTRIES`` things, so that made-up keys cannot fill the process.
"""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

SECONDS = 0.9
ENTRIES = 10_000
_LOCKS = 16


class ShortMemory(Generic[Key, Value]):
    """Values by key. ``load`` makes a value (None is one too); of several threads in need of one key, one loads it."""

    def __init__(self, load: Callable[[Key], Value]) -> None:
        self._load = load
        self._entries: dict[Key, tuple[float, Value]] = {}
        self._locks = tuple(threading.Lock() for _ in range(_LOCKS))

    def get(self, key: Key) -> Value:
        """The value, at most SECONDS old. Raises what ``load`` raises; an error is not remembered."""
        entry = self._entries.get(key)
        if entry is not None and time.monotonic() < entry[0]:
            return entry[1]
        with self._locks[hash(key) % _LOCKS]:
            entry = self._entries.get(key)
            began = time.monotonic()
            if entry is not None and began < entry[0]:
                return entry[1]
            value = self._load(key)
            self._remember(key, began + SECONDS, value)
            return value

    def forget(self, key: Key) -> None:
        """Ask again next time (in this process; the others follow within SECONDS)."""
        self._entries.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def _remember(self, key: Key, until: float, value: Value) -> None:
        entries = self._entries
        entries.pop(key, None)  # what is set again goes to the end, so the first is always the oldest
        if len(entries) >= ENTRIES:
            for oldest in list(entries)[: ENTRIES // 10]:
                entries.pop(oldest, None)
        entries[key] = (until, value)
