"""The condition of an index → a ``partialFilterExpression``, where MongoDB has the words for it.

It knows comparisons, ``$exists: true``, ``$in``, ``$and`` and ``$or``; no negation. So a condition is compiled for what
is wanted of it, true or false, and unknown is neither: a comparison with a member that is absent holds for nobody.
"""

import operator
from collections.abc import Callable, Sequence
from itertools import chain, pairwise
from typing import Any, Final

from bson.decimal128 import Decimal128

from records.conditions import AllOf, AnyOf, Condition, Expression, Match, Not, Output
from records.fieldtypes import field_type
from records.providers.mongo.layout import compared_path, path_of
from records.providers.mongo.server import Document
from records.providers.mongo.values import Bson, operand, value_at
from records.table import Field, Table

_ORDERED: Final = {"gt": ("$gt", "$lte"), "gte": ("$gte", "$lt"), "lt": ("$lt", "$gte"), "lte": ("$lte", "$gt")}


_TESTS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


_BRANCHES: Final = 64
"""Alternatives of one filter: each is looked at for every row that is written."""

_Branches = list[list[Document]]
"""Alternatives, each of them parts that must all hold: MongoDB takes a filter of few levels only."""


class InexpressibleError(Exception):
    """MongoDB cannot hold an index to this condition."""


def partial_filter(condition: Condition, table: Table, needed: Sequence[str] = ()) -> Document:
    """The filter of the rows of which the condition is true and that have a value at each path of ``needed``.

    Raises InexpressibleError.
    """
    there = [present(path) for path in needed]
    return _filter([[*there, *branch] for branch in _wanted(condition, table, holds=True)])


def presence(paths: Sequence[str]) -> Document:
    """The filter of the rows that have a value at each of these paths; of none, no filter."""
    return _filter([[present(path) for path in paths]])


_COMPARING: Final = frozenset({"eq", "in", "ne", "between", "gt", "gte", "lt", "lte"})


def _filter(branches: _Branches) -> Document:
    found = [{"$and": parts} if len(parts) > 1 else parts[0] if parts else {} for parts in branches]
    return found[0] if len(found) == 1 else {"$or": found}


def present(path: str) -> Document:
    """The filter of the rows that have a value there."""
    return {path: {"$exists": True}}


def _wanted(condition: Condition, table: Table, *, holds: bool) -> _Branches:
    match condition:
        case Not(inner):
            return _wanted(inner, table, holds=not holds)
        case AllOf(parts) | AnyOf(parts) if parts:
            found = [_wanted(part, table, holds=holds) for part in parts]
            return _all(found) if isinstance(condition, AllOf) == holds else _bounded(list(chain(*found)))
        case Match(expression, word, value):
            return _leaf(_field(expression), word, value, table, holds=holds)
    raise InexpressibleError


def _all(parts: Sequence[_Branches]) -> _Branches:
    """One alternative for each choice among those of the parts."""
    found: _Branches = [[]]
    for part in parts:
        found = _bounded([[*one, *other] for one in found for other in part])
    return found


def _bounded(branches: _Branches) -> _Branches:
    if len(branches) > _BRANCHES:
        raise InexpressibleError
    return branches


def _field(expression: Expression | Output) -> Field:
    if isinstance(expression, Output) or expression != Expression(expression.field):
        raise InexpressibleError
    return expression.field


def _leaf(field: Field, word: str, value: str | tuple[str, ...] | bool, table: Table, *, holds: bool) -> _Branches:
    path = compared_path(table, field)
    if word == "isnull":
        path = path_of(table, field)
        return [[{path: {"$eq": None}} if value is holds else present(path)]]
    if isinstance(value, bool) or word not in _COMPARING or field_type(field).is_json:
        raise InexpressibleError
    operands = [operand(field, text) for text in ((value,) if isinstance(value, str) else value)]
    match word:
        case "eq" | "in" | "ne":
            return [[{path: {"$in": operands}}]] if (word != "ne") == holds else _between(path, operands)
        case "between":
            least, most = operands
            return (
                [[{path: {"$gte": least, "$lte": most}}]]
                if holds
                else [[{path: {"$lt": least}}], [{path: {"$gt": most}}]]
            )
        case "gt" | "gte" | "lt" | "lte":
            return [[{path: {_ORDERED[word][not holds]: operands[0]}}]]
    raise InexpressibleError


def _between(path: str, operands: Sequence[Bson]) -> _Branches:
    """A value that is there and none of these: before, between or beyond them, for there is no word for other."""
    order = [value for _, value in sorted({_ordered(each): each for each in operands}.items())]
    inner: list[Document] = [{path: {"$gt": one, "$lt": other}} for one, other in pairwise(order)]
    return _bounded([[part] for part in ({path: {"$lt": order[0]}}, *inner, {path: {"$gt": order[-1]}})])


def satisfies(document: Document, asked: Document) -> bool:
    """Whether a filter that was made here finds the document."""
    for word, wanted in asked.items():
        match word:
            case "$and":
                found = all(satisfies(document, part) for part in wanted)
            case "$or":
                found = any(satisfies(document, part) for part in wanted)
            case _:
                found = all(_holds(value_at(document, word), test, than) for test, than in wanted.items())
        if not found:
            return False
    return True


def _holds(value: Bson, test: str, than: Bson) -> bool:
    if test == "$eq":  # of null alone
        return value is None
    if value is None:
        return False
    match test:
        case "$exists":
            return True
        case "$in":
            return any(_ordered(value) == _ordered(each) for each in than)
    return _TESTS[test](_ordered(value), _ordered(than))


def _ordered(value: Bson) -> Any:
    """A stored value as one that Python orders as MongoDB does; an instant by its milliseconds, then beyond them."""
    if isinstance(value, Decimal128):
        return value.to_decimal()
    return tuple(value.values()) if isinstance(value, dict) else value
