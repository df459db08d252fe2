"""Numbers and times as people read them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web.formatting import (
    FILTERS,
    MISSING,
    duration,
    exact,
    milliseconds,
    moment,
    money,
    number,
    percent,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (3.0, "3"),
        (1234.0, "1,234"),
        (12_345.0, "12.35 k"),
        (9_999.6, "10,000"),
        (1_500_000.0, "1.5 M"),
        (0.12345, "0.1235"),
        (0.00001, "1e-05"),
        (-42.5, "−42.5"),
        (math.inf, "∞"),
    ],
)
def test_numbers_have_four_digits(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    "name", ["number", "exact", "per_second", "milliseconds", "percent", "money", "duration"]
)
@pytest.mark.parametrize("value", [None, math.nan])
def test_what_is_missing_is_not_zero(name: str, value: float | None) -> None:
    assert FILTERS[name](value) == MISSING  # type: ignore[operator]


def test_what_has_no_end_is_exact_too() -> None:
    assert (exact(math.inf), exact(-math.inf), exact(math.nan)) == ("∞", "−∞", "–")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_an_exact_number_reads_back_to_the_last_bit(value: float) -> None:
    assert float(exact(value).replace(",", "")) == value


def test_latencies_from_a_second_on_are_seconds() -> None:
    assert milliseconds(12.5) == "12.5 ms"
    assert milliseconds(1500.0) == "1.5 s"


def test_small_amounts_are_told_from_nothing() -> None:
    assert money(0.0) == "0.00 USD"
    assert money(0.0123) == "0.0123 USD"
    assert money(1234.5) == "1,234.50 USD"


def test_shares_and_durations() -> None:
    assert (percent(0.0), percent(3.14159), percent(97.6)) == ("0 %", "3.1 %", "98 %")
    assert (duration(0), duration(61_000), duration(90_000_000)) == ("0 s", "1 min 1 s", "1 d 1 h")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (99.0, "99 %"),
        (99.5, "99.5 %"),
        (99.57, "99.57 %"),
        (99.996, "99.99 %"),
        (99.999_999_999_999, "99.99 %"),
        (100.0, "100 %"),
        (100.2, "100 %"),
        (0.001, "< 0.1 %"),
    ],
)
def test_a_share_below_100_never_reads_100_and_one_above_0_never_0(value: float, text: str) -> None:
    assert percent(value) == text


def test_a_moment_tells_its_milliseconds_to_the_module_that_makes_it_local() -> None:
    assert moment(1_780_315_200_000) == (
        '<time datetime="2026-06-01T12:00:00Z" data-ms="1780315200000">2026-06-01 12:00 UTC</time>'
    )
