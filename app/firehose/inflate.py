"""Body limits, gzip and deflate.

Firehose buffers at most 64 MiB before compression. Whether that is measured before or after base64
is not documented, so the larger reading counts: anything up to 64 MiB of decoded data is legal.
What is larger cannot come from Firehose, and only that is answered 413, because Firehose discards
a delivery answered 413 for good (AWS Firehose guide, HTTP endpoint response format).
"""

import re
import zlib
from types import ModuleType

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

_GZIP_WINDOW_BITS = 31
_ZLIB_WINDOW_BITS = 15
_PIECE_BYTES = 1024 * 1024
# What follows a member is copied with it, so a body of many members is fed in slices.
_SLICE_BYTES = 64 * 1024
# A member is a fixed cost however little it holds; one for each record is more than enough.
_MOST_MEMBERS = 10_000
_NOT_ZERO = re.compile(rb"[^\0]")


def inflate(body: bytes, encoding: str | None, *, limit: int = MAX_BODY_BYTES) -> bytes:
    """The body as sent before ``Content-Encoding``; at most ``limit`` bytes.

    Every member of a gzip stream is read, up to 10,000. Raises ``TooLarge`` when the result would
    exceed ``limit``, and ``InvalidRequest`` for a broken stream or another encoding.
    """
    match (encoding or "identity").strip().lower():
        case "identity" | "":
            if len(body) > limit:
                raise TooLarge(_too_large(limit))
            return body
        case "gzip" | "x-gzip":
            return _decompress(body, limit, "gzip", _GZIP_WINDOW_BITS, _MOST_MEMBERS)
        case "deflate":
            # RFC 9110 calls the zlib format so, which has one member.
            return _decompress(body, limit, "deflate", _ZLIB_WINDOW_BITS, 1)
        case other:
            raise InvalidRequest(
                f"Content-Encoding {other!r} is not supported; send gzip, deflate or none"
            )


def _decompress(
    body: bytes, limit: int, encoding: str, window_bits: int, most_members: int
) -> bytes:
    pieces: list[bytes] = []
    size = 0
    position = members = 0
    while position < len(body):
        members += 1
        if members > most_members:
            raise InvalidRequest(f"the {encoding} body has more than {most_members} members")
        member = _zlib.decompressobj(window_bits)
        while not member.eof:
            fed = body[position : position + _SLICE_BYTES]
            try:
                piece = member.decompress(fed, min(_PIECE_BYTES, limit + 1 - size))
            except (zlib.error, _zlib.error) as error:
                raise InvalidRequest(f"the body is not valid {encoding}: {error}") from error
            size += len(piece)
            if size > limit:
                raise TooLarge(_too_large(limit))
            pieces.append(piece)
            left = member.unused_data if member.eof else member.unconsumed_tail
            position += len(fed) - len(left)
            if not fed and not piece and not member.eof:
                raise InvalidRequest(f"the {encoding} body ends in the middle of a member")
        # Some writers pad a stream with zeros to a block size; RFC 1952 readers ignore them.
        following = _NOT_ZERO.search(body, position)
        position = following.start() if following else len(body)
    return b"".join(pieces)


def _too_large(limit: int) -> str:
    return (
        f"the body exceeds {limit} bytes; lower the buffer size of the Firehose destination or the"
        " batch size of the OpenTelemetry exporter"
    )
