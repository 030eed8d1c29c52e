"""Comparisons of texts → match operators, which an index may serve, and aggregation expressions.

What is sought is a text, never a pattern of the client's: a regular expression is made of escaped letters alone
(``patterns``), and a LIKE pattern with several gaps is walked part by part, so that no text can make it slow.
"""

from typing import Any, Final

from records.providers.mongo.aggregation import Aggregation, either, literal, named
from records.providers.mongo.patterns import (
    OPTIONS,
    Like,
    Segment,
    folded_pattern,
    is_literal,
    like_of,
    literal_pattern,
    segment_pattern,
    text_of_segment,
)
from records.providers.mongo.server import Document

_MOST: Final = 0x10FFFF
_SURROGATES: Final = 0xD800
_AFTER_SURROGATES: Final = 0xE000
_FOLDED_AT_ONCE: Final = 1_000
"""Letters of one regular expression; MongoDB reads no longer one than 32,764 bytes."""
_ALL: Final = 2**31 - 1
_FOLDED: Final = {"iexact": r"^{}\z", "icontains": "{}", "istartswith": "^{}", "iendswith": r"{}\z"}


def native_text(operator: str, text: str, *, wanted: bool) -> Document | None:
    """The comparison as operators of a member's path; None where there are none. A null satisfies neither wish."""
    found = _native(operator, text)
    if found is None or wanted:
        return found
    return {"$not": found, "$exists": True}


def necessary_text(operator: str, text: str) -> list[Document]:
    """Operators of a member's path that every text satisfies of which the comparison holds: cheaper ones."""
    if operator not in ("like", "ilike"):
        return []
    like = like_of(text)
    segments = [segment for segment in (like.first, *like.middle, like.last) if segment]
    return [_regex(segment_pattern(segment, folded=operator == "ilike")) for segment in dict.fromkeys(segments)]


def text_holds(operator: str, value: Aggregation, text: str) -> Aggregation:
    """Whether the comparison holds of a text; ``value`` is a variable or a path."""
    if operator in ("like", "ilike"):
        return _like(value, like_of(text), folded=operator == "ilike")
    if operator in _FOLDED:
        return _folded(operator, value, text)
    size = len(text.encode())
    if operator == "endswith":
        begin = {"$max": [0, {"$subtract": [{"$strLenBytes": value}, size]}]}
        return {"$gte": [{"$indexOfBytes": [value, literal(text), begin]}, 0]}
    if operator == "startswith":
        # The end may lie within a letter only of a text that begins otherwise.
        return {"$eq": [{"$indexOfBytes": [value, literal(text), 0, size]}, 0]}
    return {"$gte": [{"$indexOfBytes": [value, literal(text)]}, 0]}


def _native(operator: str, text: str) -> Document | None:
    if operator == "startswith":
        return _begins(text)
    if operator == "contains":
        return _regex(literal_pattern(text))
    if operator in _FOLDED and len(text) <= _FOLDED_AT_ONCE:
        return _regex(_FOLDED[operator].format(folded_pattern(text)))
    if operator in ("like", "ilike"):
        return _native_like(like_of(text), folded=operator == "ilike")
    return None


def _begins(text: str) -> Document:
    after = _after(text)
    return {"$gte": text} if after is None else {"$gte": text, "$lt": after}


def _after(text: str) -> str | None:
    """The least text that is greater than all that begin with this one; None where there is none."""
    for place in range(len(text) - 1, -1, -1):
        point = ord(text[place]) + 1
        if point <= _MOST:
            return text[:place] + chr(_AFTER_SURROGATES if point == _SURROGATES else point)
    return None


def _regex(pattern: str) -> Document:
    return {"$regex": pattern, "$options": OPTIONS}


def _matches(value: Aggregation, pattern: str) -> Aggregation:
    return {"$regexMatch": {"input": value, "regex": literal(pattern), "options": OPTIONS}}


def _folded(operator: str, value: Aggregation, text: str) -> Aggregation:
    if len(text) <= _FOLDED_AT_ONCE:
        return _matches(value, _FOLDED[operator].format(folded_pattern(text)))
    length, size = {"$strLenCP": value}, len(text)
    if operator == "iexact":
        return {"$and": [{"$eq": [length, size]}, _equals(value, text)]}
    begin = 0 if operator == "istartswith" else {"$subtract": [length, size]}
    return {"$and": [{"$gte": [length, size]}, _equals(_cut(value, begin, size), text)]}


def _equals(value: Aggregation, text: str) -> Aggregation:
    """Whether a text of the same length is equal, whatever the case; a long one by halves: read few times."""
    if len(text) <= _FOLDED_AT_ONCE:
        return _matches(value, rf"^{folded_pattern(text)}\z")
    half = len(text) // 2
    first = _equals(_cut("$$half", 0, half), text[:half])
    return named("half", value, {"$and": [first, _equals(_cut("$$half", half, _ALL), text[half:])]})


def _cut(value: Aggregation, begin: Any, letters: Any) -> Aggregation:
    return {"$substrCP": [value, begin, letters]}


def _native_like(like: Like, *, folded: bool) -> Document | None:
    """A pattern with one gap at most; at its end a prefix that an index serves."""
    if not folded and not like.middle and not like.last and not like.whole and is_literal(like.first):
        return _begins(text_of_segment(like.first))
    return _regex(_like_pattern(like, folded=folded)) if _is_quick(like) else None


def _is_quick(like: Like) -> bool:
    """Whether one regular expression says it: then there is one place, or one end, to look from."""
    if like.whole or not like.middle:
        return True
    return len(like.middle) == 1 and not like.first and not like.last


def _like_pattern(like: Like, *, folded: bool) -> str:
    first = segment_pattern(like.first, folded=folded)
    if like.whole:
        return rf"^{first}\z"
    if like.middle:
        return segment_pattern(like.middle[0], folded=folded)
    if not like.last:
        return f"^{first}"
    return rf"^{first}.*{segment_pattern(like.last, folded=folded)}\z"


def _like(value: Aggregation, like: Like, *, folded: bool) -> Aggregation:
    if _is_quick(like):
        return _matches(value, _like_pattern(like, folded=folded))
    ends = Like(like.first, (), like.last)
    between = {"$subtract": [{"$strLenCP": value}, len(like.first) + len(like.last)]}
    middle = _cut(value, len(like.first), between)
    return {
        "$and": [_matches(value, _like_pattern(ends, folded=folded)), _in_order(middle, like.middle, folded=folded)]
    }


def _in_order(value: Aggregation, segments: tuple[Segment, ...], *, folded: bool) -> Aggregation:
    """Whether the segments follow each other in the text: each is sought where it comes first after the one before."""
    parts = [{"p": segment_pattern(segment, folded=folded), "n": len(segment)} for segment in segments]
    found = {"$regexFind": {"input": "$$value", "regex": "$$this.p", "options": OPTIONS}}
    rest = _cut("$$value", {"$add": ["$$at.idx", "$$this.n"]}, _ALL)
    step = named("at", found, either({"$gt": ["$$at", None]}, rest, None))
    left = {"$reduce": {"input": literal(parts), "initialValue": value, "in": step}}
    return {"$gt": [left, None]}
