"""Canonical values as the texts that are bound: one per column, None for null. The database casts them.

``stamp.NOW`` needs no case of its own: PostgreSQL reads that very text as the transaction's instant.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from records.durations import duration_seconds
from records.fieldtypes import field_type
from records.jsontext import dumps
from records.table import Field, Json

_JSON_ESCAPE: Final = re.compile(r'\\[^"\\]')
"""A backslash before anything but a quote or a backslash; what follows an escaped backslash matches too, harmlessly."""


def texts_of(field: Field, value: Json) -> tuple[str | None, ...]:
    """One value as the texts of its columns."""
    if value is None:
        return (None,) * len(field_type(field).postgres)
    if field.type == "geopoint":
        return str(value[0]), str(value[1])
    text = _writer(field)(value)
    if field.type == "duration":
        return text, str(duration_seconds(value))
    return (text,)


def _writer(field: Field) -> Callable[[Json], str]:
    if field_type(field).postgres == ("jsonb",):
        return lambda value: dumps(value).decode()
    if field.type == "boolean":
        return lambda value: "true" if value else "false"
    return str


def columns_json(field: Field, rows: Sequence[dict[str, Json]]) -> tuple[str, ...]:
    """A field of many rows as JSON arrays, one per column, of scalars whose text the database casts."""
    return tuple(dumps(values).decode() for values in _columns(field, rows))


def columns_arrays(field: Field, rows: Sequence[dict[str, Json]]) -> tuple[str, ...]:
    """A field of many rows as PostgreSQL array literals, one per column."""
    return tuple(array_literal(values) for values in _columns(field, rows))


def _columns(field: Field, rows: Sequence[dict[str, Json]]) -> tuple[list[Json], ...]:
    name = field.name
    values = [row.get(name) for row in rows]
    if field.type == "geopoint":
        return [v and str(v[0]) for v in values], [v and str(v[1]) for v in values]
    if field.type == "duration":
        return values, [v if v is None else str(duration_seconds(v)) for v in values]
    if field.type == "number":
        return ([v if v is None else str(v) for v in values],)
    if field_type(field).postgres == ("jsonb",):
        return ([v if v is None else dumps(v).decode() for v in values],)
    return (values,)


def array_literal(values: list[Json]) -> str:
    """JSON's array in braces is the literal, as long as no text needs an escape that only JSON knows.

    Both quote texts with ``"``, escape ``"`` and ``\\`` with a backslash, and take a bare ``null`` for null. Source:
    PostgreSQL documentation, 8.15.6 (array input and output syntax).
    """
    text = dumps(values).decode()
    if _JSON_ESCAPE.search(text):
        return "{" + ",".join(_element(value) for value in values) + "}"
    return "{" + text[1:-1] + "}"


def _element(value: Json) -> str:
    if value is None:
        return "NULL"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
