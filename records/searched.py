"""What ``search`` looks at, and how its words are written for a provider. It knows no database."""

import re
from collections.abc import Iterator
from string import punctuation, whitespace
from typing import Final

from records.fieldtypes import field_type
from records.limits import SEARCHED_CHARACTERS
from records.table import Field, Table

_TERM: Final = re.compile(r'(?P<no>-?)"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+)', re.ASCII)
_SPACED: Final = str.maketrans(dict.fromkeys(punctuation + whitespace, " "))
"""ASCII alone: what parts words elsewhere the database knows, for rows and questions alike."""


def searched_fields(table: Table) -> tuple[tuple[Field, str], ...]:
    """The fields that are searched and their weights: the declared ones, else every text, whose weight is empty."""
    if table.search_fields:
        return tuple((table.by_name[name], weight) for name, weight in table.search_fields)
    return tuple((field, "") for field in table.fields if field_type(field).is_text)


def searchable(table: Table) -> bool:
    """Whether the table has a text that can be searched."""
    return bool(searched_fields(table))


def searched_characters(table: Table) -> int:
    """How many characters of each field are searched: together they must fit what the database can index."""
    return SEARCHED_CHARACTERS // max(1, len(searched_fields(table)))


def search_words(asked: str) -> str:
    """What a client searches for in the one way a provider reads: quoted terms, ``-`` before one, ``or`` between two.

    ASCII punctuation separates words, in rows too; a term of several words is a phrase. Nothing else means anything,
    so any text can be searched for. Empty when there is no word in it; nothing is found then.

    >>> search_words('new york OR "le mans" -e-mail')
    '"new" "york" or "le mans" -"e mail"'
    """
    terms = list(_terms(asked))
    written: list[str] = []
    for place, term in enumerate(terms):
        operator = term == "or" and written and written[-1] != "or" and place + 1 < len(terms)
        written.append(term if operator or term != "or" else '"or"')
    return " ".join(written)


def _terms(asked: str) -> Iterator[str]:
    for found in _TERM.finditer(asked):
        word = found["word"]
        if word is not None and word.lower() == "or":
            yield "or"
            continue
        negated = found["no"] if word is None else word[:1] == "-"
        words = [each for each in (found["phrase"] if word is None else word).translate(_SPACED).split(" ") if each]
        if words:
            yield f'{"-" if negated else ""}"{" ".join(words)}"'
