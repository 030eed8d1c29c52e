"""Case folding in SQL: Unicode's simple one (CaseFolding.txt, C and S), on every server, whatever its locale.

PostgreSQL 18 has it. Before, ``lower(upper(text))`` gives the same but for five letters, in a locale that knows
Unicode: 17 brings one; on 16 the database's own is tried against all of Unicode, once a plan, and where it fails,
``translate`` is exact and slow. Measured for a text of 50 letters: 0.5 µs, 2 µs, 250 µs. ASCII needs none of it.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

from psycopg.sql import SQL, Composable, Literal

from records.casefold import CASED, simple_fold

_CASEFOLD: Final = 180_000
_UNICODE: Final = 170_000
_AS_18: Final = SQL('casefold({text} COLLATE "pg_c_utf8") COLLATE "C"')
_AS_17: Final = SQL("""CASE
    WHEN octet_length({text}) = length({text}) THEN lower({text} COLLATE "C") COLLATE "C"
    WHEN {text} !~ {odd} THEN lower(upper({text} COLLATE "pg_c_utf8")) COLLATE "C"
    ELSE lower(translate({text}, {own}, {owned}) COLLATE "pg_c_utf8") COLLATE "C" END""")
_AS_16: Final = SQL("""CASE
    WHEN octet_length({text}) = length({text}) THEN lower({text} COLLATE "C") COLLATE "C"
    WHEN lower(upper({even} COLLATE "default")) = {evened} AND {text} !~ {odd}
        THEN lower(upper({text} COLLATE "default")) COLLATE "C"
    ELSE translate({text}, {upper}, {lower}) COLLATE "C" END""")
_IN_DEFINITIONS: Final = SQL('lower(upper({text} COLLATE "default")) COLLATE "C"')

_DOTTED: Final = "\u0130"
_ODD: Final = "\u0130\u0131\u1fd3\u1fe3\ufb05"
"""Letters that ``lower(upper(letter))`` takes for others: the Turkish i's, and three that fold without upper case."""


@dataclass(frozen=True, slots=True)
class Folding:
    """How a server folds case; ``server_version`` as libpq tells it (170002).

    0: in definitions, such as an index's condition: as the database's own locale does, in few letters, for a definition
    must fit a row of the catalogue.
    """

    server_version: int = 0

    def folded(self, text: Composable) -> Composable:
        """The text with its case folded; its order is that of code points."""
        if self.server_version >= _CASEFOLD:
            return _AS_18.format(text=text)
        if self.server_version >= _UNICODE:
            return _AS_17.format(text=text, **_seventeen())
        return _AS_16.format(text=text, **_sixteen()) if self.server_version else _IN_DEFINITIONS.format(text=text)


@cache
def _folds() -> dict[str, str]:
    """Every letter that does not stand for itself, and the lower-case letter that stands for it."""
    letters = (chr(point) for point in range(CASED) if not 0xD800 <= point <= 0xDFFF)
    return {letter: fold for letter in letters if (fold := _standing(letter)) != letter}


def _standing(letter: str) -> str:
    """The letter that stands for all that fold alike: the lower-case one, for Cherokee too, which folds upwards."""
    folded = simple_fold(letter)
    return folded if len(folded.lower()) > 1 else folded.lower()


@cache
def _seventeen() -> dict[str, Literal]:
    own = {letter: fold for letter, fold in _folds().items() if len(letter.lower()) > 1 or letter.lower() != fold}
    # Nothing else becomes a final sigma, which folds to sigma: so it can stand for the dotted I, which folds to itself.
    own[_DOTTED] = "\u03c2"
    return {"odd": Literal(f"[{_ODD}]"), "own": Literal("".join(own)), "owned": Literal("".join(own.values()))}


@cache
def _sixteen() -> dict[str, Literal]:
    folds = _folds()
    even = {letter: fold for letter, fold in folds.items() if letter not in _ODD}
    return {
        "odd": Literal(f"[{_ODD}]"),
        "upper": Literal("".join(folds)),
        "lower": Literal("".join(folds.values())),
        "even": Literal("".join(even)),
        "evened": Literal("".join(even.values())),
    }
