"""``date_trunc`` of days and instants → aggregation expressions."""

from datetime import datetime
from typing import Final

from bson.int64 import Int64

from records.providers.mongo.aggregation import Aggregation, either, is_known, literal, named
from records.providers.mongo.layout import INSTANT, MICROSECONDS

_FIRST: Final = datetime.fromisoformat("0001-01-01")
"""East of Greenwich the year 1 begins before the first instant that can be written."""


def truncated_day(value: Aggregation, unit: str) -> Aggregation:
    """A date cut to the first day of its unit."""
    return _cut(value, unit)


def truncated_instant(value: Aggregation, unit: str, zone: str) -> Aggregation:
    """An instant cut in the zone's local time (without one: in UTC), an instant again."""
    moment = named("d", value, f"$$d.{INSTANT}")
    cut = _cut(moment, unit) if not zone else {"$max": [_cut_in(moment, unit, zone), _FIRST]}
    instant = {INSTANT: "$$cut", MICROSECONDS: literal(Int64(0))}
    return named("cut", cut, either(is_known("$$cut"), instant, None))


def _cut(value: Aggregation, unit: str) -> Aggregation:
    return {"$dateTrunc": {"date": value, "unit": unit, "startOfWeek": "monday"}}


def _cut_in(value: Aggregation, unit: str, zone: str) -> Aggregation:
    return {"$dateTrunc": {"date": value, "unit": unit, "startOfWeek": "monday", "timezone": literal(zone)}}
