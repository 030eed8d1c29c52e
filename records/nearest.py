"""The word somebody may have meant. Comparing takes time, so neither words nor their number are without bounds."""

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice
from typing import Final

_CHARACTERS: Final = 64
_CANDIDATES: Final = 200


def nearest(word: str, known: Iterable[str], *, quote: str = "'") -> str:
    """A hint such as `` Did you mean 'title'?``, or nothing; long words and more than 200 candidates are left out."""
    if len(word) > _CHARACTERS:
        return ""
    candidates = [each for each in islice(known, _CANDIDATES) if len(each) <= _CHARACTERS]
    close = get_close_matches(word, candidates, 1)
    return f" Did you mean {quote}{close[0]}{quote}?" if close else ""
