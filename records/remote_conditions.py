"""Conditions that go through relations to another store → conditions that one store can answer.

What lies behind such a relation is asked first, of the store that keeps it, and its keys take the relation's place. An
answer of yes or no has lost what is unknown, so each part is asked for what is wanted of it: that it holds, or that its
negation does. Then what is unknown is in neither answer.
"""

from dataclasses import replace

from datar.errors import Invalid
from records import limits
from records.conditions import EVERYTHING, AllOf, AnyOf, Condition, Expression, Match, Not, Output, Some
from records.filters import negation
from records.linking import Key, among, keys_of, read_json
from records.plan import Group, GroupPlan, Sort
from records.provider import Stores
from records.query import Page
from records.relations import Relation


def is_local(condition: Condition) -> bool:
    """Whether every relation a condition goes through stays in one store."""
    match condition:
        case Match(Expression(hops=hops)):
            return not hops or all(hop.is_local for hop in hops)
        case AllOf(parts) | AnyOf(parts):
            return all(is_local(part) for part in parts)
        case Not(inner):
            return is_local(inner)
        case Some(hops, relation, inner):
            return relation.is_local and all(hop.is_local for hop in hops) and is_local(inner)
    return True


def local_condition(condition: Condition, stores: Stores) -> Condition:
    """A condition that holds of the same rows and goes through no other store; where it does not hold it may be
    false or unknown.

    Raises Invalid (``relation_not_local``) where more than ``REMOTE_KEYS`` keys would have to be carried.
    """
    return condition if is_local(condition) else _wanted(condition, stores, holds=True)


def too_many_keys(what: str) -> Invalid:
    """The 400 where more keys than ``REMOTE_KEYS`` would have to be carried from one database to another."""
    detail = f"{what}: between databases at most {limits.REMOTE_KEYS} keys are carried; ask for less."
    return Invalid(detail, code="relation_not_local")


def _wanted(condition: Condition, stores: Stores, *, holds: bool) -> Condition:
    """What holds where the condition does, or where its negation does."""
    if is_local(condition):
        return condition if holds else negation(condition)
    match condition:
        case Not(inner):
            return _wanted(inner, stores, holds=not holds)
        case AllOf(parts) | AnyOf(parts):
            found = tuple(_wanted(part, stores, holds=holds) for part in parts)
            return AllOf(found) if isinstance(condition, AllOf) == holds else AnyOf(found)
        case Match(Expression()):
            return _match(condition, stores, holds=holds)
        case Some():
            return _some(condition, stores, holds=holds)
    raise AssertionError(condition)


def _match(condition: Match, stores: Stores, *, holds: bool) -> Condition:
    """A value behind a remote to-one relation; where there is no parent it is null."""
    expression = condition.expression
    assert isinstance(expression, Expression)
    before, hop, after = _parted(expression.hops)
    behind = replace(condition, expression=replace(expression, hops=after))
    if not isinstance(condition.value, bool):
        return _belonging(before, hop, behind if holds else Not(behind), stores)
    known = replace(behind, value=False)
    if condition.value == holds:
        return _others(before, hop, known, stores)
    return _belonging(before, hop, known, stores)


def _some(condition: Some, stores: Stores, *, holds: bool) -> Condition:
    """At least one such row, which is never unknown; so of the condition inside only where it holds matters."""
    path = (*condition.hops, condition.relation)
    if all(hop.is_local for hop in path):
        inside = replace(condition, condition=local_condition(condition.condition, stores))
        return inside if holds else Not(inside)
    before, hop, after = _parted(path)
    behind = Some(after[:-1], after[-1], condition.condition) if after else condition.condition
    return (_belonging if holds else _others)(before, hop, behind, stores)


def _parted(path: tuple[Relation, ...]) -> tuple[tuple[Relation, ...], Relation, tuple[Relation, ...]]:
    """The relations before the first remote one, that one, and those after it."""
    place = next(place for place, hop in enumerate(path) if not hop.is_local)
    return path[:place], path[place], path[place + 1 :]


def _belonging(before: tuple[Relation, ...], hop: Relation, behind: Condition, stores: Stores) -> Condition:
    """That a row of which ``behind`` holds is reached."""
    return among(before, [here for here, _ in hop.pairs], _keys(hop, behind, stores))


def _others(before: tuple[Relation, ...], hop: Relation, behind: Condition, stores: Stores) -> Condition:
    """That none is reached: also where there is no way to any."""
    keys = _keys(hop, behind, stores)
    if not keys:
        return EVERYTHING
    here = [field for field, _ in hop.pairs]
    nowhere = (Match(Expression(field, before), "isnull", True) for field in here)
    return AnyOf((*nowhere, negation(among(before, here, keys))))


def _keys(hop: Relation, behind: Condition, stores: Stores) -> list[Key]:
    """The different keys of the rows of which ``behind`` holds, that rows before the hop may have.

    Raises Invalid (``relation_not_local``) when there are more than ``REMOTE_KEYS``.
    """
    fields = [there for _, there in hop.pairs]
    known = (Match(Expression(field), "isnull", False) for field in fields)
    groups = tuple(Group(field.name, Expression(field)) for field in fields)
    plan = GroupPlan(
        table=hop.target,
        groups=groups,
        aggregates=(),
        where=AllOf((local_condition(behind, stores), *known)),
        having=EVERYTHING,
        order=tuple(Sort(Output(place, group.expression.result)) for place, group in enumerate(groups)),
        page=Page(limits.REMOTE_KEYS + 1, 0, None),
        count="none",
    )
    rows = read_json(stores.provider_of(hop.target).read(plan))["data"]
    if len(rows) > limits.REMOTE_KEYS:
        name = hop.target.identity.name
        raise too_many_keys(f"'{hop.name}' leads to table '{name}' in another database, where too many rows are found")
    return keys_of(rows, fields)
