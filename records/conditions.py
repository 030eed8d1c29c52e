"""What must hold of a row, understood: names resolved, values coerced. One vocabulary for lists, scopes and indexes.

``filters.condition_of`` turns what was asked into it, or refuses. Only these nodes reach a provider.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from records.relations import Relation
from records.table import Field, Table

Reading = Literal["", "json", "text", "number"]
"""How a value inside a JSON field is looked at: as JSON, or as text or number where it is one, else as null."""


@dataclass(frozen=True)
class Expression:
    """One value of a row: a field, perhaps of a row that to-one ``hops`` lead to, perhaps a piece of it.

    ``keys`` lead into a JSON value (a number also counts an array's items); ``part`` is a part of a date or instant;
    ``unit`` (with ``zone``) truncates one. A missing parent or key is null.
    """

    field: Field
    hops: tuple[Relation, ...] = ()
    keys: tuple[str, ...] = ()
    reading: Reading = ""
    part: str = ""
    unit: str = ""
    zone: str = ""

    @property
    def names_additional(self) -> bool:
        """Whether it is a whole additional field, which its one key names."""
        return self.field.is_additional and len(self.keys) == 1

    @cached_property
    def result(self) -> Field:
        """A field of the type this gives: what values compared with it are coerced to, and how it is rendered."""
        if self.part:
            return replace(_PLAIN["date" if self.part == "date" else "integer"], name=self.field.name)
        if self.reading:
            return replace(_PLAIN[self.reading], name=self.field.name)
        return self.field


@dataclass(frozen=True)
class Output:
    """A column of groups: an aggregate or a group key, by its place among all of them, and a field of its type."""

    place: int
    result: Field


_PLAIN = {
    "integer": Field("", "integer", ""),
    "date": Field("", "date", ""),
    "number": Field("", "number", ""),
    "text": Field("", "string", ""),
    "json": Field("", "any", ""),
}

Value = str | tuple[str, ...] | bool
"""Canonical text, several of them, or a flag (of ``isnull``)."""


@dataclass(frozen=True, slots=True)
class Match:
    """``expression operator value``; null where the expression is null, but for ``isnull``."""

    expression: Expression | Output
    operator: str
    value: Value


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every condition holds; of none, everything."""

    conditions: "tuple[Condition, ...]" = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one condition holds."""

    conditions: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold; unknown stays unknown."""

    condition: "Condition"


@dataclass(frozen=True, slots=True)
class Some:
    """Of the many rows that ``relation`` leads to, after the to-one ``hops``, at least one satisfies the condition.

    It is true or false, never unknown. The condition's own expressions start from the relation's target.
    """

    hops: tuple[Relation, ...]
    relation: Relation
    condition: "Condition"


@dataclass(frozen=True, slots=True)
class Found:
    """The row is found by these search words (``"phrases"``, ``-not``, ``OR``)."""

    words: str


Condition = Match | AllOf | AnyOf | Not | Some | Found
EVERYTHING = AllOf()


def leaves_of(condition: Condition) -> Iterator[Match | Found]:
    """Every leaf of a condition, in one fixed order: the order in which a provider numbers its values."""
    match condition:
        case Match() | Found():
            yield condition
        case Not(inner) | Some(condition=inner):
            yield from leaves_of(inner)
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from leaves_of(part)


def reached(condition: Condition) -> Iterator[Table]:
    """The tables that a condition looks at beside its own: none of them may be another than it was understood for."""
    match condition:
        case Match(Expression(hops=hops)):
            yield from (hop.target for hop in hops)
        case Some(hops, relation, inner):
            yield from (hop.target for hop in (*hops, relation))
            yield from reached(inner)
        case Not(inner):
            yield from reached(inner)
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from reached(part)
        case Match() | Found():
            return
