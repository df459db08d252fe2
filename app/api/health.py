"""Health, and Hydrant's own metrics."""

from fastapi import APIRouter, Response

from app.api.context import ApiContext
from app.api.json import json_response
from app.telemetry import CONTENT_TYPE, exposition


def health_router(context: ApiContext) -> APIRouter:
    """Routes for load balancers and scrapers."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", summary="The process is alive")
    async def healthz() -> Response:
        return json_response({"status": "ok"})

    @router.get("/readyz", summary="Deliveries can be stored")
    def readyz() -> Response:
        context.store.check()
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
