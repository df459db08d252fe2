"""``POST /v1/metrics``: OTLP/HTTP 1.x, for sources other than Firehose.

Protobuf or JSON, answered in kind, and 200 only after the commit. What cannot be kept of a request
goes to quarantine and is told as a partial success, because an exporter never sends again what was
answered 200 or 400.
"""

import structlog
from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from app.api.context import ApiContext
from app.api.errors import error_response, otlp_encoding
from app.api.headers import ACCESS_KEY_HEADER, bearer_token, raw_header
from app.api.intake import REQUESTS, Intake
from app.api.memory import MemoryShare
from app.api.paths import OTLP_PATH
from app.api.refusal import EarlyResponse
from app.api.refused import count_refused
from app.credentials import AccessKeys, KeyHolder
from app.errors import HydrantError, Unauthorized, UnsupportedMediaType
from app.firehose import inflate
from app.otlp import Encoding, render_response
from app.pipeline.ingest import OpenedDelivery

# What the OpenTelemetry Collector takes by default, in protobuf or in JSON.
MAX_EXPORT_BYTES = 20 * 1024 * 1024

# How many times larger a body is once it is parsed, estimated on the safe side.
_PARSED_SIZE = {Encoding.PROTOBUF: 4, Encoding.JSON: 12}

_ROUTE = "otlp"

_log = structlog.get_logger(__name__)


def otlp_router(context: ApiContext, intake: Intake) -> APIRouter:
    """The router of OpenTelemetry's exporters."""
    router = APIRouter(tags=["otlp"])

    def unpack(
        request: Request, encoding: Encoding, body: bytearray, share: MemoryShare, holder: KeyHolder
    ) -> OpenedDelivery:
        inflated = inflate(
            body,
            request.headers.get("content-encoding"),
            limit=MAX_EXPORT_BYTES,
            grow=share.grow,
        )
        # The parsers want a copy that cannot change.
        share.grow((1 + _PARSED_SIZE[encoding]) * len(inflated))
        return context.ingest.open_export(bytes(inflated), encoding, holder)

    @router.post(OTLP_PATH, summary="Receive metrics from an OpenTelemetry exporter")
    async def export(request: Request) -> Response:
        user_agent = request.headers.get("user-agent", "")
        try:
            response: Response
            holder = _key_holder(request, context.access_keys)
            encoding = _encoding(request)
            async with intake.delivery(request, _ROUTE, MAX_EXPORT_BYTES) as arrived:
                receipt = await arrived.store(
                    lambda body, share: unpack(request, encoding, body, share, holder)
                )
        except ClientDisconnect:
            _log.info("client left before its request was complete", user_agent=user_agent)
            return Response(status_code=400)
        except HydrantError as error:
            count_refused(context.streams, request, error, _ROUTE)
            refusal = error_response(request, error, context.clock)
            response = EarlyResponse(refusal, request)
            intake.refused("export refused", error, {"user_agent": user_agent})
        except Exception:  # noqa: BLE001 - an exporter understands only its own reply
            _log.exception("export failed", user_agent=user_agent)
            internal = HydrantError("an internal error; the log of the receiver has its cause")
            response = error_response(request, internal, context.clock)
        else:
            _log.info(
                "export stored before" if receipt.duplicate else "export stored",
                request_id=receipt.request_id,
                format=encoding.value,
                points=receipt.points,
                rejections=len(receipt.rejections),
                user_agent=user_agent,
            )
            answer = render_response(encoding, receipt.rejections)
            response = Response(answer, media_type=encoding.value)
        REQUESTS.labels(_ROUTE, str(response.status_code)).inc()
        return response

    return router


def _encoding(request: Request) -> Encoding:
    encoding = otlp_encoding(request)
    if encoding is None:
        declared = request.headers.get("content-type", "")
        raise UnsupportedMediaType(
            f"Content-Type {declared!r} is not supported; send application/x-protobuf or"
            " application/json"
        )
    return encoding


def _key_holder(request: Request, keys: AccessKeys) -> KeyHolder:
    """Whose bearer token or Firehose header it is; raises ``Unauthorized`` without a right one."""
    token = bearer_token(raw_header(request, b"authorization"))
    presented = [token, raw_header(request, ACCESS_KEY_HEADER)]
    for key in presented:
        holder = keys.holder(key)
        if holder is not None:
            return holder
    what = "is not one of those configured here" if any(presented) else "is missing"
    raise Unauthorized(
        f"the access key {what}; send one of HYDRANT_ACCESS_KEYS as Authorization: Bearer KEY"
    )
