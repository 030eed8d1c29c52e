"""ISO 8601 durations: the pattern of one, and its length in seconds to compare it by. Knows no fields."""

import re
from decimal import Decimal
from typing import Final

_WEEKS = r"[0-9]{1,9}W(?:[0-9]{1,9}D)?|[0-9]{1,9}D"
_MONTHS = r"[0-9]{1,9}M(?:" + _WEEKS + r")?|" + _WEEKS
_DATE = r"(?:[0-9]{1,9}Y(?:" + _MONTHS + r")?|" + _MONTHS + r")"
_SECONDS = r"[0-9]{1,9}(?:\.[0-9]{1,9})?S"
_MINUTES = r"[0-9]{1,9}M(?:" + _SECONDS + r")?|" + _SECONDS
_TIME = r"T(?:[0-9]{1,9}H(?:" + _MINUTES + r")?|" + _MINUTES + r")"
DURATION: Final = r"^-?P(?:" + _DATE + r"(?:" + _TIME + r")?|" + _TIME + r")$"
"""A duration, at least one part, whole numbers but for seconds; a linear-time pattern without look-around."""

_PARTS: Final = re.compile(
    r"(-)?P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?", re.ASCII
)
_DAY = 86_400
_LENGTHS: Final = (360 * _DAY, 30 * _DAY, 7 * _DAY, _DAY, 3_600, 60, 1)
"""Seconds in a year (12 months), month (30 days), week, day, hour, minute, second."""


def duration_seconds(text: str) -> Decimal:
    """The duration's length in seconds, exact; a month counts 30 days, a year 12 months. ``text`` fits ``DURATION``."""
    match = _PARTS.fullmatch(text)
    if match is None:
        raise ValueError("not an ISO 8601 duration")
    sign, *parts = match.groups()
    total = sum((Decimal(part) * length for part, length in zip(parts, _LENGTHS, strict=True) if part), Decimal(0))
    return -total if sign else total
