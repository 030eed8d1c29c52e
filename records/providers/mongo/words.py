"""What words are: of a row's texts, stored beside it so that an index serves a search, and of what is searched for.

A word is a run of letters, digits and marks of Unicode, folded. A row's words stand in their order, field after field;
before those of a field stands a sign that is no word. So a phrase stands within a field, and places tell distances.
"""

import re
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from records.casefold import folded
from records.searched import searched_characters, searched_fields
from records.table import Json, Table

LONGEST: Final = 2046
"""Bytes of a word; longer ones are none, as in PostgreSQL."""
_TERM: Final = re.compile(r'or|(?P<no>-?)"(?P<words>[^"]*)"')


@dataclass(frozen=True, slots=True)
class Term:
    """A word, or the words of a phrase, that a row must have; ``negated``: must not have."""

    words: tuple[str, ...]
    negated: bool = False


Alternative = tuple[Term, ...]
"""Terms that all hold."""


def words_of(table: Table, row: Mapping[str, Json]) -> list[str]:
    """What is stored of a row of a table that declares ``search_fields``: its words, the fields' signs between them."""
    share = searched_characters(table)
    found: list[str] = []
    for place, (field, _) in enumerate(searched_fields(table)):
        found.append(field_sign(place))
        text = row.get(field.name)
        if text:
            found += words_in(text[:share])
    return found


def field_sign(place: int) -> str:
    """What stands before the words of the field at this place: no word begins with a blank."""
    return f" {place}"


def words_in(text: str) -> list[str]:
    """The words of a text, in their order."""
    pattern = _ASCII if text.isascii() else _pattern()
    words: list[str] = pattern.findall(folded(text))
    return words if len(text) <= LONGEST // 4 else [word for word in words if len(word.encode()) <= LONGEST]


def alternatives_of(asked: str) -> tuple[Alternative, ...]:
    """What ``searched.search_words`` wrote, read: a row is found by one alternative; terms without a word are none."""
    alternatives: list[list[Term]] = [[]]
    for found in _TERM.finditer(asked):
        if found[0] == "or":
            alternatives.append([])
        elif words := words_in(found["words"]):
            alternatives[-1].append(Term(tuple(words), bool(found["no"])))
    return tuple(tuple(terms) for terms in alternatives if terms)


_ASCII: Final = re.compile("[a-z0-9]+")


@cache
def _pattern() -> re.Pattern[str]:
    """A run of letters, digits and marks."""
    return re.compile(rf"(?:[^\W_]|[{''.join(_mark_ranges())}])+")


def _mark_ranges() -> Iterator[str]:
    """Unicode's marks as ranges of a class: accents that stand alone, vowel signs."""
    begin = None
    for point in range(0x300, sys.maxunicode + 1):
        is_mark = unicodedata.category(chr(point))[0] == "M"
        if is_mark and begin is None:
            begin = point
        elif not is_mark and begin is not None:
            yield f"{chr(begin)}-{chr(point - 1)}"
            begin = None
