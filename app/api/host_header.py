"""Requests whose Host header names no host are refused before anything looks at their address."""

from urllib.parse import SplitResult, urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.errors import error_response
from app.clock import Clock
from app.errors import InvalidRequest


def parsed_url(text: str) -> SplitResult:
    """The parts of an address that somebody sent; all of them are empty for what is none."""
    try:
        parts = urlsplit(text)
        _ = parts.hostname, parts.port
    except ValueError:
        return SplitResult("", "", "", "", "")
    return parts


class HostHeader:
    """Middleware: 400 for a Host header that cannot be read (RFC 9112, section 3.2)."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            given = [value for name, value in scope["headers"] if name == b"host"]
            hosts = [value.decode("latin-1") for value in given]
            if any(host and not parsed_url(f"//{host}").hostname for host in hosts):
                # Nothing may read the address of the request with it, the error's answer neither.
                headers = [pair for pair in scope["headers"] if pair[0] != b"host"]
                error = InvalidRequest("the Host header of the request names no host")
                request = Request({**scope, "headers": headers}, receive)
                await error_response(request, error, self._clock)(scope, receive, send)
                return
        await self._app(scope, receive, send)
