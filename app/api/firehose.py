"""``POST /aws/firehose/metrics``: Firehose HTTP endpoint delivery 1.0.

The body is read into memory within its limit, and everything after that happens on a worker
thread. The answer is the Firehose reply and nothing else: no compression, no further fields, and
200 only after the commit.
"""

import structlog
from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from app.api.context import ApiContext
from app.api.errors import REQUEST_ID_HEADER, SOURCE_HEADER, error_response
from app.api.headers import ACCESS_KEY_HEADER, raw_header
from app.api.intake import REQUESTS, Intake
from app.api.memory import MemoryShare
from app.api.paths import FIREHOSE_PATH
from app.api.refusal import EarlyResponse
from app.api.refused import count_refused
from app.credentials import KeyHolder
from app.errors import HydrantError, InvalidRequest
from app.firehose import MAX_BODY_BYTES, check_access_key, inflate, render_reply
from app.pipeline.ingest import OpenedDelivery
from app.streams import firehose_arn

_ROUTE = "firehose"

_log = structlog.get_logger(__name__)


def firehose_router(context: ApiContext, intake: Intake) -> APIRouter:
    """The router of the door."""
    router = APIRouter(tags=["firehose"])

    def unpack(
        request: Request, body: bytearray, share: MemoryShare, holder: KeyHolder
    ) -> OpenedDelivery:
        request_id = request.headers.get(REQUEST_ID_HEADER)
        inflated = inflate(body, request.headers.get("content-encoding"), grow=share.grow)
        # The records, once they are no longer base64.
        share.grow(len(inflated) * 3 // 4)
        source = firehose_arn(request.headers.get(SOURCE_HEADER, ""))
        return context.ingest.open(request_id, inflated, holder, source)

    @router.post(FIREHOSE_PATH, summary="Receive a delivery of a metric stream")
    async def deliver(request: Request) -> Response:
        request_id = request.headers.get(REQUEST_ID_HEADER, "")
        source = request.headers.get(SOURCE_HEADER, "")

        def unpacked(body: bytearray, share: MemoryShare) -> OpenedDelivery:
            nonlocal request_id
            opened = unpack(request, body, share, holder)
            request_id = opened.request_id
            return opened

        try:
            response: Response
            key = raw_header(request, ACCESS_KEY_HEADER)
            holder = check_access_key(context.access_keys, key)
            _check_version(request.headers.get("x-amz-firehose-protocol-version"))
            async with intake.delivery(request, _ROUTE, MAX_BODY_BYTES) as arrived:
                receipt = await arrived.store(unpacked)
        except ClientDisconnect:
            _log.info("client left before its request was complete", request_id=request_id)
            return Response(status_code=400)
        except HydrantError as error:
            count_refused(context.streams, request, error, _ROUTE)
            refusal = error_response(request, error, context.clock, request_id)
            response = EarlyResponse(refusal, request)
            told = {"request_id": request_id, "source": source}
            intake.refused("delivery refused", error, told)
        except Exception:  # noqa: BLE001 - Firehose understands only its own reply
            _log.exception("delivery failed", request_id=request_id)
            internal = HydrantError("an internal error; the log of the receiver has its cause")
            response = error_response(request, internal, context.clock, request_id)
        else:
            _log.info(
                "delivery stored before" if receipt.duplicate else "delivery stored",
                request_id=request_id,
                points=receipt.points,
                rejections=len(receipt.rejections),
                source=source,
            )
            reply = render_reply(request_id, context.clock.now_ms())
            response = Response(reply, media_type="application/json")
        REQUESTS.labels(_ROUTE, str(response.status_code)).inc()
        return response

    return router


def _check_version(version: str | None) -> None:
    if version not in (None, "1.0"):
        raise InvalidRequest(f"protocol version {version!r} is not known; Firehose speaks 1.0")
