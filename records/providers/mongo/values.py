"""Canonical values as BSON and back: how each type is stored, what it is compared with, its text and its JSON.

A null is absent: ``None`` goes in and out of everything here, and is never written.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import jiter
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from bson.int64 import Int64

from datar.errors import FieldError, Invalid, InvalidFields, InvalidRows
from records.canonical import RefusedError
from records.fieldtypes import field_type
from records.jsontext import dumps
from records.limits import ERRORS_SHOWN
from records.providers.mongo.decimals import decimal_json, decimal_of, decimal_text
from records.providers.mongo.jsonvalues import shown_json, stored_json
from records.providers.mongo.layout import INSTANT, MICROSECONDS
from records.table import Field, Json, Table

Bson = Any
"""A value as pymongo takes and gives it."""
_EPOCH: Final = DatetimeMS(0)
_PLAIN_TIME: Final = len("23:59:59")
_NO_FRACTION: Final = ".000000"
_MILLISECOND: Final = 1000


def instant_of(moment: datetime) -> dict[str, Bson]:
    """An instant (UTC, naive) as it is stored: milliseconds, and the microseconds beyond them."""
    if not moment.microsecond:
        return {INSTANT: moment, MICROSECONDS: 0}
    beyond = moment.microsecond % _MILLISECOND
    return {INSTANT: moment.replace(microsecond=moment.microsecond - beyond), MICROSECONDS: beyond}


def moment_of(instant: Mapping[str, Bson]) -> datetime:
    """The instant (UTC, naive) that is stored so."""
    whole: datetime = instant[INSTANT]
    return whole.replace(microsecond=whole.microsecond + instant[MICROSECONDS])


def day_text(day: Bson) -> str:
    """A stored day as ``YYYY-MM-DD``; one beyond the years 1 to 9999 as PostgreSQL's infinity, as no day of ours is."""
    return day.date().isoformat() if isinstance(day, datetime) else "infinity" if day > _EPOCH else "-infinity"


def instant_text(instant: Mapping[str, Bson]) -> str:
    """A stored instant as ``YYYY-MM-DDTHH:MM:SS[.f]Z``; one beyond all years as ``day_text`` has it."""
    if not isinstance(instant[INSTANT], datetime):
        return day_text(instant[INSTANT])
    moment = moment_of(instant) if instant[MICROSECONDS] else instant[INSTANT]
    text: str = moment.isoformat()
    return f"{text.rstrip('0')}Z" if moment.microsecond else f"{text}Z"


def time_text(clock: str) -> str:
    """A time with six digits of a fraction as ``HH:MM:SS[.f]``."""
    return clock.rstrip("0").rstrip(".")


def stored_instant(text: str) -> dict[str, Bson]:
    """A canonical instant, ``…Z``, as it is stored."""
    return instant_of(datetime.fromisoformat(text.removesuffix("Z")))


def _stored_time(text: str) -> str:
    return text + _NO_FRACTION[len(text) - _PLAIN_TIME :]


def _stored_point(value: Sequence[int | Decimal]) -> list[Decimal128]:
    return [decimal_of(part) for part in value]


_STORED: Final[Mapping[str, Callable[[Json], Bson]]] = {
    "string/binary": base64.b64decode,
    "integer": Int64,
    "year": Int64,
    "number": decimal_of,
    "date": datetime.fromisoformat,
    "time": _stored_time,
    "datetime": stored_instant,
    "geopoint": _stored_point,
}
"""How a canonical value is stored, where it is not the value itself."""


def storing(field: Field) -> Callable[[Json], Bson] | None:
    """What turns a field's canonical values, none of them null, into what is stored; None: they are it."""
    kind = field_type(field)
    return stored_json if kind.is_json else _STORED.get(kind.name)


def encode(field: Field, value: Json) -> Bson:
    """A canonical value as it is stored. Raises RefusedError (``number_out_of_range``) for a number of too many digits.

    Of a duration that is its text; its length stands beside it.
    """
    if value is None:
        return None
    store = storing(field)
    return value if store is None else store(value)


def operand(field: Field, text: str) -> Bson:
    """A canonical text as the value that stored ones are compared with: of a duration its length in seconds.

    Raises Invalid (``number_out_of_range``) for a number of more digits than any stored one has.
    """
    try:
        return _operand(field, text)
    except RefusedError as refused:
        raise Invalid(f"Filter on '{field.name}': {refused.message}", code=refused.code) from None


def _operand(field: Field, text: str) -> Bson:
    if field.type in ("number", "duration"):
        return decimal_of(Decimal(text))
    if field.type == "boolean":
        return text == "true"
    if field_type(field).is_json:
        return stored_json(jiter.from_json(text.encode(), float_mode="decimal", allow_inf_nan=False))
    return encode(field, text)


def text_of(field: Field, value: Bson) -> str | None:
    """The canonical text of a compared value, which ``operand`` reads back."""
    if value is None:
        return None
    if isinstance(value, Decimal128):
        return decimal_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    shown = json_of(field, value)
    return shown if isinstance(shown, str) and not field_type(field).is_json else dumps(shown).decode()


def json_of(field: Field, value: Bson) -> Json:
    """What is stored as what orjson writes, decimals digit for digit as fragments."""
    if value is None:
        return None
    match field_type(field):
        case kind if kind.is_json:
            return _fragments(shown_json(value))
        case kind if kind.name in ("number", "geopoint"):
            return _fragments(value)
    match field.type:
        case "date":
            return day_text(value)
        case "datetime":
            return instant_text(value)
        case "time":
            return time_text(value)
    return base64.b64encode(value).decode() if isinstance(value, bytes) else _fragments(value)


def _fragments(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _fragments(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_fragments(item) for item in value]
    return decimal_json(value) if isinstance(value, Decimal128) else value


def key_of(table: Table, row: Mapping[str, Json]) -> Bson:
    """The ``_id`` of a row of canonical values: its key, of a composite one a document of the parts in their order."""
    return _key(table, [encode(field, row[field.name]) for field in table.key_fields])


def keys_of(table: Table, rows: Sequence[Mapping[str, Json]]) -> list[Bson]:
    """The same of many rows; what the key's fields need is looked up once."""
    columns = []
    for field in table.key_fields:
        store = storing(field)
        found = [row[field.name] for row in rows]
        columns.append(found if store is None else [None if value is None else store(value) for value in found])
    return columns[0] if len(columns) == 1 else [_key(table, parts) for parts in zip(*columns, strict=True)]


def key_from_texts(table: Table, texts: Sequence[str]) -> Bson:
    """The same of canonical texts, in the key's order."""
    return _key(table, [operand(field, text) for field, text in zip(table.key_fields, texts, strict=True)])


def _key(table: Table, parts: Sequence[Bson]) -> Bson:
    if len(parts) == 1:
        return parts[0]
    return {field.column: part for field, part in zip(table.key_fields, parts, strict=True)}


def value_at(document: Mapping[str, Bson], path: str) -> Bson:
    """The value at one of ``path_of``'s paths; None where there is none."""
    first, _, inner = path.partition(".")
    value = document.get(first)
    return value.get(inner) if inner and value is not None else value


def check_rows(
    fields: Sequence[Field], rows: Sequence[Mapping[str, Json]], *, single: bool = False, places: Sequence[int] = ()
) -> None:
    """Raise InvalidFields (of a single row) or InvalidRows where a value cannot be stored; nothing is written before.

    ``places`` are the rows' places in the body, where others stand between them.
    """
    errors, invalid = [], 0
    exact = numeric(fields)
    for index, row in enumerate(rows) if exact else ():
        found = row_errors(exact, row, places[index] if places else index)
        invalid += bool(found)
        errors += found if invalid <= ERRORS_SHOWN else []
    if errors and single:
        raise InvalidFields([FieldError(each.field, each.code, each.message) for each in errors])
    if errors:
        raise InvalidRows(errors, len(rows), invalid)


def numeric(fields: Sequence[Field]) -> list[Field]:
    """Those of the fields whose values may hold a number that cannot be stored."""
    return [field for field in fields if field.type in ("number", "geopoint") or field_type(field).is_json]


def row_errors(fields: Sequence[Field], row: Mapping[str, Json], index: int) -> list[FieldError]:
    """What keeps a row from being stored, field by field."""
    errors = []
    for field in fields:
        try:
            encode(field, row.get(field.name))
        except RefusedError as refused:
            errors.append(FieldError(field.name, refused.code, refused.message, index))
    return errors
