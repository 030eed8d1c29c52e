"""Text from a URL → the canonical text of a field's value, by the same rules as a body's value. Knows no operators."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final

import jiter

from datar.errors import Invalid
from records import canonical
from records.durations import duration_seconds
from records.fieldtypes import field_type
from records.jsontext import dumps
from records.lists import split_list
from records.rules import canonical_value
from records.table import Field, Json

_INTEGER: Final = re.compile(r"-?[0-9]{1,20}")
_NUMBER: Final = re.compile(r"-?[0-9]{1,200}(\.[0-9]{1,200})?([eE][-+]?[0-9]{1,4})?")
_LONG_INTEGER: Final = re.compile(r"-?[0-9]+")
_LONG_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_BEYOND: Final = 10**1000
"""Stands for a number too long to be read: out of every range."""
_JSON_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]{0,199})(\.[0-9]{1,200})?([eE][-+]?[0-9]{1,4})?")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TEMPORAL: Final = frozenset({"date", "time", "datetime", "yearmonth", "duration"})
_BLANK_ZONE: Final = re.compile(r"(.*[0-9]) ([0-9]{2}:[0-9]{2})")


def coerce(field: Field, text: str) -> str:
    """The text as the field's value, canonical. Raises Invalid (code of the type) when it is none."""
    try:
        value = field_type(field).canonical(_read(field, text))
    except canonical.RefusedError as refused:
        raise Invalid(f"Filter on '{field.name}': {refused.message}", code=refused.code) from None
    return _text(field, value)


def coerce_json(field: Field, value: Json) -> str:
    """A JSON value as the field's value, canonical, strictly typed; days and instants may be written as in a URL."""
    if field.type in _TEMPORAL and isinstance(value, str):
        return coerce(field, value)
    if not isinstance(value, str | int | Decimal):
        raise Invalid(f"Filter on '{field.name}': send a text, a number or a boolean.", code="invalid_filter")
    try:
        return _text(field, canonical_value(field_type(field), value))
    except canonical.RefusedError as refused:
        raise Invalid(f"Filter on '{field.name}': {refused.message}", code=refused.code) from None


def read_json(text: str) -> Json:
    """A text of a URL as a JSON scalar: a JSON number, ``true``, ``false``, a text in double quotes, else the text."""
    if _JSON_NUMBER.fullmatch(text):
        return Decimal(text) if any(sign in text for sign in ".eE") else int(text)
    return {"true": True, "false": False}.get(text) if text in ("true", "false") else read_text(text)


def read_text(text: str) -> str:
    """A text of a URL where JSON is due: what the double quotes hold, else as it is."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        try:
            return str(jiter.from_json(text.encode()))
        except ValueError:
            return text
    return text


def read_whole(text: str, name: str) -> Json:
    """A JSON object or array when the text begins as one, else a scalar. Raises Invalid (``invalid_filter``)."""
    return _parsed(text, name) if text[:1] in ("[", "{") else read_json(text)


def read_items(text: str, name: str, read: Callable[[str], Json]) -> list[Json]:
    """A JSON array, or terms between commas, each read; a comma in double quotes does not part. Raises Invalid."""
    if text.startswith("["):
        items: list[Json] = _parsed(text, name)
        return items
    return [read(part) for part in split_list(text, name, "invalid_filter")]


def json_text(name: str, value: Json) -> str:
    """A JSON value as canonical text. Raises Invalid for what cannot be stored, so never be equal."""
    try:
        return dumps(canonical.json_value(value)).decode()
    except canonical.RefusedError as refused:
        raise Invalid(f"Filter on '{name}': {refused.message}", code=refused.code) from None


def key_text(name: str, key: str) -> str:
    """A JSON key. Raises Invalid (``invalid_text``) for one that no stored object can have."""
    try:
        return str(canonical.text(key))
    except canonical.RefusedError as refused:
        raise Invalid(f"A key in '{name}': {refused.message}", code=refused.code) from None


def _parsed(text: str, name: str) -> Json:
    try:
        return jiter.from_json(text.encode(), float_mode="decimal", allow_inf_nan=False)
    except ValueError as error:
        raise Invalid(f"'{name}' is not JSON: {error}.", code="invalid_filter") from None


def _text(field: Field, value: Json) -> str:
    if field.type == "duration":
        return str(duration_seconds(value))
    return ("true" if value else "false") if field.type == "boolean" else str(value)


def _read(field: Field, text: str) -> Json:
    """The text as the JSON value it would be in a body."""
    kind = field_type(field)
    if field.type in ("integer", "year"):
        return _number(text, _INTEGER, kind.code, kind.rule, whole=True)
    if field.type == "number":
        return _number(text, _NUMBER, kind.code, kind.rule, whole=False)
    if field.type == "boolean":
        if text not in ("true", "false"):
            raise canonical.RefusedError("invalid_type", "Must be true or false.")
        return text == "true"
    if field.type == "datetime":
        text = _instant_text(text)
    pattern = kind.schema.get("pattern")
    # An e-mail or URI filter may hold any text: it compares, it does not store.
    if pattern and kind.code not in ("invalid_email", "invalid_uri") and not _compiled(pattern).fullmatch(text):
        raise canonical.RefusedError(kind.code, kind.rule)
    return text


def _number(text: str, pattern: re.Pattern[str], code: str, rule: str, *, whole: bool) -> Json:
    if not pattern.fullmatch(text):
        if (_LONG_INTEGER if whole else _LONG_NUMBER).fullmatch(text):
            return _BEYOND
        raise canonical.RefusedError(code, rule)
    # As a body is read: without a point and an exponent it is an integer, so 1e100 may be written out.
    return int(text) if whole or text.lstrip("-").isdigit() else Decimal(text)


def _instant_text(text: str) -> str:
    """A bare day is its midnight UTC; ``+`` of an offset arrives as a blank when it was not percent-encoded."""
    if _DAY.fullmatch(text):
        try:
            date.fromisoformat(text)
        except ValueError:
            return text
        return f"{text}T00:00:00Z"
    blank = _BLANK_ZONE.fullmatch(text)
    return f"{blank[1]}+{blank[2]}" if blank else text


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Our own patterns, of the type table: never a client's."""
    return re.compile(pattern, re.ASCII)
