"""The hash by which ``limit_ratio`` chooses series: Prometheus' own, so that both choose the same.

Sources: "XXH64 algorithm description" of the xxHash specification; the form of labels in memory
that Prometheus 3 is built with by default (each name and value behind its length).
"""

from collections.abc import Iterator

from app.labels import LabelSet

_MASK = 2**64 - 1
_PRIMES = (
    0x9E3779B185EBCA87,
    0xC2B2AE3D27D4EB4F,
    0x165667B19E3779F9,
    0x85EBCA77C2B2AE63,
    0x27D4EB2F165667C5,
)
_STRIPE = 32
_ONE_BYTE = 255
"""Lengths below take one byte; others three behind this one."""


def hash_of(labels: LabelSet) -> int:
    """The hash of a label set, 64 bits."""
    return xxh64(b"".join(_encoded(labels)))


def _encoded(labels: LabelSet) -> Iterator[bytes]:
    for pair in labels:
        for text in pair:
            data = text.encode("utf-8", "surrogatepass")
            size = len(data)
            yield (
                bytes((size,))
                if size < _ONE_BYTE
                else bytes((_ONE_BYTE,)) + size.to_bytes(3, "little")
            )
            yield data


def xxh64(data: bytes) -> int:
    """XXH64 with the seed 0."""
    first, second, third, fourth, fifth = _PRIMES
    whole = len(data) // _STRIPE * _STRIPE
    if whole:
        lanes = [(first + second) & _MASK, second, 0, -first & _MASK]
        for start in range(0, whole, 8):
            lane = start // 8 % 4
            lanes[lane] = _round(lanes[lane], int.from_bytes(data[start : start + 8], "little"))
        state = sum(map(_rotated, lanes, (1, 7, 12, 18))) & _MASK
        for value in lanes:
            state = ((state ^ _round(0, value)) * first + fourth) & _MASK
    else:
        state = fifth
    state = (state + len(data)) & _MASK
    at = whole
    while at + 8 <= len(data):
        state ^= _round(0, int.from_bytes(data[at : at + 8], "little"))
        state = (_rotated(state, 27) * first + fourth) & _MASK
        at += 8
    if at + 4 <= len(data):
        state ^= int.from_bytes(data[at : at + 4], "little") * first & _MASK
        state = (_rotated(state, 23) * second + third) & _MASK
        at += 4
    for byte in data[at:]:
        state ^= byte * fifth & _MASK
        state = _rotated(state, 11) * first & _MASK
    state = (state ^ state >> 33) * second & _MASK
    state = (state ^ state >> 29) * third & _MASK
    return state ^ state >> 32


def _round(lane: int, value: int) -> int:
    return _rotated((lane + value * _PRIMES[1]) & _MASK, 31) * _PRIMES[0] & _MASK


def _rotated(value: int, bits: int) -> int:
    return (value << bits | value >> (64 - bits)) & _MASK
