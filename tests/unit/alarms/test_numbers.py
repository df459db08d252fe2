"""Numbers and durations as messages and reasons have them."""

import pytest

from app.alarms.numbers import number_text
from app.alarms.reasons import duration_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (12.0, "12"),
        (1234567.0, "1234567"),
        (1234567.891, "1234568"),
        (70.41666666666667, "70.4167"),
        (99.99999999, "100"),
        (0.1 + 0.2, "0.3"),
        (0.000123456789, "0.000123457"),
        (1e-9, "1e-09"),
        (-2.5, "-2.5"),
        (3e18, "3e+18"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Inf"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number_text(value) == text


@pytest.mark.parametrize(
    ("minutes", "text"), [(1, "1m"), (60, "1h"), (90, "1h30m"), (1440, "1d"), (1501, "1d1h1m")]
)
def test_durations(minutes: int, text: str) -> None:
    assert duration_text(minutes * 60_000) == text
