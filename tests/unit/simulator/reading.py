"""Reads records back with opentelemetry-proto and json: an oracle that is not ours."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from google.protobuf.internal.decoder import _DecodeVarint  # type: ignore[attr-defined]
from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, SummaryDataPoint

from app.simulator import Format


@dataclass(frozen=True)
class Read:
    """A point as the oracle sees it; end_ms and quantiles only in OpenTelemetry."""

    account: str
    region: str
    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]
    unit: str
    start_ms: int
    count: float
    total: float
    minimum: float
    maximum: float
    extra: tuple[tuple[float | str, float], ...]


def messages(record: bytes) -> list[ExportMetricsServiceRequest]:
    found, position = [], 0
    while position < len(record):
        length, position = _DecodeVarint(record, position)
        assert position + length <= len(record)
        found.append(ExportMetricsServiceRequest.FromString(record[position : position + length]))
        position += length
    return found


def metrics(record: bytes) -> Iterator[Metric]:
    for message in messages(record):
        for resource in message.resource_metrics:
            for scope in resource.scope_metrics:
                yield from scope.metrics


def read(record: bytes, format_: Format) -> list[Read]:
    if format_ is Format.JSON:
        assert record.endswith(b"\n")
        return [_json_point(line) for line in record[:-1].split(b"\n")]
    points = []
    for message in messages(record):
        for resource in message.resource_metrics:
            attributes = {a.key: a.value.string_value for a in resource.resource.attributes}
            assert attributes["cloud.provider"] == "aws"
            for scope in resource.scope_metrics:
                points += [
                    _otlp_point(attributes, metric, point, format_)
                    for metric in scope.metrics
                    for point in metric.summary.data_points
                ]
    return points


def _otlp_point(
    resource: dict[str, str], metric: Metric, point: SummaryDataPoint, format_: Format
) -> Read:
    if format_ is Format.OPENTELEMETRY_1_0:
        labels = _nested_labels(list(point.attributes))
    else:
        assert not point.attributes
        labels = _flat_labels(point)
    (_, namespace), (_, name), *dimensions = labels
    assert metric.name == f"amazonaws.com/{namespace}/{name}"
    assert point.time_unix_nano - point.start_time_unix_nano == 60_000_000_000
    quantiles = [(q.quantile, q.value) for q in point.quantile_values]
    assert [quantiles[0][0], quantiles[-1][0]] == [0, 1]
    return Read(
        resource["cloud.account.id"],
        resource["cloud.region"],
        namespace,
        name,
        tuple(dimensions),
        metric.unit,
        point.start_time_unix_nano // 1_000_000,
        point.count,
        point.sum,
        quantiles[0][1],
        quantiles[-1][1],
        tuple(quantiles[1:-1]),
    )


def _nested_labels(attributes: list[KeyValue]) -> list[tuple[str, str]]:
    assert [a.key for a in attributes] == ["Namespace", "MetricName", "Dimensions"]
    assert attributes[2].value.WhichOneof("value") == "kvlist_value"
    flat = [(a.key, a.value.string_value) for a in attributes[:2]]
    return flat + [
        (entry.key, entry.value.string_value) for entry in attributes[2].value.kvlist_value.values
    ]


def _flat_labels(point: SummaryDataPoint) -> list[tuple[str, str]]:
    # Field 1 is reserved in 1.x: the oracle keeps it as unknown, one entry for each label.
    fields = UnknownFieldSet(point)
    unknown = [fields[i] for i in range(len(fields))]
    assert {field.field_number for field in unknown} == {1}
    return [_string_pair(field.data) for field in unknown]


def _string_pair(data: bytes) -> tuple[str, str]:
    fields, position = {1: "", 2: ""}, 0
    while position < len(data):
        tag, position = _DecodeVarint(data, position)
        length, position = _DecodeVarint(data, position)
        fields[tag >> 3] = data[position : position + length].decode()
        position += length
    return fields[1], fields[2]


def _json_point(line: bytes) -> Read:
    fields = json.loads(line)
    value = fields["value"]
    assert list(value)[:4] == ["max", "min", "sum", "count"]
    return Read(
        fields["account_id"],
        fields["region"],
        fields["namespace"],
        fields["metric_name"],
        tuple(fields["dimensions"].items()),
        fields["unit"],
        fields["timestamp"],
        value["count"],
        value["sum"],
        value["min"],
        value["max"],
        tuple((name, each) for name, each in value.items() if name not in _DEFAULTS),
    )


_DEFAULTS = {"max", "min", "sum", "count"}
