"""What the client sees of a group's document: values, numbers and arrays as what orjson writes."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import orjson

from records.operators import JSON_TYPES
from records.providers.mongo.jsonorder import json_order
from records.providers.mongo.jsonvalues import json_cell
from records.providers.mongo.server import Document
from records.providers.mongo.sums import Gathered, decimal
from records.providers.mongo.values import json_of
from records.table import Field, Json

LENGTH: Final = "l"
TEXT: Final = "t"
"""The members of a duration that is gathered with its text."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An output of a group's document: what orjson writes of it, and where MongoDB can compare it (of a duration, its
    length). Without such a place ``computed`` is the number that is compared here."""

    result: Field
    json: Callable[[Gathered], Json]
    member: str = ""
    computed: Callable[[Gathered], Decimal | None] | None = None


def json_shown(result: Field, value: Any) -> Json:
    """A value as what orjson writes; JSON values as PostgreSQL writes them."""
    if result.type in JSON_TYPES and value is not None and not isinstance(value, str):
        return orjson.Fragment(json_cell(value))
    return json_of(result, value)


def number_shown(value: Decimal | None) -> Json:
    """A number in plain digits, without zeros behind the point, which the way of a sum decides."""
    if value is None:
        return None
    text = f"{value or Decimal(0):f}"
    return orjson.Fragment(text.rstrip("0").rstrip(".") if "." in text else text)


def joining(values: Any) -> Document:
    """Texts joined by commas; null of none."""
    joined = {"$cond": [{"$eq": ["$$value", None]}, "$$this", {"$concat": ["$$value", ",", "$$this"]}]}
    return {"$reduce": {"input": values, "initialValue": None, "in": joined}}


def array_shown(result: Field, values: list[Any], *, distinct: bool) -> Json:
    """A group's values, in the order they came in, or each once in their own order; null of no rows."""
    if distinct and result.type == "duration":
        values = _durations(values)
    elif distinct:
        values = sorted(values, key=json_order)
    return [json_shown(result, value) for value in values] or None


def _durations(values: list[Any]) -> list[str | None]:
    """Different lengths, each as the least of its texts; null last."""
    least: dict[Decimal, str] = {}
    for value in values:
        if value.get(TEXT) is not None:
            length, text = decimal(value[LENGTH]), value[TEXT]
            least[length] = min(least.get(length, text), text)
    texts: list[str | None] = [least[length] for length in sorted(least)]
    return texts if all(value.get(TEXT) is not None for value in values) else [*texts, None]
