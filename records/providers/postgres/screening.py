"""Which rows of a batch stored rows stand against: one question per key, before any row is tried.

What it says is what the database would say now. What it does not say (a check, an index of some rows, a row that comes
in between) the database tells by itself.
"""

from collections.abc import Sequence

from datar.errors import Conflict
from records.payload import unique_groups
from records.provider import Resolve
from records.providers.postgres.conflicts import orphans, points_home, taken
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
    before = -1
    while len(refused) > before:
        before = len(refused)
        for key, lost in home:
            there = {_values(row, key.target_fields) for place, row in enumerate(rows) if place not in refused}
            for place in sorted(lost - refused.keys()):
                if _values(rows[place], key.fields) not in there:
                    refused[place] = _lost_parent(key)


def _values(row: dict[str, Json], names: Sequence[str]) -> tuple[Json, ...]:
    return tuple(row.get(name) for name in names)


def _taken_value(names: tuple[str, ...]) -> Conflict:
    """The conflict of a value that a stored row has."""
    conflict = Conflict("A row with this value exists already.", code="conflict_unique")
    with_fields(conflict, names, None)
    return conflict


def _lost_parent(key: ForeignKey) -> Conflict:
    """The conflict of a row whose parent is not there."""
    lost = Conflict("This row refers to a row that does not exist.", code="conflict_foreign_key")
    with_fields(lost, key.fields, None)
    return lost
