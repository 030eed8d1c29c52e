"""Rows of a batch tried in memory: what they have against each other, before any of them is written.

It says what MongoDB's unique indexes and the foreign keys to the own table would say of rows that are stored together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from datar.errors import DatarError
from records.screening import lost_along, taken_value
from records.table import ForeignKey, Json


@dataclass(slots=True)
class Distinct:
    """Fields in which no two rows are equal: each row's mark, None of one that equals nothing; and the marks in use."""

    names: tuple[str, ...]
    marks: Sequence[Json]
    used: set[Json] = field(default_factory=set)

    def refuses(self, places: Iterable[int]) -> bool:
        """Whether these rows cannot all be added."""
        found: set[Json] = set()
        for mark in (mark for place in places if (mark := self.marks[place]) is not None):
            if mark in self.used or mark in found:
                return True
            found.add(mark)
        return False


@dataclass(slots=True)
class Home:
    """A foreign key to the own table: whose parent is no stored row, what each row leads to, what leads to it."""

    key: ForeignKey
    lost: frozenset[int]
    wanted: Sequence[Json]
    own: Sequence[Json]
    there: set[Json] = field(default_factory=set)

    def refuses(self, places: Sequence[int]) -> bool:
        """Whether one of these rows has its parent neither among them nor among those that are there."""
        waiting = [
            self.wanted[place] for place in places if place in self.lost and self.wanted[place] not in self.there
        ]
        return bool(waiting) and not {self.own[place] for place in places}.issuperset(waiting)


class Trial:
    """Rows that were let in so far. ``places`` of all its methods are those of the batch."""

    def __init__(self, distinct: Sequence[Distinct], homes: Sequence[Home]) -> None:
        self._distinct, self._homes = distinct, homes

    def refusal(self, places: Sequence[int]) -> DatarError | None:
        """Why these rows cannot all be let in; else they are."""
        for rule in self._distinct:
            if rule.refuses(places):
                return taken_value(rule.names)
        for home in self._homes:
            if home.refuses(places):
                return lost_along(home.key)
        for rule in self._distinct:
            rule.used.update(mark for place in places if (mark := rule.marks[place]) is not None)
        for home in self._homes:
            home.there.update(home.own[place] for place in places)
        return None
