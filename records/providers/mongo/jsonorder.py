"""The order of values as PostgreSQL's, nulls last: of JSON values jsonb's, which differs from BSON's."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from bson.decimal128 import Decimal128

from records.providers.mongo.jsonvalues import shown_key
from records.providers.mongo.server import Document


def json_order(value: Any) -> tuple[Any, ...]:
    """What stored values are sorted by in Python. An empty array comes first, as jsonb has it."""
    if value is None:
        return (9,)
    return (-1,) if value == [] else _order(value)


def _order(value: Any) -> tuple[Any, ...]:
    match value:
        case None:
            return (0,)
        case str() | bytes() | datetime():
            return 1, value
        case bool():
            return 3, value
        case Decimal128():
            return 2, value.to_decimal()
        case int() | float():
            return 2, Decimal(value)
        case list():
            return 4, len(value), [_order(item) for item in value]
        case Mapping():
            return 5, len(value), [(len(name), shown_key(name), _order(value[name])) for name in value]
    raise TypeError(type(value).__name__)


def order_member(path: str, *, is_json: bool) -> Document:
    """An expression that is sorted by: null is greater than every value.

    Among arrays of one length, and among objects of one size, the order is BSON's.
    """
    value = f"${path}"
    null = {"$lte": [value, None]}
    if not is_json:
        return {"n": null, "v": value}
    items = {"$objectToArray": {"$cond": [{"$eq": [{"$type": value}, "object"]}, value, {}]}}
    kinds = [
        {"case": {"$eq": [value, []]}, "then": -1},
        {"case": {"$isArray": [value]}, "then": 4},
        {"case": {"$isNumber": value}, "then": 2},
        {"case": {"$eq": [{"$type": value}, "string"]}, "then": 1},
        {"case": {"$eq": [{"$type": value}, "bool"]}, "then": 3},
    ]
    size = {
        "$cond": [{"$isArray": [value]}, {"$size": {"$cond": [{"$isArray": [value]}, value, []]}}, {"$size": items}]
    }
    return {"n": null, "k": {"$switch": {"branches": kinds, "default": 5}}, "s": size, "v": value}
