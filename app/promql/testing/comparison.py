"""Answers of queries beside what a test expects of them, in the notation of tests."""

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from app.labels import METRIC_NAME, LabelSet
from app.promql.numbers import general
from app.promql.parsing.quoting import BARE_LABEL, BARE_NAME, quoted
from app.promql.testing.notation import Mark, Point, SeriesLine

TOLERANCE = 1e-6
"""Difference of two numbers that still are equal, relative to the sum of their magnitudes.

The tolerance of Prometheus' own runner, so that scripts written for it hold here.
"""

Row: TypeAlias = Mapping[int, float]
"""Values of a series by time in milliseconds."""

_MOST_EXPONENT = 16
_MOST_SHOWN = 20


def almost_equal(one: float, other: float) -> bool:
    """Whether two numbers are equal within ``TOLERANCE``; NaN equals NaN."""
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    if one == other:
        return True
    if math.isinf(one) or math.isinf(other):
        return False
    size, difference = abs(one) + abs(other), abs(one - other)
    if one == 0 or other == 0 or size < sys.float_info.min:
        return difference < TOLERANCE * sys.float_info.min
    return difference / min(size, sys.float_info.max) < TOLERANCE


def series_differ(
    expected: Sequence[SeriesLine], got: Mapping[LabelSet, Row], times: Sequence[int]
) -> bool:
    """Whether the series that were got are others than those expected, in any order."""
    wanted = {labels: row for labels, row in _rows(expected, times).items() if row}
    return wanted.keys() != got.keys() or any(
        row.keys() != got[labels].keys()
        or not all(almost_equal(value, got[labels][time]) for time, value in row.items())
        for labels, row in wanted.items()
    )


def expected_lines(expected: Sequence[SeriesLine]) -> list[str]:
    """Series as a test would give them."""
    return _shown(
        f"{write_labels(line.labels or ())} {' '.join(map(write_point, line.points))}"
        for line in expected
    )


def got_lines(
    got: Mapping[LabelSet, Row], times: Sequence[int], order: Iterable[LabelSet]
) -> list[str]:
    """Series of an answer as a test would give them; times between those asked for are named."""
    lines = []
    for labels in order:
        row = got[labels]
        points = [write_point(row.get(time, Mark.GAP)) for time in times]
        points += [
            f"{write_point(value)} @ {time / 1000:g}s"
            for time, value in row.items()
            if time not in times
        ]
        lines.append(f"{write_labels(labels)} {' '.join(points)}")
    return _shown(lines)


def write_point(point: Point) -> str:
    """A point as tests write it, with all digits that matter."""
    if isinstance(point, Mark):
        return point.value
    return general(point, most_exponent=_MOST_EXPONENT)


def write_labels(labels: LabelSet) -> str:
    """A series without its points."""
    name = dict(labels).get(METRIC_NAME, "")
    bare = bool(BARE_NAME.fullmatch(name))
    inner = [] if bare or not name else [quoted(name)]
    inner += [
        f"{label if BARE_LABEL.fullmatch(label) else quoted(label)}={quoted(value)}"
        for label, value in labels
        if label != METRIC_NAME
    ]
    if bare:
        return f"{name}{{{', '.join(inner)}}}" if inner else name
    return f"{{{', '.join(inner)}}}"


def _rows(expected: Sequence[SeriesLine], times: Sequence[int]) -> dict[LabelSet, dict[int, float]]:
    return {
        line.labels or (): {
            time: point
            for time, point in zip(times, line.points, strict=False)
            if isinstance(point, float)
        }
        for line in expected
    }


def _shown(lines: Iterable[str]) -> list[str]:
    every = list(lines)
    if len(every) > _MOST_SHOWN:
        return [*every[:_MOST_SHOWN], f"… and {len(every) - _MOST_SHOWN} more"]
    return every or ["(nothing)"]
