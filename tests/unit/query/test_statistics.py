"""Statistics over periods: exact, and never an average of averages."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.query import statistics_over_periods
from app.storage import PointRange

Row = tuple[int, int, float, float, float, float]
"""series, start in minutes, count, sum, minimum, maximum"""

VALUES = st.floats(-1e12, 1e12)
ROWS = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.integers(100, 130),
        st.integers(1, 10**6).map(float),
        VALUES,
        VALUES,
        VALUES,
    ),
    unique_by=lambda row: row[:2],
)


def points(rows: list[Row], extra: list[tuple[int, str, float]] | None = None) -> PointRange:
    ordered = sorted(rows)
    columns = list(zip(*ordered, strict=True)) if ordered else [()] * 6
    count, total, minimum, maximum = (np.array(column, np.float64) for column in columns[2:])
    return PointRange(
        np.array(columns[0], np.int64),
        np.array(columns[1], np.int64) * 60_000,
        np.full(len(ordered), 60_000),
        count,
        total,
        minimum,
        maximum,
        extra or [],
    )


@given(rows=ROWS, minutes=st.sampled_from([1, 2, 5, 7, 60]))
def test_every_statistic_is_that_of_the_points(rows: list[Row], minutes: int) -> None:
    answered = statistics_over_periods(points(rows), minutes * 60_000, ())
    found = {
        (series.series_id, start): {
            name: float(column[place]) for name, column in series.statistics.items()
        }
        for series in answered
        for place, start in enumerate(series.timestamps.tolist())
    }
    expected: dict[tuple[int, int], list[Row]] = {}
    for row in rows:
        start = row[1] // minutes * minutes * 60_000
        expected.setdefault((row[0], start), []).append(row)
    assert found.keys() == expected.keys()
    for key, group in expected.items():
        total = math.fsum(row[3] for row in group)
        count = math.fsum(row[2] for row in group)
        assert found[key] == {
            "SampleCount": count,
            "Sum": total,
            "Minimum": min(row[4] for row in group),
            "Maximum": max(row[5] for row in group),
            "Average": total / count,
        }
        assert Fraction(total) == Fraction(float(sum(Fraction(row[3]) for row in group)))


def test_timestamps_ascend() -> None:
    rows: list[Row] = [(1, minute, 1.0, 1.0, 1.0, 1.0) for minute in (9, 3, 7)]
    (series,) = statistics_over_periods(points(rows), 60_000, ())
    assert series.timestamps.tolist() == [180_000, 420_000, 540_000]


def test_percentiles_are_never_merged() -> None:
    rows: list[Row] = [(1, minute, 1.0, 1.0, 1.0, 1.0) for minute in (0, 1, 5)]
    extra = [(0, "p99", 1.5), (1, "p99", 2.5), (2, "p99", 3.5)]
    (by_minute,) = statistics_over_periods(points(rows, extra), 60_000, ("p99",))
    assert by_minute.statistics["p99"].tolist() == [1.5, 2.5, 3.5]
    (by_five,) = statistics_over_periods(points(rows, extra), 300_000, ("p99",))
    merged, alone = by_five.statistics["p99"].tolist()
    assert math.isnan(merged)
    assert alone == 3.5


def test_only_what_was_asked_for_comes_back() -> None:
    rows: list[Row] = [(1, 0, 2.0, 3.0, 1.0, 2.0)]
    (series,) = statistics_over_periods(points(rows), 60_000, ("Average", "p42"))
    assert list(series.statistics) == ["Average", "p42"]
    assert series.statistics["Average"].tolist() == [1.5]
    assert math.isnan(series.statistics["p42"][0])


def test_a_series_lists_only_extra_statistics_that_it_has() -> None:
    rows: list[Row] = [(1, 0, 1.0, 1.0, 1.0, 1.0), (2, 0, 1.0, 1.0, 1.0, 1.0)]
    first, second = statistics_over_periods(points(rows, [(1, "p99", 4.0)]), 60_000, ())
    assert "p99" not in first.statistics
    assert second.statistics["p99"].tolist() == [4.0]


def test_unknown_minimum_is_absent() -> None:
    rows: list[Row] = [(1, 0, 1.0, 1.0, math.nan, math.nan), (1, 1, 1.0, 1.0, 2.0, 3.0)]
    (series,) = statistics_over_periods(points(rows), 120_000, ("Minimum", "Maximum"))
    assert series.statistics["Minimum"].tolist() == [2.0]
    assert series.statistics["Maximum"].tolist() == [3.0]


def test_nothing_is_nothing() -> None:
    assert statistics_over_periods(points([]), 60_000, ("Sum",)) == []


@pytest.mark.parametrize("count", [0.0])
def test_an_average_of_no_samples_is_absent(count: float) -> None:
    (series,) = statistics_over_periods(points([(1, 0, count, 0.0, 0.0, 0.0)]), 60_000, ())
    assert math.isnan(series.statistics["Average"][0])
