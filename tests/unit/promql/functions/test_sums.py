"""Sums over windows are rounded once, whatever their terms."""

import math
from fractions import Fraction

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.promql.functions.sums import WindowSums
from tests.unit.promql.functions.made import of_windows, windows

anything = st.floats(allow_nan=False, allow_infinity=False)
halves = st.integers(-(10**9), 10**9).map(lambda number: number / 2)
scattered = st.builds(math.ldexp, st.floats(-1, 1), st.integers(-80, 80))
subnormal = st.integers(-1000, 1000).map(lambda number: number * 5e-324)
rows = st.one_of(
    *(st.lists(each, max_size=12) for each in (anything, halves, scattered, subnormal))
)


def exactly(values: list[float]) -> float:
    total = sum(map(Fraction, values), Fraction())
    try:
        return float(total)
    except OverflowError:
        return math.inf if total > 0 else -math.inf


@settings(max_examples=120, deadline=None)
@given(st.lists(rows, min_size=1, max_size=3), st.integers(1, 12))
@example([[1e308, 1e308, -1e308]], 3)
@example([[1.0, 2.0**-53, 2.0**-200]], 3)
@example([[-1.0, -(2.0**-53), -(2.0**-150)]], 3)
@example([[1.0, 2.0**-53, 0.0]], 3)
@example([[2.0**60, 1.0, 2.0**-60, -(2.0**60)]], 4)
@example([[1e300, 1e-300, 5e-324]], 2)
def test_every_window_is_summed_exactly(values: list[list[float]], width: int) -> None:
    columns = max(map(len, values))
    matrix = np.array([row + [0.0] * (columns - len(row)) for row in values]).reshape(
        len(values), columns
    )
    low = np.arange(columns + 1)[np.newaxis]
    high = np.minimum(low + width, columns)
    with np.errstate(over="ignore"):
        sums = WindowSums(matrix).between(low, high)
    for row, found in zip(matrix.tolist(), sums.tolist(), strict=True):
        expected = [exactly(row[at : at + width]) for at in range(columns + 1)]
        assert found == expected


def test_windows_of_each_row_may_be_its_own() -> None:
    sums = WindowSums(np.array([[1.0, 2.0, 4.0], [0.1, 0.2, 0.3]]))
    found = sums.between(np.array([[0], [1]]), np.array([[2], [3]]))
    assert found.tolist() == [[3.0], [0.5]]


def test_infinities_and_nan_decide_their_windows_alone() -> None:
    matrix = np.array([[1.0, math.inf, 2.0, -math.inf, math.nan, 3.0]])
    low = np.array([[0, 0, 1, 2, 3, 5]])
    high = np.array([[1, 3, 4, 4, 5, 6]])
    found = WindowSums(matrix).between(low, high)[0].tolist()
    assert found[:2] == [1.0, math.inf]
    assert math.isnan(found[2])
    assert found[3] == -math.inf
    assert math.isnan(found[4])
    assert found[5] == 3.0


def test_a_tenth_ten_times_is_one() -> None:
    over = windows({"x": [0.1] * 10}, range(0, 10_000, 1_000), [9_000], 20_000)
    assert of_windows("sum_over_time", over).only == [1.0]
    assert sum([0.1] * 10) != 1.0


def test_an_average_exists_where_the_sum_is_too_large() -> None:
    over = windows({"x": [1e308, 1.5e308, None]}, [0, 1_000, 2_000], [2_000], 20_000)
    assert of_windows("avg_over_time", over).only == [1.25e308]
    assert of_windows("sum_over_time", over).only == [math.inf]
