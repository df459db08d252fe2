"""Values and times in the spelling of Prometheus."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.api.prometheus.numbers import time_text, value_text, value_texts

# What Go's strconv.FormatFloat writes with the shortest digits, by Prometheus' choice of form.
SPELT = [
    (0.0, "0"),
    (-0.0, "-0"),
    (1.0, "1"),
    (-1.5, "-1.5"),
    (0.1, "0.1"),
    (100.0, "100"),
    (10.05, "10.05"),
    (1e-5, "0.00001"),
    (1e-6, "0.000001"),
    (9.9e-7, "9.9e-07"),
    (1e-7, "1e-07"),
    (5e-324, "5e-324"),
    (1e15, "1000000000000000"),
    (1e16, "10000000000000000"),
    (1.5e17, "150000000000000000"),
    (123456789012345680000.0, "123456789012345680000"),
    (1e21, "1e+21"),
    (-1.25e300, "-1.25e+300"),
    (math.inf, "+Inf"),
    (-math.inf, "-Inf"),
    (math.nan, "NaN"),
]


@pytest.mark.parametrize(("value", "text"), SPELT)
def test_values_are_spelt_as_prometheus_spells_them(value: float, text: str) -> None:
    assert value_text(value) == text


@given(st.lists(st.floats()))
@example([value for value, _ in SPELT])
def test_a_row_is_spelt_as_its_values_are(values: list[float]) -> None:
    row = np.array(values, dtype=np.float64)
    assert value_texts(row) == [value_text(value).encode() for value in values]
    apart = np.repeat(row, 2)[::2]
    assert value_texts(apart) == value_texts(row)


@given(st.floats(allow_nan=False))
def test_a_value_reads_back_to_the_last_bit(value: float) -> None:
    assert float(value_text(value)) == value


@pytest.mark.parametrize(
    ("time_ms", "text"),
    [
        (0, "0"),
        (1_727_740_800_000, "1727740800"),
        (1_727_740_800_120, "1727740800.120"),
        (1_727_740_800_005, "1727740800.005"),
        (-500, "-0.500"),
        (-1_500, "-1.500"),
    ],
)
def test_times_are_seconds_with_up_to_three_decimals(time_ms: int, text: str) -> None:
    assert time_text(time_ms) == text
