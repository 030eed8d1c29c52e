"""Canonical values as the texts that are bound: one per column, None for null. The database casts them.

``stamp.NOW`` needs no case of its own: PostgreSQL reads that very text as the transaction's instant.
"""

from collections.abc import Callable, Sequence

from records.durations import duration_seconds
from records.fieldtypes import field_type
from records.jsontext import dumps
from records.table import Field, Json


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
    name = field.name
    values = [row.get(name) for row in rows]
    if field.type == "geopoint":
        return _array([v and str(v[0]) for v in values]), _array([v and str(v[1]) for v in values])
    if field.type == "duration":
        return _array(values), _array([v if v is None else str(duration_seconds(v)) for v in values])
    if field.type == "number":
        return (_array([v if v is None else str(v) for v in values]),)
    if field_type(field).postgres == ("jsonb",):
        return (_array([v if v is None else dumps(v).decode() for v in values]),)
    return (_array(values),)


def _array(values: Sequence[Json]) -> str:
    return dumps(values).decode()
