"""Small pieces that aggregation expressions are made of. No text of a client is ever an operator, a path or a name."""

from typing import Any

Aggregation = Any
"""An aggregation expression: a path that begins with ``$``, a document of one operator, or a number, flag or null."""


def literal(value: Any) -> Aggregation:
    """The value as itself, whatever stands in it."""
    return {"$literal": value}


def named(name: str, value: Aggregation, within: Aggregation) -> Aggregation:
    """``within``, in which ``$$name`` is the value: evaluated once."""
    return {"$let": {"vars": {name: value}, "in": within}}


def either(condition: Aggregation, then: Aggregation, otherwise: Aggregation) -> Aggregation:
    """The one where the condition is true, else the other; only that one is evaluated."""
    return {"$cond": [condition, then, otherwise]}


def is_known(value: Aggregation) -> Aggregation:
    """Whether the value is neither null nor missing: both come before everything."""
    return {"$gt": [value, None]}


def is_of(kind: str, value: Aggregation) -> Aggregation:
    """Whether the value is of this type of BSON."""
    return {"$eq": [{"$type": value}, kind]}


def member(value: Aggregation, name: str) -> Aggregation:
    """The member of a document; null or missing where it has none or is none."""
    return {"$getField": {"field": literal(name), "input": value}}


def all_of(parts: list[Aggregation]) -> Aggregation:
    """All of them are true; they are asked in their order, as far as needed."""
    return parts[0] if len(parts) == 1 else {"$and": parts}


def any_of(parts: list[Aggregation]) -> Aggregation:
    """At least one of them is true."""
    return parts[0] if len(parts) == 1 else {"$or": parts}
