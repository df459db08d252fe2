"""Values of rule metrics over steps."""

import math

import numpy as np
import pytest

from app.mal import Combine
from app.query import combine_steps
from app.storage import ValueRange

NAN = math.nan


def values(
    rows: list[tuple[int, int, int, float]],
    numerators: list[float] | None = None,
    weights: list[float] | None = None,
    minutes: list[int] | None = None,
) -> ValueRange:
    """Rows of (entity, label set, minute, value)."""
    columns = list(zip(*rows, strict=True))
    absent = [NAN] * len(rows)
    entity, labels, minute = (np.array(column, np.int64) for column in columns[:3])
    return ValueRange(
        entity_id=entity,
        label_set_id=labels,
        minute=minute,
        value=np.array(columns[3], np.float64),
        numerator=np.array(numerators or absent, np.float64),
        weight=np.array(weights or absent, np.float64),
        minutes=np.array(minutes or [1] * len(rows), np.int64),
    )


FOUR = [(1, 0, 10, 4.0), (1, 0, 11, 1.0), (1, 0, 14, 2.0), (1, 0, 15, 8.0)]


@pytest.mark.parametrize(
    ("combine", "expected"),
    [
        (Combine.SUM, [7.0, 8.0]),
        (Combine.MAXIMUM, [4.0, 8.0]),
        (Combine.MINIMUM, [1.0, 8.0]),
        (Combine.LATEST, [2.0, 8.0]),
        (Combine.AVERAGE, [7.0 / 3.0, 8.0]),
    ],
)
def test_minutes_combine_by_the_metric(combine: Combine, expected: list[float]) -> None:
    (series,) = combine_steps(values(FOUR), 300_000, combine)
    assert series.timestamps.tolist() == [600_000, 900_000]
    assert series.values.tolist() == expected


def test_averages_are_the_quotient_of_what_they_are_made_of() -> None:
    rows = [(1, 0, 10, 10.0), (1, 0, 11, 2.0)]
    made = values(rows, numerators=[10.0, 18.0], weights=[1.0, 9.0])
    (series,) = combine_steps(made, 300_000, Combine.AVERAGE)
    assert series.values.tolist() == [2.8]


def test_averages_of_known_weight_alone_are_weighed() -> None:
    rows = [(1, 0, 10, 10.0), (1, 0, 11, 2.0)]
    (series,) = combine_steps(values(rows, weights=[1.0, 9.0]), 300_000, Combine.AVERAGE)
    assert series.values.tolist() == [2.8]


def test_a_step_without_weights_is_no_reason_to_forget_those_of_another() -> None:
    rows = [(1, 0, 10, 10.0), (1, 0, 11, 2.0), (2, 0, 10, 1.0), (2, 0, 11, 2.0)]
    made = values(rows, numerators=[10.0, 18.0, NAN, NAN], weights=[1.0, 9.0, NAN, NAN])
    first, second = combine_steps(made, 300_000, Combine.AVERAGE)
    assert first.values.tolist() == [2.8]
    assert second.values.tolist() == [1.5]


@pytest.mark.parametrize("combine", Combine)
def test_a_minute_alone_keeps_its_bits(combine: Combine) -> None:
    value = 10.0 / 3.0
    made = values([(1, 0, 10, value)], numerators=[10.0], weights=[3.0])
    for step_ms in (60_000, 3_600_000):
        (series,) = combine_steps(made, step_ms, combine)
        assert series.values.tolist() == [value]


def test_entities_and_label_sets_stay_apart() -> None:
    rows = [(1, 0, 10, 1.0), (1, 7, 10, 2.0), (2, 0, 10, 3.0), (2, 0, 11, 4.0)]
    found = combine_steps(values(rows), 300_000, Combine.SUM)
    assert [(s.entity_id, s.label_set_id, s.values.tolist()) for s in found] == [
        (1, 0, [1.0]),
        (1, 7, [2.0]),
        (2, 0, [7.0]),
    ]


def test_nothing_is_nothing() -> None:
    integers, doubles = np.empty(0, np.int64), np.empty(0)
    none = ValueRange(integers, integers, integers, doubles, doubles, doubles, integers)
    assert combine_steps(none, 60_000, Combine.SUM) == []


def test_averages_of_buckets_without_weights_are_those_of_their_minutes() -> None:
    rows = [(1, 0, 0, 2.0), (1, 0, 60, 8.0), (1, 0, 120, 5.0)]
    made = values(rows, numerators=[6.0, 8.0, NAN], weights=[NAN, NAN, NAN], minutes=[3, 1, 1])
    (series,) = combine_steps(made, 86_400_000, Combine.AVERAGE)
    assert series.values.tolist() == [(6.0 + 8.0 + 5.0) / 5]


def test_averages_of_buckets_with_and_without_weights_count_their_minutes() -> None:
    rows = [(1, 0, 0, 2.0), (1, 0, 60, 8.0)]
    made = values(rows, numerators=[6.0, 800.0], weights=[NAN, 100.0], minutes=[3, 2])
    (series,) = combine_steps(made, 86_400_000, Combine.AVERAGE)
    assert series.values.tolist() == [(6.0 + 16.0) / 5]
