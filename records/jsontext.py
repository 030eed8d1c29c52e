"""JSON text out, exact: Decimals keep their digits, integers their size, where orjson alone would refuse or round."""

from decimal import Decimal
from typing import Any

import orjson

from records.table import Json

_INT64 = 2**63


def _number(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(f"{type(value).__name__} is not JSON")


def dumps(value: Json) -> bytes:
    """The value as JSON text (UTF-8), digit for digit."""
    try:
        return orjson.dumps(value, default=_number)
    except TypeError:
        return orjson.dumps(_wide(value), default=_number)


def _wide(value: Json) -> Json:
    """The same value with integers beyond 64 bits as fragments; only met when orjson refused one."""
    if isinstance(value, dict):
        return {key: _wide(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_wide(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and not -_INT64 <= value < _INT64:
        return orjson.Fragment(str(value))
    return value
