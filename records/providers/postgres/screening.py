"""Which rows of a batch stored rows stand against: one question per key, before any row is tried.

What it says is what the database would say now. What it does not say (a check, an index of some rows, a row that comes
in between) the database tells by itself.
"""

from collections import Counter, deque
from collections.abc import Sequence

from datar.errors import Conflict
from records.orphans import lost_parent, points_home
from records.payload import unique_groups
from records.provider import Resolve
from records.providers.postgres.conflicts import orphans, taken
from records.providers.postgres.errors import with_fields
from records.providers.postgres.pool import Connection
from records.table import ForeignKey, Json, Table

Rows = Sequence[dict[str, Json]]


def screened(table: Table, rows: Rows, connection: Connection, resolve: Resolve) -> dict[int, Conflict]:
    """Why rows cannot be stored, by place: a value is taken, or a row they refer to is neither stored nor among them.

    Raises psycopg.Error.
    """
    refused: dict[int, Conflict] = {}
    for names in unique_groups(table):
        for place in taken(table, names, rows, connection):
            refused.setdefault(place, _taken_value(names))
    home: list[tuple[ForeignKey, set[int]]] = []
    for key in (key for key in table.foreign_keys if key.enforced):
        lost = orphans(table, key, rows, connection, resolve)
        if points_home(table, key):
            home.append((key, set(lost)))
            continue
        for place in lost:
            refused.setdefault(place, _lost_parent(key))
    _refuse_lost(rows, home, refused)
    return refused


def _refuse_lost(rows: Rows, home: Sequence[tuple[ForeignKey, set[int]]], refused: dict[int, Conflict]) -> None:
    """Rows whose parent must come with them, and does not; then those whose parent these were, and so on."""
    left = [row for place, row in enumerate(rows) if place not in refused]
    there = [Counter(_values(row, key.target_fields) for row in left) for key, _ in home]
    waiting = [_by_parent(rows, key, lost) for key, lost in home]
    todo: deque[tuple[int, ForeignKey]] = deque()
    for (key, _), found, children in zip(home, there, waiting, strict=True):
        todo.extend((place, key) for values, places in children.items() if not found[values] for place in places)
    while todo:
        place, lost_along = todo.popleft()
        if place in refused:
            continue
        refused[place] = _lost_parent(lost_along)
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


def _taken_value(names: tuple[str, ...]) -> Conflict:
    """The conflict of a value that a stored row has."""
    conflict = Conflict("A row with this value exists already.", code="conflict_unique")
    with_fields(conflict, names, None)
    return conflict


def _lost_parent(key: ForeignKey) -> Conflict:
    """The conflict of a row whose parent is not there."""
    lost = lost_parent(key)
    with_fields(lost, key.fields, None)
    return lost
