"""Reductions do not depend on the order of rows, and are exact."""

import itertools
import math
import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mal import Combine, Frame
from app.mal.reduction import combine_rows, group_extreme, group_sum

FINITE = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300)
ROWS = st.lists(st.tuples(st.integers(0, 3), FINITE | st.just(math.nan)), max_size=40)


@given(rows=ROWS, seed=st.integers())
def test_sums_are_exactly_rounded_in_any_order(rows: list[tuple[int, float]], seed: int) -> None:
    shuffled = rows.copy()
    random.Random(seed).shuffle(shuffled)
    results = []
    for order in (rows, shuffled):
        groups = np.array([group for group, _ in order], np.int64)
        values = np.array([value for _, value in order], np.float64)
        results.append(group_sum(values, groups, 4).tolist())
    for group in range(4):
        present = [v for g, v in rows if g == group and not math.isnan(v)]
        if not present:
            assert math.isnan(results[0][group])
            continue
        exact = math.fsum(present)
        assert results[0][group] == results[1][group] == exact
        assert Fraction(exact) == Fraction(float(sum(map(Fraction, present))))


def test_the_fast_way_for_integers_is_the_exact_one() -> None:
    values = np.array([0.5, 2.0**41, -0.5, 3.0, 0.25])
    assert group_sum(values, np.zeros(5, np.int64), 1)[0] == math.fsum(values.tolist())


def test_a_sum_beyond_the_doubles_is_infinite() -> None:
    values = np.array([1.7e308, 1.7e308, 1.7e308])
    assert group_sum(values, np.zeros(3, np.int64), 1)[0] == math.inf
    values[0] = -values[0]
    assert group_sum(values, np.zeros(3, np.int64), 1)[0] == 1.7e308


HUGE = 1.7e308
INFINITE = [
    ([HUGE, HUGE, math.inf], math.inf),
    ([HUGE, HUGE, -math.inf], -math.inf),
    ([-HUGE, -HUGE, math.inf, math.inf], math.inf),
    ([HUGE, HUGE, math.inf, -math.inf], math.nan),
    ([math.inf, -math.inf], math.nan),
    ([1.0, math.inf, 2.0], math.inf),
    ([-HUGE, -HUGE, -HUGE], -math.inf),
]


@pytest.mark.parametrize(("values", "expected"), INFINITE)
def test_infinities_decide_whatever_overflows_on_the_way(
    values: list[float], expected: float
) -> None:
    for order in itertools.permutations(values):
        found = group_sum(np.array(order), np.zeros(len(order), np.int64), 1).tolist()
        assert found == pytest.approx([expected], nan_ok=True)


def test_extremes_skip_what_is_absent() -> None:
    values = np.array([math.nan, 3.0, 1.0, math.nan])
    groups = np.array([0, 0, 0, 1])
    assert group_extreme(values, groups, 2, Combine.MAXIMUM).tolist()[0] == 3.0
    assert group_extreme(values, groups, 2, Combine.MINIMUM).tolist()[0] == 1.0
    assert math.isnan(group_extreme(values, groups, 2, Combine.MAXIMUM)[1])


@pytest.mark.parametrize("combine", [Combine.MAXIMUM, Combine.MINIMUM])
@pytest.mark.parametrize("zeros", [[0.0, -0.0], [-0.0, 0.0], [-0.0]])
def test_extremes_of_zeros_do_not_depend_on_the_order(zeros: list[float], combine: Combine) -> None:
    extreme = group_extreme(np.array(zeros), np.zeros(len(zeros), np.int64), 1, combine)
    assert math.copysign(1.0, extreme[0]) == 1.0


def test_a_group_of_one_average_keeps_its_bits() -> None:
    value = 10.0 / 3.0
    frame = Frame(np.array([value]), np.array([10.0]), np.array([3.0]))
    combined = combine_rows(frame, np.zeros(1, np.int64), 1, Combine.AVERAGE)
    assert combined.value[0] == value
    assert combined.numerator is not None
    assert combined.numerator[0] == 10.0


def test_the_latest_brings_its_own_weight() -> None:
    frame = Frame(np.array([2.0, 4.0, math.nan]), None, np.array([3.0, 5.0, math.nan]))
    combined = combine_rows(frame, np.array([0, 0, 1]), 2, Combine.LATEST)
    columns = combined.value, combined.numerator, combined.weight
    assert [repr(column.tolist()) for column in columns if column is not None] == [
        "[4.0, nan]",
        "[20.0, nan]",
        "[5.0, nan]",
    ]


def test_nothing_combines_to_nothing() -> None:
    empty = np.empty(0)
    for combine in (Combine.SUM, Combine.AVERAGE, Combine.MAXIMUM, Combine.MINIMUM):
        frame = combine_rows(Frame(empty), np.empty(0, np.int64), 2, combine)
        assert frame.value.dtype == np.float64
        assert np.isnan(frame.value).all()
