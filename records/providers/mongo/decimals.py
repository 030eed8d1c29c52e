"""Exact numbers as BSON's decimal128 and back, digit for digit. Source: the BSON specification's decimal128 (BID)."""

from decimal import Decimal
from typing import Final

from bson.decimal128 import Decimal128

from records.canonical import RefusedError
from records.limits import DECIMAL128_DIGITS

_MOST: Final = 10**DECIMAL128_DIGITS
_BIAS: Final = 6176
_COEFFICIENT_BITS: Final = 113
_COEFFICIENT: Final = (1 << _COEFFICIENT_BITS) - 1
_EXPONENT: Final = (1 << 14) - 1
_SIGN: Final = 1 << 127
_SPECIAL: Final = 3 << 125
_LOW: Final = (1 << 64) - 1


def decimal_of(value: int | Decimal) -> Decimal128:
    """The number, its scale kept. Raises RefusedError (``number_out_of_range``) for more digits than fit.

    Zeros at the end count for nothing: where only they are too many they are left out. A zero has no sign.
    """
    if type(value) is int:
        coefficient, exponent = value, 0
    else:
        coefficient, exponent = _parts(value)
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
    bits = sign | (exponent + _BIAS) << _COEFFICIENT_BITS | coefficient
    return Decimal128((bits >> 64, bits & _LOW))


def decimal_text(value: Decimal128) -> str:
    """The number in plain digits, without an exponent, as PostgreSQL writes it. Raises ValueError for what is none."""
    bits = int.from_bytes(value.bid, "little")
    if bits & _SPECIAL == _SPECIAL:
        raise ValueError("not a number")
    scale = (bits >> _COEFFICIENT_BITS & _EXPONENT) - _BIAS
    digits = str(bits & _COEFFICIENT)
    if scale > 0:
        digits = "0" if digits == "0" else digits + "0" * scale
    elif scale < 0:
        digits = digits.rjust(1 - scale, "0")
        digits = f"{digits[:scale]}.{digits[scale:]}"
    return f"-{digits}" if bits & _SIGN and bits & _COEFFICIENT else digits


def _parts(value: Decimal) -> tuple[int, int]:
    """A signed whole number and the power of ten it is multiplied by."""
    text = str(value)
    if "E" in text:
        sign, digits, exponent = value.as_tuple()
        coefficient = int("".join(map(str, digits)))
        return -coefficient if sign else coefficient, int(exponent)
    whole, _, fraction = text.partition(".")
    return int(whole + fraction), -len(fraction)
