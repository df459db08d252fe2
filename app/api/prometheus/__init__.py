"""The HTTP API of Prometheus, under ``/prometheus``: for Grafana, promtool and other clients of it.

Parameters, answers and errors are those of Prometheus 3; docs/promql.md says what differs.
"""

from app.api.prometheus.router import prometheus_health_router, prometheus_router

__all__ = ["prometheus_health_router", "prometheus_router"]
