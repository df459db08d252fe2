"""The usual bytes of labels, read without protobuf.

Nearly all label bytes of a metric stream have one of two layouts, with every field once and in its
order. Those are cut up here. Whatever else there is gives None, and protobuf reads it: lengths of
more than two bytes, absent or repeated fields, values that are no text, text that is no UTF-8 or
that SQL cannot hold. So these functions never say that labels are bad.

Results are remembered, as a name or a value is part of many series; how many is bounded, whatever a
sender invents, and texts that are read once are shared by all of them.
"""

from functools import lru_cache

from app.catalog.identity import Pair

_PAIRS_REMEMBERED = 16_384
LONGEST_LABEL = 512
"""Bytes of what these functions should be asked for: it is remembered."""
_KEY, _VALUE = 0x0A, 0x12
_TEXT, _LIST, _ENTRY = 0x0A, 0x32, 0x0A
_DIMENSIONS = b"\n\nDimensions\x12"
_ONE_BYTE = 0x80
_TWO = 2
_TWO_BYTES = 0x4000


@lru_cache(_PAIRS_REMEMBERED)
def flat_pair(label: bytes) -> Pair | None:
    """A StringKeyValue of OpenTelemetry 0.7: field 1 the key, field 2 the value."""
    try:
        end = 2 + label[1]
        size, start = _length(label, end + 1)
        if label[0] != _KEY or label[1] >= _ONE_BYTE or label[end] != _VALUE:
            return None
    except IndexError:
        return None
    return _pair(label, end, start, size)


@lru_cache(_PAIRS_REMEMBERED)
def nested_pair(label: bytes) -> Pair | None:
    """A KeyValue of OpenTelemetry 1.0 with a text: field 1 the key, field 2 the value's message."""
    try:
        end = 2 + label[1]
        size, start = _length(label, end + 1)
        if label[0] != _KEY or label[1] >= _ONE_BYTE or label[end] != _VALUE:
            return None
        if start + size != len(label) or label[start] != _TEXT:
            return None
        size, start = _length(label, start + 1)
    except IndexError:
        return None
    return _pair(label, end, start, size)


def nested_dimensions(label: bytes) -> tuple[Pair, ...] | None:
    """Sorted pairs of the label ``Dimensions``, a key-value list, whose names are distinct."""
    if not label.startswith(_DIMENSIONS):
        return None
    end = len(label)
    pairs: list[Pair] = []
    try:
        size, position = _length(label, len(_DIMENSIONS))
        if position + size != end or label[position] != _LIST:
            return None
        size, position = _length(label, position + 1)
        if position + size != end:
            return None
        while position < end:
            if label[position] != _ENTRY:
                return None
            size = label[position + 1]
            if size < _ONE_BYTE:
                position += 2
            else:
                size, position = _length(label, position + 1)
            following = position + size
            pair = nested_pair(label[position:following])
            if pair is None:
                return None
            position = following
            pairs.append(pair)
    except IndexError:
        return None
    return in_order(pairs) if position == end else None


def in_order(pairs: list[Pair]) -> tuple[Pair, ...] | None:
    """The pairs, sorted; None when a name is among them twice."""
    if len(pairs) == _TWO and pairs[0][0] < pairs[1][0]:
        return pairs[0], pairs[1]
    if len(pairs) > 1:
        if len({name for name, _ in pairs}) < len(pairs):
            return None
        pairs.sort()
    return tuple(pairs)


def _pair(label: bytes, end: int, start: int, size: int) -> Pair | None:
    """The key up to ``end``, and the rest from ``start``, which must have this size."""
    if start + size != len(label):
        return None
    try:
        key, value = label[2:end].decode(), label[start:].decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in key or "\0" in value else (key, value)


def _length(label: bytes, position: int) -> tuple[int, int]:
    """A varint of one or two bytes, and where it ends; of a longer one, a length nothing has."""
    size = label[position]
    if size < _ONE_BYTE:
        return size, position + 1
    size += (label[position + 1] - 1) * _ONE_BYTE
    return (size, position + 2) if size < _TWO_BYTES else (len(label), position + 2)
