"""How many parts a message has, counted before it is parsed.

An empty part is two bytes of a message and a hundred in memory. CloudWatch's records are below a
mebibyte, where this does no harm; in larger messages the parts are counted first.
"""

from app.errors import WireError
from app.otlp.rejection import TooManyFaults

_COUNTED_FROM_BYTES = 1024 * 1024
# Resources, scopes and metrics; one that has a point is longer than this by far.
_PARTS_ALWAYS = 100_000
_BYTES_PER_PART = 32
# Their field numbers with the wire type of a length: in the request, a resource, a scope.
_FIELDS = (0x0A, 0x12, 0x12)


def check_parts(message: bytes) -> None:
    """Raise ``TooManyParts`` if parsing a message would cost much more than its size."""
    if len(message) < _COUNTED_FROM_BYTES:
        return
    counter = _PartCounter(message, _PARTS_ALWAYS + len(message) // _BYTES_PER_PART)
    counter.count(0, len(message), 0)


class TooManyParts(TooManyFaults):
    """More resources, scopes and metrics than a message of this size can have points in."""

    def __init__(self, size: int, most: int) -> None:
        WireError.__init__(
            self,
            f"more than {most} resources, scopes and metrics in {size} bytes: most must be empty",
        )


class _PartCounter:
    def __init__(self, message: bytes, most: int) -> None:
        self._message = message
        self._most = most
        self._found = 0

    def count(self, position: int, end: int, level: int) -> None:
        """Count the parts between two positions; bytes that are no protobuf end the count."""
        message = self._message
        while position < end:
            tag, position = self._varint(position, end)
            match tag & 7:
                case 0:
                    _, position = self._varint(position, end)
                case 1:
                    position += 8
                case 2:
                    length, position = self._varint(position, end)
                    if tag == _FIELDS[level]:
                        self._found += 1
                        if self._found > self._most:
                            raise TooManyParts(len(message), self._most)
                        if length and level + 1 < len(_FIELDS):
                            self.count(position, min(position + length, end), level + 1)
                    position += length
                case 5:
                    position += 4
                case _:
                    return

    def _varint(self, position: int, end: int) -> tuple[int, int]:
        value = shift = 0
        while position < end:
            byte = self._message[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80 or shift > 63:  # noqa: PLR2004 - ten bytes of seven bits at most
                return value, position
        return value, end
