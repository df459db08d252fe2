"""Instant selectors, windows and subqueries: which sample is seen at which step."""

import numpy as np
import pytest

from app.labels import label_set
from app.promql.reader import Budget, Selected, Selection
from app.promql.series import Samples
from app.promql.testing.memory import MemoryReader
from tests.fixtures.promql import MINUTE, STALE, engine, instant, ranged, rows, series


def test_a_sample_stands_until_the_lookback_is_over() -> None:
    stored = series("x", 1.0)
    assert instant("x", 0, stored) == {"x": 1}
    assert instant("x", 4.999, stored) == {"x": 1}
    assert instant("x", 5, stored) == {}


def test_a_later_sample_is_not_seen() -> None:
    assert instant("x", 0.999, series("x", None, 1.0)) == {}


def test_the_last_sample_counts() -> None:
    assert ranged("x", 5, series("x", None, 1.0, 2.0, None, 4.0)) == {"x": [None, 1, 2, 2, 4]}


def test_a_staleness_marker_ends_a_series_at_once() -> None:
    stored = series("x", 1.0, STALE, None, 4.0)
    assert ranged("x", 4, stored) == {"x": [1, None, None, 4]}


def test_nan_is_a_value() -> None:
    result = ranged("x", 2, series("x", float("nan")))
    assert result["x"] == pytest.approx([np.nan, np.nan], nan_ok=True)


def test_series_of_different_times_are_seen_together() -> None:
    result = ranged("x", 3, series("x", 1.0, a="b"), series("x", None, 2.0, a="a"))
    assert result == {'x{a="a"}': [None, 2, 2], 'x{a="b"}': [1, 1, 1]}


def test_offset_looks_into_the_past_and_the_future() -> None:
    stored = series("x", 1.0, 2.0, 3.0)
    assert ranged("x offset 1m", 3, stored) == {"x": [None, 1, 2]}
    assert ranged("x offset -1m", 3, stored) == {"x": [2, 3, 3]}


def test_at_looks_at_one_time_from_every_step() -> None:
    stored = series("x", 1.0, 2.0, 3.0)
    assert ranged("x @ 60", 3, stored) == {"x": [2, 2, 2]}
    assert ranged("x @ 60 offset 1m", 3, stored) == {"x": [1, 1, 1]}
    assert ranged("x @ end()", 3, stored) == {"x": [3, 3, 3]}
    assert ranged("x - x @ start()", 3, stored) == {"{}": [0, 1, 2]}
    assert ranged("sum(x @ 60) + 1", 3, stored) == {"{}": [3, 3, 3]}


class _Hours:
    """A reader of one part of hours, which stand longer than the lookback."""

    def __init__(self) -> None:
        self.asked: list[Selection] = []

    def select(self, selection: Selection, budget: Budget) -> Selected:
        self.asked.append(selection)
        budget.take_series(1)
        part = Samples(
            [label_set({"__name__": "x"})],
            np.array([0, 60 * MINUTE], np.int64),
            np.array([[1.0, 2.0]]),
            np.ones((1, 2), np.bool_),
            interval_ms=60 * MINUTE,
        )
        return Selected([part], infos=("answered from hours",))


def test_samples_of_a_longer_interval_stand_that_long() -> None:
    answer = engine().range("x", 30 * MINUTE, 120 * MINUTE, 30 * MINUTE, _Hours())
    assert rows(answer) == {"x": [1, 2, 2, None]}
    assert answer.infos == ("PromQL info: answered from hours",)


def test_a_reader_is_told_what_a_selector_needs() -> None:
    reader = _Hours()
    engine().range("sum_over_time(x[10m] offset 1m)", 0, 10 * MINUTE, 5 * MINUTE, reader)
    engine().instant("x", 7, reader)
    first, second = reader.asked
    assert (first.start_ms, first.end_ms) == (-11 * MINUTE, 9 * MINUTE)
    assert (first.first_ms, first.step_ms, first.window_ms) == (-MINUTE, 5 * MINUTE, 10 * MINUTE)
    assert first.function == "sum_over_time"
    engine().range("sum_over_time(x[10m:4m])", 20 * MINUTE, 25 * MINUTE, 5 * MINUTE, reader)
    third = reader.asked[2]
    # Evaluated at 12, 16, 20 and 24: 12 is the first multiple after 10.
    assert (third.first_ms, third.end_ms, third.step_ms) == (12 * MINUTE, 24 * MINUTE, 4 * MINUTE)
    assert (second.start_ms, second.end_ms, second.step_ms) == (7 - 5 * MINUTE, 7, 0)
    assert (second.window_ms, second.function) == (0, "")


def test_windows_are_open_on_the_left() -> None:
    stored = series("x", 1.0, 10.0, 100.0)
    assert ranged("sum_over_time(x[1m])", 3, stored) == {"{}": [1, 10, 100]}
    assert ranged("sum_over_time(x[2m])", 3, stored) == {"{}": [1, 11, 110]}


def test_windows_at_one_time() -> None:
    stored = series("x", 1.0, 10.0, 100.0)
    assert ranged("sum_over_time(x[2m] @ 60)", 3, stored) == {"{}": [11, 11, 11]}
    assert ranged("sum_over_time(x[2m] offset 1m)", 3, stored) == {"{}": [None, 1, 11]}


def test_a_range_vector_is_answered_with_its_samples() -> None:
    stored = [series("x", 1.0, 2.0, STALE, 4.0, a="a"), series("x", None, None, 3.0, a="b")]
    answer = engine().instant("x[2m]", 3 * MINUTE, MemoryReader(stored))
    assert answer.value_type == "matrix"
    assert answer.samples is not None
    seen = {
        labels[1][1]: part.times[present].tolist()
        for part in answer.samples
        for labels, present in zip(part.labels, part.present, strict=True)
    }
    assert seen == {"a": [3 * MINUTE], "b": [2 * MINUTE]}


def test_a_range_vector_is_sorted_over_all_its_parts() -> None:
    stored = [
        series("x", 1.0, 2.0, a="c"),
        series("x", 1.0, None, a="b"),
        series("x", 1.0, 2.0, a="a"),
        series("x", 1.0, 2.0, a="d"),
    ]
    answer = engine().instant("x[2m]", MINUTE, MemoryReader(stored))
    assert answer.samples is not None
    seen = [
        (labels[1][1], values[present].tolist())
        for part in answer.samples
        for labels, values, present in zip(part.labels, part.values, part.present, strict=True)
    ]
    assert seen == [("a", [1, 2]), ("b", [1]), ("c", [1, 2]), ("d", [1, 2])]


def test_a_subquery_sees_multiples_of_its_step() -> None:
    stored = series("x", *map(float, range(20)))
    # Multiples of 3 minutes in (7, 13]: 9 and 12.
    assert instant("sum_over_time(x[6m:3m])", 13, stored) == {"{}": 21}
    # Open on the left: 6 is not in (6, 12].
    assert instant("sum_over_time(x[6m:3m])", 12, stored) == {"{}": 21}
    assert instant("sum_over_time(x[6m:3m] offset 1m)", 14, stored) == {"{}": 21}
    assert instant("sum_over_time(x[6m:3m] @ 780)", 2, stored) == {"{}": 21}


def test_a_subquery_without_a_step_takes_the_default() -> None:
    stored = series("x", *map(float, range(10)))
    assert instant("sum_over_time(x[3m:])", 9, stored) == {"{}": 7 + 8 + 9}


def test_subqueries_nest() -> None:
    stored = series("x", *map(float, range(20)))
    # At 8 and 10: (7 + 8) + (9 + 10), each a sum of the last two minutes.
    assert instant("sum_over_time(sum_over_time(x[2m:1m])[4m:2m])", 11, stored) == {"{}": 34}


def test_a_subquery_of_an_aggregation_at_every_step() -> None:
    stored = [series("x", 1.0, 2.0, 3.0, a="a"), series("x", 10.0, 20.0, 30.0, a="b")]
    assert ranged("sum_over_time(sum(x)[2m:1m])", 3, *stored) == {"{}": [11, 33, 55]}


def test_a_subquery_that_contains_no_step_is_empty() -> None:
    assert instant("sum_over_time(x[1m:1h])", 30, series("x", *[1.0] * 40)) == {}


def test_timestamps_are_those_of_the_samples() -> None:
    stored = [series("x", 1.0, None, 3.0, None, a="a"), series("x", *[1.0] * 4, a="b")]
    expected = {'{a="a"}': [0, 0, 120, 120], '{a="b"}': [0, 60, 120, 180]}
    assert ranged("timestamp(x)", 4, *stored) == expected
    assert ranged("timestamp((x))", 4, *stored) == expected
    assert ranged('timestamp(+x{a="a"})', 4, *stored) == {'{a="a"}': [0, 60, 120, 180]}


@pytest.mark.parametrize("as_grid", [False, True])
def test_a_grid_with_holes_gives_what_separate_parts_give(as_grid: bool) -> None:
    stored = [
        series("x", 1.0, None, 3.0, STALE, None, 6.0, a="a"),
        series("x", None, 2.0, None, None, None, None, None, None, a="b"),
        series("x", *map(float, range(8)), a="c"),
    ]
    reader = MemoryReader(stored, as_grid=as_grid)
    answer = engine(lookback_ms=2 * MINUTE).range("x", 0, 7 * MINUTE, MINUTE, reader)
    assert rows(answer) == {
        'x{a="a"}': [1, 1, 3, None, None, 6, 6, None],
        'x{a="b"}': [None, 2, 2, None, None, None, None, None],
        'x{a="c"}': [0, 1, 2, 3, 4, 5, 6, 7],
    }
