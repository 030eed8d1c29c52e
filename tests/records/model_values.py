"""The reference model's values: JSON of each kind as Python that compares as the kind does, and parts of days.

Plain forms are int, Decimal, str, bool, bytes, date, time, datetime (UTC) and JSON values.
"""

import base64
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

JSON_KINDS = frozenset({"object", "array", "list", "any", "geojson"})
TEXT_KINDS = frozenset({"string", "string/email", "string/uri"})
ORDERED_KINDS = (
    *("string", "string/email", "string/uri", "string/uuid", "integer", "number", "boolean", "date"),
    *("time", "datetime", "year", "yearmonth", "duration"),
)
NUMBER_KINDS = frozenset({"integer", "number", "year"})


def plain(kind: str, raw: Any) -> Any:
    """A JSON value as something that compares as its kind does; null stays null."""
    return raw if raw is None or kind not in _PLAIN else _PLAIN[kind](raw)


def _instant(raw: str) -> datetime:
    value = datetime.fromisoformat(raw)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _seconds(raw: str) -> Decimal:
    """A duration's length; a month is 30 days, a year 12 months."""
    days, _, clock = raw.lstrip("-").removeprefix("P").partition("T")
    lengths = {"Y": 360 * 86_400, "M": 30 * 86_400, "W": 7 * 86_400, "D": 86_400}
    total: Decimal = sum((Decimal(n) * lengths[unit] for n, unit in re.findall(r"([0-9.]+)([YMWD])", days)), Decimal(0))
    total += sum(Decimal(n) * {"H": 3_600, "M": 60, "S": 1}[unit] for n, unit in re.findall(r"([0-9.]+)([HMS])", clock))
    return Decimal(-total if raw.startswith("-") else total)


_PLAIN: dict[str, Callable[[Any], Any]] = {
    "string/uuid": str.lower,
    "string/binary": base64.b64decode,
    "number": Decimal,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "datetime": _instant,
    "duration": _seconds,
}
PARTS: dict[str, Callable[[Any], Any]] = {
    "year": lambda held: held.year,
    "month": lambda held: held.month,
    "day": lambda held: held.day,
    "week_day": lambda held: held.isoweekday() % 7 + 1,
    "hour": lambda held: held.hour,
    "date": lambda held: held.date(),
}


def truncated(held: Any, unit: str, zone: str = "") -> Any:
    """``date_trunc``: a date stays a date; an instant is cut in the zone's local time and is an instant again."""
    if not isinstance(held, datetime):
        return _cut_day(held, unit)
    local = held.astimezone(ZoneInfo(zone or "UTC"))
    if unit in ("hour", "minute"):
        cut = local.replace(second=0, microsecond=0)
        return (cut.replace(minute=0) if unit == "hour" else cut).astimezone(UTC)
    return datetime.combine(_cut_day(local.date(), unit), time(), local.tzinfo).astimezone(UTC)


def _cut_day(day: date, unit: str) -> date:
    if unit == "week":
        return day - timedelta(days=day.weekday())
    month = {"year": 1, "quarter": (day.month - 1) // 3 * 3 + 1}.get(unit, day.month)
    return day if unit == "day" else day.replace(month=month, day=1)
