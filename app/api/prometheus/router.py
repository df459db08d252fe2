"""All routes under ``/prometheus``."""

from fastapi import APIRouter

from app.api.context import ApiContext
from app.api.paths import PROMETHEUS_PREFIX
from app.api.prometheus.alerting import add_alerting_routes
from app.api.prometheus.catalogue import add_catalogue_routes
from app.api.prometheus.dashboard_queries import add_dashboard_queries
from app.api.prometheus.expressions import add_expression_routes
from app.api.prometheus.queries import add_query_routes
from app.api.prometheus.running import QueryRunner
from app.api.prometheus.several import add_several_queries
from app.api.prometheus.status import add_health_routes, add_status_routes


def prometheus_router(context: ApiContext) -> APIRouter:
    """The routes of Prometheus' HTTP API."""
    router = APIRouter(prefix=f"{PROMETHEUS_PREFIX}/api/v1", tags=["prometheus"])
    runner = QueryRunner(context.concurrent_queries, context.clock, context.stopping)
    add_query_routes(router, context, runner)
    add_several_queries(router, context, runner)
    add_dashboard_queries(router, context, runner)
    add_catalogue_routes(router, context, runner)
    add_expression_routes(router, runner)
    add_status_routes(router, runner)
    add_alerting_routes(router, context, runner)
    return router


def prometheus_health_router(context: ApiContext) -> APIRouter:
    """The routes beside the API that tell whether the server works."""
    router = APIRouter(prefix=PROMETHEUS_PREFIX, tags=["prometheus"])
    add_health_routes(router, context)
    return router
