"""Sums, and sums of squares, exact beyond the 34 digits that decimal128 adds with; the 15 digits that are shown.

Three ways: *plain*, which is fast and knows when it may have been inexact; *wide*, in limbs of 12 digits, each summed
apart; and of *distinct* values, which are few enough to be sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from itertools import pairwise
from typing import Any, Final, Protocol

from bson.decimal128 import Decimal128

from records.providers.mongo.server import Document

Gathered = Mapping[str, Any]
"""A group's document: what was gathered of its rows, by member."""
_EXACT: Final = Context(prec=1_200, Emin=-999_999, Emax=999_999)
"""A number of a row has at most 34 digits between 1e-134 and 1e101, a sum of squares of 1e12 rows at most 482."""
_SHOWN: Final = Context(prec=15, rounding=ROUND_HALF_UP, Emin=-999_999, Emax=999_999)
_DIGITS: Final = 34
_LIMB: Final = 12
"""Digits of a limb. Products of two have 24, so that 34 hold the sum of 1e10 of them."""
_POWERS: Final = {True: (_LIMB, 0), False: (_LIMB, 0, -_LIMB, -2 * _LIMB)}
"""Which powers of ten limbs are multiplied by: of 64-bit integers, of numbers."""
_PLACES: Final = {"sum": 18, "squares": 8}
"""Digits after the point that the plain way takes: what is left of 34 is for the size of the sum."""


class Inexact(Exception):
    """The plain way was not enough: ask the wide way."""


@dataclass(frozen=True, slots=True)
class Summed:
    """How many values there are, their exact sum, and that of their squares (0 where none was asked for)."""

    count: int
    total: Decimal
    squares: Decimal = Decimal(0)

    @property
    def sum(self) -> Decimal | None:
        """The exact sum."""
        return self.total if self.count else None

    @property
    def average(self) -> Decimal | None:
        """The average, in 15 significant digits, half away from zero."""
        return _SHOWN.plus(_EXACT.divide(self.total, Decimal(self.count))) if self.count else None

    @property
    def variance(self) -> Decimal | None:
        """The variance of a sample, in 15 digits."""
        spread = self._spread()
        return None if spread is None else _SHOWN.plus(spread)

    @property
    def deviation(self) -> Decimal | None:
        """The standard deviation of a sample, in 15 digits."""
        spread = self._spread()
        return None if spread is None else _SHOWN.plus(_EXACT.sqrt(spread))

    def _spread(self) -> Decimal | None:
        if self.count < 2:
            return None
        count = Decimal(self.count)
        apart = _EXACT.subtract(_EXACT.multiply(count, self.squares), _EXACT.multiply(self.total, self.total))
        return _EXACT.divide(apart, _EXACT.multiply(count, count - 1))


class Sums(Protocol):
    """Where sums stand among what was gathered."""

    def read(self, group: Gathered) -> Summed:
        """The sums of a group. Raises Inexact."""


@dataclass(frozen=True, slots=True)
class PlainIntegers:
    """64-bit integers: MongoDB adds them exactly, or gives what is no integer."""

    count: str
    total: str
    squares: str = ""

    def read(self, group: Gathered) -> Summed:
        """The sums of a group. Raises Inexact."""
        total, squares = group[self.total], group[self.squares] if self.squares else 0
        if not (isinstance(total, int) and isinstance(squares, int)):
            raise Inexact
        return Summed(group[self.count], Decimal(total), Decimal(squares))


@dataclass(frozen=True, slots=True)
class PlainNumbers:
    """Numbers as decimal128 adds them: exact where ``beyond`` is false and the sum cannot have grown too large."""

    count: str
    total: str
    beyond: str
    least: str
    most: str
    squares: str = ""

    def read(self, group: Gathered) -> Summed:
        """The sums of a group. Raises Inexact."""
        count: int = group[self.count]
        if not count:
            return Summed(0, Decimal(0))
        size = max(abs(decimal(group[self.least])), abs(decimal(group[self.most])))
        room = _DIGITS - (2 * _PLACES["squares"] if self.squares else _PLACES["sum"])
        if group[self.beyond] or count * max(size, size * size if self.squares else size) >= Decimal(10) ** room:
            raise Inexact
        return Summed(count, decimal(group[self.total]), decimal(group[self.squares]) if self.squares else Decimal(0))


@dataclass(frozen=True, slots=True)
class Limbs:
    """Limbs, each summed; ``products`` of two for the squares; ``odd`` holds the numbers that have none."""

    count: str
    powers: tuple[int, ...]
    limbs: tuple[str, ...]
    products: Mapping[tuple[int, int], str]
    odd: str

    def read(self, group: Gathered) -> Summed:
        """The sums of a group: exact."""
        odd = [decimal(value) for value in group[self.odd]]
        terms = [_shifted(group[name], power) for name, power in zip(self.limbs, self.powers, strict=True)]
        squares = [
            _shifted(group[name], self.powers[one] + self.powers[other]) * (1 if one == other else 2)
            for (one, other), name in self.products.items()
        ]
        if self.products:
            squares += [_EXACT.multiply(value, value) for value in odd]
        return Summed(group[self.count], _added([*terms, *odd]), _added(squares))


@dataclass(frozen=True, slots=True)
class Distinct:
    """The different values themselves."""

    values: str

    def read(self, group: Gathered) -> Summed:
        """The sums of a group: exact."""
        values = [decimal(value) for value in group[self.values]]
        return Summed(len(values), _added(values), _added([_EXACT.multiply(value, value) for value in values]))


def powers(*, integer: bool) -> tuple[int, ...]:
    """The powers of ten of the limbs."""
    return _POWERS[integer]


def limbs_of(value: Any, *, integer: bool) -> Document:
    """The limbs of a number, an array of whole numbers of its sign; of null an array of nulls.

    A number of 1e24 or more, or with more than 24 digits after its point, has none: an empty array. Every step is
    exact: what is cut off a number has no more digits than the number.
    """
    cut = [_shift("$$x", -power) for power in _POWERS[integer]]
    whole = [{"$trunc": each} for each in cut[:-1]] + [{"$trunc": cut[-1]} if integer else cut[-1]]
    names = [f"p{place}" for place in range(len(whole))]
    limbs: list[Any] = ["$$p0"]
    limbs += [
        {"$subtract": [f"$${name}", {"$multiply": [f"$${before}", _power(_LIMB)]}]} for before, name in pairwise(names)
    ]
    inner: Any = limbs
    if not integer:
        fits = [
            {"$lt": [{"$abs": "$$x"}, _power(2 * _LIMB)]},
            {"$eq": [f"$${names[-1]}", {"$trunc": f"$${names[-1]}"}]},
        ]
        inner = {"$cond": [{"$and": fits}, limbs, []]}
    inner = {"$let": {"vars": dict(zip(names, whole, strict=True)), "in": inner}}
    return {"$let": {"vars": {"x": {"$toDecimal": value}}, "in": inner}}


def beyond(value: Any, *, squares: bool) -> Document:
    """Whether a number has more digits after its point than the plain way takes; false for null."""
    places = _PLACES["squares" if squares else "sum"]
    return {"$ne": [{"$ifNull": [value, None]}, {"$trunc": [value, places]}]}


def decimal(value: Any) -> Decimal:
    """A number of MongoDB's as Python's."""
    return value.to_decimal() if isinstance(value, Decimal128) else Decimal(value)


def _added(values: Sequence[Decimal]) -> Decimal:
    total = Decimal(0)
    for value in values:
        total = _EXACT.add(total, value)
    return total


def _shifted(value: Any, power: int) -> Decimal:
    return decimal(value).scaleb(power, _EXACT)


def _shift(value: str, power: int) -> Any:
    return {"$multiply": [value, _power(power)]} if power else value


def _power(exponent: int) -> Decimal128:
    return Decimal128(f"1E{exponent}")
