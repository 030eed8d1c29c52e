r"""Texts and LIKE patterns → regular expressions made of escaped letters, classes of letters and dots: nothing else.

Whatever the case means Unicode's simple folding, as everywhere: a letter stands for all letters that fold as it does.
No expression here has two repetitions that could share a text, so none can take time that grows with a power of it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from records.casefold import letters_like

OPTIONS: Final = "s"
"""A dot stands for a line's end too."""
ANY_LETTER: Final = None
"""LIKE's ``_``."""
Letter = str | None
Segment = tuple[Letter, ...]
"""Letters side by side, of which some may be any."""
_SIGN: Final = re.compile(r"\\.|.", re.DOTALL)


def literal_pattern(text: str) -> str:
    """What matches this text alone."""
    return re.escape(text)


def folded_pattern(text: str) -> str:
    """What matches this text, whatever the case."""
    return "".join(_folded(run, of_ascii=of_ascii) for of_ascii, run in groupby(text, str.isascii))


def segment_pattern(segment: Segment, *, folded: bool) -> str:
    """What matches the letters of a segment."""
    write = folded_pattern if folded else literal_pattern
    runs = groupby(segment, lambda letter: letter is ANY_LETTER)
    return "".join("".join("." for _ in run) if is_any else write(_text(run)) for is_any, run in runs)


def is_literal(segment: Segment) -> bool:
    """Whether no letter of it is any."""
    return ANY_LETTER not in segment


def text_of_segment(segment: Segment) -> str:
    """The text of a literal one."""
    return _text(segment)


@dataclass(frozen=True, slots=True)
class Like:
    """A pattern of SQL: what a text begins with, what follows in this order with gaps between, what it ends with.

    Without ``%`` it is ``whole``: all of it stands in ``first``.
    """

    first: Segment
    middle: tuple[Segment, ...] = ()
    last: Segment = ()
    whole: bool = False


def like_of(pattern: str) -> Like:
    r"""The pattern's parts: ``%`` is a gap, ``_`` any letter, ``\`` takes the next letter as it is."""
    segments: list[list[Letter]] = [[]]
    for sign in _SIGN.findall(pattern):
        if sign == "%":
            segments.append([])
        else:
            segments[-1].append(ANY_LETTER if sign == "_" else sign[-1])
    first, *others = map(tuple, segments)
    if not others:
        return Like(first, whole=True)
    return Like(first, tuple(segment for segment in others[:-1] if segment), others[-1])


def _folded(run: Iterable[str], *, of_ascii: bool) -> str:
    if of_ascii:  # of these the server's own folding is Unicode's
        escaped = re.escape("".join(run))
        return f"(?i:{escaped})" if any(map(str.isalpha, escaped)) else escaped
    return "".join(map(_class, run))


def _class(letter: str) -> str:
    letters = letters_like(letter)
    return f"[{letters}]" if len(letters) > 1 else letter


def _text(letters: Iterable[Letter] | Sequence[Letter]) -> str:
    return "".join(letter for letter in letters if letter is not None)
