"""Case folding in SQL."""

from dataclasses import dataclass
from typing import Final

from psycopg.sql import SQL, Composable

_FOLDED: Final = SQL('lower(upper({text} COLLATE "default")) COLLATE "C"')


@dataclass(frozen=True, slots=True)
class Folding:
    """How a server folds case; 0: a way that every server knows. ``server_version`` as libpq tells it (170002)."""

    server_version: int = 0

    def folded(self, text: Composable) -> Composable:
        """The text with its case folded; its order is that of code points."""
        return _FOLDED.format(text=text)
