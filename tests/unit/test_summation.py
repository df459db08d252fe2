"""Sums of groups have the bits of exact arithmetic, whatever the terms are."""

import math
import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import summation
from app.summation import exact_group_sums, exact_sum

HUGE = 1.7976931348623157e308
TINY = 5e-324
# What lies at, and just beside, the middle of two doubles; ends of the range; powers of two.
HARD = [
    *(0.0, -0.0, TINY, -TINY, 2.0**-1022, -(2.0**-1022), HUGE, -HUGE, 2.0**1023, -(2.0**1023)),
    *(1.0, -1.0, 1.0 + 2.0**-52, 1.0 - 2.0**-53, 2.0**-52, 2.0**-53, -(2.0**-53), 2.0**-54),
    *(2.0**-106, -(2.0**-106), 2.0**-107, 2.0**53, -(2.0**53), 2.0**53 + 2.0, 0.1, 1e16, -1e16),
]
SCALED = st.builds(math.ldexp, st.integers(-(2**53), 2**53), st.integers(-1074, 970))
TERM = st.sampled_from(HARD) | SCALED | st.floats(allow_nan=False, allow_infinity=False)
BEYOND = st.sampled_from([math.inf, -math.inf, math.nan])


def group_sums(groups: list[list[float]]) -> list[float]:
    """The sums of groups given one by one."""
    bounds = np.cumsum([0, *map(len, groups)])
    values = np.array([v for g in groups for v in g], np.float64)
    return [float(total) for total in exact_group_sums(values, bounds)]


def rounded(terms: list[float]) -> float:
    """The sum in rational numbers, rounded once."""
    total = sum(map(Fraction, terms), Fraction(0))
    try:
        return float(total)
    except OverflowError:
        return math.inf if total > 0 else -math.inf


@given(groups=st.lists(st.lists(TERM, max_size=12), max_size=6))
def test_sums_are_those_of_rational_numbers(groups: list[list[float]]) -> None:
    assert list(map(repr, group_sums(groups))) == [repr(rounded(g) + 0.0) for g in groups]


@given(
    kept=st.lists(TERM, max_size=4), cancelled=st.lists(TERM, max_size=8), seed=st.integers(0, 99)
)
def test_what_cancels_leaves_nothing(kept: list[float], cancelled: list[float], seed: int) -> None:
    terms = [*kept, *cancelled, *(-term for term in cancelled)]
    random.Random(seed).shuffle(terms)
    assert repr(group_sums([terms])[0]) == repr(rounded(kept) + 0.0)


@given(
    groups=st.lists(st.lists(TERM, max_size=3), min_size=1, max_size=4),
    beyond=st.lists(BEYOND, min_size=1, max_size=3),
)
def test_what_is_not_finite_decides_its_own_group_alone(
    groups: list[list[float]], beyond: list[float]
) -> None:
    mixed = [[*groups[0], *beyond], *groups[1:]]
    expected = [exact_sum(np.array(g, np.float64)) for g in mixed]
    assert list(map(repr, group_sums(mixed))) == list(map(repr, expected))


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ([1.0, 2.0**-53, 0.0], 1.0),
        ([1.0, 2.0**-53, TINY], 1.0 + 2.0**-52),
        ([1.0, 2.0**-53, -TINY], 1.0),
        ([1.0 + 2.0**-52, 2.0**-53, -TINY], 1.0 + 2.0**-52),
        ([1.0 + 2.0**-52, 2.0**-53, 0.0], 1.0 + 2.0**-51),
        ([1.0, -(2.0**-54), -TINY], 1.0 - 2.0**-53),
        ([1.0, -(2.0**-54), TINY], 1.0),
        ([HUGE, HUGE, -HUGE], HUGE),
        ([HUGE, 2.0**969, TINY], HUGE),
        ([HUGE, 2.0**970, TINY], math.inf),
        ([HUGE, 2.0**970, -TINY], HUGE),
        ([TINY, TINY, -TINY], TINY),
        ([-0.0, -0.0, -0.0], 0.0),
        ([], 0.0),
    ],
)
def test_ties_and_ends_of_the_range(terms: list[float], expected: float) -> None:
    assert repr(group_sums([terms])[0]) == repr(expected)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_small_terms_together_move_a_sum_over_the_middle(sign: float) -> None:
    # Each of the small ones is too small to be extracted; three of them are not.
    small = [sign * 0.9 * 2.0**-99] * 3
    start = 1.0 if sign > 0 else 1.0 + 2.0**-52
    terms = [start, 2.0**-53 - sign * 2.0**-98, *small]
    assert group_sums([terms]) == [rounded(terms)] == [1.0 + 2.0**-52]


def test_groups_need_no_values() -> None:
    assert group_sums([]) == []
    assert group_sums([[], [], []]) == [0.0, 0.0, 0.0]
    assert group_sums([[], [1.0, 2.0], [], [0.1, 0.2, 0.3], []]) == [0.0, 3.0, 0.0, 0.6, 0.0]


def test_ordinary_values_need_no_arithmetic_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(7).lognormal(3.0, 3.0, (2_000, 12))
    expected = [math.fsum(row) for row in values.tolist()]

    def refuse(_: object) -> float:
        raise AssertionError("a sum that the error-free extraction should have settled")

    monkeypatch.setattr(summation, "exact_sum", refuse)
    assert exact_group_sums(values.ravel(), 12 * np.arange(2_001)).tolist() == expected


def test_a_sum_does_not_depend_on_the_order_of_many_terms() -> None:
    generator = np.random.default_rng(8)
    values = generator.normal(0.0, 1.0, 30_000) * 10.0 ** generator.integers(-20, 20, 30_000)
    bounds = np.array([0, 30_000])
    sums = {exact_group_sums(generator.permutation(values), bounds)[0] for _ in range(5)}
    assert sums == {math.fsum(values.tolist())}
