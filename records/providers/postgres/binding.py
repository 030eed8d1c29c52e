"""Where a value stands in SQL: a placeholder, numbered in the order of asking, or a constant for what cannot bind."""

from itertools import count
from typing import Protocol

from psycopg.sql import Composable, Literal, Placeholder

from records.providers.postgres.folding import Folding

Bound = str | list[str]
"""A text, or texts sent as one array; the database casts them."""


class Binds(Protocol):
    """Called once for each value, in their order; ``folding`` is the way of the server that will read the text."""

    @property
    def folding(self) -> Folding:
        """How that server folds case."""

    def __call__(self, value: Bound, /) -> Composable:
        """What stands for the value."""


class Placeholders:
    """``value0``, ``value1``, … for one statement, or for a part of it whose values are named apart."""

    def __init__(self, folding: Folding | None = None, name: str = "value") -> None:
        self.folding = folding or Folding()
        self._name = name
        self._numbers = count()

    def __call__(self, value: Bound, /) -> Composable:
        """The next placeholder, whatever the value."""
        return Placeholder(f"{self._name}{next(self._numbers)}")


class Remembered:
    """What was asked of other binds, for what has to stand in a text twice."""

    def __init__(self, binds: Binds) -> None:
        self.folding = binds.folding
        self.parts: list[Composable] = []
        self._binds = binds

    def __call__(self, value: Bound, /) -> Composable:
        """What stands for the value there."""
        self.parts.append(self._binds(value))
        return self.parts[-1]


class Constants:
    """The values themselves, quoted: for definitions, such as an index's condition."""

    folding = Folding()

    def __call__(self, value: Bound, /) -> Composable:
        """The value as a constant."""
        return Literal(value)
