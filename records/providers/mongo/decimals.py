"""Exact numbers as BSON's decimal128 and back, digit for digit. Source: the BSON specification's decimal128 (BID)."""

from decimal import Decimal
from typing import Final

import orjson
from bson.decimal128 import Decimal128

from records.canonical import RefusedError
from records.limits import DECIMAL128_DIGITS

_MOST: Final = 10**DECIMAL128_DIGITS
_BIAS: Final = 6176
# Of the higher 64 bits: the sign, 14 bits of exponent, the coefficient's first 49.
_EXPONENT_AT: Final = 49
_COEFFICIENT: Final = (1 << _EXPONENT_AT) - 1
_EXPONENT: Final = (1 << 14) - 1
_SIGN: Final = 1 << 63
_SPECIAL: Final = 15 << 59
_NAN: Final = 31 << 58
_LOW: Final = (1 << 64) - 1
_SHORT: Final = {_BIAS - fraction << _EXPONENT_AT: -fraction for fraction in range(10)}
"""The higher bits of most numbers there are, positive ones of few digits, and their scales."""


def decimal_of(value: int | Decimal) -> Decimal128:
    """The number, its scale kept. Raises RefusedError (``number_out_of_range``) for more digits than fit.

    Zeros at the end count for nothing: where only they are too many they are left out. A zero has no sign.
    """
    coefficient, exponent = _parts(value) if isinstance(value, Decimal) else (value, 0)
    sign = 0
    if coefficient < 0:
        sign, coefficient = _SIGN, -coefficient
    while coefficient >= _MOST:
        coefficient, rest = divmod(coefficient, 10)
        exponent += 1
        if rest:
            raise RefusedError(
                "number_out_of_range",
                f"Must have at most {DECIMAL128_DIGITS} digits; more of a number this table's store cannot keep.",
            )
    high = sign | (exponent + _BIAS) << _EXPONENT_AT | coefficient >> 64
    return Decimal128((high, coefficient & _LOW))  # type: ignore[arg-type]  # its documentation allows the two halves


def decimal_text(value: Decimal128) -> str:
    """The number in plain digits, without an exponent, as PostgreSQL writes it; of what is none its name.

    The service stores no ``NaN`` and no ``Infinity``; other programs can.
    """
    high, low = value.__getstate__()
    scale = _SHORT.get(high)
    if scale is None:
        return _long_text(high, low)
    digits = str(low)
    if scale:
        digits = digits.rjust(1 - scale, "0")
        return f"{digits[:scale]}.{digits[scale:]}"
    return digits


def decimal_json(value: Decimal128) -> orjson.Fragment | str:
    """The number as orjson writes it, digit for digit; of what is none its name as a text."""
    text = decimal_text(value)
    return orjson.Fragment(text) if text[-1].isdigit() else text


def _long_text(high: int, low: int) -> str:
    if high & _SPECIAL == _SPECIAL:
        return "NaN" if high & _NAN == _NAN else "-Infinity" if high & _SIGN else "Infinity"
    coefficient = (high & _COEFFICIENT) << 64 | low
    scale = (high >> _EXPONENT_AT & _EXPONENT) - _BIAS
    digits = str(coefficient)
    if scale > 0 and coefficient:
        digits += "0" * scale
    elif scale < 0:
        digits = digits.rjust(1 - scale, "0")
        digits = f"{digits[:scale]}.{digits[scale:]}"
    return f"-{digits}" if high & _SIGN and coefficient else digits


def _parts(value: Decimal) -> tuple[int, int]:
    """A signed whole number and the power of ten it is multiplied by."""
    text = str(value)
    if "E" in text:
        sign, digits, exponent = value.as_tuple()
        coefficient = int("".join(map(str, digits)))
        return -coefficient if sign else coefficient, int(exponent)
    whole, _, fraction = text.partition(".")
    return int(whole + fraction), -len(fraction)
