"""OTLP/HTTP: the body of an export request, and the bodies of its answers.

``POST /v1/metrics`` takes protobuf or JSON and is answered in the same encoding: an
ExportMetricsServiceResponse, or a google.rpc.Status when the request failed.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from google.protobuf.message import DecodeError

from app.errors import InvalidRequest
from app.otlp.batch import BatchBuilder
from app.otlp.descriptor import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
    PartialSuccess,
    Status,
)
from app.otlp.json_request import Faults, read_json_request
from app.otlp.keys import SlotTable
from app.otlp.parts import TooManyParts, check_parts
from app.otlp.protobuf_decoder import decode_request
from app.otlp.rejection import Format, Losses, Rejection

_LONGEST_MESSAGE = 4_096


class Encoding(StrEnum):
    """How a body is written; the values are media types."""

    PROTOBUF = "application/x-protobuf"
    JSON = "application/json"


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """A request that is one, whatever its points are; ``faults`` are those of a JSON body."""

    body: bytes
    message: Any  # Classes made from descriptors at run time have no static type.
    faults: Faults


def open_export(body: bytes, encoding: Encoding) -> ExportRequest:
    """Read an inflated body. Raises ``InvalidRequest`` for what is no export request."""
    if encoding is Encoding.JSON:
        return ExportRequest(body, *read_json_request(body))
    try:
        check_parts(body)
        message = ExportMetricsServiceRequest.FromString(body)
    except TooManyParts as error:
        raise InvalidRequest(f"{error.message}; send smaller requests") from error
    except DecodeError as error:
        raise InvalidRequest(f"the body is no ExportMetricsServiceRequest: {error}") from error
    return ExportRequest(body, message, {})


def decode_export(request: ExportRequest, keys: SlotTable, into: BatchBuilder) -> None:
    """Append the points of a request; what is lost goes to the rejections."""
    losses = Losses(0)
    for reason, (detail, points) in request.faults.items():
        losses.add(Format.OTLP_JSON, reason, detail, request.body, points)
    decode_request(request.message, keys, into, losses)
    into.rejections += losses.rejections()


def render_response(encoding: Encoding, rejections: tuple[Rejection, ...]) -> bytes:
    """The answer to a request whose good points are stored; the bad ones are told."""
    rejected = sum(rejection.points for rejection in rejections)
    faults = "; ".join(f"{rejection.reason}: {rejection.detail}" for rejection in rejections)
    message = f"{rejected} data points are in quarantine: {faults}"[:_LONGEST_MESSAGE]
    if encoding is Encoding.JSON:
        partial = {"rejectedDataPoints": str(rejected), "errorMessage": message}
        return json.dumps({"partialSuccess": partial} if rejections else {}).encode()
    response = ExportMetricsServiceResponse()
    if rejections:
        partial_success = PartialSuccess(rejected_data_points=rejected, error_message=message)
        response.partial_success.CopyFrom(partial_success)
    return bytes(response.SerializeToString())


def render_status(encoding: Encoding, code: int, message: str) -> bytes:
    """The answer to a request that failed; ``code`` is one of gRPC's."""
    text = message[:_LONGEST_MESSAGE].encode("utf-8", "replace").decode()
    if encoding is Encoding.JSON:
        return json.dumps({"code": code, "message": text}).encode()
    return bytes(Status(code=code, message=text).SerializeToString())
