"""Answers that do not wait for the body of their request, and what is logged about them."""

import threading
from collections.abc import Mapping

import structlog
from fastapi import Request, Response
from starlette.types import Receive, Scope, Send

from app.api.bodies import discard_body
from app.clock import Clock
from app.errors import HydrantError, Unavailable
from app.telemetry import counter

REFUSALS = counter(
    "delivery_refusals_total", "Deliveries answered 503, by what was short", "reason"
)

_TOLD_EVERY_SECONDS = 60.0

_log = structlog.get_logger(__name__)


class EarlyResponse(Response):
    """A whole answer, sent at once, while the rest of the body is read and thrown away.

    A connection that is closed on unread bytes is reset, and its client may lose the answer.
    """

    def __init__(self, response: Response, request: Request) -> None:
        super().__init__(response.body, response.status_code)
        self.raw_headers = response.raw_headers
        self._request = request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer, and end it when the body has ended."""
        del scope, receive
        start = {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": self.raw_headers,
        }
        await send(start)
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        await discard_body(self._request)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class RefusalLog:
    """One line for each refusal; of those for want of something, one a minute and their number."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._told: dict[str, tuple[float | None, int]] = {}

    def tell(self, event: str, error: HydrantError, context: Mapping[str, object]) -> None:
        """Count and log a refusal."""
        if not isinstance(error, Unavailable):
            _log.warning(event, status=error.status, reason=error.message, **context)
            return
        REFUSALS.labels(error.reason).inc()
        now = self._clock.monotonic()
        with self._lock:
            told, untold = self._told.get(error.reason, (None, 0))
            if told is not None and now - told < _TOLD_EVERY_SECONDS:
                self._told[error.reason] = told, untold + 1
                return
            self._told[error.reason] = now, 0
        more = {"others_since_the_last_line": untold} if untold else {}
        _log.warning(event, status=error.status, reason=error.message, **context, **more)
