"""OTLP's JSON to the messages that protobuf bodies are parsed to.

From there on there is one decoder. Names are lowerCamelCase and unknown ones are passed over, as
OTLP/HTTP says. What has a wrong shape is lost with what holds it and no more: a point, a metric or
a resource with its metrics.
"""

from typing import Any

from app.errors import InvalidRequest
from app.otlp import json_values as values
from app.otlp.descriptor import ExportMetricsServiceRequest, Metric, Resource
from app.otlp.json_points import POINTS, attributes, only_one
from app.otlp.points import RejectedPoint
from app.otlp.rejection import Reason

# Classes made from descriptors at run time have no static type.
Proto = Any

Faults = dict[Reason, tuple[str, int]]
"""For each reason the first fault, and the number of points lost."""

_WITH_TEMPORALITY = frozenset({"sum", "histogram", "exponentialHistogram"})
_TEMPORALITIES = {
    "AGGREGATION_TEMPORALITY_UNSPECIFIED": 0,
    "AGGREGATION_TEMPORALITY_DELTA": 1,
    "AGGREGATION_TEMPORALITY_CUMULATIVE": 2,
}


def read_json_request(body: bytes) -> tuple[Proto, Faults]:
    """The ExportMetricsServiceRequest of a JSON body, and what could not be read of it.

    Raises ``InvalidRequest`` when the body as a whole is not one.
    """
    parsed = values.parse_body(body)
    request = ExportMetricsServiceRequest()
    faults: Faults = {}
    try:
        resources = values.items(parsed.get("resourceMetrics"), "resourceMetrics")
    except RejectedPoint as error:
        raise InvalidRequest(f"the body is not OTLP JSON: {error.message}") from error
    for index, each in enumerate(resources):
        try:
            _add_resource(request, each, faults)
        except RejectedPoint as error:
            _lose(faults, error, f"resource {index}", _points_in(each))
    return request, faults


def _add_resource(request: Proto, value: object, faults: Faults) -> None:
    resource_metrics = values.members(value, "resourceMetrics")
    resource = resource_metrics.get("resource")
    resource = {} if resource is None else values.members(resource, "resource")
    of_resource = attributes(resource.get("attributes"), "attributes of the resource")
    scopes = [
        values.items(values.members(scope, "scopeMetrics").get("metrics"), "metrics")
        for scope in values.items(resource_metrics.get("scopeMetrics"), "scopeMetrics")
    ]
    target = request.resource_metrics.add()
    target.resource.append(Resource(attributes=of_resource).SerializeToString())
    into = target.scope_metrics.add()
    for metrics in scopes:
        for metric in metrics:
            _add_metric(into, metric, faults)


def _add_metric(scope: Proto, value: object, faults: Faults) -> None:
    name = ""
    try:
        metric = values.members(value, "a metric")
        name = values.text(metric.get("name"), "name")
        unit = values.text(metric.get("unit"), "unit")
        field = only_one(POINTS, metric, "it")
        target = Metric(name=name.encode(), unit=unit.encode())
        if field is not None:
            _add_points(target, name, field, metric[field], faults)
        scope.metrics.append(target)
    except RejectedPoint as error:
        _lose(faults, error, f"metric {name}", max(1, _points_in(value)))


def _add_points(metric: Proto, name: str, field: str, value: object, faults: Faults) -> None:
    data = values.members(value, field)
    target_field, convert = POINTS[field]
    target = getattr(metric, target_field)
    target.SetInParent()
    points = values.items(data.get("dataPoints"), "dataPoints")
    if field in _WITH_TEMPORALITY:
        target.aggregation_temporality = _temporality(data.get("aggregationTemporality"))
    for index, each in enumerate(points):
        try:
            point = convert(each, "a data point")
        except RejectedPoint as error:
            _lose(faults, error, f"metric {name}, data point {index}", 1)
        else:
            # Points are kept as bytes, those of summaries as messages.
            raw = point if field == "summary" else point.SerializeToString()
            target.data_points.append(raw)


def _temporality(value: object) -> int:
    if isinstance(value, str) and value in _TEMPORALITIES:
        return _TEMPORALITIES[value]
    return 0 if value is None else values.signed_32(value, "aggregationTemporality")


def _lose(faults: Faults, error: RejectedPoint, where: str, points: int) -> None:
    detail, count = faults.get(error.reason, (f"{where}: {error.message}", 0))
    faults[error.reason] = detail, count + points


def _points_in(value: object) -> int:
    """How many data points lie below a value of any shape."""
    if isinstance(value, list):
        return sum(_points_in(item) for item in value)
    if not isinstance(value, dict):
        return 0
    points = value.get("dataPoints")
    if isinstance(points, list):
        return len(points)
    return sum(_points_in(value.get(name)) for name in ("scopeMetrics", "metrics", *POINTS))
