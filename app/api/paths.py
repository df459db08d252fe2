"""Paths that more than one module must know, and what a request needs to come through to them."""

FIREHOSE_PREFIX = "/aws/firehose"
FIREHOSE_PATH = f"{FIREHOSE_PREFIX}/metrics"
OTLP_PATH = "/v1/metrics"
PROMETHEUS_PREFIX = "/prometheus"

OPEN_PATHS = frozenset({"/healthz", "/readyz"})
"""For load balancers and orchestrators, which have no token; they tell no data."""

DELIVERY_PATHS = frozenset({FIREHOSE_PATH, OTLP_PATH})
"""Their routes check access keys. All other paths are for readers."""

SIGN_IN_PATH = "/sign-in"
SIGN_OUT_PATH = "/sign-out"
ASSETS_PREFIX = "/assets"
"""What is shown before somebody has signed in; there is no data in it."""

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
    ASSETS_PREFIX,
)
"""Paths, and what lies below them, that answer programs, whatever they say they accept."""
