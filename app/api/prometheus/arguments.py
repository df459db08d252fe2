"""Parameters in Prometheus' formats, of the URL and of a form that was posted.

Unknown parameters are ignored, as Prometheus does: Grafana sends what an operator adds.
"""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.requests import ClientDisconnect

from app.errors import InvalidParameter, InvalidRequest, TooLarge, UnsupportedMediaType
from app.promql.parsing.numbers import milliseconds_of

LARGEST_FORM_BYTES = 1 << 20
"""What the NGINX configuration that is shipped lets through, too."""

EARLIEST_MS = -(2**53)
LATEST_MS = 2**53
"""Sums and differences of these fit 64 bits."""

_MOST_FIELDS = 10_000
_FORM = "application/x-www-form-urlencoded"
# How clients of Prometheus write "since ever" and "for ever".
_EVER = {
    "-292273086-05-16T16:47:06Z": EARLIEST_MS,
    "292277025-08-18T07:12:54.999999999Z": LATEST_MS,
}
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", re.ASCII)
# What Go's parser of integers and of floats takes and Python's takes differently.
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


class Arguments:
    """The parameters of a request; of one that is given twice, the first counts."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    @property
    def names(self) -> list[str]:
        """The parameters that were given, each once."""
        return list(self._values)

    def all(self, name: str) -> list[str]:
        """Every value, in the order given."""
        return self._values.get(name, [])

    def text(self, name: str) -> str:
        """The value; empty without one."""
        return next(iter(self.all(name)), "")

    def time_ms(self, name: str, default: int | None = None) -> int:
        """Milliseconds of Unix seconds or RFC 3339. Raises ``InvalidParameter``."""
        text = self.text(name)
        if not text and default is not None:
            return default
        milliseconds = _time_ms(text)
        if milliseconds is None:
            raise InvalidParameter(name, f'cannot parse "{text}" to a valid timestamp')
        return milliseconds

    def duration_seconds(self, name: str) -> float | None:
        """Seconds of a duration or of a number; None without the parameter.

        Raises ``InvalidParameter``.
        """
        text = self.text(name)
        return self.required_duration_seconds(name) if text else None

    def required_duration_seconds(self, name: str) -> float:
        """The same of a parameter that must be there."""
        text = self.text(name)
        seconds = _duration_seconds(text)
        if seconds is None:
            raise InvalidParameter(name, f'cannot parse "{text}" to a valid duration')
        return seconds

    def limit(self, name: str = "limit") -> int:
        """The most that is wanted; 0 without a limit. Raises ``InvalidParameter``."""
        text = self.text(name)
        if not text:
            return 0
        if not _INTEGER.fullmatch(text):
            raise InvalidParameter(name, f'cannot parse "{text}" to a valid integer')
        limit = int(text)
        if limit < 0:
            raise InvalidParameter(name, "limit must be non-negative")
        return limit


async def read_arguments(request: Request) -> Arguments:
    """The parameters of a request; those of a form come before those of the URL.

    Raises ``InvalidRequest``, ``TooLarge``, ``UnsupportedMediaType``.
    """
    given = request.query_params.multi_items()
    if request.method == "POST":
        given = [*await _form(request), *given]
    return Arguments(given)


async def _form(request: Request) -> list[tuple[str, str]]:
    size, chunks = 0, []
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > LARGEST_FORM_BYTES:
                raise TooLarge(f"the form exceeds {LARGEST_FORM_BYTES} bytes")
            chunks.append(chunk)
    except ClientDisconnect as error:
        raise InvalidRequest("the client went away before its form had come") from error
    if not size:
        return []
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared != _FORM:
        given = f"not as {declared}" if declared else "and this has no Content-Type"
        raise UnsupportedMediaType(f"parameters are posted as {_FORM}, {given}")
    try:
        text = b"".join(chunks).decode()
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise InvalidRequest(f"the form cannot be read: {error}") from error


def _time_ms(text: str) -> int | None:
    if _FLOAT.fullmatch(text):
        milliseconds = float(text) * 1000
    elif text in _EVER:
        return _EVER[text]
    else:
        found = _rfc3339_ms(text)
        if found is None:
            return None
        milliseconds = found
    return round(milliseconds) if EARLIEST_MS <= milliseconds <= LATEST_MS else None


def _rfc3339_ms(text: str) -> float | None:
    parts = _RFC3339.fullmatch(text)
    if parts is None:
        return None
    whole, fraction, zone = parts.groups()
    try:
        moment = datetime.fromisoformat(whole + zone)
        seconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    except (ValueError, OverflowError):
        return None
    return seconds * 1000 + (float(f"0.{fraction}") * 1000 if fraction else 0)


def _duration_seconds(text: str) -> float | None:
    if _FLOAT.fullmatch(text):
        seconds = float(text)
    else:
        try:
            seconds = milliseconds_of(text) / 1000
        except ValueError:
            return None
    return seconds if math.isfinite(seconds) and abs(seconds) * 1000 <= LATEST_MS else None
