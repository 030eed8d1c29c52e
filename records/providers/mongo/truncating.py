"""``date_trunc`` of days and instants → aggregation expressions."""

from datetime import datetime
from typing import Final

from records.providers.mongo.aggregation import Aggregation, either, is_known, literal, named
from records.providers.mongo.layout import INSTANT, MICROSECONDS

_FIRST: Final = datetime.fromisoformat("0001-01-01")
"""East of Greenwich the year 1 begins before the first instant that can be written."""

_CLOCK: Final = {
    "minute": (("$second", 1_000), ("$millisecond", 1)),
    "hour": (("$minute", 60_000), ("$second", 1_000), ("$millisecond", 1)),
}
"""What stands behind the cut, and its length in milliseconds."""


def truncated_day(value: Aggregation, unit: str) -> Aggregation:
    """A date cut to the first day of its unit."""
    return _cut(value, unit)


def truncated_instant(value: Aggregation, unit: str, zone: str) -> Aggregation:
    """An instant cut in the zone's local time (without one: in UTC), an instant again.

    A midnight that the zone has twice is the later one, one that it skips the moment of the change.
    """
    moment = named("d", value, f"$$d.{INSTANT}")
    cut = _cut_in(moment, unit, zone) if zone else _cut(moment, unit)
    # To $max null is less than every instant: only of what is known the greater is taken.
    instant = {INSTANT: {"$max": ["$$cut", _FIRST]} if zone else "$$cut", MICROSECONDS: literal(0)}
    return named("cut", cut, either(is_known("$$cut"), instant, None))


def _cut(value: Aggregation, unit: str) -> Aggregation:
    return {"$dateTrunc": {"date": value, "unit": unit, "startOfWeek": "monday"}}


def _cut_in(value: Aggregation, unit: str, zone: str) -> Aggregation:
    """The instant cut by the local calendar; hours and minutes by the zone's offset at that instant.

    ``$dateTrunc`` counts hours from an instant of 2000, so where a zone's offset was another one it cuts elsewhere.
    """
    if unit not in _CLOCK:
        return {"$dateTrunc": {"date": value, "unit": unit, "startOfWeek": "monday", "timezone": literal(zone)}}
    parts = [
        {"$multiply": [{part: {"date": "$$at", "timezone": literal(zone)}}, length]} for part, length in _CLOCK[unit]
    ]
    return named("at", value, {"$subtract": ["$$at", {"$add": parts}]})
