"""Foreign keys of rows that are written: whose rows they lead to, and whether these are there.

MongoDB knows no foreign keys. What keeps a parent from leaving while its child comes is the ledger (``parents_of``).
Only keys within this store are looked at here (``held_keys``); those that lead to another are the engine's.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final

from bson.decimal128 import Decimal128
from pymongo.client_session import ClientSession

from datar.errors import Conflict
from records.catalog import Catalog
from records.orphans import lost_parent, points_home
from records.providers.mongo.layout import KEY, path_of
from records.providers.mongo.server import Document, Server
from records.providers.mongo.values import Bson, instant_of, storing, value_at
from records.stamp import NOW
from records.table import Field, ForeignKey, Json, Table

Reference = tuple[Bson, ...]
"""Stored values of a foreign key's fields, or of what it leads to; none of them null."""
_ASKED_AT_ONCE: Final = 5_000
"""Values in one question, so that it stays below MongoDB's 16 MB; a batch of few rows asks once for each key."""


def held_keys(table: Table, names: Collection[str] | None = None) -> list[ForeignKey]:
    """The enforced foreign keys of a table whose parents this store keeps; of ``names`` where only these change."""
    return [
        key
        for key in table.foreign_keys
        if key.enforced
        and key.store == table.identity.store
        and (names is None or not set(names).isdisjoint(key.fields))
    ]


def parents_of(table: Table, catalog: Catalog, names: Collection[str] | None = None) -> tuple[Table, ...]:
    """The tables that a write of these fields (None: of all) refers to: the ledger holds them for as long."""
    found = (parent_of(table, key, catalog) for key in held_keys(table, names))
    return tuple(dict.fromkeys(parent for parent in found if parent is not None and parent is not table))


def parent_of(table: Table, key: ForeignKey, catalog: Catalog) -> Table | None:
    """The table that a key leads to; None when there is none any more."""
    return table if points_home(table, key) else catalog.parent(key.target_app, key.target_table)


def check_parents(
    server: Server,
    session: ClientSession | None,
    table: Table,
    rows: Sequence[Mapping[str, Json]],
    catalog: Catalog,
    *,
    names: Collection[str] | None = None,
    single: bool = False,
    now: datetime | None = None,
) -> None:
    """Raise Conflict where a canonical row leads to a row that is not there; rows of the batch are there already.

    One question for each foreign key. ``names`` are the fields that change (None: all). Of a batch that is not
    ``single`` the first row is named by its place. ``now`` is the write's instant, where rows may be stamped with it.
    """
    keys = held_keys(table, names)
    _refuse_first(keys, [orphans(server, session, table, key, rows, catalog, now=now) for key in keys], single=single)


def check_documents(
    server: Server,
    session: ClientSession,
    table: Table,
    documents: Sequence[Document],
    catalog: Catalog,
    *,
    names: Collection[str] | None = None,
    single: bool = False,
) -> None:
    """The same of documents that were written already, in this transaction."""
    keys = held_keys(table, names)
    found = []
    for key in keys:
        reads = reader(table, key.fields)
        found.append(_orphans(server, session, table, key, [reads(document) for document in documents], catalog))
    _refuse_first(keys, found, single=single)


def _refuse_first(keys: Sequence[ForeignKey], found: Sequence[Sequence[int]], *, single: bool) -> None:
    """Raise for the first row that lost a parent, and its first key that did, as PostgreSQL does."""
    lost_ones = [(places[0], number) for number, places in enumerate(found) if places]
    if lost_ones:
        place, number = min(lost_ones)
        raise lost(keys[number], None if single else place)


def lost(key: ForeignKey, place: int | None) -> Conflict:
    """The conflict of a row without its parent; ``place`` in the batch, None of a single one."""
    error = lost_parent(key)
    error.extra["fields"] = list(key.fields)
    if place is not None:
        error.extra["index"] = place
    return error


def orphans(
    server: Server,
    session: ClientSession | None,
    table: Table,
    key: ForeignKey,
    rows: Sequence[Mapping[str, Json]],
    catalog: Catalog,
    *,
    now: datetime | None = None,
    home: bool = True,
) -> list[int]:
    """Places of the rows that lead along this key at a row that is neither stored nor, with ``home``, among them."""
    references = _references(table, key.fields, rows, now)
    here: set[Json] = set()
    if home and points_home(table, key):
        here = {marked(own) for own in _references(table, key.target_fields, rows, now) if own is not None}
    return _orphans(server, session, table, key, references, catalog, here)


def _orphans(
    server: Server,
    session: ClientSession | None,
    table: Table,
    key: ForeignKey,
    references: Sequence[Reference | None],
    catalog: Catalog,
    here: Collection[Json] = (),
) -> list[int]:
    marks = [None if reference is None else marked(reference) for reference in references]
    wanted = {
        mark: reference
        for mark, reference in zip(marks, references, strict=True)
        if reference is not None and mark not in here
    }
    parent = parent_of(table, key, catalog) if wanted else None
    known = set(here)
    if parent is not None:
        reads = reader(parent, key.target_fields)
        shown = paths_of(parent, key.target_fields)
        for found in find_by(server, session, parent, key.target_fields, wanted.values(), shown):
            known.add(marked(reads(found)))
    return [place for place, mark in enumerate(marks) if mark is not None and mark not in known]


def find_by(
    server: Server,
    session: ClientSession | None,
    table: Table,
    names: Sequence[str],
    references: Iterable[Reference],
    shown: Iterable[str] | None,
) -> Iterator[Document]:
    """The documents whose fields ``names`` hold one of these: their key and the paths ``shown``, whole with None."""
    kept = None if shown is None else only(shown)
    for asked in filters(table, names, references):
        yield from server.collection(table).find(asked, kept, session=session)


def paths_of(table: Table, names: Iterable[str]) -> list[str]:
    """The paths of fields."""
    return [path_of(table, table.by_name[name]) for name in names]


def only(paths: Iterable[str]) -> Document:
    """The projection of the key, whole, and of these paths."""
    return {KEY: 1} | {path: 1 for path in paths if not path.startswith(f"{KEY}.")}


def filters(table: Table, names: Sequence[str], references: Iterable[Reference]) -> Iterator[Document]:
    """What finds the rows whose fields hold one of these, in few questions that an index serves."""
    rest = iter(references)
    while part := list(islice(rest, _ASKED_AT_ONCE)):
        yield _filter(table, names, part)


def _filter(table: Table, names: Sequence[str], references: Sequence[Reference]) -> Document:
    fields = [table.by_name[name] for name in names]
    if len(fields) == 1:
        return {path_of(table, fields[0]): {"$in": [reference[0] for reference in references]}}
    if set(names) == set(table.primary_key):
        order = [names.index(name) for name in table.primary_key]
        return {KEY: {"$in": [_whole_key(table, [each[place] for place in order]) for each in references]}}
    return _grouped(fields, paths_of(table, names), references)


def _whole_key(table: Table, parts: Sequence[Bson]) -> Document:
    return {field.column: part for field, part in zip(table.key_fields, parts, strict=True)}


def _grouped(fields: Sequence[Field], paths: Sequence[str], references: Sequence[Reference]) -> Document:
    """A branch for each value of all parts but one, so that there are few: that one is the part of most values."""
    spread = [len({marked((each[place],)) for each in references}) for place in range(len(fields))]
    last = spread.index(max(spread))
    groups: dict[Json, tuple[Reference, list[Bson]]] = {}
    for each in references:
        rest = each[:last] + each[last + 1 :]
        groups.setdefault(marked(rest), (rest, []))[1].append(each[last])
    others = [*paths[:last], *paths[last + 1 :]]
    return {
        "$or": [{**dict(zip(others, rest, strict=True)), paths[last]: {"$in": many}} for rest, many in groups.values()]
    }


def reader(table: Table, names: Sequence[str]) -> Callable[[Mapping[str, Bson]], Any]:
    """What takes the values of these fields out of a document: a Reference, None where one of them is null."""
    paths = paths_of(table, names)

    def read(document: Mapping[str, Bson]) -> Reference | None:
        values = tuple(value_at(document, path) for path in paths)
        return None if None in values else values

    return read


def marked(values: Reference) -> Json:
    """Stored values as something to look up by, equal where MongoDB finds them equal."""
    return tuple(map(_mark, values))


def _mark(value: Bson) -> Json:
    if isinstance(value, Decimal128):
        return value.to_decimal()
    if isinstance(value, dict):
        return tuple((key, _mark(inner)) for key, inner in value.items())
    return tuple(map(_mark, value)) if isinstance(value, list) else value


def _references(
    table: Table, names: Sequence[str], rows: Sequence[Mapping[str, Json]], now: datetime | None
) -> list[Reference | None]:
    """What canonical rows hold in these fields, as it is stored: None where one of them is null."""
    columns = [_column(table.by_name[name], rows, now) for name in names]
    return [None if None in values else values for values in zip(*columns, strict=True)]


def _column(field: Field, rows: Sequence[Mapping[str, Json]], now: datetime | None) -> list[Bson]:
    found, store = [row.get(field.name) for row in rows], storing(field)
    if store is None:
        return found
    stamp = None if now is None else instant_of(now)
    if field.type == "datetime":
        return [stamp if value == NOW else None if value is None else store(value) for value in found]
    return [None if value is None else store(value) for value in found]
