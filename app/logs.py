"""Logs: structured events, one line each, to standard error."""

import logging
import sys
import threading

import structlog
from structlog.types import Processor

from app.clock import MILLISECONDS_PER_MINUTE, Clock

LONGEST_VALUE = 4_096
"""Characters of a value in a line; a sender decides how long a request id or a path is."""


def configure_logs(*, level: str, as_json: bool) -> None:
    """Send every log line of the process, the server's included, through one formatter."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            pad_event_to=0,
            # The richer formatters print local variables, and those may hold keys.
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _clipped,
                _unchanged if as_json else _printable,
                structlog.processors.format_exc_info if as_json else _unchanged,
                last,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # The server's own start and stop lines repeat ours.
    for name in ("uvicorn", "uvicorn.error", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)


class OncePerMinute:
    """Whether something that keeps happening is to be told now. Thread-safe.

    Called with what it is about, of which there are few: names from settings, not from requests.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: dict[str, int] = {}
        self._lock = threading.Lock()

    def __call__(self, about: str) -> bool:
        now_ms = self._clock.now_ms()
        with self._lock:
            last = self._told.get(about)
            if last is not None and 0 <= now_ms - last < MILLISECONDS_PER_MINUTE:
                return False
            self._told[about] = now_ms
            return True


def _clipped(_: object, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    for name, value in event.items():
        if isinstance(value, str) and len(value) > LONGEST_VALUE:
            event[name] = f"{value[:LONGEST_VALUE]}… ({len(value)} characters)"
    return event


def _printable(_: object, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Values as a terminal shows them, and not as it obeys them.

    The renderer quotes texts with line ends. ``event`` is ours or a library's, and no sender's.
    """
    for name, value in event.items():
        if name != "event" and isinstance(value, str) and not value.isprintable():
            event[name] = "".join(
                character
                if character.isprintable() or character in "\t\r\n"
                else character.encode("unicode_escape").decode()
                for character in value
            )
    return event


def _unchanged(_: object, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    return event
