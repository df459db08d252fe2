"""Framing of a record: 1..n times a varint length and that many bytes of message."""

import re
from collections.abc import Iterator

from app.errors import WireError

_NOT_ZERO = re.compile(rb"[^\0]")
_LONGEST_LENGTH_VARINT = 5  # 32 bits in groups of seven


def split_messages(record: bytes, position: int = 0) -> Iterator[bytes]:
    """The messages of a record from a position on; of several empty ones in a row the first.

    Raises ``WireError`` when the length of the next message is malformed or runs past the end; the
    messages before it have been yielded by then. ``error.position`` is where its length starts.
    """
    end = len(record)
    while position < end:
        start = position
        length = 0
        for shift in range(0, 7 * _LONGEST_LENGTH_VARINT, 7):
            if position >= end:
                raise FramingError(start, "the record ends inside a message length")
            byte = record[position]
            position += 1
            length |= (byte & 0x7F) << shift
            if byte < 0x80:  # noqa: PLR2004 - the varint's continuation bit
                break
        else:
            raise FramingError(start, "a message length is longer than 32 bits")
        if length > end - position:
            raise FramingError(
                start, f"a message of {length} bytes is announced, {end - position} are left"
            )
        yield record[position : position + length]
        position += length
        if not length:
            # Of padding with zeros, each is an empty message.
            following = _NOT_ZERO.search(record, position)
            position = following.start() if following else end


class FramingError(WireError):
    """The rest of the record from ``position`` on cannot be cut into messages."""

    def __init__(self, position: int, message: str) -> None:
        super().__init__(f"{message} (at byte {position})")
        self.position = position


def frame(message: bytes) -> bytes:
    """A message with its length before it, as it stands in a record."""
    length = len(message)
    prefix = bytearray()
    while length > 0x7F:  # noqa: PLR2004 - the varint's seven bits
        prefix.append(length & 0x7F | 0x80)
        length >>= 7
    prefix.append(length)
    return bytes(prefix) + message
