"""Paths into JSON values → aggregation expressions, as PostgreSQL's ``#>`` reads them.

A key leads into an object; one that is a whole number also counts an array's items, from the end when it is negative.
"""

import re
from typing import Any, Final

from records.providers.mongo.aggregation import Aggregation, either, is_of, literal, member, named
from records.providers.mongo.jsonvalues import stored_key

_NUMBER: Final = re.compile(r"[ \t-\r]*[-+]?[0-9]{1,10}", re.ASCII)
_INDEX_MOST: Final = 2**31 - 1
_SHORT: Final = 8
"""Longer paths are walked in a loop: MongoDB reads no expression that is nested more than 200 deep."""


def inside(value: Aggregation, keys: tuple[str, ...]) -> Aggregation:
    """What the keys lead to in a JSON value; null or missing where they lead nowhere or to a null."""
    if len(keys) > _SHORT:
        return _walked(value, keys)
    for key in keys:
        value = _step(value, key)
    return value


def index_of(key: str) -> int | None:
    """The place in an array that a key means."""
    if not _NUMBER.fullmatch(key):
        return None
    place = int(key)
    return place if -_INDEX_MOST - 1 <= place <= _INDEX_MOST else None


def _step(value: Aggregation, key: str) -> Aggregation:
    place = index_of(key)
    if place is None:
        return member(value, stored_key(key))
    item = {"$arrayElemAt": ["$$v", place]}
    return named("v", value, either({"$isArray": "$$v"}, item, member("$$v", stored_key(key))))


def _walked(value: Aggregation, keys: tuple[str, ...]) -> Aggregation:
    steps: list[dict[str, Any]] = [{"k": stored_key(key), "i": index_of(key)} for key in keys]
    counted = {"$and": [{"$isArray": "$$value"}, {"$isNumber": "$$this.i"}]}
    named_so = {"$filter": {"input": {"$objectToArray": "$$value"}, "as": "m", "cond": {"$eq": ["$$m.k", "$$this.k"]}}}
    entered = named("found", {"$first": named_so}, "$$found.v")
    step = either(
        counted,
        {"$arrayElemAt": ["$$value", "$$this.i"]},
        either(is_of("object", "$$value"), entered, None),
    )
    return {"$reduce": {"input": literal(steps), "initialValue": value, "in": step}}
