"""The condition of an index → a ``partialFilterExpression``, where MongoDB has the words for it.

It knows comparisons, ``$exists: true``, ``$in``, ``$and`` and ``$or``; no negation. So a condition is compiled for what
is wanted of it, true or false, and unknown is neither: a comparison with a member that is absent holds for nobody.
"""

import operator
from collections.abc import Callable, Iterator
from typing import Any, Final

from bson.decimal128 import Decimal128

from records.conditions import AllOf, AnyOf, Condition, Expression, Match, Not, Output
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


class InexpressibleError(Exception):
    """MongoDB cannot hold an index to this condition."""


def partial_filter(condition: Condition, table: Table) -> Document:
    """The filter of the rows of which the condition is true. Raises InexpressibleError."""
    return _wanted(condition, table, holds=True)


def present(path: str) -> Document:
    """The filter of the rows that have a value there."""
    return {path: {"$exists": True}}


def both(filters: Iterator[Document] | list[Document]) -> Document:
    """The filter of what all of these find; of none, no filter."""
    parts = [part for part in filters if part]
    return parts[0] if len(parts) == 1 else {"$and": parts} if parts else {}


def _wanted(condition: Condition, table: Table, *, holds: bool) -> Document:
    match condition:
        case Not(inner):
            return _wanted(inner, table, holds=not holds)
        case AllOf(parts) | AnyOf(parts) if parts:
            word = "$and" if isinstance(condition, AllOf) == holds else "$or"
            return {word: [_wanted(part, table, holds=holds) for part in parts]}
        case Match(expression, word, value):
            return _leaf(_field(expression), word, value, table, holds=holds)
    raise InexpressibleError


def _field(expression: Expression | Output) -> Field:
    if isinstance(expression, Output) or expression != Expression(expression.field):
        raise InexpressibleError
    return expression.field


def _leaf(field: Field, word: str, value: str | tuple[str, ...] | bool, table: Table, *, holds: bool) -> Document:
    path = compared_path(table, field)
    if word == "isnull":
        path = path_of(table, field)
        return {path: {"$eq": None}} if value is holds else present(path)
    if isinstance(value, bool):
        raise InexpressibleError
    texts = (value,) if isinstance(value, str) else value
    operands = [operand(field, text) for text in texts]
    match word:
        case "eq" | "in":
            return {path: {"$in": operands}} if holds else both([_unequal(path, each) for each in operands])
        case "ne":
            return both([_unequal(path, each) for each in operands]) if holds else {path: {"$in": operands}}
        case "between":
            least, most = operands
            within: Document = {path: {"$gte": least, "$lte": most}}
            return within if holds else {"$or": [{path: {"$lt": least}}, {path: {"$gt": most}}]}
        case "gt" | "gte" | "lt" | "lte":
            return {path: {_ORDERED[word][not holds]: operands[0]}}
    raise InexpressibleError


def _unequal(path: str, operand: object) -> Document:
    """A value that is there and another one: less or greater, for there is no word for other."""
    return {"$or": [{path: {"$lt": operand}}, {path: {"$gt": operand}}]}


def satisfies(document: Document, asked: Document) -> bool:
    """Whether a filter that ``partial_filter`` and ``present`` made finds the document."""
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
