"""A bounded memory of what was made: the entry used longest ago is forgotten first. Safe for threads."""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Kept(Generic[K, V]):
    """At most ``most`` entries. Operations of OrderedDict are atomic; between two of them an entry may go."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The entry, now the one used last; None when there is none."""
        entry = self._entries.get(key)
        if entry is not None:
            with suppress(KeyError):  # another thread may have dropped it meanwhile
                self._entries.move_to_end(key)
        return entry

    def put(self, key: K, value: V) -> None:
        """Keep an entry."""
        self._entries[key] = value
        while len(self._entries) > self._most:
            with suppress(KeyError):
                self._entries.popitem(last=False)

    def drop(self, unwanted: Callable[[K], bool]) -> None:
        """Forget every entry whose key is unwanted."""
        for key in [key for key in self._entries.copy() if unwanted(key)]:
            self._entries.pop(key, None)
