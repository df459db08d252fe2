"""What clients ask about the server itself, and what Hydrant has none of."""

import anyio
from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

import app
from app.api.context import ApiContext
from app.api.json import json_response
from app.api.prometheus.arguments import read_arguments
from app.api.prometheus.described import END, QUERY, START, add_route
from app.api.prometheus.running import QueryRunner

_FOLLOWED_VERSION = "3.5.0"
"""Clients choose by the version what they may ask for; it is Prometheus' that is followed."""

_PLAIN = "text/plain"


def add_status_routes(router: APIRouter, runner: QueryRunner) -> None:
    """The routes that need no data."""

    async def buildinfo(_: Request) -> Response:
        async with runner.counted("buildinfo"):
            return _success(
                {
                    "version": _FOLLOWED_VERSION,
                    "revision": f"hydrant-{app.__version__}",
                    "branch": "",
                    "buildUser": "",
                    "buildDate": "",
                    "goVersion": "",
                }
            )

    async def query_exemplars(request: Request) -> Response:
        async with runner.counted("query_exemplars"):
            arguments = await read_arguments(request)
            for name in ("start", "end"):
                arguments.time_ms(name, 0)
            return _success([])

    add_route(router, "/status/buildinfo", buildinfo, "The version of Prometheus that is followed")
    add_route(
        router,
        "/query_exemplars",
        query_exemplars,
        "Nothing: CloudWatch has no exemplars",
        (QUERY, START, END),
        posted=True,
    )


def add_health_routes(router: APIRouter, context: ApiContext) -> None:
    """What ``promtool check healthy`` and ``check ready`` ask."""
    # A thread of its own: queries that are slow must not make the server look unready.
    limiter = anyio.CapacityLimiter(1)

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("Hydrant is healthy.\n")

    async def ready(_: Request) -> Response:
        await to_thread.run_sync(context.store.check_ready, limiter=limiter)
        return PlainTextResponse("Hydrant is ready.\n")

    add_route(router, "/-/healthy", healthy, "The process is alive", media_type=_PLAIN)
    add_route(router, "/-/ready", ready, "Deliveries can be stored", media_type=_PLAIN)
    # What load balancers ask.
    router.add_api_route("/-/healthy", healthy, methods=["HEAD"], include_in_schema=False)
    router.add_api_route("/-/ready", ready, methods=["HEAD"], include_in_schema=False)


def _success(data: object) -> Response:
    return json_response({"status": "success", "data": data})
