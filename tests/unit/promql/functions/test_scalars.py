"""Functions between scalars and vectors."""

import math

import numpy as np
import pytest

from app.promql.series import Steps, empty_vector
from tests.unit.promql.functions.made import labels, of_vector, vector

NAN = math.nan


def test_absent_is_one_where_nothing_is() -> None:
    found = of_vector(
        "absent(x)", vector({"x{a=1}": [1.0, None, None], "x{a=2}": [None, 2.0, None]})
    )
    assert found.rows == {(): [None, None, 1.0]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('absent(x{a="1", b=~"2", c!="3"})', "{a=1}"),
        ('absent((x{a="1"}))', "{a=1}"),
        ('absent(x{a="1", a="2", b="3"})', "{b=3}"),
        ('absent(x{a="1", a=~".+"})', ""),
        ('absent({__name__="x", a=""})', ""),
        ('absent(sum(x{a="1"}))', ""),
        ('absent_over_time(x{a="1"}[5m])', "{a=1}"),
        ('absent_over_time(sum(x{a="1"})[5m:])', ""),
    ],
)
def test_absent_has_the_labels_that_its_selector_demands(text: str, expected: str) -> None:
    nothing = vector({"x": [None]})
    assert of_vector(text, nothing).rows == {labels(expected): [1.0]}


def test_absent_of_no_series_at_all() -> None:
    assert of_vector("absent(x)", empty_vector(2)).rows == {(): [1.0, 1.0]}


def test_scalar_is_the_value_of_a_single_sample() -> None:
    found = of_vector(
        "scalar(x)", vector({"x{a=1}": [1.0, None, 3.0, None], "x{a=2}": [2.0, 5.0, None, None]})
    )
    assert found.only == pytest.approx([NAN, 5.0, 3.0, NAN], nan_ok=True)


def test_vector_is_a_series_without_labels() -> None:
    assert of_vector("vector(1)", np.array([1.0, NAN])).rows == {
        (): [1.0, pytest.approx(NAN, nan_ok=True)]
    }


def test_times_are_seconds() -> None:
    steps = Steps(1_500, 60_000, 3)
    assert of_vector("time()", steps=steps).only == [1.5, 61.5, 121.5]
    assert of_vector("pi()", steps=steps).only == [math.pi] * 3


def test_the_larger_and_the_smaller_scalar() -> None:
    left, right = np.array([1.0, NAN, NAN, NAN]), np.array([2.0, 1.0, math.inf, -math.inf])
    larger = of_vector("max_of(1, 2)", left, right).only
    assert larger == pytest.approx([2.0, NAN, math.inf, NAN], nan_ok=True)
    smaller = of_vector("min_of(1, 2)", left, right).only
    assert smaller == pytest.approx([1.0, NAN, NAN, -math.inf], nan_ok=True)


def test_clamp_gives_nothing_where_its_bounds_are_turned_round() -> None:
    x = vector({"x{a=1}": [1.0, 5.0, 9.0, None], "x{a=2}": [2.0, 2.0, 2.0, 2.0]})
    low, high = np.array([2.0, 2.0, 3.0, NAN]), np.array([4.0, 4.0, 2.0, 4.0])
    assert of_vector("clamp(x, 2, 4)", x, low, high).rows == {
        labels("{a=1}"): [2.0, 4.0, None, None],
        labels("{a=2}"): [2.0, 2.0, None, pytest.approx(NAN, nan_ok=True)],
    }
    assert of_vector("clamp(x, 3, 2)", x, low + 9, high).rows[labels("{a=1}")][:3] == [None] * 3
