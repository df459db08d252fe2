"""Hydrant's own metrics, served at ``/metrics`` in the Prometheus exposition format.

One registry for the process. Each metric is declared beside the code that updates it, through the
functions here, so that names share one prefix and the documentation test can list them.
"""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

disable_created_metrics()  # type: ignore[no-untyped-call]

REGISTRY = CollectorRegistry(auto_describe=True)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS_BUCKETS = (
    0.001,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
)


def counter(name: str, help_text: str, *labels: str) -> Counter:
    """A counter ``hydrant_<name>``; ``name`` ends in ``_total``."""
    return Counter(f"hydrant_{name}", help_text, labels, registry=REGISTRY)


def gauge(name: str, help_text: str, *labels: str) -> Gauge:
    """A gauge ``hydrant_<name>``."""
    return Gauge(f"hydrant_{name}", help_text, labels, registry=REGISTRY)


def histogram(name: str, help_text: str, *labels: str) -> Histogram:
    """A histogram ``hydrant_<name>`` of seconds; ``name`` ends in ``_seconds``."""
    return Histogram(
        f"hydrant_{name}", help_text, labels, registry=REGISTRY, buckets=_SECONDS_BUCKETS
    )


def exposition() -> bytes:
    """All metrics as text, ready to be sent."""
    return generate_latest(REGISTRY)
