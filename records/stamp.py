"""The two declared fields the service fills: ``created_at`` and ``updated_at`` of type datetime, when not sent."""

from collections.abc import Sequence
from typing import Final

from records.table import Field, Json, Table

NOW: Final = "now"
"""Stands for the write's own instant; a provider puts it in. No client's value can be it: it is no datetime."""
CREATED_FIELD: Final = "created_at"
UPDATED_FIELD: Final = "updated_at"


def stamped(table: Table, name: str) -> Field | None:
    """The declared field of this name, when the service fills it."""
    field = table.by_name.get(name)
    return field if field is not None and field.type == "datetime" else None


def stamp_new(table: Table, rows: Sequence[dict[str, Json]]) -> None:
    """Fill both, in place, where a new row was sent without them."""
    for name in (CREATED_FIELD, UPDATED_FIELD):
        if stamped(table, name) is not None:
            for row in rows:
                row.setdefault(name, NOW)
