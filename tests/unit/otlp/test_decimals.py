"""Doubles as Java writes them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.otlp.decimals import java_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (-2.5, "-2.5"),
        (0.99, "0.99"),
        (0.005, "0.005"),
        (0.001, "0.001"),
        (0.00099, "9.9E-4"),
        (1e-5, "1.0E-5"),
        (123.0, "123.0"),
        (100.0, "100.0"),
        (9999999.0, "9999999.0"),
        (9999999.999, "9999999.999"),
        (1e7, "1.0E7"),
        (12345678.5, "1.23456785E7"),
        (1e22, "1.0E22"),
        (1e23, "1.0E23"),
        (2e-3, "0.002"),
        (5e-324, "4.9E-324"),
        (1.7976931348623157e308, "1.7976931348623157E308"),
        (2.2250738585072014e-308, "2.2250738585072014E-308"),
        (1 / 3, "0.3333333333333333"),
        (0.1 + 0.2, "0.30000000000000004"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (math.nan, "NaN"),
    ],
)
def test_texts(value: float, text: str) -> None:
    assert java_text(value) == text


@given(st.floats(allow_nan=False))
def test_a_text_reads_back_to_the_same_double(value: float) -> None:
    read = float(java_text(value))
    assert read == value
    assert math.copysign(1.0, read) == math.copysign(1.0, value)


@given(st.floats(allow_nan=False, allow_infinity=False).filter(bool))
def test_a_text_has_a_digit_on_either_side_of_the_point(value: float) -> None:
    mantissa, _, exponent = java_text(abs(value)).partition("E")
    whole, _, decimals = mantissa.partition(".")
    assert whole.isdigit()
    assert decimals.isdigit()
    is_plain = 1e-3 <= abs(value) < 1e7
    assert bool(exponent) is not is_plain
    assert not exponent or len(whole) == 1
