"""What MongoDB refuses because a value is there already → the same conflict that PostgreSQL's refusal becomes."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError, OperationFailure, PyMongoError

from datar.errors import SQLSTATES, Conflict, DatarError
from records.durations import duration_seconds
from records.payload import repeated, same_key_twice
from records.providers.mongo.decimals import decimal_of
from records.providers.mongo.layout import KEY, compared_path
from records.providers.mongo.references import marked, only
from records.providers.mongo.server import Document, Server
from records.providers.mongo.values import Bson, encode, value_at
from records.providers.postgres.ddl import index_name, named_fields, unique_name
from records.providers.postgres.errors import with_fields
from records.stamp import NOW
from records.table import Json, Table

_DUPLICATE: Final = 11000
_INDEX: Final = re.compile(r" index: (\S+) dup key")
_KEY_INDEX: Final = "_id_"
_ASKED_AT_ONCE: Final = 1_000
"""Rows that one question looks for."""

Rows = Sequence[Mapping[str, Json]]


def index_on(table: Table, names: tuple[str, ...]) -> str:
    """The name of the index that keeps the rows distinct in these unique fields."""
    return _KEY_INDEX if names == table.primary_key else unique_name(table, names)


@dataclass(frozen=True, slots=True)
class Clash:
    """The index that a write ran into, by its name."""

    index: str

    @property
    def on_key(self) -> bool:
        """Whether it was the primary key."""
        return self.index == _KEY_INDEX

    def fields(self, table: Table) -> tuple[str, ...]:
        """The labels that the index speaks of; none where nobody knows it."""
        return table.primary_key if self.on_key else named_fields(table).get(self.index, ())

    def is_partial(self, table: Table) -> bool:
        """Whether it is an index of only some rows: which of those sent are among them, we do not know."""
        return any(
            index.where is not None and index_name(table, index.fields, index.name) == self.index
            for index in table.indexes
        )


def clash_of(error: PyMongoError) -> Clash | None:
    """What index it was; None of any other error."""
    details: Any = error.details if isinstance(error, OperationFailure) else None
    if isinstance(error, BulkWriteError):
        details = next(iter((details or {}).get("writeErrors") or ()), None)
    if not details or details.get("code") != _DUPLICATE:
        return None
    found = _INDEX.search(str(details.get("errmsg", "")))
    return Clash(found[1]) if found else None


def explained(server: Server, clash: Clash, table: Table, rows: Rows, own: tuple[str, ...] = ()) -> DatarError:
    """The conflict with its fields and, of several rows, the index of the first it concerns.

    ``rows`` are those sent, in their order, none of a single one; ``own`` are the fields by which the write finds the
    row it changes: that row does not stand against itself.
    """
    _, code, detail = SQLSTATES["23505"]
    known, names = Conflict(detail, code=code), clash.fields(table)
    if not names:
        return known
    if not rows or clash.is_partial(table):
        return with_fields(known, names, None)
    for first, later in repeated(table, names, [dict(row) for row in rows]):
        return same_key_twice(names, first, later)
    return with_fields(known, names, next(iter(taken(server, table, names, rows, own=own)), None))


def taken(
    server: Server,
    table: Table,
    names: Sequence[str],
    rows: Rows,
    *,
    own: tuple[str, ...] = (),
    session: ClientSession | None = None,
) -> list[int]:
    """Places of the rows whose values in these fields a stored row has; ``own`` as in ``explained``."""
    wanted = [_comparable(_values(table, names, row)) for row in rows]
    stored: dict[Json, set[Json]] = {}
    collection = server.collection(table)
    paths = _paths(table, names)
    for asked in _questions(table, names, rows):
        for document in collection.find(asked, only([*paths, *_paths(table, own)]), session=session):
            key = _comparable([value_at(document, path) for path in paths])
            itself = _comparable([value_at(document, path) for path in _paths(table, own)])
            stored.setdefault(key, set()).add(itself)
    return [
        place
        for place, (key, row) in enumerate(zip(wanted, rows, strict=True))
        if key is not None and stored.get(key, set()) - _itself(table, own, row)
    ]


def stored_by(
    server: Server, table: Table, names: tuple[str, ...], rows: Rows, session: ClientSession
) -> list[Document | None]:
    """For each row the stored document that has its values in these unique fields; None where there is none."""
    paths = _paths(table, names)
    found: dict[Json, Document] = {}
    for asked in _questions(table, names, rows):
        for document in server.collection(table).find(asked, session=session):
            found[_comparable([value_at(document, path) for path in paths])] = document
    return [found.get(_comparable(_values(table, names, row))) for row in rows]


def _itself(table: Table, own: tuple[str, ...], row: Mapping[str, Json]) -> set[Json]:
    return {_comparable(_values(table, own, row))} - {None} if own else set()


def _questions(table: Table, names: Sequence[str], rows: Rows) -> Iterator[Document]:
    """Filters that together find every stored row with the values of one of these."""
    paths = _paths(table, names)
    known = [values for row in rows if None not in (values := _values(table, names, row))]
    for start in range(0, len(known), _ASKED_AT_ONCE):
        part = known[start : start + _ASKED_AT_ONCE]
        if len(paths) == 1:
            yield {paths[0]: {"$in": [values[0] for values in part]}}
        elif tuple(names) == table.primary_key:
            keys = [dict(zip((each.column for each in table.key_fields), values, strict=True)) for values in part]
            yield {KEY: {"$in": keys}}
        else:
            yield {"$or": [dict(zip(paths, values, strict=True)) for values in part]}


def _paths(table: Table, names: Iterable[str]) -> list[str]:
    return [compared_path(table, table.by_name[name]) for name in names]


def _values(table: Table, names: Iterable[str], row: Mapping[str, Json]) -> list[Bson]:
    """A row's values in these fields as they are compared; the write's own instant, which nobody knows yet, as none."""
    return [_value(table, name, row.get(name)) for name in names]


def _value(table: Table, name: str, value: Json) -> Bson:
    field = table.by_name[name]
    if value is None or (value == NOW and field.type == "datetime"):
        return None
    return decimal_of(duration_seconds(value)) if field.type == "duration" else encode(field, value)


def _comparable(values: Sequence[Bson]) -> Json:
    """Stored values as something to look up by, equal where MongoDB finds them equal; None where one is missing."""
    return None if None in values else marked(tuple(values))


def mark_of(table: Table, names: Iterable[str], row: Mapping[str, Json]) -> Json:
    """A row's values in these unique fields as something to compare; None where one is null and so equals nothing."""
    return _comparable(_values(table, names, row))


def stored_marks(
    server: Server, table: Table, names: Sequence[str], rows: Rows, of: Document, session: ClientSession
) -> set[Json]:
    """The marks of these rows that a stored row has, of those that the filter ``of`` finds."""
    paths = _paths(table, names)
    kept = only(paths)
    return {
        _comparable([value_at(document, path) for path in paths])
        for asked in _questions(table, names, rows)
        for document in server.collection(table).find({"$and": [asked, of]}, kept, session=session)
    }
