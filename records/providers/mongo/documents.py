"""Rows of canonical values as documents: whole new ones, and what changes one that is there.

What a table's fields need is looked up once; a write of many rows only goes through them.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

from bson.int64 import Int64

from records.durations import duration_seconds
from records.providers.mongo.decimals import decimal_of
from records.providers.mongo.layout import KEY, WORDS, is_in_key, path_of
from records.providers.mongo.values import Bson, instant_of, keys_of, storing, value_at
from records.providers.mongo.words import words_of
from records.searched import searched_fields
from records.stamp import NOW, UPDATED_FIELD, stamped
from records.system import CREATED, UPDATED, VERSION
from records.table import Field, Json, Table

Document = dict[str, Bson]
Row = Mapping[str, Json]
Store = Callable[[Json], Bson]
_TABLES_KEPT: Final = 256


class _Members:
    """What fields put into a document, outside its key."""

    def __init__(self, fields: Sequence[Field]) -> None:
        plain = [field for field in fields if field.type not in ("datetime", "duration")]
        self._plain = [(field.name, field.column) for field in plain if storing(field) is None]
        self._turned = [(field.name, field.column, store) for field in plain if (store := storing(field)) is not None]
        instants = ((field, storing(field)) for field in fields if field.type == "datetime")
        self._instants = [(field.name, field.column, store) for field, store in instants if store is not None]
        self._lengths = [(field.name, field.column, field.beside) for field in fields if field.type == "duration"]

    def write(self, row: Row, document: Document, instant: Document) -> None:
        """Put the row's values there; ``instant`` is that of the write. A null is absent."""
        get = row.get
        for name, column in self._plain:
            if (value := get(name)) is not None:
                document[column] = value
        for name, column, store in self._turned:
            if (value := get(name)) is not None:
                document[column] = store(value)
        for name, column, store in self._instants:
            if (value := get(name)) is not None:
                document[column] = instant if value == NOW else store(value)
        for name, column, beside in self._lengths:
            if (value := get(name)) is not None:
                document[column], document[beside] = value, decimal_of(duration_seconds(value))


@lru_cache(maxsize=_TABLES_KEPT)
def _members_of(table: Table, columns: tuple[str, ...]) -> _Members:
    known = {field.column: field for field in table.fields}
    return _Members([known[column] for column in columns if not is_in_key(table, known[column])])


def document_of(table: Table, fields: Sequence[Field], row: Row, *, now: datetime, version: int) -> Document:
    """A whole new document; ``row`` is canonical and holds its key. ``now`` is the write's instant (UTC, naive)."""
    return documents_of(table, fields, [row], now=now, versions=[version])[0]


def documents_of(
    table: Table, fields: Sequence[Field], rows: Sequence[Row], *, now: datetime, versions: Sequence[int]
) -> list[Document]:
    """The same of many rows, with a version for each."""
    members = _members_of(table, tuple([field.column for field in fields]))
    instant, searched = instant_of(now), bool(table.search_fields)
    documents = []
    for row, key, version in zip(rows, keys_of(table, rows), versions, strict=True):
        document: Document = {KEY: key}
        members.write(row, document, instant)
        document[CREATED] = document[UPDATED] = instant
        document[VERSION] = Int64(version)
        if searched:
            document[WORDS] = words_of(table, row)
        documents.append(document)
    return documents


def changes_of(
    table: Table,
    fields: Sequence[Field],
    row: Row,
    *,
    now: datetime,
    version: int,
    stored: Mapping[str, Bson] | None = None,
) -> tuple[Document, list[str]]:
    """What sets these fields in a document: members set, and paths unset. Fields absent from the row stay as they are.

    Parts of the key are left alone. ``stored`` is the document as it was: it is needed where ``needs_stored`` says so.
    """
    sent = [field for field in fields if field.name in row and not is_in_key(table, field)]
    instant = instant_of(now)
    changes: Document = {UPDATED: instant, VERSION: Int64(version)}
    _members_of(table, tuple([field.column for field in sent])).write(row, changes, instant)
    removed = [path for field in sent if row[field.name] is None for path in _places(field)]
    declared = stamped(table, UPDATED_FIELD)
    if declared is not None and declared not in sent:
        changes[declared.column] = instant
    if _is_searched(table, sent):
        changes[WORDS] = words_of(table, _searched_row(table, row, stored or {}))
    return changes, removed


def needs_stored(table: Table, fields: Sequence[Field]) -> bool:
    """Whether a change of these fields must know the others: some that are searched together with them."""
    return _is_searched(table, fields) and any(field not in fields for field, _ in searched_fields(table))


def _places(field: Field) -> tuple[str, ...]:
    return (field.column, field.beside) if field.type == "duration" else (field.column,)


def _is_searched(table: Table, fields: Sequence[Field]) -> bool:
    return bool(table.search_fields) and any(field in fields for field, _ in searched_fields(table))


def _searched_row(table: Table, row: Row, stored: Mapping[str, Bson]) -> dict[str, Json]:
    """The texts of the row as it will be; a stored text is canonical."""
    return {
        field.name: row[field.name] if field.name in row else value_at(stored, path_of(table, field))
        for field, _ in searched_fields(table)
    }
