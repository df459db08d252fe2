"""Request headers as bytes: text would not tell two different keys apart in every encoding."""

from fastapi import Request

_BEARER = b"bearer "
ACCESS_KEY_HEADER = b"x-amz-firehose-access-key"


def raw_header(request: Request, name: bytes) -> bytes | None:
    """The first value of a header, whose name is in lower case; None without it."""
    for key, value in request.scope["headers"]:
        if key == name:
            return bytes(value)
    return None


def bearer_token(authorization: bytes | None) -> bytes | None:
    """The token of an Authorization header; None if it has none."""
    if authorization is None or authorization[: len(_BEARER)].lower() != _BEARER:
        return None
    return authorization[len(_BEARER) :].strip()
