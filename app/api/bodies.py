"""Request bodies: read within their limit, within what is left of memory, and within time."""

import anyio
from fastapi import Request
from starlette.requests import ClientDisconnect

from app.api.memory import MemoryShare
from app.errors import RequestTimeout, TooLarge
from app.firehose import MAX_BODY_BYTES

IDLE_SECONDS = 30.0
LONGEST_SECONDS = 170.0
"""Firehose gives up after three minutes; a body that is not there by then is of no use."""

_MOST_DISCARDED_BYTES = 4 * MAX_BODY_BYTES
_DISCARD_SECONDS = 30.0


async def read_body(
    request: Request,
    share: MemoryShare,
    limit: int = MAX_BODY_BYTES,
    *,
    idle_seconds: float = IDLE_SECONDS,
    longest_seconds: float = LONGEST_SECONDS,
) -> bytearray:
    """The request's body, taken from the memory's share: by its announced length, or as it comes.

    Raises ``TooLarge`` above ``limit`` bytes, ``Unavailable`` when memory is short, and
    ``RequestTimeout`` when it does not come.
    """
    header = request.headers.get("content-length", "")
    announced = int(header) if header.isdigit() else None
    if announced is not None:
        if announced > limit:
            raise TooLarge(f"a body of {announced} bytes; at most {limit} are taken here")
        share.take(announced)
    # It grows in place: joining pieces at the end would hold a large body twice, and the loop.
    body = bytearray()
    last = anyio.current_time() + longest_seconds
    with anyio.CancelScope() as scope:
        stream = request.stream()
        while True:
            scope.deadline = min(last, anyio.current_time() + idle_seconds)
            chunk = await anext(stream, None)
            if chunk is None:
                return body
            if len(body) + len(chunk) > limit:
                raise TooLarge(f"the body exceeds {limit} bytes, the most that are taken here")
            if announced is None:
                share.take(len(chunk))
            body += chunk
    raise RequestTimeout(
        f"the body did not come: {len(body)} bytes in {longest_seconds:.0f} s, or nothing for"
        f" {idle_seconds:.0f} s"
    )


async def discard_body(request: Request) -> None:
    """Read on to the end of the body, so that the client gets to read its answer."""
    discarded = 0
    try:
        with anyio.move_on_after(_DISCARD_SECONDS):
            async for chunk in request.stream():
                discarded += len(chunk)
                if discarded > _MOST_DISCARDED_BYTES:
                    return
    except (ClientDisconnect, RuntimeError):
        # RuntimeError: the stream has been consumed already, there is nothing to discard.
        return
