"""Spark lines: steps of what was consumed, gaps stay gaps."""

import numpy as np

from app.catalog import SeriesIdentity
from app.dynamodb.reader import MetricSeries
from app.web.figures.spark_line import HEIGHT, STEPS, WIDTH, polylines, step_means

_MINUTE_MS = 60_000


def _series(totals: dict[int, float]) -> MetricSeries:
    size = len(totals)
    ones = np.ones(size)
    return MetricSeries(
        1,
        SeriesIdentity("1", "r", "AWS/DynamoDB", "M", (), "Count"),
        np.array(sorted(totals), np.int64) * _MINUTE_MS,
        np.full(size, _MINUTE_MS),
        ones,
        np.array([totals[minute] for minute in sorted(totals)]),
        ones,
        ones,
        {},
    )


def test_steps_are_means_of_periods_over_all_series_and_leave_gaps() -> None:
    reads, writes = _series({0: 1.0, 1: 2.0, 9: 4.0}), _series({1: 8.0, 12: 5.0})
    found = step_means([reads, writes], 0, 12 * _MINUTE_MS, _MINUTE_MS)
    assert len(found) == 12
    assert found[[0, 1, 9]].tolist() == [1.0, 10.0, 4.0]
    assert np.isnan(np.delete(found, [0, 1, 9])).all()


def test_a_long_range_has_few_steps() -> None:
    series = _series(dict.fromkeys(range(1440), 1.0))
    found = step_means([series], 0, 1440 * _MINUTE_MS, _MINUTE_MS)
    assert len(found) == STEPS
    assert found.tolist() == [1.0] * STEPS


def test_lines_are_within_the_box_and_broken_at_gaps() -> None:
    lines = polylines(np.array([0.0, 5.0, np.nan, 10.0, np.nan, 2.0, 1.0]))
    assert len(lines) == 3
    points = [
        (float(x), float(y))
        for line in lines
        for x, y in (point.split(",") for point in line.split())
    ]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert min(y for _, y in points) == 1.5
    assert lines[0].startswith("1.5,22.5 ")


def test_nothing_is_no_line() -> None:
    assert polylines(np.full(3, np.nan)) == []
    assert len(polylines(np.zeros(3))) == 1
