"""Requests refused for their access key are counted by who claims to send them."""

from fastapi import Request

from app.api.errors import SOURCE_HEADER
from app.api.headers import ACCESS_KEY_HEADER, raw_header
from app.errors import HydrantError, Unauthorized
from app.pipeline import StreamStatistics


def count_refused(
    streams: StreamStatistics, request: Request, error: HydrantError, route: str
) -> None:
    """Count a request if it was refused for its key. The key itself is not looked at."""
    if not isinstance(error, Unauthorized):
        return
    given = (raw_header(request, name) for name in (ACCESS_KEY_HEADER, b"authorization"))
    reason = "wrong" if any(value is not None for value in given) else "missing"
    host = request.client.host if request.client else None
    streams.refused(route, request.headers.get(SOURCE_HEADER, ""), host, reason)
