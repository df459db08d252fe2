"""The reference decoder: OpenTelemetry messages to columns through protobuf (upb).

Every value is read by protobuf; labels stay undecoded and serve as the key of their series. A
point that cannot be kept is set aside alone.
"""

from typing import Any

from google.protobuf.message import DecodeError

from app.errors import WireError
from app.otlp import points
from app.otlp.batch import BatchBuilder
from app.otlp.descriptor import ExportMetricsServiceRequest
from app.otlp.framing import frame
from app.otlp.key_table import RawSeries
from app.otlp.keys import SlotTable
from app.otlp.lost_parts import LostParts
from app.otlp.parts import check_parts
from app.otlp.point_types import cloudwatch_summary, point_type
from app.otlp.points import RejectedPoint
from app.otlp.rejection import Format, Losses, Reason, TooManyFaults

# Classes made from descriptors at run time have no static type.
Proto = Any

_NO_RECORDED_VALUE = 1

_WITH_DELTA_TIMES = frozenset({points.SUM_DELTA, points.HISTOGRAM_DELTA})


def decode_message(message: bytes, keys: SlotTable, into: BatchBuilder, losses: Losses) -> None:
    """Append the points of one serialized ExportMetricsServiceRequest, of either version."""
    try:
        check_parts(message)
        request: Proto = ExportMetricsServiceRequest.FromString(message)
    except TooManyFaults as error:
        losses.add(Format.OTLP, Reason.TOO_MANY, error.message, frame(message))
        return
    except DecodeError as error:
        detail = f"the message is not an ExportMetricsServiceRequest: {error}"
        losses.add(Format.OTLP, Reason.PROTOBUF, detail, frame(message))
        return
    decode_request(request, keys, into, losses)


def decode_request(request: Proto, keys: SlotTable, into: BatchBuilder, losses: Losses) -> None:
    """Append the points of an ExportMetricsServiceRequest; what is lost goes to ``losses``.

    After ``MOST_FAULTS`` faults of the request that is the whole message.
    """
    lost = LostParts()
    try:
        for resource_metrics in request.resource_metrics:
            scopes = resource_metrics.scope_metrics
            if not scopes:
                into.fault()
                continue
            resource = b"".join(resource_metrics.resource)
            for scope_metrics in scopes:
                metrics = scope_metrics.metrics
                if not metrics:
                    into.fault()
                for metric in metrics:
                    _decode_metric(resource, metric, keys, into, lost)
    except TooManyFaults as error:
        data = frame(request.SerializeToString())
        losses.add(Format.OTLP, Reason.TOO_MANY, error.message, data)
        return
    lost.add_to(losses)


def _decode_metric(
    resource: bytes,
    metric: Proto,
    keys: SlotTable,
    into: BatchBuilder,
    lost: LostParts,
) -> None:
    data_points: Proto = ()
    try:
        type_ = point_type(metric)
        data = getattr(metric, type_.field)
        data_points = data.data_points
        kind = type_.kind(data)
    except RejectedPoint as error:
        into.fault()
        lost.add_metric(error, resource, metric, max(1, len(data_points)))
        return
    if not data_points:
        into.fault()
        return
    name: bytes = metric.name
    unit: bytes = metric.unit
    point_class, read = type_.point_class, type_.read
    times = _delta_times if kind in _WITH_DELTA_TIMES else _instant
    for raw in data_points:
        try:
            point = raw if point_class is None else _parsed(point_class, raw)
            if getattr(point, "flags", 0) & _NO_RECORDED_VALUE:
                into.without_value += 1
                continue
            labels, format_ = _labels(point)
            slot = keys.slot(RawSeries(format_, kind, resource, name, unit, labels))
            if point_class is None and keys.is_cloudwatch(slot):
                statistics, extras = cloudwatch_summary(point)
                start_ms, period_ms = _interval(point)
            else:
                statistics, extras = read(point)
                start_ms, period_ms = times(point)
            if extras and len(extras) > into.extra_room:
                most = len(into.extra_row) + into.extra_room
                detail = f"more than {most} extra statistics in one request"
                raise RejectedPoint(Reason.VALUE, detail)
        except WireError as error:
            into.fault()
            lost.add_point(error, resource, metric, type_.field, raw)
        else:
            into.add(slot, start_ms, period_ms, statistics, extras)


def _parsed(point_class: Proto, raw: bytes) -> Proto:
    try:
        return point_class.FromString(raw)
    except DecodeError as error:
        raise RejectedPoint(Reason.PROTOBUF, "a data point is not valid protobuf") from error


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


def _delta_times(point: Proto) -> tuple[int, int]:
    return points.delta_ms(point.start_time_unix_nano, point.time_unix_nano)


def _instant(point: Proto) -> tuple[int, int]:
    return points.instant_ms(point.time_unix_nano), 0
