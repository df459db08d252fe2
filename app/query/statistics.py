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

from app.arrays import FloatArray, IntArray
from app.errors import InvalidParameter
from app.pipeline.combining import Groups, combine_points, neighbours
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
    groups = neighbours(points.series_id, start)
    columns = _standard(points, groups)
    extras = _extras(points, groups)
    columns.update(extras)
    series = points.series_id[groups.first_row]
    timestamps = start[groups.first_row]
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


def statistic_columns(
    points: PointRange, groups: Groups, wanted: Sequence[str]
) -> dict[str, FloatArray]:
    """Each of some statistics by group, NaN where a group has none."""
    columns = _standard(points, groups)
    if not columns.keys() >= set(wanted):
        columns.update(_extras(points, groups))
    absent = np.full(len(groups), np.nan)
    return {name: columns.get(name, absent) for name in wanted}


def _standard(points: PointRange, groups: Groups) -> dict[str, FloatArray]:
    combined = combine_points(points, groups)
    with np.errstate(divide="ignore", invalid="ignore"):
        average = np.where(combined.count > 0, combined.total / combined.count, np.nan)
    return {
        SAMPLE_COUNT: combined.count,
        SUM: combined.total,
        MINIMUM: combined.minimum,
        MAXIMUM: combined.maximum,
        AVERAGE: average,
    }


def _extras(points: PointRange, groups: Groups) -> dict[str, FloatArray]:
    alone = np.bincount(groups.of_row, minlength=len(groups)) == 1
    columns: dict[str, FloatArray] = {}
    for row, statistic, value in points.extra:
        column = columns.setdefault(statistic, np.full(len(groups), np.nan))
        group = groups.of_row[row]
        if alone[group]:
            column[group] = value
    return dict(sorted(columns.items()))


def _runs(column: IntArray) -> list[tuple[int, int]]:
    bounds = [0, *(np.flatnonzero(np.diff(column)) + 1).tolist(), len(column)]
    return list(pairwise(bounds))
