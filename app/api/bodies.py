"""Request bodies: read within their limit, and within what all of them may hold together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Request
from starlette.requests import ClientDisconnect

from app.errors import TooLarge, Unavailable
from app.firehose import MAX_BODY_BYTES
from app.telemetry import gauge

HELD_BYTES = gauge("held_body_bytes", "Bytes of deliveries' bodies in memory")

_MOST_DISCARDED_BYTES = 4 * MAX_BODY_BYTES
_RETRY_AFTER_SECONDS = 5


class BodyMemory:
    """The memory that bodies may take up together; belongs to the event loop.

    What does not fit is refused as unavailable: the sender comes again, and a receiver that runs
    out of memory would lose what it has.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._held_bytes = 0

    @asynccontextmanager
    async def body(self, request: Request, limit: int = MAX_BODY_BYTES) -> AsyncIterator[bytes]:
        """The request's body, counted for as long as the context lasts.

        Raises ``TooLarge`` above ``limit`` bytes, ``Unavailable`` when memory is short.
        """
        announced = request.headers.get("content-length", "0")
        if announced.isdigit() and int(announced) > limit:
            raise TooLarge(f"a body of {announced} bytes; at most {limit} are taken here")
        held = 0
        try:
            chunks: list[bytes] = []
            async for chunk in request.stream():
                held += len(chunk)
                self._take(len(chunk))
                if held > limit:
                    raise TooLarge(f"the body exceeds {limit} bytes, the most that are taken here")
                chunks.append(chunk)
            body = b"".join(chunks)
            chunks.clear()
            yield body
        finally:
            self._take(-held)

    def _take(self, size: int) -> None:
        self._held_bytes += size
        HELD_BYTES.set(self._held_bytes)
        if size > 0 and self._held_bytes > self._limit_bytes:
            raise Unavailable(
                "too many large deliveries at once; send again",
                retry_after_seconds=_RETRY_AFTER_SECONDS,
            )


async def discard_body(request: Request) -> None:
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
