"""Functions of one sample, and what numbers look like."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.promql.functions import VALUE_FUNCTIONS
from app.promql.numbers import general, open_metrics
from tests.unit.promql.functions.made import of_values

INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("abs", [-1.5, 2.0, -INF], [1.5, 2.0, INF]),
        ("acos", [1.0, 2.0], [0.0, NAN]),
        ("acosh", [1.0, 0.5], [0.0, NAN]),
        ("asin", [1.0, -2.0], [math.pi / 2, NAN]),
        ("asinh", [0.0, 1.0], [0.0, math.asinh(1)]),
        ("atan", [INF, 1.0], [math.pi / 2, math.pi / 4]),
        ("atanh", [0.5, 1.0, 2.0], [math.atanh(0.5), INF, NAN]),
        ("ceil", [1.2, -1.8, INF], [2.0, -1.0, INF]),
        ("cos", [0.0, INF], [1.0, NAN]),
        ("cosh", [1.0, 1e4], [math.cosh(1), INF]),
        ("deg", [math.pi, -math.pi / 2], [180.0, -90.0]),
        ("exp", [0.0, 1e4, -INF, NAN], [1.0, INF, 0.0, NAN]),
        ("floor", [1.8, -1.2, -INF], [1.0, -2.0, -INF]),
        ("ln", [1.0, 0.0, -1.0, INF], [0.0, -INF, NAN, INF]),
        ("log10", [1000.0, 0.0, -1.0], [3.0, -INF, NAN]),
        ("log2", [8.0, 0.0, -1.0], [3.0, -INF, NAN]),
        ("rad", [180.0, 90.0], [math.pi, math.pi / 2]),
        ("round", [2.5, -2.5, 1.4, NAN], [3.0, -2.0, 1.0, NAN]),
        ("sgn", [-3.0, 0.0, 7.0, NAN], [-1.0, 0.0, 1.0, NAN]),
        ("sin", [0.0, math.pi / 2], [0.0, 1.0]),
        ("sinh", [1.0, -1e4], [math.sinh(1), -INF]),
        ("sqrt", [9.0, -1.0], [3.0, NAN]),
        ("tan", [0.0, 1.0], [0.0, math.tan(1)]),
        ("tanh", [0.0, INF], [0.0, 1.0]),
    ],
)
def test_of_numbers(name: str, values: list[float], expected: list[float]) -> None:
    assert of_values(name, values) == pytest.approx(expected, rel=1e-15, nan_ok=True)


def test_scalars_stand_at_each_step() -> None:
    assert of_values("round", [7.0, 7.0], [5.0, 0.3]) == pytest.approx([5.0, 6.9])
    assert of_values("clamp_min", [1.0, 5.0, NAN, NAN], [2.0, 2.0, 2.0, INF])[:2] == [2.0, 5.0]
    assert of_values("clamp_max", [1.0, 5.0, INF], [2.0, 2.0, 2.0]) == [1.0, 2.0, 2.0]


def test_a_bound_that_is_nan_makes_all_nan_but_infinities() -> None:
    assert of_values("clamp_min", [1.0, INF], [NAN, NAN]) == pytest.approx([NAN, INF], nan_ok=True)
    assert of_values("clamp_max", [1.0, -INF], [NAN, NAN]) == pytest.approx(
        [NAN, -INF], nan_ok=True
    )


@given(
    st.integers(
        int(datetime(1, 1, 1, tzinfo=UTC).timestamp()),
        int(datetime(9999, 12, 31, tzinfo=UTC).timestamp()),
    )
)
def test_dates_are_those_of_the_calendar(seconds: int) -> None:
    date = datetime.fromtimestamp(seconds, UTC)
    following = (
        datetime(date.year + date.month // 12, date.month % 12 + 1, 1, tzinfo=UTC)
        if (date.year < 9999)
        else None
    )
    expected = {
        "day_of_month": date.day,
        "day_of_week": date.isoweekday() % 7,
        "day_of_year": date.timetuple().tm_yday,
        "hour": date.hour,
        "minute": date.minute,
        "month": date.month,
        "year": date.year,
    }
    if following:
        expected["days_in_month"] = (
            following - datetime(date.year, date.month, 1, tzinfo=UTC)
        ).days
    assert {name: of_values(name, [float(seconds)])[0] for name in expected} == expected


def test_fractions_of_seconds_are_cut_off_towards_the_epoch() -> None:
    assert of_values("minute", [59.9, -0.5]) == [0.0, 0.0]
    assert of_values("year", [-0.9, -1.0]) == [1970.0, 1969.0]


def test_what_is_no_time_has_no_date() -> None:
    assert of_values("year", [NAN, INF, -1e300]) == pytest.approx([NAN] * 3, nan_ok=True)


def test_no_value_function_warns_of_nan() -> None:
    # NumPy's warnings are errors in the tests.
    for name in set(VALUE_FUNCTIONS) - {"clamp_min", "clamp_max"}:
        of_values(name, [NAN, INF, -INF, 0.0, -1e300, 5e-324])
    for name in ("clamp_min", "clamp_max", "round"):
        of_values(name, [NAN, INF, 1.0], [0.0, NAN, INF])


@pytest.mark.parametrize(
    ("value", "text", "label"),
    [
        (0.0, "0", "0.0"),
        (-1.0, "-1", "-1.0"),
        (0.5, "0.5", "0.5"),
        (1e-4, "0.0001", "0.0001"),
        (1.25e-5, "1.25e-05", "1.25e-05"),
        (123456.0, "123456", "123456.0"),
        (1e6, "1e+06", "1e+06"),
        (123456789.0, "1.23456789e+08", "1.23456789e+08"),
        (5e-324, "5e-324", "5e-324"),
        (INF, "+Inf", "+Inf"),
        (-INF, "-Inf", "-Inf"),
        (NAN, "NaN", "NaN"),
    ],
)
def test_numbers_are_written_as_go_writes_them(value: float, text: str, label: str) -> None:
    assert general(value) == text
    assert open_metrics(value) == label
