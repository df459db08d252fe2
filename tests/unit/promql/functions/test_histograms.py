"""Classic histograms, computed by hand and against one histogram at a time."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.errors import QueryFailed
from app.promql.series import Vector
from tests.unit.promql.functions.made import Outcome, labels, of_vector, vector

INF, NAN = math.inf, math.nan
FIXED = (
    "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see https://"
    "prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)"
)


def buckets(counts: dict[str, float | None], name: str = "") -> Vector:
    return vector({f"{name}{{le={bound}}}": [count] for bound, count in counts.items()})


def quantile(wanted: float, made: Vector) -> Outcome:
    steps = made.values.shape[1]
    return of_vector("histogram_quantile(0.5, x)", np.full(steps, wanted), made)


def fraction(low: float, high: float, made: Vector) -> Outcome:
    steps = made.values.shape[1]
    return of_vector("histogram_fraction(0, 1, x)", np.full(steps, low), np.full(steps, high), made)


USUAL = buckets({"1": 10.0, "2": 30.0, "4": 40.0, "+Inf": 50.0})


@pytest.mark.parametrize(
    ("wanted", "value"),
    [
        (0.0, 0.0),
        (0.1, 0.5),
        (0.2, 1.0),
        (0.4, 1.5),
        (0.7, 3.0),
        (0.8, 4.0),
        (0.9, 4.0),
        (1.0, 4.0),
    ],
)
def test_observations_are_spread_evenly_in_a_bucket(wanted: float, value: float) -> None:
    assert quantile(wanted, USUAL).only == [pytest.approx(value, rel=1e-15)]


def test_series_of_all_labels_but_le_are_one_histogram() -> None:
    rows = {
        f"h_bucket{{job={job}, le={bound}}}": [count, count * 2]
        for job, counts in {"a": (2.0, 4.0), "b": (0.0, 4.0)}.items()
        for bound, count in zip(("1", "+Inf"), counts, strict=True)
    }
    assert quantile(0.25, vector(rows)).rows == {
        labels("{job=a}"): [0.5, 0.5],
        labels("{job=b}"): [1.0, 1.0],
    }


@pytest.mark.parametrize(
    ("counts", "value"),
    [
        ({"+Inf": 5.0}, NAN),
        ({"1": 5.0, "2": 5.0}, NAN),
        ({"1": 0.0, "+Inf": 0.0}, NAN),
        ({"-1": 5.0, "+Inf": 5.0}, -1.0),
        ({"0": 5.0, "+Inf": 5.0}, 0.0),
        ({"-2": 0.0, "-1": 10.0, "+Inf": 10.0}, -1.5),
        ({"1": 3.0, "1.0": 7.0, "+Inf": 10.0}, 0.5),
        ({"1": None, "2": 10.0, "inf": 10.0}, 1.0),
    ],
)
def test_special_histograms(counts: dict[str, float | None], value: float) -> None:
    assert quantile(0.5, buckets(counts)).only == [pytest.approx(value, nan_ok=True)]


@pytest.mark.parametrize(
    ("wanted", "value", "text"), [(-0.1, -INF, "-0.1"), (1.1, INF, "1.1"), (NAN, NAN, "NaN")]
)
def test_beyond_zero_and_one_there_are_no_quantiles(wanted: float, value: float, text: str) -> None:
    found = quantile(wanted, USUAL)
    assert found.only == [pytest.approx(value, nan_ok=True)]
    assert found.warnings == [
        f"PromQL warning: quantile value should be between 0 and 1, got {text}"
    ]


@pytest.mark.parametrize(
    ("text", "shown", "end"),
    [
        ("x_bucket", "", ' for metric name "x_bucket"'),
        ("{le=abc}", "abc", ""),
        ("{le=1_0}", "1_0", ""),
    ],
)
def test_series_without_a_bound_are_left_out(text: str, shown: str, end: str) -> None:
    found = quantile(0.5, vector({text: [1.0], "{le=1}": [5.0], "{le=+Inf}": [5.0]}))
    assert found.only == [0.5]
    assert found.warnings == [
        f'PromQL warning: bucket label "le" is missing or has a malformed value of "{shown}"{end}'
    ]


def test_counts_that_fall_are_raised_and_remarked_on() -> None:
    falling: dict[str, float | None] = {"1": 5.0, "2": 4.0, "+Inf": 10.0}
    found = quantile(0.5, buckets(falling, "h_bucket"))
    assert found.only == [1.0]
    assert found.infos == [f'{FIXED} for metric name "h_bucket"']
    assert quantile(0.5, buckets(falling)).infos == [FIXED]
    assert quantile(1.5, buckets(falling)).infos == []


def test_errors_of_floats_are_evened_out_silently() -> None:
    found = quantile(0.5, buckets({"1": 5.0, "2": 5.0 - 1e-12, "+Inf": 10.0}))
    assert found.only == [1.0]
    assert found.infos == []
    # A tiny rise is none either: what lies in the second bucket would be put there otherwise.
    assert quantile(0.5, buckets({"1": 5.0 - 1e-12, "2": 5.0, "+Inf": 10.0})).only == [2.0]


def test_histograms_may_lack_buckets_at_some_steps() -> None:
    made = vector(
        {"{le=1}": [2.0, None, None], "{le=2}": [4.0, 4.0, None], "{le=+Inf}": [4.0, 4.0, None]}
    )
    assert quantile(0.75, made).only == [1.5, 1.5, None]
    assert quantile(0.75, vector({"{le=1}": [None]})).rows == {}


def test_several_quantiles_stand_in_a_label() -> None:
    text = 'histogram_quantiles(x, "q", 0.5, 1)'
    made = vector({"h{job=a, le=1}": [5.0, 5.0], "h{job=a, le=+Inf}": [5.0, 5.0]})
    found = of_vector(text, made, "q", np.array([0.5, 0.5]), np.array([1.0, 0.25]))
    assert found.rows == {
        labels("{job=a, q=0.5}"): [0.5, 0.5],
        labels("{job=a, q=1.0}"): [1.0, None],
        labels("{job=a, q=0.25}"): [None, 0.25],
    }
    with pytest.raises(QueryFailed, match="invalid label name in histogram_quantiles"):
        of_vector(text, made, "", np.array([0.5, 0.5]))


@pytest.mark.parametrize(
    ("low", "high", "share"),
    [
        (0.0, 1.0, 0.2),
        (-INF, INF, 1.0),
        (0.5, 1.5, 0.3),
        (-5.0, 0.0, 0.0),
        (2.0, 3.0, 0.1),
        (4.0, 1e9, 0.0),
        (4.0, INF, 0.2),
        (1.0, 1.0, 0.0),
        (3.0, 1.0, 0.0),
        (NAN, 1.0, NAN),
        (0.0, NAN, NAN),
    ],
)
def test_fractions_lie_between_two_values(low: float, high: float, share: float) -> None:
    assert fraction(low, high, USUAL).only == [pytest.approx(share, nan_ok=True, abs=1e-15)]


def test_fractions_of_special_histograms() -> None:
    negative = buckets({"-1": 4.0, "1": 8.0, "+Inf": 10.0})
    assert fraction(-3.0, 0.0, negative).only == [pytest.approx(0.2)]
    assert fraction(-INF, -1.0, negative).only == [pytest.approx(0.4)]
    assert fraction(0.0, 1.0, buckets({"1": 4.0, "2": 8.0})).only == [
        pytest.approx(NAN, nan_ok=True)
    ]
    nothing = fraction(0.0, 1.0, buckets({"1": 0.0, "+Inf": 0.0}))
    assert nothing.only == [pytest.approx(NAN, nan_ok=True)]


@pytest.mark.parametrize("name", ["avg", "count", "stddev", "stdvar", "sum"])
def test_what_needs_native_histograms_gives_nothing(name: str) -> None:
    assert of_vector(f"histogram_{name}(x)", USUAL).rows == {}


def by_definition(wanted: float, counts: Sequence[tuple[float, float]]) -> float:
    """Bounds ascend to infinity, counts ascend."""
    total = counts[-1][1]
    if len(counts) < 2 or total == 0:
        return NAN
    start, below = 0.0, 0.0
    for number, (bound, count) in enumerate(counts):
        if count >= wanted * total:
            if bound == INF:
                return counts[-2][0]
            if number == 0 and bound <= 0:
                return bound
            return start + (bound - start) * (wanted * total - below) / (count - below or 1)
        start, below = bound, count
    raise AssertionError


@given(
    st.lists(
        st.lists(st.integers(0, 9) | st.none(), min_size=4, max_size=4), min_size=1, max_size=4
    ),
    st.floats(0.001, 1),
)
@example([[1, None, 1, 1], [None, 2, 3, None]], 0.5)
def test_all_steps_at_once_are_as_each_by_itself(
    added: list[list[int | None]], wanted: float
) -> None:
    bounds = [-1.0, 0.5, 3.0, INF]
    steps: list[dict[float, float]] = []
    for step in added:
        total = 0
        steps.append({})
        for bound, count in zip(bounds, step, strict=True):
            if count is not None:
                total += count
                steps[-1][bound] = float(total)
    made = vector({f"{{le={bound}}}": [step.get(bound) for step in steps] for bound in bounds})
    rows = quantile(wanted, made).rows
    found = next(iter(rows.values()), [None] * len(steps))
    for value, counts in zip(found, steps, strict=True):
        if not counts:
            assert value is None
        elif INF not in counts:
            assert value is not None
            assert math.isnan(value)
        else:
            expected = by_definition(wanted, list(counts.items()))
            assert value == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)
