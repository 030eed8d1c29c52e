"""Conditions behind relations, asked first where few rows satisfy them: their keys take the relation's place.

``$lookup`` looks anew for each row; a list of keys is one question, and an index serves what is left. It is asked in
the same snapshot, of parts that must hold, and not where the other table is much the larger one.
"""

from dataclasses import replace
from typing import Final, TypeVar

from records.conditions import AllOf, AnyOf, Condition, Expression, Match, Not, Some
from records.linking import among_texts
from records.plan import GroupPlan, ListPlan
from records.providers.mongo.asking import Asking
from records.providers.mongo.layout import path_of
from records.providers.mongo.matching import condition_stages, conjuncts
from records.providers.mongo.server import Pipeline
from records.providers.mongo.source import Source
from records.providers.mongo.values import text_of
from records.relations import Relation
from records.table import Table

P = TypeVar("P", ListPlan, GroupPlan)

_KEYS: Final = 1_000
"""More keys than these are not carried."""
_BRANCHES: Final = 100
_LARGER: Final = 10
"""A table of so many times the rows is not asked first."""
_FINDING: Final = frozenset({"eq", "in"})


def keyed_plan(plan: P, asking: Asking) -> P:
    """The plan with such a condition. Raises PyMongoError."""
    return replace(plan, where=_keyed(plan.where, plan.table, asking))


def _keyed(condition: Condition, table: Table, asking: Asking) -> Condition:
    """A condition that holds of the same rows; parts that need other rows may have become keys. Raises PyMongoError."""
    parts = list(conjuncts(condition))
    if any(map(_finds_few, parts)):
        return condition
    return AllOf(tuple(_part(part, table, asking) for part in parts))


def _finds_few(condition: Condition) -> bool:
    """Whether the table's own rows are found first: then few are looked up for."""
    match condition:
        case Match(Expression(hops=(), keys=(), part=""), operator):
            return operator in _FINDING
    return False


def _part(condition: Condition, table: Table, asking: Asking) -> Condition:
    if isinstance(condition, AnyOf | AllOf):
        parts = tuple(_part(part, table, asking) for part in condition.conditions)
        return AnyOf(parts) if isinstance(condition, AnyOf) else AllOf(parts)
    found = _behind(condition)
    if found is None:
        return condition
    hop, behind = found
    if not _is_asked_first(hop, table, asking):
        return condition
    keys = _keys(hop, behind, asking)
    here = [mine for mine, _ in hop.pairs]
    if len(keys) > _KEYS or _branches(keys) > _BRANCHES:
        return condition
    return among_texts((), here, keys)


def _branches(keys: list[tuple[str, ...]]) -> int:
    """The alternatives that the keys make: of composite ones, one for each value of one part."""
    parts = [set(part) for part in zip(*keys, strict=True)]
    return min(map(len, parts)) if len(parts) > 1 else 1


def _keys(hop: Relation, behind: Condition, asking: Asking) -> list[tuple[str, ...]]:
    """The different keys of the rows there that satisfy the condition, as texts; one more than are carried."""
    source = Source(hop.target)
    fields = [theirs for _, theirs in hop.pairs]
    paths = [path_of(hop.target, field) for field in fields]
    stages: Pipeline = condition_stages(_keyed(behind, hop.target, asking), source)
    stages.append({"$match": {path: {"$exists": True} for path in paths}})
    stages.append({"$group": {"_id": {f"k{place}": f"${path}" for place, path in enumerate(paths)}}})
    stages.append({"$limit": _KEYS + 1})
    found = [row["_id"].values() for row in asking.rows(hop.target, stages, most=_KEYS + 1)]
    return [tuple(str(text_of(field, value)) for field, value in zip(fields, key, strict=True)) for key in found]


def _is_asked_first(hop: Relation, table: Table, asking: Asking) -> bool:
    if any(theirs.type == "duration" for _, theirs in hop.pairs):  # a duration is joined by its text
        return False
    return asking.kept_count(hop.target) <= _LARGER * asking.kept_count(table)


def _behind(condition: Condition) -> tuple[Relation, Condition] | None:
    """The first relation of a part, and what must hold of some row there; None where it needs no row to hold."""
    match condition:
        case Not(Match(Expression(hops=(hop, *rest)) as expression, _, value) as inner) if not isinstance(value, bool):
            return hop, Not(replace(inner, expression=replace(expression, hops=tuple(rest))))
        case Match(Expression(hops=(hop, *rest)) as expression, _, value) if value is not True:
            return hop, replace(condition, expression=replace(expression, hops=tuple(rest)))
        case Some(hops, relation, inner):
            hop, *rest = (*hops, relation)
            return hop, Some(tuple(rest[:-1]), rest[-1], inner) if rest else inner
    return None
