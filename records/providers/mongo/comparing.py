"""One comparison → an aggregation expression that is true or false of a value that is known."""

from typing import Any, Final

from records.conditions import Match
from records.operators import JSON_TYPES
from records.providers.mongo.aggregation import Aggregation, literal
from records.providers.mongo.jsonmatching import json_holds
from records.providers.mongo.textmatching import text_holds
from records.providers.mongo.values import operand

_ORDERED: Final = frozenset({"eq", "ne", "gt", "gte", "lt", "lte"})


def holds(match: Match, value: Aggregation) -> Aggregation:
    """Whether ``value operator operand``, where the value is neither null nor missing."""
    operator = match.operator
    if operator in _ORDERED or operator == "in":
        return {f"${operator}": [value, literal(operands(match))]}
    if match.expression.result.type in JSON_TYPES:
        return json_holds(match, value)
    return text_holds(operator, value, str(match.value))


def operands(match: Match) -> Any:
    """The value or values compared with, as they would be stored. Raises Invalid (``number_out_of_range``)."""
    field = match.expression.result
    if isinstance(match.value, tuple):
        return [operand(field, text) for text in match.value]
    return operand(field, str(match.value))
