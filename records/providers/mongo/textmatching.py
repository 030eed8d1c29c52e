"""Comparisons of texts → match operators and aggregation expressions."""

from typing import Final

from records.providers.mongo.aggregation import Aggregation, literal
from records.providers.mongo.server import Document

_MOST: Final = 0x10FFFF
_SURROGATES: Final = 0xD800
_AFTER_SURROGATES: Final = 0xE000


def native_text(operator: str, text: str, *, wanted: bool) -> Document | None:
    """The comparison as operators of a member's path, which an index can serve; None where there are none."""
    if operator != "startswith" or not wanted:
        return None
    after = _after(text)
    return {"$gte": text} if after is None else {"$gte": text, "$lt": after}


def text_holds(operator: str, value: Aggregation, text: str) -> Aggregation:
    """Whether the comparison holds of a text; false of what is none."""
    if operator == "contains":
        return {"$gte": [{"$indexOfBytes": [value, literal(text)]}, 0]}
    if operator == "startswith":
        return {"$eq": [{"$indexOfBytes": [value, literal(text), 0, len(text.encode())]}, 0]}
    if operator == "endswith":
        begin = {"$subtract": [{"$strLenBytes": value}, len(text.encode())]}
        return {"$gte": [{"$indexOfBytes": [value, literal(text), {"$max": [0, begin]}]}, 0]}
    raise NotImplementedError


def _after(text: str) -> str | None:
    """The least text that is greater than all that begin with this one; None where there is none."""
    for place in range(len(text) - 1, -1, -1):
        point = ord(text[place])
        if point < _MOST:
            return text[:place] + chr(point + 1 if point + 1 != _SURROGATES else _AFTER_SURROGATES)
    return None
