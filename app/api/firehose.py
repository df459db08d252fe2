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

from app.api.context import ApiContext
from app.api.errors import REQUEST_ID_HEADER, error_response
from app.errors import HydrantError, InvalidRequest, TooLarge
from app.firehose import MAX_BODY_BYTES, inflate, render_reply
from app.pipeline.ingest import Receipt
from app.telemetry import counter, histogram

REQUESTS = counter("firehose_requests_total", "Firehose requests by answered status", "status")
ANSWER_SECONDS = histogram("firehose_answer_seconds", "Time from the request's body to its answer")
BODY_BYTES = counter("firehose_body_bytes_total", "Bytes of Firehose bodies as they arrived")

_MOST_DISCARDED_BYTES = 4 * MAX_BODY_BYTES

_log = structlog.get_logger(__name__)


def firehose_router(context: ApiContext) -> APIRouter:
    """The router of the door."""
    router = APIRouter(tags=["firehose"])
    limiter = anyio.CapacityLimiter(context.concurrent_deliveries)

    def receive(request_id: str | None, body: bytes, encoding: str | None) -> Receipt:
        return context.ingest.receive(request_id, inflate(body, encoding))

    async def accept(request: Request) -> Receipt:
        _check_version(request.headers.get("x-amz-firehose-protocol-version"))
        body = await _read_body(request)
        BODY_BYTES.inc(len(body))
        request_id = request.headers.get(REQUEST_ID_HEADER)
        encoding = request.headers.get("content-encoding")
        with ANSWER_SECONDS.time():
            return await to_thread.run_sync(receive, request_id, body, encoding, limiter=limiter)

    @router.post("/aws/firehose/metrics", summary="Receive a delivery of a metric stream")
    async def deliver(request: Request) -> Response:
        try:
            context.access_keys.check(_raw_header(request, b"x-amz-firehose-access-key"))
            receipt = await accept(request)
        except ClientDisconnect:
            _log.info("client left before its request was complete")
            return Response(status_code=400)
        except HydrantError as error:
            await _discard_body(request)
            response = error_response(request, error, context.clock)
            request_id = request.headers.get(REQUEST_ID_HEADER)
            _log.warning(
                "delivery refused",
                status=error.status,
                reason=error.message,
                request_id=request_id,
            )
        except Exception:  # noqa: BLE001 - Firehose understands only its own reply
            _log.exception("delivery failed")
            internal = HydrantError("an internal error; the log of the receiver has its cause")
            response = error_response(request, internal, context.clock)
        else:
            _log.info(
                "delivery stored before" if receipt.duplicate else "delivery stored",
                request_id=receipt.request_id,
                points=receipt.points,
                rejections=receipt.rejections,
                source=request.headers.get("x-amz-firehose-source-arn"),
            )
            body = render_reply(receipt.request_id, context.clock.now_ms())
            response = Response(body, media_type="application/json")
        REQUESTS.labels(str(response.status_code)).inc()
        return response

    return router


async def _read_body(request: Request) -> bytes:
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > MAX_BODY_BYTES:
        raise TooLarge(f"a body of {announced} bytes; Firehose sends at most {MAX_BODY_BYTES}")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise TooLarge(f"the body exceeds {MAX_BODY_BYTES} bytes, more than Firehose can send")
    return bytes(body)


async def _discard_body(request: Request) -> None:
    """Read on to the end of the body, so that the client gets to read its answer."""
    discarded = 0
    try:
        async for chunk in request.stream():
            discarded += len(chunk)
            if discarded > _MOST_DISCARDED_BYTES:
                return
    except (ClientDisconnect, RuntimeError):
        # RuntimeError: the stream has been consumed already, there is nothing to discard.
        return


def _check_version(version: str | None) -> None:
    if version not in (None, "1.0"):
        raise InvalidRequest(f"protocol version {version!r} is not known; Firehose speaks 1.0")


def _raw_header(request: Request, name: bytes) -> bytes | None:
    for key, value in request.scope["headers"]:
        if key == name:
            return bytes(value)
    return None
