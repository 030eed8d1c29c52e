"""Cursors: the place after a row in an order, signed, good for one tenant, one table and one question.

A cursor is base64url(JSON array of the row's sort values, then a MAC). The values are in the open, for they are the
client's own; the MAC (HMAC-SHA256, RFC 2104, cut to 16 bytes) binds them to ``mark``.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

import orjson

from datar.errors import Invalid

_MAC_BYTES = 16
Place = tuple[str | None, ...]
"""The canonical texts of a row's sort values, in the order's terms."""


def write_cursor(secret: bytes, mark: str, place: Sequence[str | None]) -> str:
    """The cursor of the place after a row."""
    values = orjson.dumps(list(place))
    return _encoded(_mac(secret, mark, values) + values).decode()


def read_cursor(secret: bytes, mark: str, cursor: str) -> Place:
    """The place a cursor names. Raises Invalid (``invalid_cursor``) for one that we did not make for this question."""
    try:
        written = cursor.encode("ascii")
        raw = urlsafe_b64decode(written + b"=" * (-len(written) % 4))
    except ValueError:
        raise _invalid() from None
    mac, values = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    # The decoder skips letters it does not know, so only the very text we wrote is ours.
    if not hmac.compare_digest(mac, _mac(secret, mark, values)) or _encoded(raw) != written:
        raise _invalid()
    return tuple(orjson.loads(values))


def _encoded(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw).rstrip(b"=")


def _mac(secret: bytes, mark: str, values: bytes) -> bytes:
    return hmac.digest(secret, b"datar.cursor\0" + mark.encode() + b"\0" + values, "sha256")[:_MAC_BYTES]


def _invalid() -> Invalid:
    return Invalid(
        "This cursor was not made for this question; start again with an empty 'cursor'.", code="invalid_cursor"
    )
