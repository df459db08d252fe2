"""The end of the server: requests that run too long for it are ended in order."""

import asyncio
from threading import Event

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import Unavailable

_log = structlog.get_logger(__name__)


class Stopping:
    """Set once, when readers may go on no longer; thread-safe."""

    def __init__(self) -> None:
        self._is_set = Event()

    def set(self) -> None:
        """From now on, ``check`` raises."""
        self._is_set.set()

    def check(self) -> None:
        """Raise ``Unavailable`` if readers must end."""
        if self._is_set.is_set():
            raise Unavailable("the server is shutting down", reason="stopping")


class CutOff:
    """Middleware, the outermost: a request that the server ends at last is a line in the log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            if scope["type"] != "http":
                raise
            _log.warning("a request was cut off by the end of the server", path=scope["path"])
