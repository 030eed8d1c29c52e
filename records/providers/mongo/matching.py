"""Conditions → ``$match`` stages, compiled for what is wanted of them: that they are true, or that they are false.

So unknown is neither, though MongoDB knows two truth values: every leaf asks for a value that is there, and a negation
ends at the leaves. What is told by a member of the row is a match operator, which an index can serve; all else is an
expression. Values are never read as operators or paths: they stand under ``$literal`` or as a match operator's value.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from records.conditions import AllOf, AnyOf, Condition, Expression, Found, Match, Not, Output, Some
from records.providers.mongo.aggregation import Aggregation, is_known, named
from records.providers.mongo.comparing import holds, operands
from records.providers.mongo.expressions import expression_of, is_plain
from records.providers.mongo.layout import KEY
from records.providers.mongo.searching import found_query
from records.providers.mongo.server import Document, Pipeline
from records.providers.mongo.source import Source
from records.providers.mongo.textmatching import native_text, necessary_text

_NOTHING: Final[Document] = {KEY: {"$in": []}}
_OPPOSITES: Final = {"eq": "$ne", "ne": "$eq", "gt": "$lte", "gte": "$lt", "lt": "$gte", "lte": "$gt", "in": "$nin"}


def condition_stages(condition: Condition, source: Source) -> Pipeline:
    """What leaves the rows that satisfy the condition.

    First what the rows themselves tell, which an index can serve; then each part that needs other rows, after its
    lookups.
    """
    parts = list(conjuncts(condition))
    own = [part for part in parts if _is_own(part)]
    stages = _match([_query(part, source, wanted=True) for part in own])
    for part in parts:
        if not _is_own(part):
            query = _query(part, source, wanted=True)
            stages += [*source.stages, {"$match": query}]
    return stages


def having_stage(condition: Condition, outputs: Sequence[str]) -> Pipeline:
    """What leaves the groups that satisfy the condition; ``outputs`` are paths in a group's document, by place."""
    return _match([_of_group(part, outputs, wanted=True) for part in conjuncts(condition)])


def _match(queries: list[Document]) -> Pipeline:
    return [{"$match": _both(queries)}] if queries else []


def conjuncts(condition: Condition) -> Iterator[Condition]:
    """The parts that must all hold."""
    if isinstance(condition, AllOf):
        for part in condition.conditions:
            yield from conjuncts(part)
    else:
        yield condition


def _is_own(condition: Condition) -> bool:
    """Whether the row alone tells."""
    match condition:
        case Match(Expression(hops=hops)):
            return not hops
        case Not(inner):
            return _is_own(inner)
        case AllOf(parts) | AnyOf(parts):
            return all(map(_is_own, parts))
    return isinstance(condition, Found)


def _query(condition: Condition, source: Source, *, wanted: bool) -> Document:
    match condition:
        case Not(inner):
            return _query(inner, source, wanted=not wanted)
        case AllOf(parts) | AnyOf(parts):
            queries = [_query(part, source, wanted=wanted) for part in parts]
            return _both(queries) if isinstance(condition, AllOf) is wanted else _either(queries)
        case Some(hops, relation, inner):
            member = source.some(hops, relation, condition_stages(inner, Source(relation.target)))
            return {f"{member}.0": {"$exists": wanted}}
        case Found(words):
            query = found_query(words, source)
            return query if wanted else {"$nor": [query]}
        case Match(Expression() as expression):
            return _leaf(condition, expression, source, wanted=wanted)
    raise AssertionError(condition)


def _of_group(condition: Condition, outputs: Sequence[str], *, wanted: bool) -> Document:
    match condition:
        case Not(inner):
            return _of_group(inner, outputs, wanted=not wanted)
        case AllOf(parts) | AnyOf(parts):
            queries = [_of_group(part, outputs, wanted=wanted) for part in parts]
            return _both(queries) if isinstance(condition, AllOf) is wanted else _either(queries)
        case Match(Output(place)):
            return _computed(condition, f"${outputs[place]}", wanted=wanted)
    raise AssertionError(condition)


def _both(queries: list[Document]) -> Document:
    return queries[0] if len(queries) == 1 else {"$and": queries} if queries else {}


def _either(queries: list[Document]) -> Document:
    return queries[0] if len(queries) == 1 else {"$or": queries} if queries else _NOTHING


def _leaf(match: Match, expression: Expression, source: Source, *, wanted: bool) -> Document:
    path = source.path(expression.hops, expression.field)
    if isinstance(match.value, bool) and not (expression.keys or expression.part or expression.unit):
        return {path: {"$exists": match.value is not wanted}}
    if not is_plain(expression):
        return _computed(match, expression_of(expression, source), wanted=wanted)
    query = _native(match, wanted=wanted)
    if query is not None:
        return {path: query}
    necessary = necessary_text(match.operator, str(match.value)) if wanted else []
    return _both([*({path: one} for one in necessary), _computed(match, f"${path}", wanted=wanted)])


def _native(match: Match, *, wanted: bool) -> Document | None:
    """The comparison as a match operator of the member's path; None where there is none. A null satisfies none."""
    operator = match.operator
    if operator not in _OPPOSITES:
        return native_text(operator, str(match.value), wanted=wanted)
    word = f"${operator}" if wanted else _OPPOSITES[operator]
    value = operands(match)
    return {word: value, "$exists": True} if word in ("$ne", "$nin") else {word: value}


def _computed(match: Match, value: Aggregation, *, wanted: bool) -> Document:
    """The comparison as an expression: the value is known, and it holds or does not."""
    if isinstance(match.value, bool):
        return {"$expr": is_known(value) if match.value is not wanted else {"$lte": [value, None]}}
    truth = holds(match, "$$v")
    asked = {"$and": [is_known("$$v"), truth if wanted else {"$not": [truth]}]}
    return {"$expr": named("v", value, asked)}
