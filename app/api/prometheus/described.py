"""Routes whose parameters may come in the URL or in a form, described for OpenAPI by hand.

The framework reads either, not both; Prometheus' clients choose.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

Handler = Callable[[Request], Awaitable[Response]]

QUERY = ("query", "PromQL expression")
TIMEOUT = ("timeout", "Duration; can only shorten what is configured")
LIMIT = ("limit", "The most series or names that are answered; 0 or absent: all")
LOOKBACK = ("lookback_delta", "Duration that a sample stands for; default: as configured")
STATS = ("stats", "Anything but empty: data has stats with timings")
START = ("start", "Unix seconds or RFC 3339, inclusive; default: the oldest data")
END = ("end", "Unix seconds or RFC 3339, inclusive; default: the newest data")
MATCHES = ("match[]", "Series selector; may be given several times, any of them has to fit")


def add_route(
    router: APIRouter,
    path: str,
    handler: Handler,
    summary: str,
    parameters: Sequence[tuple[str, str]] = (),
    *,
    posted: bool = False,
    media_type: str = "application/json",
) -> None:
    """Answer GET, and with ``posted`` POST with the parameters as a form."""
    described = [*_of_path(path), *(_parameter(name, text) for name, text in parameters)]
    router.add_api_route(
        path,
        handler,
        summary=summary,
        response_class=Response,
        responses={200: {"content": {media_type: {}}}},
        openapi_extra={"parameters": described} if described else None,
    )
    if posted:
        router.add_api_route(path, handler, methods=["POST"], include_in_schema=False)


def _of_path(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _parameter(name: str, description: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if name.endswith("[]"):
        schema = {"type": "array", "items": schema}
    return {"name": name, "in": "query", "description": description, "schema": schema}
