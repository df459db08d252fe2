"""What is remembered of committed values, and when it is not trusted."""

import numpy as np
import pytest

from app.pipeline.committed_values import CommittedValues
from app.storage import MetricColumns

METRICS = [1, 2, 3]


def columns(metric_id: int, value: float, weight: float | None = None) -> MetricColumns:
    ids = np.arange(10)
    weights = None if weight is None else np.full(10, weight)
    return MetricColumns(metric_id, ids, ids * 0, np.full(10, value), weights, weights)


def remembering(*values: MetricColumns, recomputed: int = 0) -> CommittedValues:
    committed = CommittedValues()
    committed.remember(5, values, recomputed)
    return committed


def test_the_same_bits_are_unchanged_and_so_is_their_lack() -> None:
    committed = remembering(columns(1, 1.0), columns(2, 2.0))
    assert committed.unchanged(5, [columns(1, 1.0), columns(2, 3.0)], METRICS, 0) == {1, 3}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (columns(1, 0.0), columns(1, -0.0)),
        (columns(1, 1.0, 2.0), columns(1, 1.0)),
        (columns(1, 1.0, 2.0), columns(1, 1.0, 3.0)),
        (
            columns(1, 1.0),
            MetricColumns(1, np.arange(10) + 1, np.zeros(10, np.int64), np.ones(10), None, None),
        ),
        (
            columns(1, 1.0),
            MetricColumns(1, np.arange(10), np.ones(10, np.int64), np.ones(10), None, None),
        ),
        (
            columns(1, 1.0),
            MetricColumns(1, np.arange(9), np.zeros(9, np.int64), np.ones(9), None, None),
        ),
    ],
)
def test_any_other_bit_is_a_change(before: MetricColumns, after: MetricColumns) -> None:
    assert remembering(before).unchanged(5, [after], [1], 0) == set()


def test_values_that_have_come_or_gone_are_a_change() -> None:
    assert remembering(columns(1, 1.0)).unchanged(5, [columns(2, 1.0)], METRICS, 0) == {3}


def test_nothing_is_trusted_of_another_minute_or_after_others_have_stored_values() -> None:
    assert remembering(columns(1, 1.0)).unchanged(6, [columns(1, 1.0)], METRICS, 0) == set()
    committed = remembering(columns(1, 1.0), recomputed=1)
    assert committed.unchanged(5, [columns(1, 1.0)], METRICS, 2) == set()


def test_what_was_looked_at_is_not_known_until_the_next_commit() -> None:
    committed = remembering(columns(1, 1.0))
    assert committed.unchanged(5, [columns(1, 2.0)], METRICS, 0) == {2, 3}
    # Whether the 2 was committed nobody knows: the answer to the commit may have been lost.
    assert committed.unchanged(5, [columns(1, 1.0)], METRICS, 0) == set()


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    of_a_minute = 3 * 10 * 8
    committed = CommittedValues(most_bytes=2 * of_a_minute)
    for minute in (1, 2, 3):
        committed.remember(minute, [columns(1, 1.0)], 0)
    assert committed.unchanged(1, [columns(1, 1.0)], [1], 0) == set()
    assert committed.unchanged(2, [columns(1, 1.0)], [1], 0) == {1}
    committed.remember(4, [columns(1, 1.0, 2.0), columns(2, 1.0, 2.0)], 0)
    assert committed.unchanged(4, [columns(1, 1.0, 2.0)], [1], 0) == set()
    assert committed.unchanged(3, [columns(1, 1.0)], [1], 0) == {1}


def test_only_so_many_minutes_are_remembered() -> None:
    committed = CommittedValues(most_minutes=2)
    for minute in (1, 2, 3):
        committed.remember(minute, [columns(1, 1.0)], 0)
    found = [committed.unchanged(minute, [columns(1, 1.0)], [1], 0) for minute in (1, 2, 3)]
    assert found == [set(), {1}, {1}]
