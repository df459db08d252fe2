"""Points as OpenTelemetry 0.7 and 1.0 metric messages (sections B.3 and B.4).

The versions differ in the labels alone: 0.7 has flat string pairs in field 1 of the point, 1.0
has attributes in field 7 with the dimensions nested in a key-value list.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from app.simulator import wire
from app.simulator.points import Point, Series

_NS_PER_MS = 1_000_000
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)")

_UNITS = {
    "Seconds": "s",
    "Microseconds": "us",
    "Milliseconds": "ms",
    "Bytes": "By",
    "Kilobytes": "kBy",
    "Megabytes": "MBy",
    "Gigabytes": "GBy",
    "Terabytes": "TBy",
    "Bits": "bit",
    "Kilobits": "kbit",
    "Megabits": "MBit",
    "Gigabits": "GBit",
    "Terabits": "Tbit",
    "Percent": "%",
    "Count": "{Count}",
    "None": "1",
}


def unit_text(unit: str) -> str:
    """Return the OpenTelemetry spelling of a CloudWatch unit; unknown ones stay as they are."""
    base, slash, per = unit.partition("/")
    if slash and per == "Second" and base in _UNITS:
        return f"{_UNITS[base]}/s"
    return _UNITS.get(unit, unit)


def quantile_of(statistic: str) -> float | None:
    """Return 0.999 for "p99.9", None for what the OpenTelemetry formats cannot carry.

    p0 and p100 would repeat the Minimum and Maximum and are left out.
    """
    match = _PERCENTILE.fullmatch(statistic)
    if match is None:
        return None
    # Not float(…) / 100, which makes 0.9990000000000001 of 99.9.
    quantile = float(f"{match[1]}e-2")
    return quantile if quantile > 0 else None


def metric_message(points: Sequence[Point], *, nested: bool) -> bytes:
    """Return one Metric message: all points are of one series, newest first.

    `nested` chooses 1.0 (attributes with nested Dimensions) over 0.7 (flat labels).
    """
    series = points[0].series
    summary = b"".join(wire.delimited(1, _data_point(point, nested=nested)) for point in points)
    return _metric_head(series.namespace, series.metric, series.unit) + wire.delimited(11, summary)


@lru_cache(maxsize=1024)
def resource_message(account: str, region: str, exporter_arn: str) -> bytes:
    """Return the Resource of a metric stream; account and region are the metric's source."""
    return b"".join(
        wire.delimited(1, _attribute(name, value))
        for name, value in (
            ("cloud.provider", "aws"),
            ("cloud.account.id", account),
            ("cloud.region", region),
            ("aws.exporter.arn", exporter_arn),
        )
    )


def resource_metrics(resource: bytes, metrics: Iterable[bytes]) -> bytes:
    """Return a ResourceMetrics message with one unnamed scope around the metrics."""
    scope = b"".join(wire.delimited(2, metric) for metric in metrics)
    return wire.delimited(1, resource) + wire.delimited(2, scope)


def export_request(parts: Iterable[bytes]) -> bytes:
    """Return an ExportMetricsServiceRequest of ResourceMetrics messages."""
    return b"".join(wire.delimited(1, part) for part in parts)


def _data_point(point: Point, *, nested: bool) -> bytes:
    statistics = b"".join(
        (
            wire.fixed64(2, point.start_ms * _NS_PER_MS),
            wire.fixed64(3, point.end_ms * _NS_PER_MS),
            wire.fixed64(4, point.count),
            wire.double(5, point.sum),
            *(wire.delimited(6, _quantile(*pair)) for pair in _quantiles(point)),
        )
    )
    # Fields go out in the order of their numbers, as in the captures.
    if nested:
        return statistics + _attributes(point.series)
    return _labels(point.series) + statistics


def _quantiles(point: Point) -> list[tuple[float, float]]:
    pairs = [(0.0, point.minimum), (1.0, point.maximum)]
    for statistic, value in point.percentiles:
        quantile = quantile_of(statistic)
        if quantile is not None:
            pairs.append((quantile, value))
    return sorted(pairs, key=lambda pair: pair[0])


def _quantile(quantile: float, value: float) -> bytes:
    return wire.double(1, quantile) + wire.double(2, value)


@lru_cache(maxsize=4096)
def _metric_head(namespace: str, metric: str, unit: str) -> bytes:
    return wire.text(1, f"amazonaws.com/{namespace}/{metric}") + wire.text(3, unit_text(unit))


@lru_cache(maxsize=1 << 18)
def _labels(series: Series) -> bytes:
    pairs = (("Namespace", series.namespace), ("MetricName", series.metric), *series.dimensions)
    return b"".join(
        wire.delimited(1, wire.text(1, name) + wire.text(2, value)) for name, value in pairs
    )


@lru_cache(maxsize=1 << 18)
def _attributes(series: Series) -> bytes:
    entries = b"".join(wire.delimited(1, _attribute(*pair)) for pair in series.dimensions)
    dimensions = wire.text(1, "Dimensions") + wire.delimited(2, wire.delimited(6, entries))
    return b"".join(
        wire.delimited(7, attribute)
        for attribute in (
            _attribute("Namespace", series.namespace),
            _attribute("MetricName", series.metric),
            dimensions,
        )
    )


def _attribute(name: str, value: str) -> bytes:
    # An empty string is still a string: the oneof must be present, unlike a plain proto3 field.
    return wire.text(1, name) + wire.delimited(2, wire.delimited(1, value.encode()))
