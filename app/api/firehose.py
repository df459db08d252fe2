"""``POST /aws/firehose/metrics``: Firehose HTTP endpoint delivery 1.0.

The body is read into memory within its limit, and everything after that happens on a worker
thread. The answer is the Firehose reply and nothing else: no compression, no further fields, and
200 only after the commit.
"""

import anyio
import structlog
from anyio import to_thread
from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from app.api.bodies import BodyMemory, discard_body
from app.api.context import ApiContext
from app.api.errors import (
    FIREHOSE_REQUESTS,
    REQUEST_ID_HEADER,
    SOURCE_HEADER,
    error_response,
)
from app.errors import HydrantError, InvalidRequest
from app.firehose import inflate, render_reply
from app.pipeline.ingest import OpenedDelivery
from app.telemetry import counter, histogram

ANSWER_SECONDS = histogram(
    "firehose_answer_seconds", "Time to unpack, decode and store a delivery, the commit included"
)
BODY_BYTES = counter("firehose_body_bytes_total", "Bytes of Firehose bodies as they arrived")

_log = structlog.get_logger(__name__)


def firehose_router(context: ApiContext) -> APIRouter:
    """The router of the door."""
    router = APIRouter(tags=["firehose"])
    limiter = anyio.CapacityLimiter(context.concurrent_deliveries)
    # Threads of their own: queries that are slow must not keep deliveries waiting.
    threads = anyio.CapacityLimiter(context.concurrent_deliveries)
    memory = BodyMemory(context.body_memory_bytes)

    def unpack(request: Request, body: bytes) -> OpenedDelivery:
        request_id = request.headers.get(REQUEST_ID_HEADER)
        return context.ingest.open(
            request_id, inflate(body, request.headers.get("content-encoding"))
        )

    @router.post("/aws/firehose/metrics", summary="Receive a delivery of a metric stream")
    async def deliver(request: Request) -> Response:
        request_id = request.headers.get(REQUEST_ID_HEADER, "")
        source = request.headers.get(SOURCE_HEADER, "")
        try:
            context.access_keys.check(_raw_header(request, b"x-amz-firehose-access-key"))
            _check_version(request.headers.get("x-amz-firehose-protocol-version"))
            async with memory.body(request) as body, limiter:
                BODY_BYTES.inc(len(body))
                with ANSWER_SECONDS.time():
                    opened = await to_thread.run_sync(unpack, request, body, limiter=threads)
                    request_id = opened.request_id
                    receipt = await to_thread.run_sync(
                        context.ingest.store, opened, limiter=threads
                    )
        except ClientDisconnect:
            _log.info("client left before its request was complete", request_id=request_id)
            return Response(status_code=400)
        except HydrantError as error:
            await discard_body(request)
            response = error_response(request, error, context.clock, request_id)
            _log.warning(
                "delivery refused",
                status=error.status,
                reason=error.message,
                request_id=request_id,
                source=source,
            )
        except Exception:  # noqa: BLE001 - Firehose understands only its own reply
            _log.exception("delivery failed", request_id=request_id)
            internal = HydrantError("an internal error; the log of the receiver has its cause")
            response = error_response(request, internal, context.clock, request_id)
        else:
            _log.info(
                "delivery stored before" if receipt.duplicate else "delivery stored",
                request_id=request_id,
                points=receipt.points,
                rejections=receipt.rejections,
                source=source,
            )
            reply = render_reply(request_id, context.clock.now_ms())
            response = Response(reply, media_type="application/json")
        FIREHOSE_REQUESTS.labels(str(response.status_code)).inc()
        return response

    return router


def _check_version(version: str | None) -> None:
    if version not in (None, "1.0"):
        raise InvalidRequest(f"protocol version {version!r} is not known; Firehose speaks 1.0")


def _raw_header(request: Request, name: bytes) -> bytes | None:
    for key, value in request.scope["headers"]:
        if key == name:
            return bytes(value)
    return None
