"""The three protobuf wire types that metric streams use, written by hand (section B.4).

Deliberately independent of the decoders in `app.otlp`, which the simulator tests.
"""

import struct

_FIXED64 = struct.Struct("<Q")
_DOUBLE = struct.Struct("<d")
_ZERO = _DOUBLE.pack(0.0)
_LOW_SEVEN_BITS = 0x7F
_MORE_FOLLOWS = 0x80


def varint(value: int) -> bytes:
    """Return a non-negative integer in base 128, least significant group first."""
    return _SHORT[value] if value < len(_SHORT) else _varint(value)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > _LOW_SEVEN_BITS:
        out.append(value & _LOW_SEVEN_BITS | _MORE_FOLLOWS)
        value >>= 7
    out.append(value)
    return bytes(out)


def delimited(field: int, payload: bytes) -> bytes:
    """Return a length-delimited field (wire type 2), also when it is empty."""
    return varint(field << 3 | 2) + varint(len(payload)) + payload


def text(field: int, value: str) -> bytes:
    """Return a string field, nothing for the empty string (proto3 default)."""
    return delimited(field, value.encode()) if value else b""


def fixed64(field: int, value: int) -> bytes:
    """Return a fixed64 field (wire type 1), nothing for 0."""
    return varint(field << 3 | 1) + _FIXED64.pack(value) if value else b""


def double(field: int, value: float) -> bytes:
    """Return a double field (wire type 1), nothing for +0.0; -0.0 is written."""
    packed = _DOUBLE.pack(value)
    return varint(field << 3 | 1) + packed if packed != _ZERO else b""


def framed(message: bytes) -> bytes:
    """Return a message behind its varint length, as the messages of a record are (section B.3)."""
    return varint(len(message)) + message


# Nearly all tags and lengths are short: looking them up halves the time of a point.
_SHORT = tuple(_varint(value) for value in range(1024))
