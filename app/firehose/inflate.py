"""Body limits, gzip and deflate.

Firehose buffers at most 64 MiB before compression. Whether that is measured before or after base64
is not documented, so the larger reading counts: anything up to 64 MiB of decoded data is legal.
What is larger cannot come from Firehose, and only that is answered 413, because Firehose discards
a delivery answered 413 for good (AWS Firehose guide, HTTP endpoint response format).
"""

import re
import zlib
from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple

from app.errors import InvalidRequest, TooLarge

_zlib: ModuleType = zlib
try:
    from isal import isal_zlib

    _zlib = isal_zlib
except ImportError:  # pragma: no cover - isal has no wheel for every platform
    pass

MAX_DECODED_BYTES = 64 * 1024 * 1024
# Base64 of that, and a mebibyte for the envelope around 10,000 records.
MAX_BODY_BYTES = (MAX_DECODED_BYTES + 2) // 3 * 4 + 1024 * 1024

_PIECE_BYTES = 1024 * 1024
# What follows a member is copied with it, so a body of many members is fed in slices.
_SLICE_BYTES = 64 * 1024
_NOT_ZERO = re.compile(rb"[^\0]")


class _Encoding(NamedTuple):
    name: str
    window_bits: int
    most_members: int


# A member is a fixed cost however little it holds; one for each record is more than enough.
_GZIP = _Encoding("gzip", 31, 10_000)
# RFC 9110 calls the zlib format so, which has one member.
_DEFLATE = _Encoding("deflate", 15, 1)


def inflate(
    body: bytes | bytearray,
    encoding: str | None,
    *,
    limit: int = MAX_BODY_BYTES,
    grow: Callable[[int], None] = lambda _: None,
) -> bytes | bytearray:
    """The body as sent before ``Content-Encoding``; at most ``limit`` bytes.

    Every member of a gzip stream is read, up to 10,000. Raises ``TooLarge`` when the result would
    exceed ``limit``, whatever ``grow`` raises, which is told the size of each piece before it is
    kept, and ``InvalidRequest`` for a broken stream or another encoding.
    """
    match (encoding or "identity").strip().lower():
        case "identity" | "":
            if len(body) > limit:
                raise TooLarge(_too_large(limit))
            return body
        case "gzip" | "x-gzip":
            return _decompress(body, limit, grow, _GZIP)
        case "deflate":
            return _decompress(body, limit, grow, _DEFLATE)
        case other:
            raise InvalidRequest(
                f"Content-Encoding {other!r} is not supported; send gzip, deflate or none"
            )


def _decompress(
    body: bytes | bytearray,
    limit: int,
    grow: Callable[[int], None],
    encoding: _Encoding,
) -> bytearray:
    inflated = bytearray()
    position = members = 0
    while position < len(body):
        members += 1
        if members > encoding.most_members:
            raise InvalidRequest(
                f"the {encoding.name} body has more than {encoding.most_members} members"
            )
        member = _zlib.decompressobj(encoding.window_bits)
        while not member.eof:
            fed = body[position : position + _SLICE_BYTES]
            try:
                piece = member.decompress(fed, min(_PIECE_BYTES, limit + 1 - len(inflated)))
            except (zlib.error, _zlib.error) as error:
                raise InvalidRequest(f"the body is not valid {encoding.name}: {error}") from error
            if len(inflated) + len(piece) > limit:
                raise TooLarge(_too_large(limit))
            grow(len(piece))
            inflated += piece
            left = member.unused_data if member.eof else member.unconsumed_tail
            position += len(fed) - len(left)
            if not fed and not piece and not member.eof:
                raise InvalidRequest(f"the {encoding.name} body ends in the middle of a member")
        # Some writers pad a stream with zeros to a block size; RFC 1952 readers ignore them.
        following = _NOT_ZERO.search(body, position)
        position = following.start() if following else len(body)
    return inflated


def _too_large(limit: int) -> str:
    return (
        f"the body exceeds {limit} bytes; lower the buffer size of the Firehose destination or the"
        " batch size of the OpenTelemetry exporter"
    )
