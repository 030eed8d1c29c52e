"""Averages and spreads are right to 15 digits, sums to the last one: against fractions, which are exact."""

from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

import pytest

from tests.records.engine import Engine
from tests.records.test_grouping_functions import one


def _rounded(value: Fraction) -> Decimal:
    with localcontext(prec=700):
        exact = Decimal(value.numerator) / Decimal(value.denominator)
    return _to_15(exact)


def _to_15(exact: Decimal) -> Decimal:
    with localcontext(prec=15, rounding=ROUND_HALF_UP):
        return +exact


def _variance(values: list[Decimal]) -> Fraction:
    exact = [Fraction(value) for value in values]
    mean = sum(exact, Fraction(0)) / len(exact)
    return sum(((value - mean) ** 2 for value in exact), Fraction(0)) / (len(exact) - 1)


def _deviation(values: list[Decimal]) -> Decimal:
    variance = _variance(values)
    with localcontext(prec=1_200):
        return _to_15((Decimal(variance.numerator) / Decimal(variance.denominator)).sqrt())


_SAMPLES: dict[str, list[str]] = {
    "thirds": ["1", "0", "0"],
    "ties": ["0.000000000000005", "2.000000000000005"],
    "tie_of_the_average": ["1.00000000000000", "1.00000000000001"],
    "just_below_a_tie": ["1.00000000000000", "1.00000000000000" + "9" * 19],
    "negative_tie": ["-1.00000000000000", "-1.00000000000001"],
    "large": ["1e100", "-9.99999999999999e99", "1"],
    "small": ["1e-100", "3e-100", "3.00000000000000000000000001e-100"],
    "far_apart": ["1e100", "1e-100"],
    "nearly_cancelling": ["1." + "0" * 32 + "1", "-1"],
    "digits_of_decimal128": ["0." + "1" * 33 + "7", "0." + "1" * 33 + "9", "5"],
    "one_beyond_the_others": ["1e30", "2.5", "0.000000000000000000000000000001", "-1e30"],
    "equal": ["2.5", "2.5", "2.5"],
    "carry": ["9.99999999999999", "9.99999999999999999999"],
}
_LONG: dict[str, list[str]] = {
    "below_a_tie": ["1.00000000000000", "1.00000000000000999" + "9" * 60],
    "cancelling": ["1." + "0" * 98 + "1", "-1"],
    "many_digits": ["0." + "1" * 99 + "7", "0." + "1" * 99 + "9", "5"],
}
"""More digits than MongoDB keeps."""


@pytest.mark.parametrize("sample", _SAMPLES)
def test_15_digits_are_right_of_numbers(engine: Engine, sample: str) -> None:
    _check_numbers(engine, [Decimal(text) for text in _SAMPLES[sample]])


@pytest.mark.parametrize("sample", _LONG)
def test_15_digits_are_right_of_numbers_of_100_digits(sql_engine: Engine, sample: str) -> None:
    _check_numbers(sql_engine, [Decimal(text) for text in _LONG[sample]])


def _check_numbers(engine: Engine, values: list[Decimal]) -> None:
    rows = engine.table("samples", {"fields": [{"name": "x", "type": "number"}]})
    rows.create([{"x": value} for value in values])
    exact = [Fraction(value) for value in values]
    assert one(rows, "avg(x)", "variance(x)", "stddev(x)", "sum(x)") == {
        "avg_x": _rounded(sum(exact, Fraction(0)) / len(values)),
        "variance_x": _rounded(_variance(values)),
        "stddev_x": _deviation(values),
        "sum_x": _exact_sum(values),
    }
    different = list(dict.fromkeys(values))
    row = one(rows, "avg(distinct x) as a", "variance(distinct x) as v", "stddev(distinct x) as s")
    assert row == {
        "a": _rounded(sum((Fraction(value) for value in different), Fraction(0)) / len(different)),
        "v": _rounded(_variance(different)) if len(different) > 1 else None,
        "s": _deviation(different) if len(different) > 1 else None,
    }


def _exact_sum(values: list[Decimal]) -> Decimal:
    with localcontext(prec=400):
        return sum(values, Decimal(0))


_INTEGERS: dict[str, list[int]] = {
    "small": [1, 2, 4],
    "opposite": [-3, 3, 3],
    "where_squares_leave_64_bits": [3037000499, 3037000500, -3037000499, -3037000500],
    "extremes": [2**63 - 1, -(2**63), 0],
    "neighbours": [2**62, 2**62 + 1],
}


@pytest.mark.parametrize("sample", _INTEGERS)
def test_15_digits_are_right_of_integers(engine: Engine, sample: str) -> None:
    values = [Decimal(value) for value in _INTEGERS[sample]]
    rows = engine.table("samples", {"fields": [{"name": "x", "type": "integer"}]})
    rows.create([{"x": value} for value in _INTEGERS[sample]])
    assert one(rows, "avg(x)", "variance(x)", "stddev(x)") == {
        "avg_x": _rounded(Fraction(sum(_INTEGERS[sample]), len(values))),
        "variance_x": _rounded(_variance(values)),
        "stddev_x": _deviation(values),
    }
