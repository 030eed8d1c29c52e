"""Bytes of a request to JSON values, exactly: decimals stay decimals, duplicate keys and bad text are refused.

Knows JSON's grammar through jiter, whose messages are turned into our codes here; knows no table.
"""

from typing import Final

import jiter

from datar.errors import Invalid
from records.limits import JSON_DEPTH
from records.table import Json

_FOREIGN_STARTS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"{\x00", b"[\x00", b"\x00")
# Only what nests and what quotes is left, and both brackets look alike.
_BRACKETS: Final = bytes.maketrans(b"{}", b"[]")
_NOISE: Final = bytes(set(range(256)) - set(b'[]{}"'))
_TOO_MANY: Final = b"[" * (JSON_DEPTH + 1)

_DUPLICATE: Final = ("json_duplicate_key", "repeats a key within one object; send every key once.")
_DEEP: Final = ("json_too_deep", f"nests deeper than {JSON_DEPTH} levels; flatten it.")
_NUMBER: Final = ("number_out_of_range", "holds a number that is too long; see the limits of numbers.")
_TEXT: Final = (
    "invalid_text",
    "holds text that is not Unicode: invalid UTF-8 or a lone surrogate; send whole characters.",
)
_CODES: Final = (
    ("duplicate key", _DUPLICATE),
    ("recursion limit", _DEEP),
    ("number out of range", _NUMBER),
    ("InvalidOperation", _NUMBER),
    ("unicode code point", _TEXT),
    ("surrogate", _TEXT),
    ("end of hex escape", _TEXT),
)
"""Words of jiter's messages, and what they mean here."""


def parse_json(body: bytes, *, what: str = "The body") -> Json:
    """The JSON value of a body (or of ``what``): dict, list, str, int, Decimal, bool or None.

    Raises ``Invalid`` with the codes ``invalid_json``, ``json_duplicate_key``, ``json_too_deep``,
    ``number_out_of_range``, ``invalid_text``.
    """
    if len(body) < 100 and not body.strip():
        raise Invalid(f"{what} is empty; send JSON.", code="invalid_json")
    if body.startswith(_FOREIGN_STARTS):
        raise Invalid(f"{what} must be JSON in UTF-8 without a byte order mark.", code="invalid_json")
    if body.count(b"[") + body.count(b"{") > JSON_DEPTH and _is_too_deep(body):
        raise _invalid(what, _DEEP, "")
    try:
        return jiter.from_json(
            body, float_mode="decimal", catch_duplicate_keys=True, allow_inf_nan=False, cache_mode="all"
        )
    except ValueError as error:
        raise _explained(what, str(error)) from None


def _is_too_deep(body: bytes) -> bool:
    """Whether brackets nest deeper than allowed; linear in the body, for a limited number of passes."""
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    brackets = body.translate(_BRACKETS, _NOISE).replace(b'""', b"")
    if b'"' in brackets:
        brackets = b"".join(brackets.split(b'"')[::2])
    for _ in range(JSON_DEPTH):
        if _TOO_MANY in brackets:
            return True
        inside = brackets.replace(b"[]", b"")
        if len(inside) == len(brackets):
            return False  # nothing left, or unbalanced: then the parser says what is wrong
        brackets = inside
    return bool(brackets)


def _explained(what: str, message: str) -> Invalid:
    place = message[message.rfind(" at line ") :] if " at line " in message else ""
    for words, meaning in _CODES:
        if words in message:
            return _invalid(what, meaning, place)
    return _invalid(what, ("invalid_json", "is not valid JSON"), place)


def _invalid(what: str, meaning: tuple[str, str], place: str) -> Invalid:
    code, detail = meaning
    return Invalid(f"{what} {detail.rstrip('.')}{place and f' (found{place})'}.", code=code)
