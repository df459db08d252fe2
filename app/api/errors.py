"""Errors to replies.

Under ``/aws/firehose`` every error, also one that the framework raises, is a Firehose reply, at
``/v1/metrics`` a google.rpc.Status in the request's encoding, under ``/prometheus`` the envelope of
Prometheus. Everywhere else it is
``{"kind", "message"}``, with ``parameter`` where one parameter is at fault; a browser that asks for
a page gets a page.
"""

from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from app.api.intake import REQUESTS
from app.api.json import json_response
from app.api.pages import asks_for_page
from app.api.paths import FIREHOSE_PREFIX, OTLP_PATH, PROMETHEUS_PREFIX
from app.api.refused_parameters import refused_parameter
from app.api.schemas import ERROR
from app.api.security_headers import add_security_headers
from app.clock import Clock
from app.errors import (
    HydrantError,
    InvalidParameter,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    QueryCanceled,
    QueryFailed,
    QueryTimeout,
    RequestTimeout,
    ResultTooLarge,
    Unauthorized,
    Unavailable,
    UserError,
)
from app.firehose import render_reply
from app.otlp import Encoding, render_status

REQUEST_ID_HEADER = "x-amz-firehose-request-id"
SOURCE_HEADER = "x-amz-firehose-source-arn"

# gRPC's codes, which a google.rpc.Status has; anything else is INVALID_ARGUMENT.
_INVALID_ARGUMENT = 3
_GRPC_CODES = {401: 16, 405: 12, 500: 13, 503: 14}

_ERROR_TYPES: dict[type[HydrantError], str] = {
    NotFound: "not_found",
    QueryFailed: "execution",
    ResultTooLarge: "execution",
    QueryTimeout: "timeout",
    QueryCanceled: "canceled",
}

_CONTENT = {"application/json": {"schema": ERROR}}
ERROR_RESPONSES: dict[int | str, dict[str, Any]] = {
    400: {"description": "A parameter is wrong", "content": _CONTENT},
    401: {
        "description": "A read token is configured, and the request has none that is right",
        "content": _CONTENT,
    },
    404: {"description": "What is named in the path is not there", "content": _CONTENT},
    422: {"description": "The answer exceeds a limit", "content": _CONTENT},
    503: {"description": "The database is not available", "content": _CONTENT},
}
"""What every route under /api/v1 may answer besides."""

_log = structlog.get_logger(__name__)


def add_error_handlers(application: FastAPI, clock: Clock) -> None:
    """Register the handlers of all errors."""

    async def of_hydrant(request: Request, error: Exception) -> Response:
        assert isinstance(error, HydrantError)  # noqa: S101 - registered for it
        return error_response(request, error, clock)

    async def of_framework(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
        response = error_response(request, _from_http(request, error), clock)
        if request.url.path == OTLP_PATH:
            REQUESTS.labels("otlp", str(response.status_code)).inc()
        if request.url.path.startswith(FIREHOSE_PREFIX):
            # A Firehose with a wrong URL says so only in its own metrics; say it here too.
            REQUESTS.labels("firehose", str(response.status_code)).inc()
            _log.warning(
                "delivery to a wrong route",
                status=response.status_code,
                method=request.method,
                path=request.url.path,
                source=request.headers.get(SOURCE_HEADER, ""),
            )
        response.headers.update(error.headers or {})
        return response

    async def of_validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
        return error_response(request, refused_parameter(error.errors()[0]), clock)

    async def of_anything(request: Request, error: Exception) -> Response:
        _log.error("request failed", path=request.url.path, exc_info=error)
        internal = HydrantError("an internal error; the log has its cause")
        response = error_response(request, internal, clock)
        # The framework sends this one past all middleware.
        add_security_headers(response.headers, request.url.path)
        return response

    application.add_exception_handler(HydrantError, of_hydrant)
    application.add_exception_handler(HTTPException, of_framework)
    application.add_exception_handler(RequestValidationError, of_validation)
    application.add_exception_handler(Exception, of_anything)


def error_response(
    request: Request, error: HydrantError, clock: Clock, request_id: str | None = None
) -> Response:
    """The reply to an error, in the shape of the route's family."""
    headers = {}
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, RequestTimeout):
        headers["Connection"] = "close"
    if request.url.path.startswith(FIREHOSE_PREFIX):
        if request_id is None:
            request_id = request.headers.get(REQUEST_ID_HEADER, "")
        body = render_reply(request_id, clock.now_ms(), error.message)
        return Response(body, error.status, headers, "application/json")
    if request.url.path == OTLP_PATH:
        if isinstance(error, Unauthorized):
            headers["WWW-Authenticate"] = "Bearer"
        encoding = otlp_encoding(request) or Encoding.JSON
        code = _GRPC_CODES.get(error.status, _INVALID_ARGUMENT)
        body = render_status(encoding, code, error.message)
        return Response(body, error.status, headers, encoding.value)
    if request.url.path.startswith(f"{PROMETHEUS_PREFIX}/"):
        return json_response(prometheus_refusal(error), status=error.status, headers=headers)
    page = getattr(request.app.state, "error_page", None)
    if page is not None and asks_for_page(request):
        shown: Response = page(request, error)
        return shown
    content = {"kind": error.kind, "message": error.message}
    if isinstance(error, InvalidParameter):
        content["parameter"] = error.parameter
    return json_response(content, status=error.status, headers=headers)


def error_type(error: HydrantError) -> str:
    """Prometheus' name for an error, of the closed list that its clients know."""
    if isinstance(error, UserError):
        return _ERROR_TYPES.get(type(error), "bad_data")
    return "unavailable" if isinstance(error, Unavailable) else "internal"


def prometheus_refusal(error: HydrantError) -> dict[str, str]:
    """An error in the envelope of Prometheus."""
    message = error.message
    if isinstance(error, InvalidParameter):
        message = f'invalid parameter "{error.parameter}": {error.reason}'
    return {"status": "error", "errorType": error_type(error), "error": message}


def otlp_encoding(request: Request) -> Encoding | None:
    """How the body is written by its Content-Type; None if OTLP has no such encoding."""
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return next((encoding for encoding in Encoding if encoding.value == declared), None)


def _from_http(request: Request, error: HTTPException) -> HydrantError:
    match error.status_code:
        case 404:
            return NotFound(f"there is no route {request.url.path}; /docs lists all")
        case 405:
            return MethodNotAllowed(f"{request.method} is not possible on {request.url.path}")
        case _:
            return InvalidRequest(str(error.detail))
