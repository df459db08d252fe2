"""Points of test files as OTLP/HTTP bodies, for sources that are not CloudWatch."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.otlp.points import (
    CLOUDWATCH_PERIOD_MS,
    GAUGE,
    HISTOGRAM_CUMULATIVE,
    HISTOGRAM_DELTA,
    SUM_CUMULATIVE,
    SUM_DELTA,
)

_DELTA, _CUMULATIVE = 1, 2
_TEMPORALITY = {
    SUM_DELTA: _DELTA,
    SUM_CUMULATIVE: _CUMULATIVE,
    HISTOGRAM_DELTA: _DELTA,
    HISTOGRAM_CUMULATIVE: _CUMULATIVE,
}
_NANOSECONDS_PER_MS = 1_000_000

NUMBER_KINDS = (GAUGE, SUM_DELTA, SUM_CUMULATIVE)
HISTOGRAM_KINDS = (HISTOGRAM_DELTA, HISTOGRAM_CUMULATIVE)


@dataclass(frozen=True, slots=True)
class OtlpPoint:
    """A point that is no summary.

    A delta covers the minute from ``time_ms`` on, others are observations at that time.
    ``statistics`` are ``value`` of a number, and ``count``, ``sum`` and perhaps ``min`` and ``max``
    of a histogram. ``buckets`` are upper bounds, ascending, and the counts of the buckets alone;
    the last bound is infinite.
    """

    kind: str
    metric: str
    unit: str
    resource: Mapping[str, str]
    labels: Mapping[str, str]
    time_ms: int
    statistics: Mapping[str, float]
    buckets: Sequence[tuple[float, int]] = ()


def otlp_body(point: OtlpPoint) -> bytes:
    """The point as the JSON body of an export request."""
    is_delta = _TEMPORALITY.get(point.kind) == _DELTA
    start_ms = point.time_ms if is_delta else 0
    end_ms = point.time_ms + CLOUDWATCH_PERIOD_MS if is_delta else point.time_ms
    written: dict[str, object] = {
        "attributes": _attributes(point.labels),
        "startTimeUnixNano": str(start_ms * _NANOSECONDS_PER_MS),
        "timeUnixNano": str(end_ms * _NANOSECONDS_PER_MS),
    }
    if point.kind in NUMBER_KINDS:
        written["asDouble"] = point.statistics["value"]
    else:
        written |= {name: v for name, v in point.statistics.items() if name != "count"}
        written["count"] = str(int(point.statistics["count"]))
        written["bucketCounts"] = [str(count) for _, count in point.buckets]
        written["explicitBounds"] = [bound for bound, _ in point.buckets[:-1]]
    data: dict[str, object] = {"dataPoints": [written]}
    if point.kind in _TEMPORALITY:
        data["aggregationTemporality"] = _TEMPORALITY[point.kind]
    field = point.kind.partition("_")[0]
    metric = {"name": point.metric, "unit": point.unit, field: data}
    resource = {"attributes": _attributes(point.resource)}
    of_resource = {"resource": resource, "scopeMetrics": [{"metrics": [metric]}]}
    return json.dumps({"resourceMetrics": [of_resource]}).encode()


def _attributes(labels: Mapping[str, str]) -> list[object]:
    return [{"key": name, "value": {"stringValue": value}} for name, value in labels.items()]
