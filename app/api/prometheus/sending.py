"""Answers of any size: small ones at once, big ones in pieces, gzip where the client takes it."""

from collections.abc import Callable, Iterator
from itertools import chain, islice

import anyio
from anyio import to_thread
from fastapi import Request, Response
from isal import isal_zlib
from starlette.types import Receive, Scope, Send

MEDIA_TYPE = "application/json"

_PIECE_BYTES = 256 * 1024
_SMALLEST_COMPRESSED_BYTES = 1_400
"""What fits one packet anyway is not worth it."""
_GZIP_LEVEL = 1
_GZIP_WINDOW = 31
_CLIENT_SECONDS = 30.0
"""A client that takes no piece for so long holds a place that others wait for."""


class Outgoing:
    """Pieces of an answer on their way out; made and read on threads.

    ``whole`` is all of a small answer, which may be sent with its length; None of a big one.
    """

    def __init__(self, pieces: Iterator[bytes], *, compressed: bool) -> None:
        """Renders the first pieces."""
        gathered = _gathered(pieces)
        head = list(islice(gathered, 2))
        is_small = len(head) < 2  # noqa: PLR2004 - there is no second piece
        self.is_compressed = compressed and (
            not is_small or len(b"".join(head)) >= _SMALLEST_COMPRESSED_BYTES
        )
        rendered = chain(head, gathered)
        self._pieces = _gzipped(rendered) if self.is_compressed else rendered
        self.whole = b"".join(self._pieces) if is_small else None

    def next(self) -> bytes | None:
        """The next piece of a big answer; None at the end."""
        return next(self._pieces, None)


def takes_gzip(request: Request) -> bool:
    """Whether the client's Accept-Encoding names gzip and does not refuse it."""
    for part in request.headers.get("accept-encoding", "").lower().split(","):
        name, _, quality = part.partition(";")
        if name.strip() in {"gzip", "*"}:
            return quality.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


def whole_response(outgoing: Outgoing) -> Response:
    """A small answer, with its length."""
    return Response(outgoing.whole, headers=_headers(outgoing), media_type=MEDIA_TYPE)


class StreamedResponse(Response):
    """An answer in pieces, each rendered on a thread when the one before it has been taken.

    It ends early, which the client sees as an answer cut off, when the client goes away or takes
    nothing for half a minute. ``done`` is called at the end in any case.
    """

    def __init__(
        self,
        request: Request,
        outgoing: Outgoing,
        limiter: anyio.CapacityLimiter,
        done: Callable[[], None],
    ) -> None:
        super().__init__(headers=_headers(outgoing), media_type=MEDIA_TYPE)
        del self.headers["content-length"]
        self._request = request
        self._outgoing = outgoing
        self._limiter = limiter
        self._done = done

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send all pieces."""
        del scope, receive
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            while True:
                piece = await to_thread.run_sync(self._outgoing.next, limiter=self._limiter)
                if piece is None:
                    break
                if await self._request.is_disconnected():
                    return
                with anyio.move_on_after(_CLIENT_SECONDS) as taking:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                if taking.cancelled_caught:
                    return
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._done()


def _headers(outgoing: Outgoing) -> dict[str, str]:
    headers = {"Vary": "Accept-Encoding"}
    if outgoing.is_compressed:
        headers["Content-Encoding"] = "gzip"
    return headers


def _gathered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= _PIECE_BYTES:
            yield b"".join(held)
            held.clear()
            size = 0
    if held:
        yield b"".join(held)


def _gzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    compressor = isal_zlib.compressobj(_GZIP_LEVEL, isal_zlib.DEFLATED, _GZIP_WINDOW)
    for piece in pieces:
        if compressed := compressor.compress(piece):
            yield compressed
    yield compressor.flush()
