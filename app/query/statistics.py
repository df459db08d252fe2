"""CloudWatch's statistics over periods, exact for every period that is a multiple of the data's.

Sum and SampleCount add, Minimum and Maximum are those of the points, Average is Sum over
SampleCount of the whole period. Percentiles and the other extra statistics cannot be merged: a
period has one only if a single point fell into it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from app.errors import InvalidParameter
from app.mal import Combine
from app.mal.frames import FloatArray, IntArray
from app.mal.reduction import group_extreme, group_sum
from app.storage import PointRange

SUM = "Sum"
SAMPLE_COUNT = "SampleCount"
MINIMUM = "Minimum"
MAXIMUM = "Maximum"
AVERAGE = "Average"
STANDARD_STATISTICS = (SAMPLE_COUNT, SUM, MINIMUM, MAXIMUM, AVERAGE)

_EXTRA = re.compile(
    r"(?:p|tm|wm|tc|ts)\d{1,3}(?:\.\d+)?|(?:TM|WM|TC|TS|PR)\(.*\)|IQM|le:.+|zero_count"
)


def check_statistics(names: Sequence[str]) -> None:
    """Raise ``InvalidParameter`` for a name that no statistic can have."""
    for name in names:
        if name not in STANDARD_STATISTICS and not _EXTRA.fullmatch(name):
            raise InvalidParameter(
                "statistic",
                f"{name!r} is not a statistic; there are {', '.join(STANDARD_STATISTICS)},"
                " percentiles such as p99.9, and CloudWatch's others such as TM(25%:75%)",
            )


@dataclass(frozen=True, slots=True)
class StatisticSeries:
    """One series' statistics; all columns have the length of ``timestamps``, NaN where absent."""

    series_id: int
    timestamps: IntArray
    statistics: dict[str, FloatArray]


def statistics_over_periods(
    points: PointRange, period_ms: int, wanted: Sequence[str]
) -> list[StatisticSeries]:
    """Statistics by series and period, periods aligned to the epoch.

    ``wanted`` are names of statistics; empty means the standard five and every extra statistic that
    the series has.
    """
    if not len(points):
        return []
    start = points.start_ms // period_ms * period_ms
    changes = (np.diff(points.series_id) != 0) | (np.diff(start) != 0)
    groups = np.concatenate([[0], np.cumsum(changes)])
    firsts = np.flatnonzero(np.concatenate([[True], changes]))
    size = len(firsts)
    columns = _standard(points, groups, size)
    extras = _extras(points, groups, size)
    columns.update(extras)
    series = points.series_id[firsts]
    timestamps = start[firsts]
    result = []
    for begin, end in _runs(series):
        names = wanted or [
            name
            for name in columns
            if name not in extras or not np.isnan(columns[name][begin:end]).all()
        ]
        absent = np.full(end - begin, np.nan)
        statistics = {
            name: columns[name][begin:end] if name in columns else absent for name in names
        }
        result.append(StatisticSeries(int(series[begin]), timestamps[begin:end], statistics))
    return result


def _standard(points: PointRange, groups: IntArray, size: int) -> dict[str, FloatArray]:
    count = group_sum(points.count, groups, size)
    total = group_sum(points.total, groups, size)
    with np.errstate(divide="ignore", invalid="ignore"):
        average = np.where(count > 0, total / count, np.nan)
    return {
        SAMPLE_COUNT: count,
        SUM: total,
        MINIMUM: group_extreme(points.minimum, groups, size, Combine.MINIMUM),
        MAXIMUM: group_extreme(points.maximum, groups, size, Combine.MAXIMUM),
        AVERAGE: average,
    }


def _extras(points: PointRange, groups: IntArray, size: int) -> dict[str, FloatArray]:
    alone = np.bincount(groups, minlength=size) == 1
    columns: dict[str, FloatArray] = {}
    for row, statistic, value in points.extra:
        column = columns.setdefault(statistic, np.full(size, np.nan))
        if alone[groups[row]]:
            column[groups[row]] = value
    return dict(sorted(columns.items()))


def _runs(column: IntArray) -> list[tuple[int, int]]:
    bounds = [0, *(np.flatnonzero(np.diff(column)) + 1).tolist(), len(column)]
    return list(pairwise(bounds))
