"""One JSON value to its canonical form, type by type. Knows values only: no fields, no tables, no database.

Every function takes a value that is not null and returns the form that is stored and read back, or raises
``RefusedError``. They are idempotent: a canonical form is its own canonical form. Messages never show the value.
"""

import base64
import binascii
from datetime import UTC, date, datetime, time
from decimal import Clamped, Context, Decimal, DecimalException, InvalidOperation, Overflow, Rounded, Subnormal
from typing import Final

from records.limits import NUMBER_DIGITS, NUMBER_MAGNITUDE
from records.table import Json

INTEGER_LEAST: Final = -(2**63)
INTEGER_MOST: Final = 2**63 - 1
YEAR_MOST: Final = 9999
_NUMBER_MOST: Final = Decimal(10) ** NUMBER_MAGNITUDE
_PLAIN_DATETIME: Final = len("2024-01-31T23:59:59Z")

# Trapping Rounded finds digits beyond the limit, Subnormal what is too small, Clamped a zero with a huge exponent.
_NUMBERS: Final = Context(
    prec=NUMBER_DIGITS,
    Emin=-NUMBER_MAGNITUDE,
    Emax=NUMBER_MAGNITUDE,
    traps=[InvalidOperation, Overflow, Rounded, Subnormal, Clamped],
)


class RefusedError(Exception):
    """A value that cannot be taken: a stable code, and a sentence naming the rule and what to send."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def as_sent(value: Json) -> Json:
    """For types whose JSON form is the canonical form."""
    return value


def text(value: Json) -> Json:
    """Any text PostgreSQL can hold: no NUL, no lone surrogate."""
    if "\x00" in value:
        raise RefusedError("invalid_text", "Must not contain the character NUL (U+0000); remove it.")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise RefusedError(
                "invalid_text", "Must not contain a lone surrogate; send whole Unicode characters."
            ) from None
    return value


def integer(value: Json) -> Json:
    """A whole number of 64 bits, written without a point."""
    if type(value) is not int:
        raise RefusedError("invalid_type", "Must be an integer, written without point or exponent and without quotes.")
    if not INTEGER_LEAST <= value <= INTEGER_MOST:
        raise RefusedError("number_out_of_range", f"Must lie between {INTEGER_LEAST} and {INTEGER_MOST}.")
    return value


def year(value: Json) -> Json:
    """A calendar year."""
    if type(value) is not int:
        raise RefusedError("invalid_type", "Must be a year as an integer, without quotes.")
    if not 0 <= value <= YEAR_MOST:
        raise RefusedError("number_out_of_range", f"Must be a year between 0 and {YEAR_MOST}.")
    return value


def number(value: Json) -> Json:
    """An exact number: at most ``NUMBER_DIGITS`` digits, 0 or of a size within the magnitude limits.

    The one place that checks numbers, also those inside JSON values and descriptors.
    """
    if type(value) is int:
        if -(10**NUMBER_MAGNITUDE) <= value <= 10**NUMBER_MAGNITUDE:
            return value
    elif type(value) is Decimal:
        try:
            _NUMBERS.plus(value)
        except DecimalException:
            pass
        else:
            if value.is_finite() and abs(value.adjusted()) <= NUMBER_MAGNITUDE and abs(value) <= _NUMBER_MOST:
                return value
    else:
        raise RefusedError("invalid_type", "Must be a number, without quotes.")
    raise RefusedError(
        "number_out_of_range",
        f"Must have at most {NUMBER_DIGITS} digits and, unless 0, a size between"
        f" 1e-{NUMBER_MAGNITUDE} and 1e{NUMBER_MAGNITUDE}.",
    )


def uuid(value: Json) -> Json:
    """A UUID in lower case; the pattern has been matched."""
    return value.lower()


def binary(value: Json) -> Json:
    """Base64 (RFC 4648, section 4, padded, no line breaks) with zero bits after the last byte."""
    try:
        return base64.b64encode(base64.b64decode(value, validate=True)).decode("ascii")
    except (binascii.Error, ValueError):
        raise RefusedError(
            "invalid_base64", "Must be base64 (A-Z a-z 0-9 + /, padded with =, no line breaks)."
        ) from None


def calendar_date(value: Json) -> Json:
    """``YYYY-MM-DD`` of a day that exists."""
    try:
        date.fromisoformat(value)
    except ValueError:
        raise RefusedError("invalid_date", "Must be a day that exists, as YYYY-MM-DD, year 0001 to 9999.") from None
    return value


def clock_time(value: Json) -> Json:
    """``HH:MM:SS[.f]`` without trailing zeros of the fraction."""
    try:
        return _clock(time.fromisoformat(value))
    except ValueError:
        raise RefusedError("invalid_time", "Must be a time of day as HH:MM:SS with up to 6 fraction digits.") from None


def instant(value: Json) -> Json:
    """An instant as ``YYYY-MM-DDTHH:MM:SS[.f]Z``; a naive one is UTC, an offset is turned to UTC."""
    try:
        sent = datetime.fromisoformat(value)
        if len(value) == _PLAIN_DATETIME and value[-1] == "Z":
            return value
        utc = sent.replace(tzinfo=UTC) if sent.tzinfo is None else sent.astimezone(UTC)
    except (ValueError, OverflowError):
        raise RefusedError(
            "invalid_datetime",
            "Must be an instant that exists, as YYYY-MM-DDTHH:MM:SSZ: hours 00-23, seconds 00-59, up to 6 fraction"
            " digits, Z or an offset below 24 hours, year 0001 to 9999 in UTC.",
        ) from None
    return f"{utc.date().isoformat()}T{_clock(utc.time())}Z"


def moment(value: Json) -> Json:
    """A canonical instant as something to compare by."""
    return datetime.fromisoformat(value)


def _clock(value: time) -> str:
    plain = value.isoformat()
    return plain.rstrip("0") if value.microsecond else plain


def json_value(value: Json) -> Json:
    """Any JSON value whose texts, keys and numbers can all be stored; returned unchanged."""
    if type(value) is str:
        return text(value)
    if type(value) is dict:
        for key, inner in value.items():
            text(key)
            json_value(inner)
    elif type(value) is list:
        for inner in value:
            json_value(inner)
    elif value is not None and type(value) is not bool:
        number(value)
    return value


def geopoint(value: Json) -> Json:
    """``[longitude, latitude]`` in degrees."""
    longitude, latitude = (number(part) for part in value)
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise RefusedError(
            "number_out_of_range", "Must be [longitude, latitude]: longitude -180 to 180, latitude -90 to 90."
        )
    return value


def instants(values: list[Json]) -> list[Json]:
    """``instant`` for a whole column; fast when every value is already in the plain form."""
    if set(map(len, values)) == {_PLAIN_DATETIME}:
        try:
            list(map(datetime.fromisoformat, values))
        except ValueError:
            pass  # the loop below says which rule was broken
        else:
            return [value if value[-1] == "Z" else instant(value) for value in values]
    return [instant(value) for value in values]


def dates(values: list[Json]) -> list[Json]:
    """``calendar_date`` for a whole column."""
    try:
        list(map(date.fromisoformat, values))
    except ValueError:
        return [calendar_date(value) for value in values]
    return values


def integers(values: list[Json]) -> list[Json]:
    """``integer`` for a whole column."""
    if set(map(type, values)) <= {int} and (
        not values or (min(values) >= INTEGER_LEAST and max(values) <= INTEGER_MOST)
    ):
        return values
    return [integer(value) for value in values]


def numbers(values: list[Json]) -> list[Json]:
    """``number`` for a whole column."""
    for value in values:
        number(value)
    return values


def uuids(values: list[Json]) -> list[Json]:
    """``uuid`` for a whole column."""
    return list(map(str.lower, values))
