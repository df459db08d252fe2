"""What each type of OpenTelemetry point says: its statistics and extra statistics.

A number is one observation: count 1, and Sum, Minimum and Maximum are all the number. A histogram
has count, sum and, if told, minimum and maximum; its buckets are extra statistics. A summary's
quantiles 0 and 1 are Minimum and Maximum, the others are percentiles.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.otlp import points
from app.otlp.descriptor import (
    ExponentialHistogramPoint,
    HistogramPoint,
    IntHistogramPoint,
    IntPoint,
    NumberPoint,
)
from app.otlp.histograms import explicit_buckets, exponential_buckets
from app.otlp.points import RejectedPoint
from app.otlp.quantiles import percentile_name
from app.otlp.rejection import Reason

# Classes made from descriptors at run time have no static type.
Proto = Any

Statistics = tuple[float, float, float, float]
"""Count, sum, minimum, maximum."""
Extras = list[tuple[str, float]]
Said = tuple[Statistics, Extras]

_DELTA = 1
_CUMULATIVE = 2
_NAN = math.nan
_ENDS = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class PointType:
    """One data field of a Metric.

    ``point_class`` parses a point that is kept as bytes; None where points are parsed already.
    ``kinds`` are the series' kinds by temporality, or the one kind of data without temporality.
    """

    field: str
    point_class: Proto
    read: Callable[[Proto], Said]
    kinds: str | dict[int, str]

    def kind(self, data: Proto) -> str:
        """The kind of the series. Raises ``RejectedPoint`` for an unspecified temporality."""
        if isinstance(self.kinds, str):
            return self.kinds
        kind = self.kinds.get(data.aggregation_temporality)
        if kind is None:
            raise RejectedPoint(Reason.UNSUPPORTED, "its aggregation temporality is unspecified")
        return kind


def cloudwatch_summary(point: Proto) -> Said:
    """CloudWatch's point: an absent sum is 0, and no number is missing."""
    return _summary(point, missing_quantiles=False)


def summary(point: Proto) -> Said:
    """Another source's point, in which NaN says that a quantile had no observations."""
    return _summary(point, missing_quantiles=True)


def _summary(point: Proto, *, missing_quantiles: bool) -> Said:
    minimum = maximum = _NAN
    extras: Extras = []
    skipped = 0
    pairs = point.quantile_values
    for pair in pairs:
        quantile: float = pair.quantile
        value: float = pair.value
        name = "" if quantile in _ENDS else percentile_name(quantile)
        if missing_quantiles and math.isnan(value):
            skipped += 1
            continue
        points.finite(value, "a quantile's value")
        if name:
            extras.append((name, value))
        elif quantile:
            maximum = value
        else:
            minimum = value
    if extras:
        points.check_extras(extras)
    told = skipped + len(extras) + (minimum == minimum) + (maximum == maximum)  # noqa: PLR0124
    if told < len(pairs):
        raise RejectedPoint(Reason.VALUE, "a quantile is given twice")
    return (float(point.count), points.finite(point.sum, "the sum"), minimum, maximum), extras


def _number(point: Proto) -> Said:
    if point.HasField("as_int"):
        value = float(point.as_int)
    elif point.HasField("as_double"):
        value = points.finite(point.as_double, "the value")
    elif point.labels:
        # 0.7 has a plain field here, which is not written when it is 0.
        value = 0.0
    else:
        raise RejectedPoint(Reason.VALUE, "a data point holds no value")
    return (1.0, value, value, value), []


def _integer(point: Proto) -> Said:
    value = float(point.value)
    return (1.0, value, value, value), []


def _histogram(point: Proto) -> Said:
    return _of_histogram(point), explicit_buckets(point)


def _exponential_histogram(point: Proto) -> Said:
    return _of_histogram(point), exponential_buckets(point)


def _of_histogram(point: Proto) -> Statistics:
    """An absent sum, which histograms of negative observations have, is 0."""
    return (
        float(point.count),
        points.finite(point.sum, "the sum"),
        points.finite(point.min, "the min") if point.HasField("min") else _NAN,
        points.finite(point.max, "the max") if point.HasField("max") else _NAN,
    )


def _integer_histogram(point: Proto) -> Said:
    return (float(point.count), float(point.sum), _NAN, _NAN), explicit_buckets(point)


_SUMS = {_DELTA: points.SUM_DELTA, _CUMULATIVE: points.SUM_CUMULATIVE}
_HISTOGRAMS = {_DELTA: points.HISTOGRAM_DELTA, _CUMULATIVE: points.HISTOGRAM_CUMULATIVE}

_POINT_TYPES = (
    PointType("summary", None, summary, points.SUMMARY),
    PointType("gauge", NumberPoint, _number, points.GAUGE),
    PointType("sum", NumberPoint, _number, _SUMS),
    PointType("histogram", HistogramPoint, _histogram, _HISTOGRAMS),
    PointType(
        "exponential_histogram", ExponentialHistogramPoint, _exponential_histogram, _HISTOGRAMS
    ),
    PointType("int_gauge", IntPoint, _integer, points.GAUGE),
    PointType("int_sum", IntPoint, _integer, _SUMS),
    PointType("int_histogram", IntHistogramPoint, _integer_histogram, _HISTOGRAMS),
)


def point_type(metric: Proto) -> PointType:
    """The type of a metric's points. Raises ``RejectedPoint`` when it has no known data."""
    for known in _POINT_TYPES:
        if metric.HasField(known.field):
            return known
    raise RejectedPoint(Reason.UNSUPPORTED, "it holds no known kind of data")
