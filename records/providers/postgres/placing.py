"""Where a written value goes: to columns of its own, or with all others of its row into the document.

A document holds canonical values as JSON, under the names of columns; what is null is not in it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from records.durations import duration_seconds
from records.jsontext import dumps
from records.providers.postgres.columns import STORAGES, Column, columns_of
from records.table import Field, Json

_CHANGED: Final = SQL("{document} = ({before} - {gone}::text[]) || {patch}")

Row = dict[str, Json]


def own(fields: Iterable[Field]) -> list[Field]:
    """Those with columns of their own."""
    return [field for field in fields if not field.inside]


def inside(fields: Iterable[Field]) -> list[Field]:
    """Those inside the document."""
    return [field for field in fields if field.inside]


def written_columns(fields: Sequence[Field]) -> list[Column]:
    """The physical columns that hold these fields: their own, then the document."""
    columns = [column for field in own(fields) for column in columns_of(field)]
    return [*columns, *(Column(name, STORAGES["jsonb"]) for name in {field.inside for field in inside(fields)})]


def document_of(fields: Sequence[Field], row: Row) -> dict[str, Json]:
    """What the document holds of a row: ``fields`` are inside it, absent ones count as null."""
    return {name: value for field in fields for name, value in members(field, row.get(field.name))}


def members(field: Field, value: Json) -> Iterator[tuple[str, Json]]:
    """A canonical value as members of the document; none for null."""
    if value is None:
        return
    if field.type == "geopoint":
        yield from ((field.column, value[0]), (field.beside, value[1]))
        return
    yield field.column, value
    if field.type == "duration":
        yield field.beside, duration_seconds(value)


def document_text(fields: Sequence[Field], row: Row) -> str:
    """A row's document as JSON text."""
    return dumps(document_of(fields, row)).decode()


def documents_json(fields: Sequence[Field], rows: Sequence[Row]) -> str:
    """The documents of many rows as one JSON array."""
    return dumps([document_of(fields, row) for row in rows]).decode()


def patches_json(fields: Sequence[Field], rows: Sequence[Row]) -> tuple[str, str]:
    """Of rows that send some of ``fields``: names that leave their documents, as array literals, and what comes."""
    gone = ["{" + ",".join(_names(field for field in fields if field.name in row)) + "}" for row in rows]
    return dumps(gone).decode(), documents_json(fields, rows)


def document_change(fields: Sequence[Field], alias: str, gone: Composable, patch: Composable) -> Composed:
    """What an UPDATE of these fields sets: all others stay as they are in the newest version of the row."""
    place = fields[0].inside
    before = Identifier(alias, place) if alias else Identifier(place)
    return _CHANGED.format(document=Identifier(place), before=before, gone=gone, patch=patch)


def names_text(fields: Iterable[Field]) -> Literal:
    """The members of these fields as a constant array of texts."""
    return Literal(list(_names(fields)))


def _names(fields: Iterable[Field]) -> Iterator[str]:
    yield from (column.name for field in fields for column in columns_of(field))
