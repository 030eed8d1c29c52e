"""Conditions behind relations, asked first where few rows satisfy them: their keys take the relation's place.

``$lookup`` looks anew for each row; a list of keys is one question, and an index serves what is left. It is asked in
the same snapshot, of parts that must hold, and not where the other table is much the larger one.
"""

from dataclasses import replace
from typing import Final, TypeVar

from records.conditions import AllOf, Condition, Expression, Match, Not, Some
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
    found = _behind(condition)
    if found is None:
        return condition
    hop, behind = found
    if not _is_asked_first(hop, table, asking):
        return condition
    ((here, there),) = hop.pairs
    source, path = Source(hop.target), path_of(hop.target, there)
    stages: Pipeline = condition_stages(_keyed(behind, hop.target, asking), source)
    stages += [{"$match": {path: {"$exists": True}}}, {"$group": {"_id": f"${path}"}}, {"$limit": _KEYS + 1}]
    keys = [text_of(there, row["_id"]) for row in asking.rows(hop.target, stages, most=_KEYS + 1)]
    if len(keys) > _KEYS:
        return condition
    return Match(Expression(here), "in", tuple(key for key in keys if key is not None))


def _is_asked_first(hop: Relation, table: Table, asking: Asking) -> bool:
    if len(hop.pairs) > 1 or hop.pairs[0][1].type == "duration":  # a duration is joined by its text
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
