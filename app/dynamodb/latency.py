"""How long the operations of tables take, slowest first.

Source: SuccessfulRequestLatency by {TableName, Operation}, milliseconds on DynamoDB's side. Its
SampleCount is the number of successful requests. Averages are Sum over SampleCount of the whole
range. Percentiles cannot be merged: there are those that CloudWatch delivered, and no others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.arrays import FloatArray
from app.dynamodb.reader import MetricSeries
from app.dynamodb.resources import Resource, operation_of
from app.dynamodb.scope import Reading
from app.summation import exact_sum

LATENCY = "SuccessfulRequestLatency"
THROTTLED = "ThrottledRequests"
SYSTEM_ERRORS = "SystemErrors"
METRICS = (LATENCY, THROTTLED, SYSTEM_ERRORS)
EXTRAS = (LATENCY,)
"""Of these, percentiles are read."""


@dataclass(frozen=True, slots=True)
class DeliveredPercentile:
    """The highest and the newest delivered value of a percentile, and the beginning of each."""

    highest: float
    highest_ms: int
    latest: float
    latest_ms: int


@dataclass(frozen=True, slots=True)
class OperationLatency:
    """One operation of a table over a range; None is what was not delivered.

    Latencies are milliseconds. ``requests_per_second`` is of the periods in which there were any.
    ``percentiles`` are by name, such as p99, in the order of their rank.
    """

    table: Resource
    operation: str
    requests: float | None
    requests_per_second: float | None
    average: float | None
    minimum: float | None
    maximum: float | None
    maximum_ms: int | None
    percentiles: Mapping[str, DeliveredPercentile]
    throttled_requests: float | None
    system_errors: float | None


def latency_by_operation(reading: Reading) -> list[OperationLatency]:
    """Operations of a reading of ``METRICS``, slowest average first; those without one are last."""
    latencies = _by_operation(reading.of(LATENCY))
    throttled = _by_operation(reading.of(THROTTLED))
    errors = _by_operation(reading.of(SYSTEM_ERRORS))
    found = [
        _latency(key, latencies.get(key), throttled.get(key), errors.get(key))
        for key in sorted({*latencies, *throttled, *errors})
    ]
    # The sort is stable: ties stay in the order of tables and operations.
    return sorted(found, key=lambda each: np.inf if each.average is None else -each.average)


_Key = tuple[Resource, str]


def _by_operation(series: Iterable[MetricSeries]) -> dict[_Key, MetricSeries]:
    keys = ((operation_of(each.identity), each) for each in series)
    return {key: each for key, each in keys if key is not None}


def _latency(
    key: _Key,
    latency: MetricSeries | None,
    throttled: MetricSeries | None,
    errors: MetricSeries | None,
) -> OperationLatency:
    table, operation = key
    counts = _total(throttled), _total(errors)
    if latency is None:
        none = None, None, None, None, None, None
        return OperationLatency(table, operation, *none, {}, *counts)
    requests = exact_sum(latency.count)
    seconds = int(latency.period_ms.sum()) / 1000
    highest = _place_of_highest(latency.maximum)
    return OperationLatency(
        table,
        operation,
        requests,
        requests / seconds,
        exact_sum(latency.total) / requests if requests else None,
        float(np.fmin.reduce(latency.minimum)) if highest is not None else None,
        float(latency.maximum[highest]) if highest is not None else None,
        int(latency.starts_ms[highest]) if highest is not None else None,
        _percentiles(latency),
        *counts,
    )


def _total(series: MetricSeries | None) -> float | None:
    return None if series is None else exact_sum(series.total)


def _place_of_highest(values: FloatArray) -> int | None:
    """The first place of the highest value; None where there is none."""
    return None if np.isnan(values).all() else int(np.nanargmax(values))


def _percentiles(series: MetricSeries) -> dict[str, DeliveredPercentile]:
    found: dict[str, DeliveredPercentile] = {}
    for name in _in_order(series.extra):
        column = series.extra[name]
        highest, latest = int(np.nanargmax(column)), int(np.flatnonzero(~np.isnan(column))[-1])
        found[name] = DeliveredPercentile(
            float(column[highest]),
            int(series.starts_ms[highest]),
            float(column[latest]),
            int(series.starts_ms[latest]),
        )
    return found


def _in_order(names: Iterable[str]) -> Sequence[str]:
    """The percentiles among names of statistics, by their rank."""
    ranks = {name: _rank(name) for name in names}
    return sorted((name for name in ranks if ranks[name] >= 0), key=lambda name: ranks[name])


def _rank(name: str) -> float:
    try:
        return float(name[1:]) if name.startswith("p") else -1.0
    except ValueError:
        return -1.0
