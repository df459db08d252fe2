"""Judging what an endpoint answered, as strictly as Firehose does (section A.2)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

MAX_REPLY_BYTES = 1 << 20
_MAX_MESSAGE_CHARACTERS = 8192
_FIELDS = {"requestId", "timestamp", "errorMessage"}
_OK = 200
TOO_LARGE = 413


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response: header names in lower case, at most one byte over the limit of body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed: Firehose's error code and a message for people.

    A permanent failure (413) is neither tried again nor written to the backup.
    """

    code: str
    message: str
    permanent: bool = False


def judge(reply: Reply, request_id: str) -> Failure | None:
    """Return None when the reply acknowledges the request, else the failure it counts as."""
    if reply.status == TOO_LARGE:
        text = _error_message(reply) or "the endpoint refused the request as too large"
        return Failure("HttpEndpoint.DestinationException", f"413: {text}", permanent=True)
    if len(reply.body) > MAX_REPLY_BYTES:
        return Failure("HttpEndpoint.ResponseTooLarge", "the response is larger than 1 MiB")
    if reply.status != _OK:
        text = _error_message(reply) or "no conforming error message"
        return Failure("HttpEndpoint.DestinationException", f"{reply.status}: {text}")
    fault = nonconformity(reply, request_id)
    if fault is not None:
        return Failure("HttpEndpoint.InvalidResponseFromDestination", fault)
    return None


def nonconformity(reply: Reply, request_id: str) -> str | None:
    """Return in which way headers and body break the response format, None if they do not.

    A null errorMessage passes: SkyWalking sends it, and its deliveries are known to succeed.
    """
    media_type = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        return f"Content-Type is {media_type or 'missing'}, not application/json"
    if "content-encoding" in reply.headers:
        return "the response has a Content-Encoding"
    if "content-length" not in reply.headers:
        return "the response has no Content-Length"
    try:
        fields = json.loads(reply.body)
    except (ValueError, RecursionError):
        return "the body is not JSON"
    if not isinstance(fields, dict):
        return "the body is not a JSON object"
    if fields.get("requestId") != request_id:
        return "requestId is not the one of the request"
    if type(fields.get("timestamp")) is not int:
        return "timestamp is not an integer"
    message = fields.get("errorMessage")
    if not (message is None or isinstance(message, str)):
        return "errorMessage is not a string"
    if message is not None and len(message) > _MAX_MESSAGE_CHARACTERS:
        return "errorMessage is longer than 8192 characters"
    unexpected = sorted(fields.keys() - _FIELDS)
    return f"unexpected field {unexpected[0]}" if unexpected else None


def _error_message(reply: Reply) -> str:
    try:
        fields = json.loads(reply.body)
    except (ValueError, RecursionError):
        return ""
    message = fields.get("errorMessage") if isinstance(fields, dict) else None
    return message if isinstance(message, str) else ""
