"""Points of a reading by whole hours, whether these have been rolled up yet or not."""

from dataclasses import replace

import numpy as np

from app.arrays import FloatArray, IntArray
from app.dynamodb.reader import MetricSeries
from app.dynamodb.scope import Reading
from app.storage import Tier
from app.summation import exact_group_sums


def by_hours(reading: Reading) -> Reading:
    """The reading with one point an hour; extra statistics are left out.

    A reading of hours has single minutes where an hour has changed since it was rolled up, or is
    not over; these are put together as the rollup does it.
    """
    by_metric = {
        metric: [_hourly(each) for each in series] for metric, series in reading.by_metric.items()
    }
    return replace(reading, tier=Tier.HOUR, by_metric=by_metric)


def _hourly(series: MetricSeries) -> MetricSeries:
    order = np.argsort(series.starts_ms, kind="stable")
    hours = series.starts_ms[order] // Tier.HOUR.length_ms
    begins = np.flatnonzero(np.diff(hours, prepend=-1))
    bounds = np.append(begins, len(hours))
    return MetricSeries(
        series.series_id,
        series.identity,
        hours[begins] * Tier.HOUR.length_ms,
        np.full(len(begins), Tier.HOUR.length_ms),
        _sums(series.count[order], begins, bounds),
        _sums(series.total[order], begins, bounds),
        np.fmin.reduceat(series.minimum[order], begins),
        np.fmax.reduceat(series.maximum[order], begins),
        {},
    )


def _sums(values: FloatArray, begins: IntArray, bounds: IntArray) -> FloatArray:
    known = ~np.isnan(values)
    sums = exact_group_sums(np.where(known, values, 0.0), bounds)
    return np.where(np.logical_or.reduceat(known, begins), sums, np.nan)
