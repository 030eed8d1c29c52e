"""Where a written value goes: to columns of its own, or with all others of its row into the document.

A document holds canonical values as JSON, under the names of columns; what is null is not in it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from records.additional import kept
from records.durations import duration_seconds
from records.jsontext import dumps
from records.providers.postgres.columns import STORAGES, Column, columns_of
from records.table import ADDITIONAL_MEMBER, Field, Json

_CHANGED: Final = SQL("{document} = ({before} - {gone}::text[]) || {patch}")
_MERGED: Final = SQL(
    "{changed} - {key} || coalesce((SELECT jsonb_build_object({key}, jsonb_object_agg(label, value))"
    " FROM jsonb_each(coalesce({before} -> {key}, '{{}}') || coalesce({sent}, '{{}}')) AS merged(label, value)"
    " WHERE value <> 'null' HAVING count(*) > 0), '{{}}')"
)
"""What was not sent of the additional fields stays, what was sent as null goes."""
_KEY: Final = SQL("{name}::text").format(name=Literal(ADDITIONAL_MEMBER))

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
    if field.is_additional:
        yield from ((field.column, found) for found in (kept(value),) if found)
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


def change_text(fields: Sequence[Field], row: Row) -> str:
    """What comes into a row's document with a change, as JSON text; additional fields that go are null."""
    return dumps(_change(fields, row)).decode()


def documents_json(fields: Sequence[Field], rows: Sequence[Row]) -> str:
    """The documents of many rows as one JSON array."""
    return dumps([document_of(fields, row) for row in rows]).decode()


def patches_json(fields: Sequence[Field], rows: Sequence[Row]) -> tuple[str, str]:
    """Of rows that send some of ``fields``: names that leave their documents, as array literals, and what comes."""
    gone = ["{" + ",".join(_names(field for field in fields if field.name in row)) + "}" for row in rows]
    return dumps(gone).decode(), dumps([_change(fields, row) for row in rows]).decode()


def _change(fields: Sequence[Field], row: Row) -> dict[str, Json]:
    plain = document_of([field for field in fields if not field.is_additional], row)
    sent = {field.column: row[field.name] for field in fields if field.is_additional and row.get(field.name)}
    return {**plain, **sent}


def document_change(
    fields: Sequence[Field], alias: str, gone: Composable, patch: Composable, sent: Composable | None
) -> Composed:
    """What an UPDATE of these fields sets: all others stay as they are in the newest version of the row.

    ``sent`` are additional fields that join those that are there; without it they come as the patch has them.
    """
    place = fields[0].inside
    before = Identifier(alias, place) if alias else Identifier(place)
    changed = _CHANGED.format(document=Identifier(place), before=before, gone=gone, patch=patch)
    if sent is None or not any(field.is_additional for field in fields):
        return changed
    return _MERGED.format(changed=changed, before=before, sent=sent, key=_KEY)


def additional_in(document: Composable) -> Composed:
    """The additional fields that a document holds, or NULL."""
    return SQL("({document} -> {key})").format(document=document, key=_KEY)


def names_text(fields: Iterable[Field]) -> Literal:
    """The members of these fields as a constant array of texts."""
    return Literal(list(_names(fields)))


def _names(fields: Iterable[Field]) -> Iterator[str]:
    yield from (column.name for field in fields for column in columns_of(field))
