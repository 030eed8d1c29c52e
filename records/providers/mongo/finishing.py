"""What is asked of numbers that only Python has exactly: conditions on groups, and their place in the order."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final

from records.conditions import AllOf, AnyOf, Condition, Match, Not, Output

Computed = dict[int, Decimal | None]
"""The numbers of a group, by the places of their outputs."""
_COMPARED: Final[dict[str, Callable[[Decimal, Decimal], bool]]] = {
    "eq": lambda left, right: left == right,
    "ne": lambda left, right: left != right,
    "gt": lambda left, right: left > right,
    "gte": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "lte": lambda left, right: left <= right,
}


def places_of(condition: Condition) -> set[int]:
    """The outputs a condition speaks of, by their places."""
    match condition:
        case Match(Output(place)):
            return {place}
        case Not(inner):
            return places_of(inner)
        case AllOf(parts) | AnyOf(parts):
            return set().union(*map(places_of, parts))
    raise AssertionError(condition)


def parted(condition: Condition, computed: Sequence[int]) -> tuple[AllOf, AllOf]:
    """The parts that speak of none of the computed places, and the others."""
    parts = condition.conditions if isinstance(condition, AllOf) else (condition,)
    theirs = tuple(part for part in parts if places_of(part).isdisjoint(computed))
    return AllOf(theirs), AllOf(tuple(part for part in parts if part not in theirs))


def truth(condition: Condition, numbers: Computed) -> bool | None:
    """Whether the condition holds; None: unknown."""
    match condition:
        case Match(Output(place)):
            return _compared(condition, numbers[place])
        case Not(inner):
            inside = truth(inner, numbers)
            return None if inside is None else not inside
        case AllOf(parts):
            found = [truth(part, numbers) for part in parts]
            return False if False in found else None if None in found else True
        case AnyOf(parts):
            found = [truth(part, numbers) for part in parts]
            return True if True in found else None if None in found else False
    raise AssertionError(condition)


def order_key(number: Decimal | None, *, descending: bool) -> tuple[int, Decimal]:
    """What a number is sorted by: null is greater than every one."""
    if number is None:
        return -1 if descending else 1, Decimal(0)
    return 0, number.copy_negate() if descending else number


def _compared(match: Match, number: Decimal | None) -> bool | None:
    if isinstance(match.value, bool):
        return (number is None) is match.value
    if number is None:
        return None
    if isinstance(match.value, tuple):
        found = number in [Decimal(text) for text in match.value]
        return found if match.operator == "in" else not found
    return _COMPARED[match.operator](number, Decimal(match.value))
