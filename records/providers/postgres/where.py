"""Conditions → SQL, one template per operator. Where a value stands, its caller says: a placeholder or a constant."""

from collections.abc import Callable, Iterator
from typing import Final

from psycopg.sql import SQL, Composable, Identifier, Literal

from records.conditions import AllOf, AnyOf, Condition, Match, Not, matches_of
from records.providers.postgres.columns import columns_of, compared

Bind = Callable[[Match], Composable]
"""A comparison's value, or array of values, as the column's type; called once for each of ``values``, in its order."""

_FOLDED: Final = SQL('lower(upper({text} COLLATE "default"))')
_COMPARISONS: Final[dict[str, SQL]] = {
    "eq": SQL("{column} = {value}"),
    "ne": SQL("{column} <> {value}"),
    "gt": SQL("{column} > {value}"),
    "gte": SQL("{column} >= {value}"),
    "lt": SQL("{column} < {value}"),
    "lte": SQL("{column} <= {value}"),
    "contains": SQL("strpos({column}, {value}) > 0"),
    "icontains": SQL("strpos({column}, {value}) > 0"),
    "in": SQL("{column} = ANY ({value})"),
    "nin": SQL("{column} <> ALL ({value})"),
}


def condition_text(condition: Condition, bind: Bind) -> Composable:
    """The condition; every part of a whole in parentheses."""
    match condition:
        case Match():
            return _match(condition, bind)
        case Not(inner):
            return SQL("NOT ({inner})").format(inner=condition_text(inner, bind))
        case AllOf(()):
            return SQL("TRUE")
        case AllOf(parts):
            return SQL(" AND ").join(_part(part, bind) for part in parts)
        case AnyOf(parts):
            return SQL(" OR ").join(_part(part, bind) for part in parts)


def _part(condition: Condition, bind: Bind) -> Composable:
    text = condition_text(condition, bind)
    return text if isinstance(condition, Match) else SQL("({text})").format(text=text)


def _match(match: Match, bind: Bind) -> Composable:
    name: Composable = compared(match.field).identifier
    if isinstance(match.value, bool):
        first = columns_of(match.field)[0].identifier
        return SQL("{column} IS {null}").format(column=first, null=SQL("NULL" if match.value else "NOT NULL"))
    value: Composable = bind(match)
    if match.operator == "icontains":
        name, value = _FOLDED.format(text=name), _FOLDED.format(text=value)
    return _COMPARISONS[match.operator].format(column=name, value=value)


def values(condition: Condition) -> Iterator[str | list[str] | None]:
    """The values to bind, in the order in which ``condition_text`` asks for them."""
    for match in matches_of(condition):
        if isinstance(match.value, tuple):
            yield list(match.value)
        elif not isinstance(match.value, bool):
            yield match.value


def values_of(match: Match, bound: Composable) -> Composable:
    """A bound text, or array of texts, as the column's type."""
    column = compared(match.field)
    if isinstance(match.value, tuple):
        each = column.bound(Identifier("value"))
        return SQL("ARRAY(SELECT {each} FROM unnest({bound}::text[]) AS value)").format(each=each, bound=bound)
    return column.bound(bound)


def constants_of(match: Match) -> Composable:
    """The value as constants, for what cannot bind: an index's condition."""
    column = compared(match.field)
    if isinstance(match.value, tuple):
        return SQL("ARRAY[{each}]").format(each=SQL(", ").join(column.bound(Literal(text)) for text in match.value))
    return column.bound(Literal(match.value))
