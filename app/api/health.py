"""Health, and Hydrant's own metrics."""

import anyio
from anyio import to_thread
from fastapi import APIRouter, Response

from app.api.context import ApiContext
from app.api.json import json_response
from app.errors import Unavailable
from app.telemetry import CONTENT_TYPE, exposition

_CHECKS_AT_ONCE = 16


def health_router(context: ApiContext) -> APIRouter:
    """Routes for load balancers and scrapers."""
    router = APIRouter(tags=["health"])
    # Threads of their own: queries that are slow must not make the server look unready.
    limiter = anyio.CapacityLimiter(_CHECKS_AT_ONCE)

    @router.get("/healthz", summary="The process is alive")
    @router.head("/healthz", include_in_schema=False)
    async def healthz() -> Response:
        return json_response({"status": "ok"})

    @router.get("/readyz", summary="Deliveries can be stored")
    @router.head("/readyz", include_in_schema=False)
    async def readyz() -> Response:
        try:
            await to_thread.run_sync(context.store.check_ready, limiter=limiter)
        except Unavailable as error:
            content = {"kind": error.kind, "message": error.message, "reason": error.reason}
            headers = {"Retry-After": str(error.retry_after_seconds)}
            return json_response(content, status=error.status, headers=headers)
        return json_response({"status": "ready"})

    @router.get(
        "/metrics",
        summary="Hydrant's own metrics, in the Prometheus exposition format",
        response_class=Response,
        responses={200: {"content": {CONTENT_TYPE: {}}}},
    )
    def metrics() -> Response:
        return Response(exposition(), media_type=CONTENT_TYPE)

    return router
