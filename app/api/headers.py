"""Request headers as bytes: text would not tell two different keys apart in every encoding."""

from fastapi import Request

ACCESS_KEY_HEADER = b"x-amz-firehose-access-key"


def raw_header(request: Request, name: bytes) -> bytes | None:
    """The first value of a header, whose name is in lower case; None without it."""
    for key, value in request.scope["headers"]:
        if key == name:
            return bytes(value)
    return None
