"""The reference model of writes: what CONTRACT 6 says becomes of rows, computed naively over the model's world.

It knows no database and nothing of ``records``. A write either changes the world and gives its answer, or raises
``Refused`` and changes nothing. Where the contract leaves open which of two refusals comes first, it raises ``Unsure``.
"""

import copy
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.records.model import Row, World
from tests.records.model_operators import same
from tests.records.model_values import plain

Key = tuple[Any, ...]
Action = Literal["NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"]


@dataclass(frozen=True)
class Link:
    """An enforced foreign key: these labels of the table, the table they name, what happens when its row goes."""

    labels: tuple[str, ...]
    target: str
    action: Action = "NO ACTION"


@dataclass(frozen=True)
class Rules:
    """What a table's rows must keep. ``wrong`` says of (label, value) pairs which code they are refused with."""

    uniques: tuple[tuple[str, ...], ...]
    links: tuple[Link, ...] = ()
    required: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    wrong: tuple[tuple[str, Any, str], ...] = ()
    generated: bool = False


class Refused(Exception):
    """A refusal: its code; of field errors (index, label, code) of each; the labels and the row of a conflict.

    It is not ``sure`` where several keys stand in the way: which of them is told is not promised.
    """

    def __init__(
        self,
        code: str,
        *,
        errors: frozenset[tuple[int | None, str, str]] = frozenset(),
        fields: tuple[str, ...] = (),
        index: int | None = None,
        sure: bool = True,
    ) -> None:
        super().__init__(code, errors, fields, index)
        self.sure = sure
        self.code, self.errors, self.fields, self.index = code, errors, fields, index


class Unsure(Exception):
    """The contract allows more than one answer."""


class Ordered(Exception):
    """PostgreSQL's answer hangs on the order in which rows go: docs/decisions/0012-mongodb.md."""


class Ledger:
    """The world and its rules, changed by writes. ``versions`` counts each row's changes."""

    def __init__(self, world: World, rules: Mapping[str, Rules]) -> None:
        self.world, self.rules = world, rules
        self.versions: dict[tuple[str, Key], int] = {}
        self._clock = 0

    def key_of(self, table: str, row: Row) -> Key:
        """A row's key."""
        return tuple(row[name] for name in self.world.shapes[table].key)

    def find(self, table: str, key: Key) -> Row | None:
        """The row with this key."""
        return next((row for row in self.world.rows[table] if self.key_of(table, row) == key), None)

    def tried(self) -> "Ledger":
        """A copy that a write may spoil."""
        other = Ledger(World(self.world.shapes, copy.deepcopy(self.world.rows)), self.rules)
        other.versions, other._clock = dict(self.versions), self._clock
        return other

    def take(self, other: "Ledger") -> None:
        """What a copy came to is so."""
        self.world.rows, self.versions, self._clock = other.world.rows, other.versions, other._clock

    def faults(self, table: str, row: Row, *, whole: bool) -> set[tuple[str, str]]:
        """(label, code) of everything wrong with a row by itself; a ``whole`` one has every required label."""
        rules, kinds = self.rules[table], self.world.shapes[table].kinds
        found = {(label, "unknown_field") for label in row if label not in kinds}
        found |= {(label, code) for label, value, code in rules.wrong if label in row and same(row[label], value)}
        absent = [label for label in rules.required if (whole and label not in row) or row.get(label, 0) is None]
        keys = [] if rules.generated or not whole else self.world.shapes[table].key
        return found | {(label, "required") for label in [*absent, *(key for key in keys if row.get(key) is None)]}

    def check(self, table: str, rows: Sequence[Row], *, single: bool, whole: bool) -> None:
        """Refuse rows that are wrong by themselves."""
        errors = frozenset(
            (None if single else index, label, code)
            for index, row in enumerate(rows)
            for label, code in self.faults(table, row, whole=whole)
        )
        if errors:
            raise Refused("validation_error", errors=errors)

    def stored(self, table: str, row: Row) -> Row:
        """A whole row as it is answered."""
        rules, kinds = self.rules[table], self.world.shapes[table].kinds
        return {label: canonical(kind, row.get(label, rules.defaults.get(label))) for label, kind in kinds.items()}

    def clashes(self, table: str, row: Row) -> list[tuple[str, ...]]:
        """The unique labels in which another row has this row's values."""
        others = [other for other in self.world.rows[table] if other is not row]
        return [
            names
            for names in self.rules[table].uniques
            if None not in (own := self._values(table, names, row))
            and any(self._values(table, names, other) == own for other in others)
        ]

    def _values(self, table: str, names: Sequence[str], row: Row) -> list[Any]:
        kinds = self.world.shapes[table].kinds
        return [plain(kinds[name], row[name]) for name in names]

    def add(self, table: str, row: Row, index: int | None) -> Row:
        """One more row; refused where it stands against another."""
        made = self.stored(table, row)
        self.world.rows[table].append(made)
        self.refuse_clash(table, made, index)
        self.touch(table, made)
        return made

    def refuse_clash(self, table: str, row: Row, index: int | None) -> None:
        """Raise where another row has unique values of this one."""
        if found := self.clashes(table, row):
            raise Refused("conflict_unique", fields=found[0] if len(found) == 1 else (), index=index)

    def touch(self, table: str, row: Row) -> None:
        """The row has a version that no row had before."""
        self._clock += 1
        self.versions[table, self.key_of(table, row)] = self._clock

    def orphans(self, table: str, rows: Sequence[Row]) -> list[tuple[int, tuple[str, ...]]]:
        """(place, labels) of what points at a row that is not there."""
        return [
            (place, link.labels)
            for place, row in enumerate(rows)
            for link in self.rules[table].links
            if None not in (key := tuple(row[name] for name in link.labels)) and self.find(link.target, key) is None
        ]

    def refuse_orphans(self, table: str, rows: Sequence[Row], *, single: bool) -> None:
        """Raise where one of the rows has no parent."""
        found = self.orphans(table, rows)
        if found:
            one = len({labels for _, labels in found}) == 1
            fields, index = (found[0][1] if one else ()), None if single or not one else found[0][0]
            raise Refused("conflict_foreign_key", fields=fields, index=index)

    def remove(self, table: str, gone: Sequence[Row]) -> None:
        """Rows go, and what refers to them goes, forgets them, or stands in the way."""
        away: list[tuple[str, Row]] = []
        self._take_away(table, list(gone), away)
        if any(self._goes_two_ways(name, row, away) for name, row in away):
            raise Ordered
        lost = {(name, labels) for name, rows in self.world.rows.items() for _, labels in self.orphans(name, rows)}
        if lost:
            raise Refused("conflict_foreign_key", sure=len(lost) == 1)

    def _take_away(self, table: str, gone: list[Row], away: list[tuple[str, Row]]) -> None:
        left = [row for row in self.world.rows[table] if not any(row is one for one in gone)]
        self.world.rows[table] = left
        away += [(table, row) for row in gone]
        keys = [self.key_of(table, row) for row in gone]
        for name, rules in self.rules.items():
            for link in rules.links:
                if link.target == table:
                    self._follow(name, link, keys, away)

    def _goes_two_ways(self, table: str, row: Row, away: list[tuple[str, Row]]) -> bool:
        """Whether a row that goes refers, by a key that must hold, to another that goes than its other keys."""
        keys: dict[bool, set[tuple[str, Key]]] = {True: set(), False: set()}
        for link in self.rules[table].links:
            keys[link.action in ("NO ACTION", "SET DEFAULT")].add(
                (link.target, tuple(row[name] for name in link.labels))
            )
        gone = {(name, self.key_of(name, one)) for name, one in away}
        return bool((keys[True] & gone) - keys[False])

    def _follow(self, table: str, link: Link, keys: list[Key], away: list[tuple[str, Row]]) -> None:
        found = [row for row in self.world.rows[table] if tuple(row[name] for name in link.labels) in keys]
        if not found or link.action == "NO ACTION":
            return
        if link.action == "RESTRICT":
            raise Refused("conflict_foreign_key")
        if link.action == "CASCADE":
            self._take_away(table, found, away)
            return
        for row in found:
            for name in link.labels:
                row[name] = self.rules[table].defaults.get(name) if link.action == "SET DEFAULT" else None
            self.touch(table, row)


def canonical(kind: str, value: Any) -> Any:
    """A value as it is answered."""
    return value.lower() if kind == "string/uuid" and value is not None else value


def alike(one: Any, other: Any) -> bool:
    """Equal after JSON normalisation: numbers as decimals, objects as values; true is not one."""
    with suppress(RecursionError):
        return same(one, other)
    return False
