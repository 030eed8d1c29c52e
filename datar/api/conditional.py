"""``If-Match`` and ``If-None-Match`` as they are written (RFC 9110, 13.1), and where they may be sent. Knows no row."""

import re
from collections.abc import Mapping
from typing import Any, Final

from datar.errors import Invalid
from records.versions import Tags

_TAG: Final = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_GAP: Final = re.compile(r"[ \t]*(?:,[ \t]*)*")
_READS: Final = frozenset({"GET", "HEAD"})
_ONE_RECORD: Final = _READS | {"PUT", "PATCH", "DELETE"}


def if_match(meta: Mapping[str, Any]) -> Tags | None:
    """The tags of ``If-Match``, None without it. Raises Invalid (``invalid_header``)."""
    return _tags(meta.get("HTTP_IF_MATCH"), "If-Match")


def if_none_match(meta: Mapping[str, Any]) -> Tags | None:
    """The tags of ``If-None-Match``, None without it. Raises Invalid (``invalid_header``)."""
    return _tags(meta.get("HTTP_IF_NONE_MATCH"), "If-None-Match")


def check_conditions(meta: Mapping[str, Any], method: str, *, one: bool) -> None:
    """Raise Invalid (``precondition_not_supported``) for a condition that could not be kept here.

    ``one`` says that the URL is one record's. ``If-None-Match`` on a list asks for nothing: a list has no tag.
    """
    if "HTTP_IF_MATCH" in meta and not (one and method in _ONE_RECORD):
        raise Invalid(
            "If-Match is for GET, PUT, PATCH and DELETE of one record, at its own URL.",
            code="precondition_not_supported",
        )
    if "HTTP_IF_NONE_MATCH" in meta and method not in _READS:
        raise Invalid(
            "If-None-Match is for reading a record; send If-Match with a write.", code="precondition_not_supported"
        )


def _tags(header: str | None, name: str) -> Tags | None:
    if header is None:
        return None
    if header.strip(" \t") == "*":
        return Tags(every=True)
    strong: set[str] = set()
    weak: set[str] = set()
    place = _past_gap(header, 0)
    while place < len(header):
        found = _TAG.match(header, place)
        if found is None:
            raise _malformed(name)
        (weak if found[1] else strong).add(found[2])
        place = _past_gap(header, found.end())
        if place < len(header) and "," not in header[found.end() : place]:
            raise _malformed(name)
    if not strong and not weak:
        raise _malformed(name)
    return Tags(frozenset(strong), frozenset(weak))


def _past_gap(header: str, place: int) -> int:
    """The place after white space and commas; a list may have empty items (RFC 9110, 5.6.1.2)."""
    gap = _GAP.match(header, place)
    return place if gap is None else gap.end()


def _malformed(name: str) -> Invalid:
    return Invalid(f'{name} is * or tags in double quotes, separated by commas: "12-1", "15-1".', code="invalid_header")
