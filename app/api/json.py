"""JSON answers."""

from collections.abc import Mapping

import orjson
from fastapi import Response

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY


def json_response(
    content: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON answer; doubles are written so that they read back to the last bit, NaN as null."""
    body = orjson.dumps(content, option=_OPTIONS)
    return Response(body, status, dict(headers or {}), "application/json")
