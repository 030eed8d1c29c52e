"""A bounded memory of what was made: the entry used longest ago is forgotten first. Safe for threads."""

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Kept(Generic[K, V]):
    """At most ``most`` entries, which together weigh at most ``most_weight``; what one weighs is said when it is put.

    Reading takes no lock: operations of OrderedDict are atomic, and between two of them an entry may go.
    """

    def __init__(self, most: int, most_weight: int = sys.maxsize) -> None:
        self._most = most
        self._most_weight = most_weight
        self._weight = 0
        self._lock = threading.Lock()
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The entry, now the one used last; None when there is none."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        with suppress(KeyError):  # another thread may have dropped it meanwhile
            self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: K, value: V, weight: int = 0) -> None:
        """Keep an entry; one that is heavier than all may be is not kept."""
        with self._lock:
            if weight > self._most_weight:
                self._forget(key)
                return
            self._weight += weight - self._entries.get(key, (None, 0))[1]
            self._entries[key] = value, weight
            while len(self._entries) > self._most or self._weight > self._most_weight:
                _, (_, gone) = self._entries.popitem(last=False)
                self._weight -= gone

    def drop(self, unwanted: Callable[[K], bool]) -> None:
        """Forget every entry whose key is unwanted."""
        with self._lock:
            for key in [key for key in self._entries.copy() if unwanted(key)]:
                self._forget(key)

    def _forget(self, key: K) -> None:
        self._weight -= self._entries.pop(key, (None, 0))[1]
