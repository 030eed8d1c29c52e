"""Expressions → aggregation expressions: null or missing where the value is null."""

from typing import Final

from records.conditions import Expression
from records.operators import JSON_TYPES
from records.providers.mongo.aggregation import Aggregation, either, is_of, named
from records.providers.mongo.jsonpaths import inside
from records.providers.mongo.layout import INSTANT
from records.providers.mongo.source import Source
from records.providers.mongo.truncating import truncated_day, truncated_instant

_PARTS: Final = {"year": "$year", "month": "$month", "day": "$dayOfMonth", "week_day": "$dayOfWeek", "hour": "$hour"}


def expression_of(expression: Expression, source: Source) -> Aggregation:
    """The value as it is compared, ordered and grouped: a duration by its length. A part is a number or a day."""
    path = f"${source.path(expression.hops, expression.field)}"
    if expression.keys or expression.reading:
        return _read(inside(path, expression.keys), expression.reading)
    if expression.part:
        return _part(path, expression)
    if expression.unit and expression.field.type == "date":
        return truncated_day(path, expression.unit)
    return truncated_instant(path, expression.unit, expression.zone) if expression.unit else path


def is_plain(expression: Expression) -> bool:
    """Whether it is a member as it stands that is no JSON value, so that an index can serve comparisons with it."""
    if expression.keys or expression.reading or expression.part or expression.unit:
        return False
    return expression.field.type not in JSON_TYPES


def _read(value: Aggregation, reading: str) -> Aggregation:
    if reading == "text":
        return named("r", value, either(is_of("string", "$$r"), "$$r", None))
    if reading == "number":
        return named("r", value, either({"$isNumber": "$$r"}, "$$r", None))
    return value


def _part(path: str, expression: Expression) -> Aggregation:
    day = f"{path}.{INSTANT}" if expression.field.type == "datetime" else path
    if expression.part == "date":
        return truncated_day(day, "day")
    return {_PARTS[expression.part]: day}
