"""Small JSON bodies of requests, read into a type."""

from typing import TypeVar

import anyio
import msgspec
from fastapi import Request
from starlette.requests import ClientDisconnect

from app.errors import InvalidRequest, RequestTimeout, TooLarge, UnsupportedMediaType

LARGEST_BYTES = 64 * 1024
_SECONDS = 30.0
_JSON = "application/json"

T = TypeVar("T", bound=msgspec.Struct)


async def read_json(request: Request, kind: type[T], largest_bytes: int = LARGEST_BYTES) -> T:
    """The body as ``kind``; no body at all is an empty object.

    Anything but ``application/json`` is refused: forms, which pages of other sites can send without
    being asked whether they may, have other types. Raises ``UnsupportedMediaType``, ``TooLarge``,
    ``RequestTimeout`` and ``InvalidRequest``.
    """
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared != _JSON:
        given = f"this is {declared}" if declared else "this has no Content-Type"
        raise UnsupportedMediaType(f"a body of type {_JSON} is expected, and {given}")
    body = await read_small_body(request, largest_bytes)
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidRequest(f"the body cannot be read: {error}") from error


async def read_small_body(request: Request, largest_bytes: int = LARGEST_BYTES) -> bytes:
    """The body. Raises ``TooLarge``, ``RequestTimeout`` and ``InvalidRequest``."""
    body = bytearray()
    try:
        with anyio.fail_after(_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > largest_bytes:
                    raise TooLarge(f"the body exceeds {largest_bytes} bytes")
    except TimeoutError as error:
        raise RequestTimeout(f"the body did not come within {_SECONDS:.0f} s") from error
    except ClientDisconnect as error:
        raise InvalidRequest("the client went away before its body had come") from error
    return bytes(body)
