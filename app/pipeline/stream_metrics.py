"""Streams as metrics of our own: the numbers of the last look, a bounded number of series.

All processes on one database serve the same numbers, as they are those of the database.
"""

from collections.abc import Iterable, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.streams import OTHER_STREAM, Kind, StreamCounts, StreamWarning
from app.telemetry import REGISTRY

MOST_STREAMS = 500
"""Streams with series of their own, those seen first; all others are summed up."""

_LABELS = ("account", "region", "stream")


class StreamMetrics(Collector):
    """Serves what it was shown last."""

    def __init__(self) -> None:
        self._shown: list[Metric] = _families((), ())

    def show(self, streams: Sequence[StreamCounts], warnings: Sequence[StreamWarning]) -> None:
        """Exchange what is served, at once."""
        self._shown = _families(streams, warnings)

    def collect(self) -> Iterable[Metric]:
        return self._shown


def _families(streams: Sequence[StreamCounts], warnings: Sequence[StreamWarning]) -> list[Metric]:
    of_kind = GaugeMetricFamily(
        "hydrant_stream_warnings", "Warnings about streams that are there now", labels=["kind"]
    )
    for kind in Kind:
        of_kind.add_metric([kind.value], sum(warning.kind is kind for warning in warnings))
    lag = GaugeMetricFamily(
        "hydrant_stream_lag_seconds",
        "From the end of a stream's newest period to when points came last",
        labels=_LABELS,
    )
    last = GaugeMetricFamily(
        "hydrant_stream_last_point_timestamp_seconds",
        "Start of a stream's newest period",
        labels=_LABELS,
    )
    points = CounterMetricFamily(
        "hydrant_stream_points_total",
        "Points of a stream received by all processes since it was first seen",
        labels=_LABELS,
    )
    ordered = sorted(streams, key=lambda s: (s.key == OTHER_STREAM, s.first_seen_ms, s.key))
    for counts in ordered[:MOST_STREAMS]:
        _add(lag, last, points, [counts], counts.key)
    if rest := ordered[MOST_STREAMS:]:
        _add(lag, last, points, rest, OTHER_STREAM)
    return [of_kind, lag, last, points]


def _add(
    lag: GaugeMetricFamily,
    last: GaugeMetricFamily,
    points: CounterMetricFamily,
    streams: Sequence[StreamCounts],
    labels: Sequence[str],
) -> None:
    """One sample of several streams: the sum of points, the worst of the others."""
    points.add_metric(labels, sum(counts.points for counts in streams))
    flowing = [counts for counts in streams if counts.newest_ms]
    if flowing:
        lag.add_metric(labels, max(counts.lag_ms or 0 for counts in flowing) / 1000)
        last.add_metric(labels, min(counts.newest_ms for counts in flowing) / 1000)


STREAM_METRICS = StreamMetrics()
REGISTRY.register(STREAM_METRICS)
