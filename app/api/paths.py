"""Paths that more than one module must know, and what a request needs to come through to them."""

FIREHOSE_PREFIX = "/aws/firehose"
FIREHOSE_PATH = f"{FIREHOSE_PREFIX}/metrics"
OTLP_PATH = "/v1/metrics"
PROMETHEUS_PREFIX = "/prometheus"

OPEN_PATHS = frozenset({"/healthz", "/readyz"})
"""For load balancers and orchestrators, which have no token; they tell no data."""

DELIVERY_PATHS = frozenset({FIREHOSE_PATH, OTLP_PATH})
"""Their routes check access keys. All other paths are for readers."""

NO_PAGES = (
    "/api",
    "/prometheus",
    "/aws",
    "/v1",
    "/metrics",
    "/healthz",
    "/readyz",
    "/openapi.json",
    "/docs",
    "/assets",
)
"""Paths, and what lies below them, that answer programs, whatever they say they accept."""
