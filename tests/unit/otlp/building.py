"""Builds OpenTelemetry messages field by field, also such as no encoder would write.

Field numbers: section B.4. The primitives are the simulator's, which shares nothing with the
decoders.
"""

import struct
from collections.abc import Sequence

from app.simulator import wire

MINUTE_MS = 60_000
START_MS = 1_727_740_800_000
END_MS = START_MS + MINUTE_MS
ACCOUNT = "123456789012"
REGION = "us-east-1"

# Fields of Metric that hold data.
INT_GAUGE, GAUGE, INT_SUM, SUM = 4, 5, 6, 7
INT_HISTOGRAM, HISTOGRAM, EXPONENTIAL_HISTOGRAM, SUMMARY = 8, 9, 10, 11
UNSPECIFIED, DELTA, CUMULATIVE = 0, 1, 2

Pairs = Sequence[tuple[str, str]]


def number(field: int, value: int) -> bytes:
    """A varint field; a negative number takes ten bytes, as int64 does."""
    return wire.varint(field << 3) + wire.varint(value % 2**64)


def double(field: int, value: float) -> bytes:
    """A double field, written also when it is 0."""
    return wire.varint(field << 3 | 1) + struct.pack("<d", value)


def sfixed64(field: int, value: int) -> bytes:
    return wire.varint(field << 3 | 1) + struct.pack("<q", value)


def packed(field: int, layout: str, values: Sequence[float]) -> bytes:
    return wire.delimited(field, struct.pack(f"<{len(values)}{layout}", *values))


def string_value(value: str) -> bytes:
    return wire.delimited(1, value.encode())


def list_value(items: Sequence[bytes]) -> bytes:
    return wire.delimited(5, b"".join(wire.delimited(1, item) for item in items))


def map_value(entries: Sequence[tuple[str, bytes]]) -> bytes:
    pairs = b"".join(wire.delimited(1, key_value(name, value)) for name, value in entries)
    return wire.delimited(6, pairs)


def key_value(name: str, any_value: bytes) -> bytes:
    return wire.text(1, name) + wire.delimited(2, any_value)


def flat(pairs: Pairs, *, field: int = 1) -> bytes:
    """Labels as 0.7 has them: StringKeyValue, field 1 of every kind of point."""
    return b"".join(
        wire.delimited(field, wire.text(1, name) + wire.text(2, value)) for name, value in pairs
    )


def attributes(entries: Sequence[tuple[str, bytes]], *, field: int = 7) -> bytes:
    """Labels as 1.0 has them: KeyValue, field 7, 9 or 1 of a point."""
    return b"".join(wire.delimited(field, key_value(*entry)) for entry in entries)


def cloudwatch_flat(namespace: str, metric: str, dimensions: Pairs = ()) -> bytes:
    return flat([("Namespace", namespace), ("MetricName", metric), *dimensions])


def cloudwatch_nested(namespace: str, metric: str, dimensions: Pairs = ()) -> bytes:
    return attributes(
        [
            ("Namespace", string_value(namespace)),
            ("MetricName", string_value(metric)),
            ("Dimensions", map_value([(name, string_value(value)) for name, value in dimensions])),
        ]
    )


LABELS = cloudwatch_flat("AWS/DynamoDB", "SystemErrors")


def times(start_ms: int = START_MS, end_ms: int = END_MS) -> bytes:
    return wire.fixed64(2, start_ms * 1_000_000) + wire.fixed64(3, end_ms * 1_000_000)


def quantile(fraction: float, value: float) -> bytes:
    return wire.delimited(6, wire.double(1, fraction) + wire.double(2, value))


def summary_point(
    labels: bytes = LABELS,
    *,
    start_ms: int = START_MS,
    count: int = 3,
    total: float = 6.0,
    quantiles: Sequence[tuple[float, float]] = ((0.0, 1.0), (1.0, 3.0)),
) -> bytes:
    return (
        labels
        + times(start_ms, start_ms + MINUTE_MS)
        + wire.fixed64(4, count)
        + wire.double(5, total)
        + b"".join(quantile(*pair) for pair in quantiles)
    )


def metric(
    *points: bytes,
    name: str = "m",
    unit: str = "1",
    data: int = SUMMARY,
    temporality: int | None = None,
) -> bytes:
    body = b"".join(wire.delimited(1, point) for point in points)
    if temporality is not None:
        body += number(2, temporality)
    return wire.text(1, name) + wire.text(3, unit) + wire.delimited(data, body)


def resource(account: str = ACCOUNT, region: str = REGION, more: Pairs = ()) -> bytes:
    pairs = [("cloud.provider", "aws"), ("cloud.account.id", account), ("cloud.region", region)]
    return attributes([(n, string_value(v)) for n, v in [*pairs, *more]], field=1)


def message(*metrics: bytes, of: bytes | None = None) -> bytes:
    """An ExportMetricsServiceRequest of one resource and one scope."""
    scope = b"".join(wire.delimited(2, each) for each in metrics)
    origin = resource() if of is None else of
    return wire.delimited(1, wire.delimited(1, origin) + wire.delimited(2, scope))


def record(*messages: bytes) -> bytes:
    return b"".join(wire.framed(each) for each in messages)


def record_of_points(*points: bytes) -> bytes:
    """A record of one message in which each point has a metric of its own."""
    return record(message(*(metric(point) for point in points)))
