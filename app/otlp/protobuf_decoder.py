"""The reference decoder: OpenTelemetry messages to columns through protobuf (upb).

Every value is read by protobuf; labels stay undecoded and serve as the key of their series. Losses
are collected per message: for each reason the whole message is set aside, so that it can be
replayed once the reason is gone.
"""

from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.message import DecodeError

from app.errors import WireError
from app.otlp import points
from app.otlp.batch import BatchBuilder
from app.otlp.descriptor import ExportMetricsServiceRequest, IntPoint, NumberPoint
from app.otlp.framing import frame
from app.otlp.histograms import explicit_buckets, exponential_buckets
from app.otlp.keys import RawSeries, SeriesKeys
from app.otlp.points import RejectedPoint
from app.otlp.quantiles import percentile_name
from app.otlp.rejection import Format, Losses, Reason

# Classes made from descriptors at run time have no static type.
Proto = Any

_NO_RECORDED_VALUE = 1
_DELTA = 1
_CUMULATIVE = 2

_Decoded = tuple[int, int, tuple[float, float, float, float], list[tuple[str, float]]]
_PointDecoder = Callable[[Proto], _Decoded]


def decode_message(
    message: bytes, keys: SeriesKeys[Any], into: BatchBuilder, losses: Losses
) -> None:
    """Append the points of one ExportMetricsServiceRequest, of either version."""
    try:
        request: Proto = ExportMetricsServiceRequest.FromString(message)
    except DecodeError as error:
        detail = f"the message is not an ExportMetricsServiceRequest: {error}"
        losses.add(Format.OTLP, Reason.PROTOBUF, detail, frame(message))
        return
    lost: dict[Reason, tuple[str, int]] = {}
    for resource_metrics in request.resource_metrics:
        resource = b"".join(resource_metrics.resource)
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                _decode_metric(resource, metric, keys, into, lost)
    for reason, (detail, count) in lost.items():
        losses.add(Format.OTLP, reason, detail, frame(message), count)


def _decode_metric(
    resource: bytes,
    metric: Proto,
    keys: SeriesKeys[Any],
    into: BatchBuilder,
    lost: dict[Reason, tuple[str, int]],
) -> None:
    try:
        kind, decode, data_points = _typed_points(metric)
    except RejectedPoint as error:
        _lose(lost, error, metric)
        return
    name: bytes = metric.name
    unit: bytes = metric.unit
    for point in data_points:
        try:
            if _has_no_value(point):
                continue
            start_ms, period_ms, statistics, extras = decode(point)
            labels, format_ = _labels(point)
            slot = keys.slot(RawSeries(format_, kind, resource, name, unit, labels))
        except (RejectedPoint, WireError) as error:
            _lose(lost, error, metric)
        else:
            into.add(slot, start_ms, period_ms, statistics, extras)


def _lose(lost: dict[Reason, tuple[str, int]], error: WireError, metric: Proto) -> None:
    reason = error.reason if isinstance(error, RejectedPoint) else Reason.LABELS
    name = metric.name.decode("utf-8", "replace")
    detail, count = lost.get(reason, (f"metric {name}: {error.message}", 0))
    lost[reason] = detail, count + 1


def _typed_points(metric: Proto) -> tuple[str, _PointDecoder, Iterator[Proto]]:
    """Kind, decoder and points of a metric's one data field."""
    if metric.HasField("summary"):
        return points.SUMMARY, _summary, iter(metric.summary.data_points)
    if metric.HasField("gauge"):
        return points.GAUGE, _gauge, _parsed(NumberPoint, metric.gauge)
    if metric.HasField("int_gauge"):
        return points.GAUGE, _gauge, _parsed(IntPoint, metric.int_gauge)
    for field, point_class in (("sum", NumberPoint), ("int_sum", IntPoint)):
        if metric.HasField(field):
            data = getattr(metric, field)
            if _is_delta(data):
                return points.SUM_DELTA, _delta_sum, _parsed(point_class, data)
            return points.SUM_CUMULATIVE, _gauge, _parsed(point_class, data)
    for field in ("histogram", "int_histogram", "exponential_histogram"):
        if metric.HasField(field):
            data = getattr(metric, field)
            buckets = exponential_buckets if field.startswith("exp") else explicit_buckets
            if _is_delta(data):
                kind, interval = points.HISTOGRAM_DELTA, _interval
            else:
                kind, interval = points.HISTOGRAM_CUMULATIVE, _instant
            return kind, _histogram(buckets, interval), iter(data.data_points)
    raise RejectedPoint(Reason.UNSUPPORTED, "it holds no known kind of data")


def _parsed(point_class: Proto, data: Proto) -> Iterator[Proto]:
    for raw in data.data_points:
        try:
            yield point_class.FromString(raw)
        except DecodeError:
            yield None


def _is_delta(data: Proto) -> bool:
    temporality = data.aggregation_temporality
    if temporality not in (_DELTA, _CUMULATIVE):
        raise RejectedPoint(Reason.UNSUPPORTED, "its aggregation temporality is unspecified")
    return bool(temporality == _DELTA)


def _has_no_value(point: Proto) -> bool:
    if point is None:
        raise RejectedPoint(Reason.PROTOBUF, "a data point is not valid protobuf")
    return bool(getattr(point, "flags", 0) & _NO_RECORDED_VALUE)


def _labels(point: Proto) -> tuple[tuple[bytes, ...], Format]:
    attributes = getattr(point, "attributes", None)
    if attributes:
        return tuple(attributes), Format.OTLP_1_0
    labels = getattr(point, "labels", None)
    if labels:
        return tuple(labels), Format.OTLP_0_7
    return (), Format.OTLP_1_0


def _interval(point: Proto) -> tuple[int, int]:
    return points.interval_ms(point.start_time_unix_nano, point.time_unix_nano)


def _instant(point: Proto) -> tuple[int, int]:
    return points.instant_ms(point.time_unix_nano), 0


def _summary(point: Proto) -> _Decoded:
    """CloudWatch's point: quantile 0 is Minimum, 1 is Maximum, an absent sum is 0."""
    minimum = maximum = float("nan")
    extras: list[tuple[str, float]] = []
    for pair in point.quantile_values:
        value = points.finite(pair.value, "a quantile's value")
        if pair.quantile == 0.0:
            minimum = value
        elif pair.quantile == 1.0:
            maximum = value
        else:
            extras.append((percentile_name(pair.quantile), value))
    points.check_extras(extras)
    statistics = float(point.count), points.finite(point.sum, "the sum"), minimum, maximum
    return *_interval(point), statistics, extras


def _number(point: Proto) -> float:
    if isinstance(point, IntPoint):
        return float(point.value)
    if point.HasField("as_int"):
        return float(point.as_int)
    return points.finite(point.as_double, "the value")


def _gauge(point: Proto) -> _Decoded:
    value = _number(point)
    return *_instant(point), (1.0, value, value, value), []


def _delta_sum(point: Proto) -> _Decoded:
    value = _number(point)
    return *_interval(point), (1.0, value, value, value), []


def _histogram(
    buckets: Callable[[Proto], list[tuple[str, float]]],
    interval: Callable[[Proto], tuple[int, int]],
) -> _PointDecoder:
    def decode(point: Proto) -> _Decoded:
        statistics = (
            float(point.count),
            points.finite(float(point.sum), "the sum"),
            _optional(point, "min"),
            _optional(point, "max"),
        )
        return *interval(point), statistics, buckets(point)

    return decode


def _optional(point: Proto, field: str) -> float:
    if field in point.DESCRIPTOR.fields_by_name and point.HasField(field):
        return points.finite(getattr(point, field), f"the {field}")
    return float("nan")
