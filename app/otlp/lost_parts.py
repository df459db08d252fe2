"""What one message loses, cut out of it.

For each reason there is one message that holds the lost points and nothing else, so that it can be
decoded again once the reason is gone, and a source that sends one bad point each minute does not
fill the quarantine with its good ones.
"""

from dataclasses import dataclass
from typing import Any

from app.errors import WireError
from app.otlp.descriptor import ExportMetricsServiceRequest
from app.otlp.framing import frame
from app.otlp.points import RejectedPoint
from app.otlp.rejection import Format, Losses, Reason

# Classes made from descriptors at run time have no static type.
Proto = Any


@dataclass(slots=True)
class _Part:
    detail: str
    message: Proto
    points: int = 0
    resource: bytes | None = None
    scope: Proto = None
    metric: Proto = None
    """The metric that was lost last, as it stands in the decoded message."""
    data_points: Proto = None
    """Where lost points of that metric go."""


class LostParts:
    """Gathers the lost points of one message."""

    def __init__(self) -> None:
        self._parts: dict[Reason, _Part] = {}

    def add_metric(self, error: WireError, resource: bytes, metric: Proto, points: int) -> None:
        """Set a whole metric aside; ``points`` is how many it has."""
        part = self._part(error, resource, metric)
        part.scope.metrics.add().CopyFrom(metric)
        part.metric = None
        part.points += points

    def add_point(
        self, error: WireError, resource: bytes, metric: Proto, field: str, point: Proto
    ) -> None:
        """Set one point of the metric's data ``field`` aside."""
        part = self._part(error, resource, metric)
        if part.metric is not metric:
            part.metric = metric
            copy = part.scope.metrics.add()
            copy.CopyFrom(metric)
            part.data_points = getattr(copy, field).data_points
            del part.data_points[:]
        part.data_points.append(point)
        part.points += 1

    def add_to(self, losses: Losses) -> None:
        """Hand over what has been gathered."""
        for reason, part in self._parts.items():
            data = frame(part.message.SerializeToString())
            losses.add(Format.OTLP, reason, part.detail, data, part.points)

    def _part(self, error: WireError, resource: bytes, metric: Proto) -> _Part:
        reason = error.reason if isinstance(error, RejectedPoint) else Reason.LABELS
        part = self._parts.get(reason)
        if part is None:
            name = metric.name.decode("utf-8", "replace")
            detail = f"metric {name}: {error.message}"
            part = self._parts[reason] = _Part(detail, ExportMetricsServiceRequest())
        if part.resource is not resource:
            part.resource = resource
            part.metric = None
            resource_metrics = part.message.resource_metrics.add()
            resource_metrics.resource.append(resource)
            part.scope = resource_metrics.scope_metrics.add()
        return part
