"""Spark lines: what a table consumed over the range, as points of an SVG."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from app.arrays import FloatArray
from app.dynamodb.reader import MetricSeries

STEPS = 36
WIDTH, HEIGHT = 120, 24
_MARGIN = 1.5


def step_means(
    series: Sequence[MetricSeries], start_ms: int, end_ms: int, tier_ms: int
) -> FloatArray:
    """The Sum of an average period of series together, in each of ``STEPS`` steps, or fewer.

    NaN is a step without points.
    """
    step_ms = max(tier_ms, -(-(end_ms - start_ms) // STEPS // tier_ms) * tier_ms)
    steps = max(1, -(-(end_ms - start_ms) // step_ms))
    found = np.full(steps, np.nan)
    for each in series:
        inside = (each.starts_ms >= start_ms) & (each.starts_ms < end_ms) & ~np.isnan(each.total)
        place = (each.starts_ms[inside] - start_ms) // step_ms
        counts = np.bincount(place, minlength=steps)
        means = np.bincount(place, each.total[inside], steps) / np.maximum(counts, 1)
        found = np.where(counts > 0, np.nan_to_num(found) + means, found)
    return found


def polylines(values: FloatArray) -> list[str]:
    """The ``points`` of a polyline for each run of values; 0 is at the bottom."""
    if np.isnan(values).all():
        return []
    highest = max(float(np.nanmax(values)), 1e-9)
    width = (WIDTH - 2 * _MARGIN) / max(1, len(values) - 1)
    height = HEIGHT - 2 * _MARGIN
    places = [
        (round(_MARGIN + number * width, 1), round(HEIGHT - _MARGIN - height * value / highest, 1))
        if value == value  # noqa: PLR0124 - not NaN
        else None
        for number, value in enumerate(values.tolist())
    ]
    return [_points(run) for run in _runs(places)]


def _runs(
    places: Sequence[tuple[float, float] | None],
) -> Iterator[list[tuple[float, float]]]:
    for known, run in groupby(places, key=lambda place: place is not None):
        if known:
            yield [place for place in run if place is not None]


def _points(run: list[tuple[float, float]]) -> str:
    # A single point is drawn as a short line.
    if len(run) == 1:
        x, y = run[0]
        run = [(round(x - 1, 1), y), (round(x + 1, 1), y)]
    return " ".join(f"{x:g},{y:g}" for x, y in run)
