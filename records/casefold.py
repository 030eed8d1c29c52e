"""Unicode's simple case folding (CaseFolding.txt, C and S), letter by letter. It knows no database."""

from functools import cache
from typing import Final

CASED: Final = 0x20000
"""No letter beyond has a case."""
_LATE: Final = {"\u1fd3": "\u0390", "\u1fe3": "\u03b0", "\ufb05": "\ufb06"}
"""Foldings that Unicode got after Python did."""


def simple_fold(letter: str) -> str:
    """One letter's simple case folding: always one letter."""
    if letter in _LATE:
        return _LATE[letter]
    folded = letter.casefold()
    if len(folded) > 1:
        folded = letter.lower()  # what folds to several letters folds to its lower case where that is one letter
    return folded if len(folded) == 1 else letter


def folded(text: str) -> str:
    """The text, each letter folded."""
    return text.lower() if text.isascii() else text.translate(_folds())


def letters_like(letter: str) -> str:
    """Every letter that folds as this one does, itself among them."""
    return _alike().get(simple_fold(letter), letter)


@cache
def _folds() -> dict[int, str]:
    """What letters fold to that do not stand for themselves, by code point."""
    folds = ((point, simple_fold(chr(point))) for point in range(CASED) if not 0xD800 <= point <= 0xDFFF)
    return {point: folded for point, folded in folds if folded != chr(point)}


@cache
def _alike() -> dict[str, str]:
    """Letters that fold alike, where there are several, by what they fold to."""
    groups: dict[str, str] = {}
    for point, folded in _folds().items():
        groups[folded] = groups.get(folded, folded) + chr(point)
    return groups
