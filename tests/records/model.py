"""The reference model: what CONTRACT 7 says a list answers, computed naively over rows that are Python dicts.

It knows no database, no syntax and nothing of ``records``: a question comes as the small vocabulary below, which
``spelling`` writes as a client would. Values compare in ``plain`` forms (``model_values``), by ``model_operators``;
``model_groups`` holds aggregates.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.records.model_operators import Truth, holds
from tests.records.model_values import JSON_KINDS, PARTS, plain, truncated

Row = dict[str, Any]


@dataclass(frozen=True)
class Way:
    """A relation: rows of ``target`` that belong to a row where each (here, there) is equal."""

    target: str
    pairs: tuple[tuple[str, str], ...]
    many: bool = False


@dataclass(frozen=True)
class Shape:
    """A table: its labels with their kinds, its key, its relations by name, the texts that ``search`` looks at."""

    kinds: Mapping[str, str]
    key: tuple[str, ...]
    ways: Mapping[str, Way] = field(default_factory=dict)
    searched: tuple[str, ...] = ()


@dataclass
class World:
    """Every table and its rows, as the service answered them when they were made."""

    shapes: Mapping[str, Shape]
    rows: dict[str, list[Row]]

    def follow(self, row: Row | None, way: Way) -> list[Row | None]:
        """Where a relation leads: to-one always to one row or None, to-many to those there are."""
        sought = [None] if row is None else [row[here] for here, _ in way.pairs]
        found: list[Row | None] = []
        if None not in sought:
            found += [one for one in self.rows[way.target] if [one[there] for _, there in way.pairs] == sought]
        return found if way.many or found else [None]


@dataclass(frozen=True)
class Value:
    """A value of a row: a label behind relations; a JSON value's ``keys``, a ``part``, a ``unit`` in a ``zone``."""

    label: str
    ways: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    part: str = ""
    unit: str = ""
    zone: str = ""


@dataclass(frozen=True)
class Is:
    """``value operator operand``; the operand is JSON: a scalar, a list, a flag or a document."""

    value: Value
    operator: str
    operand: Any


@dataclass(frozen=True)
class All:
    """Every part holds."""

    parts: "tuple[Condition, ...]"


@dataclass(frozen=True)
class Some:
    """At least one part holds."""

    parts: "tuple[Condition, ...]"


@dataclass(frozen=True)
class No:
    """The part does not hold."""

    part: "Condition"


Condition = Is | All | Some | No
Search = tuple[tuple[tuple[bool, tuple[str, ...]], ...], ...]
"""Alternatives of terms that all hold; a term is (negated, one word or the words of a phrase)."""


@dataclass(frozen=True)
class Sort:
    """A term of the order: a value of a row, or the name of a group's column."""

    by: Value | str
    descending: bool = False


@dataclass(frozen=True)
class Question:
    """What a list is asked; ``size`` and ``start`` are the page. ``fields`` None: all."""

    where: tuple[Condition, ...] = ()
    order: tuple[Sort, ...] = ()
    size: int = 20
    start: int = 0
    fields: tuple[str, ...] | None = None
    populate: tuple[tuple[str, ...], ...] = ()
    populate_limit: int = 100
    search: Search = ()


def selected(world: World, table: str, question: Question) -> list[Row]:
    """Every row that is found, in order."""
    shape = world.shapes[table]
    rows = [
        row
        for row in world.rows[table]
        if all(truth(world, table, row, part) is True for part in question.where) and found(shape, row, question.search)
    ]
    key = [Sort(Value(name)) for name in shape.key]
    return in_order(
        rows, [*question.order, *key], lambda row, by: look(world, table, row, Value(by) if isinstance(by, str) else by)
    )


def page(world: World, table: str, question: Question) -> list[Row]:
    """The rows of the page, as they are answered."""
    rows = selected(world, table, question)[question.start : question.start + question.size]
    return [answered(world, table, row, question) for row in rows]


def answered(world: World, table: str, row: Row, question: Question) -> Row:
    """A row with the fields asked for and what is populated."""
    names = world.shapes[table].kinds if question.fields is None else question.fields
    chosen = {name: row[name] for name in names}
    return chosen | _populated(world, table, row, question.populate, question.populate_limit)


def _populated(world: World, table: str, row: Row, paths: Iterable[tuple[str, ...]], limit: int) -> Row:
    added: Row = {}
    for name in {path[0] for path in paths}:
        way = world.shapes[table].ways[name]
        deeper = [path[1:] for path in paths if path[0] == name and len(path) > 1]
        rows = by_key(world.shapes[way.target], world.follow(row, way))
        whole = [one and one | _populated(world, way.target, one, deeper, limit) for one in rows]
        added[name] = whole[:limit] if way.many else whole[0]
    return added


def by_key(shape: Shape, rows: list[Any]) -> list[Any]:
    """Rows in the order of the primary key; a lone None stays."""
    return rows if None in rows else sorted(rows, key=lambda row: [plain(shape.kinds[k], row[k]) for k in shape.key])


def in_order(rows: list[Row], order: Sequence[Sort], read: Callable[[Row, Value | str], Any]) -> list[Row]:
    """Rows sorted by every term, the first one first; nulls last ascending, first descending."""
    for term in reversed(order):
        keyed = [(read(row, term.by), row) for row in rows]
        keyed.sort(key=lambda pair: (pair[0] is None, 0 if pair[0] is None else pair[0]), reverse=term.descending)
        rows = [row for _, row in keyed]
    return rows


def truth(world: World, table: str, row: Row, condition: Condition) -> Truth:
    """Whether a condition holds of a row, three-valued (Kleene)."""
    match condition:
        case Is(value, operator, operand):
            many = any(way.many for way in _ways(world, table, value.ways))
            verdicts = [holds(kind, operator, left, operand) for kind, left in _values(world, table, row, value)]
            return True in verdicts if many else verdicts[0]
        case No(part):
            inner = truth(world, table, row, part)
            return None if inner is None else not inner
        case All(parts):
            parts_hold = [truth(world, table, row, part) for part in parts]
            return False if False in parts_hold else None if None in parts_hold else True
        case Some(parts):
            parts_hold = [truth(world, table, row, part) for part in parts]
            return True if True in parts_hold else None if None in parts_hold else False


def look(world: World, table: str, row: Row, value: Value) -> Any:
    """The plain value, null where a parent or key is missing; only to-one ways lead there."""
    return _values(world, table, row, value)[0][1]


def kind_of(world: World, table: str, value: Value) -> str:
    """The kind of what a value gives."""
    if value.part:
        return "date" if value.part == "date" else "integer"
    target = ([table] + [way.target for way in _ways(world, table, value.ways)])[-1]
    kind = world.shapes[target].kinds[value.label]
    return "json" if kind in JSON_KINDS else kind


def _ways(world: World, table: str, names: Iterable[str]) -> list[Way]:
    ways: list[Way] = []
    for name in names:
        ways.append(world.shapes[table].ways[name])
        table = ways[-1].target
    return ways


def _values(world: World, table: str, row: Row, value: Value) -> list[tuple[str, Any]]:
    """(kind, plain value) of every row that the value's ways lead to."""
    rows: list[Row | None] = [row]
    for way in _ways(world, table, value.ways):
        rows = [after for before in rows for after in world.follow(before, way)]
    kind = kind_of(world, table, value)
    stored = kind_of(world, table, Value(value.label, value.ways))
    return [(kind, None if one is None else _read(stored, one[value.label], value)) for one in rows]


def _read(kind: str, raw: Any, value: Value) -> Any:
    for key in value.keys:
        raw = _inside(raw, key)
    if raw is None or kind == "json":
        return raw
    held = plain(kind, raw)
    if value.part:
        return PARTS[value.part](held)
    return truncated(held, value.unit, value.zone) if value.unit else held


def _inside(raw: Any, key: str) -> Any:
    if isinstance(raw, dict):
        return raw.get(key)
    if isinstance(raw, list) and key.isdecimal():
        return raw[int(key)] if int(key) < len(raw) else None
    return None


def found(shape: Shape, row: Row, search: Search) -> bool:
    """Whether search words find a row: case does not matter, a phrase's words stand side by side in one field."""
    texts = [re.findall(r"[a-z0-9]+", (row[name] or "").lower()) for name in shape.searched]
    return not search or any(all(_has(texts, words) != negated for negated, words in terms) for terms in search)


def _has(texts: list[list[str]], words: tuple[str, ...]) -> bool:
    sought = [word.lower() for word in words]
    return any(text[place : place + len(sought)] == sought for text in texts for place in range(len(text)))
