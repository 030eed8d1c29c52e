"""JSON values as BSON and back: keys that a server or a driver would read as orders of its own, numbers, order of keys.

Equal values are equal documents: keys stand in one order, jsonb's, shorter ones first and then by bytes.
"""

from decimal import Decimal
from typing import Final

from bson.decimal128 import Decimal128
from bson.int64 import Int64

from records.canonical import INTEGER_LEAST, INTEGER_MOST
from records.jsontext import dumps
from records.providers.mongo.decimals import decimal_of, decimal_text
from records.table import Json

_ESCAPED: Final = ("$", "~")
_ESCAPE: Final = "~"


def stored_key(key: str) -> str:
    """A key of a JSON object as the name of a member."""
    return _ESCAPE + key if key.startswith(_ESCAPED) else key


def shown_key(name: str) -> str:
    """The key that a member's name stands for."""
    return name[1:] if name.startswith(_ESCAPE) else name


def stored_json(value: Json) -> Json:
    """A JSON value as BSON. Raises RefusedError (``number_out_of_range``) for a number of too many digits."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is int:
        return Int64(value) if INTEGER_LEAST <= value <= INTEGER_MOST else decimal_of(value)
    if kind is Decimal:
        return decimal_of(value)
    if kind is dict:
        return {stored_key(key): stored_json(value[key]) for key in (sorted(value, key=_place) if value else ())}
    return [stored_json(item) for item in value]


def shown_json(value: Json) -> Json:
    """The JSON value with its own keys again; decimals are left as they are."""
    if isinstance(value, dict):
        return {shown_key(name): shown_json(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shown_json(item) for item in value]
    return value


def json_cell(value: Json) -> str:
    """The stored value as PostgreSQL writes jsonb: a blank after commas and colons between parts."""
    if isinstance(value, dict):
        members = (f"{dumps(shown_key(name)).decode()}: {json_cell(item)}" for name, item in value.items())
        return f"{{{', '.join(members)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(json_cell, value))}]"
    return decimal_text(value) if isinstance(value, Decimal128) else dumps(value).decode()


def _place(key: str) -> tuple[int, bytes]:
    encoded = key.encode()
    return len(encoded), encoded
