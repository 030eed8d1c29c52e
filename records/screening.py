"""Which rows of a batch stored rows stand against: one question per key, before any row is tried.

What it says is what the database would say now. What it does not say (a check, an index of some rows, a row that comes
in between) the database tells by itself. The questions are a provider's.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence

from datar.errors import Conflict
from records.orphans import lost_parent, points_home
from records.payload import unique_groups
from records.table import ForeignKey, Json, Table

Rows = Sequence[dict[str, Json]]
Taken = Callable[[tuple[str, ...]], Iterable[int]]
"""Places of the rows whose values in these fields a stored row has."""
Orphans = Callable[[ForeignKey], Iterable[int]]
"""Places of the rows that point along this key at a row that is not stored."""


def screened(table: Table, rows: Rows, taken: Taken, orphans: Orphans) -> dict[int, Conflict]:
    """Why rows cannot be stored, by place: a value is taken, or a row they refer to is neither stored nor among them.

    Foreign keys that lead to another store are not looked at.
    """
    refused: dict[int, Conflict] = {}
    for names in unique_groups(table):
        for place in taken(names):
            refused.setdefault(place, taken_value(names))
    home: list[tuple[ForeignKey, set[int]]] = []
    for key in (key for key in table.foreign_keys if key.enforced and key.store == table.identity.store):
        lost = orphans(key)
        if points_home(table, key):
            home.append((key, set(lost)))
            continue
        for place in lost:
            refused.setdefault(place, lost_along(key))
    _refuse_lost(rows, home, refused)
    return refused


def taken_value(names: Sequence[str]) -> Conflict:
    """The conflict of a value that a stored row has."""
    extra = {"fields": list(names)}
    return Conflict("A row with this value exists already.", code="conflict_unique", extra=extra)


def lost_along(key: ForeignKey) -> Conflict:
    """The conflict of a row whose parent along this key is not there."""
    lost = lost_parent(key)
    lost.extra["fields"] = list(key.fields)
    return lost


def _refuse_lost(rows: Rows, home: Sequence[tuple[ForeignKey, set[int]]], refused: dict[int, Conflict]) -> None:
    """Rows whose parent must come with them, and does not; then those whose parent these were, and so on."""
    left = [row for place, row in enumerate(rows) if place not in refused]
    there = [Counter(_values(row, key.target_fields) for row in left) for key, _ in home]
    waiting = [_by_parent(rows, key, lost) for key, lost in home]
    todo: deque[tuple[int, ForeignKey]] = deque()
    for (key, _), found, children in zip(home, there, waiting, strict=True):
        todo.extend((place, key) for values, places in children.items() if not found[values] for place in places)
    while todo:
        place, along = todo.popleft()
        if place in refused:
            continue
        refused[place] = lost_along(along)
        for (key, _), found, children in zip(home, there, waiting, strict=True):
            values = _values(rows[place], key.target_fields)
            found[values] -= 1
            if not found[values]:
                todo.extend((child, key) for child in children.get(values, ()))


def _by_parent(rows: Rows, key: ForeignKey, places: set[int]) -> dict[tuple[Json, ...], list[int]]:
    """Places by the values that their rows refer to."""
    found: dict[tuple[Json, ...], list[int]] = {}
    for place in sorted(places):
        found.setdefault(_values(rows[place], key.fields), []).append(place)
    return found


def _values(row: dict[str, Json], names: Sequence[str]) -> tuple[Json, ...]:
    return tuple(row.get(name) for name in names)
