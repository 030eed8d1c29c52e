"""Documents as rows of JSON text, and as lines of CSV and NDJSON.

A page is turned column by column and written by orjson at once: per value there is little to do, or nothing.
"""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, Literal

import orjson
from bson.decimal128 import Decimal128

from records.exports import Form, quoted, quoted_if_needed
from records.fieldtypes import FIELD_TYPES, field_type
from records.kept import Kept
from records.plan import Populated
from records.providers.mongo.decimals import decimal_json, decimal_text
from records.providers.mongo.jsonvalues import json_cell, shown_json
from records.providers.mongo.layout import INSTANT, MICROSECONDS, path_of
from records.providers.mongo.values import day_text, instant_text, time_text
from records.providers.postgres.rowtext import row_labels
from records.system import SYSTEM_COLUMNS, VERSION
from records.table import Field, Json, Table

Document = Mapping[str, Any]
Documents = Sequence[Document]
Convert = Callable[[Any], Any]
Depth = Literal["plain", "keyed", "spaced"]
"""How JSON values are written: as they are stored; with their own keys; as PostgreSQL spaces them in a cell."""
_OPTIONS: Final = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z
_ESCAPED_KEY: Final = b'"~'
"""Without it in a text no key of a JSON value was escaped. A text of the client's may hold it too: that costs time."""


def populated_member(place: int) -> str:
    """The member that holds the rows of a level's populated relation of that number, a list also of one."""
    return f"_p{place}"


class RowWriter:
    """Writes documents of ``table``; of ``meta`` with the service's own columns. ``labels`` are those of the cells."""

    def __init__(
        self, table: Table, fields: Sequence[Field], populated: Sequence[Populated] = (), *, meta: bool = False
    ) -> None:
        relations = {each.relation.name: _Relation(place, each) for place, each in enumerate(populated)}
        columns = {field.name: _Column(path_of(table, field), field_type(field).name) for field in fields}
        own = row_labels(fields, populated)
        self._columns: list[_Column | _Relation] = [relations.get(label) or columns[label] for label in own]
        if meta:
            self._columns += [_Column(name, "integer" if name == VERSION else "datetime") for name in SYSTEM_COLUMNS]
        self.labels = [*own, *(SYSTEM_COLUMNS if meta else ())]
        self.holds_json: bool = any(column.holds_json for column in self._columns)

    def page(self, documents: Documents) -> bytes:
        """Rows as JSON texts joined by commas."""
        return self._dumped(documents)[1:-1]

    def rows(self, documents: Documents) -> list[bytes]:
        """Rows as JSON texts, one by one."""
        dumped = [_exact(dumps(row)) for row in self.objects(documents, "plain")]
        if self.holds_json and any(_ESCAPED_KEY in text for text in dumped):
            return [_exact(dumps(row)) for row in self.objects(documents, "keyed")]
        return dumped

    def row(self, document: Document) -> bytes:
        """One row as JSON text."""
        return self.page([document])

    def lines(self, documents: Documents, form: Form) -> Iterator[bytes]:
        """Rows as lines without their ends."""
        if form == "ndjson":
            return iter(self.rows(documents))
        return (",".join(cells).encode() for cells in self._cells(documents))

    def line(self, document: Document, form: Form) -> bytes:
        """One row as a line without its end."""
        return next(self.lines([document], form))

    def cells(self, document: Document) -> list[str]:
        """One row as cells of CSV, quoted where they must be: a text as it is, what is null as nothing."""
        return list(next(self._cells([document])))

    def objects(self, documents: Documents, depth: Depth) -> list[dict[str, Json]]:
        """Rows as what orjson writes, with ``dumps``."""
        columns = [column.values(documents, depth) for column in self._columns]
        if not columns:
            return [{} for _ in documents]
        labels = self.labels
        return [dict(zip(labels, row, strict=True)) for row in zip(*columns, strict=True)]

    def _dumped(self, documents: Documents) -> bytes:
        text = dumps(self.objects(documents, "plain"))
        if self.holds_json and _ESCAPED_KEY in text:
            return dumps(self.objects(documents, "keyed"))
        return text

    def _cells(self, documents: Documents) -> Iterator[Sequence[str]]:
        return zip(*(column.cells(documents) for column in self._columns), strict=True)


_WRITERS_KEPT: Final = 2_000
_writers: Kept[tuple[Table, tuple[str, ...], bool], RowWriter] = Kept(_WRITERS_KEPT)


def row_writer(
    table: Table, fields: Sequence[Field], populated: Sequence[Populated] = (), *, meta: bool = False
) -> RowWriter:
    """Such a writer; those without relations are kept, for all requests."""
    if populated:
        return RowWriter(table, fields, populated, meta=meta)
    shape = (table, tuple([field.column for field in fields]), meta)
    known = _writers.get(shape)
    if known is None:
        known = RowWriter(table, fields, meta=meta)
        _writers.put(shape, known)
    return known


class _Column:
    """A field's place in documents."""

    def __init__(self, path: str, kind: str) -> None:
        self._member, _, self._part = path.partition(".")
        self._cell = _CELLS[kind]
        self.holds_json = FIELD_TYPES[kind].is_json
        shown = _SHOWN.get(kind)
        self._converts: dict[Depth, Convert | None] = {"plain": shown, "keyed": shown, "spaced": shown}
        if self.holds_json:
            self._converts = {"plain": None, "keyed": shown_json, "spaced": _spaced}

    def values(self, documents: Documents, depth: Depth) -> list[Json]:
        """The column as what orjson writes."""
        found, convert = self._found(documents), self._converts[depth]
        return found if convert is None else [None if value is None else convert(value) for value in found]

    def cells(self, documents: Documents) -> list[str]:
        """The column as cells of CSV."""
        write = self._cell
        return ["" if value is None else write(value) for value in self._found(documents)]

    def _found(self, documents: Documents) -> list[Any]:
        member, part = self._member, self._part
        if part:
            return [document[member].get(part) for document in documents]
        return [document.get(member) for document in documents]


class _Relation:
    """A populated relation: an object or null, or an array."""

    def __init__(self, place: int, populated: Populated) -> None:
        relation = populated.relation
        self._member = populated_member(place)
        self._many = relation.many
        self._rows = RowWriter(relation.target, relation.target.fields, populated.populated)
        self.holds_json = self._rows.holds_json

    def values(self, documents: Documents, depth: Depth) -> list[Json]:
        """The rows of all documents are turned together, then dealt out."""
        found = [document.get(self._member) or () for document in documents]
        rows = iter(self._rows.objects([row for rows in found for row in rows], depth))
        dealt = [[next(rows) for _ in each] for each in found]
        return dealt if self._many else [each[0] if each else None for each in dealt]

    def cells(self, documents: Documents) -> list[str]:
        """As JSON text in quotes; of no row nothing."""
        values = self.values(documents, "spaced")
        return ["" if value is None else quoted(dumps(value).decode()) for value in values]


def dumps(value: Json) -> bytes:
    """JSON text of what ``objects`` gives."""
    return orjson.dumps(value, _plain, _OPTIONS)


def _exact(text: bytes) -> bytes:
    """The same in as much memory as it needs: what orjson gives holds 4 KB, however short it is."""
    return bytes(memoryview(text))


def _plain(value: Any) -> Json:
    if isinstance(value, Decimal128):
        return decimal_json(value)
    if isinstance(value, bytes):
        return _base64(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _shown_day(value: Any) -> date | str:
    return value.date() if isinstance(value, datetime) else day_text(value)


def _shown_instant(value: Mapping[str, Any]) -> datetime | str:
    whole = value[INSTANT]
    if not isinstance(whole, datetime) or value[MICROSECONDS] or whole.microsecond:
        return instant_text(value)
    return whole


def _spaced(value: Json) -> orjson.Fragment:
    return orjson.Fragment(json_cell(value))


_SHOWN: Final[Mapping[str, Convert]] = {
    "number": decimal_json,
    "date": _shown_day,
    "time": time_text,
    "datetime": _shown_instant,
}
"""What orjson cannot write as it is stored, or only by asking for each."""


def _json_text(value: Json) -> str:
    return quoted(value if isinstance(value, str) else json_cell(value))


def _bytes_text(value: bytes) -> str:
    return _base64(value) or quoted("")


def _point_text(value: Sequence[Decimal128]) -> str:
    return quoted(f"[{','.join(map(decimal_text, value))}]")


def _flag_text(value: object) -> str:
    return "true" if value else "false"


_CELLS: Final[Mapping[str, Callable[[Any], str]]] = {
    kind.name: _json_text if kind.is_json else quoted_if_needed if kind.is_text else str
    for kind in FIELD_TYPES.values()
} | {
    "string/binary": _bytes_text,
    "number": decimal_text,
    "geopoint": _point_text,
    "boolean": _flag_text,
    "date": day_text,
    "time": time_text,
    "datetime": instant_text,
}
"""How a value that is not null stands in a cell of CSV, by the name of its type."""
