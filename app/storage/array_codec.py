"""Columns of numbers as bytes for SQLite, which has no arrays: small, quick, and back bit for bit.

Integers that ascend are stored as their steps, all of them in the narrowest type. Doubles that are
decimals of few digits, or such decimals by 60, as counts, bytes, capacity and rates are, become
integers; others stay doubles. Bytes of equal significance stand together, which is what makes
doubles compress at all. What lies for minutes is compressed by LZ4, in no time, what lies for days
by zstd. Of equal elements there is one.
"""

import struct
from typing import Any

import cramjam
import numpy as np

from app.arrays import FloatArray, IntArray

_LEVEL = 1
# Shorter ones would grow.
_SHORTEST_COMPRESSED = 64
_PLAIN, _ZSTD, _LZ4, _EQUAL = 0, 1, 2, 3
HEAD = struct.Struct("<BBbI")
"""How the content is stored, width, kind, and the number of elements."""

_AS_DOUBLES, _AS_INTEGERS, _AS_STEPS = -1, -2, -3
_NOT_DIVIDED = dict.fromkeys((_AS_DOUBLES, _AS_INTEGERS, _AS_STEPS), 1.0)
_DIVISORS = (1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 60.0, 120.0, 600.0, 6e3, 6e4)
_MULTIPLE_OF_ALL = 3e6
_NEAR = 0.01
# Most that do not fit are told by the first few.
_SAMPLE = 16
_TYPES: dict[int, Any] = {1: np.int8, 2: np.int16, 4: np.int32, 8: np.int64}
_LEAST = {width: -(2 ** (8 * width - 1)) for width in _TYPES}
# A byte of LZ4 stands for at most so many.
_MOST_LZ4 = 255


def encode_integers(values: IntArray, *, quick: bool = False) -> bytes:
    """Integers of 64 bits as bytes; ``quick`` for what will soon be rewritten."""
    if len(values) > 1 and values[0] < values[-1]:
        steps = np.empty_like(values)
        steps[0] = values[0]
        np.subtract(values[1:], values[:-1], out=steps[1:])
        if steps[1:].min() >= 0:
            return _stored(_narrow(steps), _AS_STEPS, quick=quick)
    return _stored(_narrow(values), _AS_INTEGERS, quick=quick)


def encode_doubles(values: FloatArray, *, quick: bool = False) -> bytes:
    """Doubles as bytes; NaN stands for what is absent, and zeros may lose their sign."""
    absent = np.isnan(values)
    some_absent = bool(absent.any())
    present = values[~absent] if some_absent else values
    sample = present[:_SAMPLE]
    # What is quick is told whole numbers from others, and no more.
    divisors = _DIVISORS[:1] if quick else _DIVISORS if _may_be_scaled(sample) else ()
    for number, divisor in enumerate(divisors):
        if _scaled(sample, divisor) is None:
            continue
        scaled = _scaled(present, divisor)
        if scaled is None:
            continue
        least, most = (int(scaled.min()), int(scaled.max())) if len(scaled) else (0, 0)
        # The least integer of the type stands for what is absent.
        width = _narrowest(least - 1, most)
        narrow = scaled.astype(_TYPES[width])
        if some_absent:
            spread = np.full(len(values), _LEAST[width], narrow.dtype)
            spread[~absent] = narrow
            narrow = spread
        return _stored(narrow, number, quick=quick)
    return _stored(values, _AS_DOUBLES, quick=quick)


def decode(data: bytes, places: IntArray | None = None) -> np.ndarray[Any, Any]:
    """What was encoded, as int64 or float64; of some ``places`` alone where these are given.

    Raises ``ValueError`` for bytes that are damaged.
    """
    try:
        form, width, kind, length = HEAD.unpack_from(data)
        dtype = np.dtype(np.float64 if kind == _AS_DOUBLES else _TYPES[width])
        divisor = _DIVISORS[kind] if kind >= 0 else _NOT_DIVIDED[kind]
        size = width * (1 if form == _EQUAL else length)
        content = _content(form, memoryview(data)[HEAD.size :], size)
        shuffled = np.frombuffer(content, np.uint8, size).reshape(width, -1)
    except (struct.error, LookupError, ValueError, cramjam.DecompressionError) as error:
        raise ValueError(f"a column of numbers is damaged: {error}") from error
    if form == _EQUAL:
        first = shuffled.T.copy().view(dtype)[0, 0]
        values = np.full(length if places is None else len(places), first, dtype)
    elif places is None or kind == _AS_STEPS:
        values = np.ascontiguousarray(shuffled.T).view(dtype).ravel()
    else:
        values = shuffled.T[places].view(dtype).ravel()
    if kind == _AS_DOUBLES:
        return values
    if kind == _AS_STEPS:
        steps = np.cumsum(values, dtype=np.int64)
        return steps if places is None else steps[places]
    if kind == _AS_INTEGERS:
        return values.astype(np.int64)
    numbers = values.astype(np.float64)
    numbers[values == _LEAST[width]] = np.nan
    if divisor != 1.0:
        numbers /= divisor
    return numbers


def _content(form: int, stored: memoryview, size: int) -> memoryview:
    """The bytes of the elements; ``size`` of them."""
    if form == _ZSTD:
        return memoryview(cramjam.zstd.decompress(stored))
    if form == _LZ4:
        if size > _MOST_LZ4 * len(stored):
            raise ValueError(f"{len(stored)} bytes cannot stand for {size}")
        return memoryview(cramjam.lz4.decompress_block(stored, size))
    return stored


def _may_be_scaled(sample: FloatArray) -> bool:
    """False for what no divisor makes integers of, as the mean of many measurements."""
    with np.errstate(all="ignore"):
        multiple = sample * _MULTIPLE_OF_ALL
        return not bool((np.abs(multiple - np.rint(multiple)) > _NEAR).any())


def _scaled(values: FloatArray, divisor: float) -> FloatArray | None:
    """Integers that, divided by the divisor, are the values to the last bit."""
    with np.errstate(all="ignore"):
        scaled: FloatArray = np.rint(values * divisor)
        if len(scaled) and not np.abs(scaled).max() < 2**31 - 2:
            return None
        # Zeros of both signs are equal as integers.
        again = (scaled + 0.0) / divisor
    return scaled if np.array_equal(again.view(np.int64), values.view(np.int64)) else None


def _narrow(values: IntArray) -> np.ndarray[Any, Any]:
    least, most = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    return values.astype(_TYPES[_narrowest(least, most)])


def _narrowest(least: int, most: int) -> int:
    """Bytes of the narrowest integers that hold both."""
    fitting = (width for width, lowest in _LEAST.items() if lowest <= least and most < -lowest)
    return next(fitting, max(_TYPES))


def _stored(values: np.ndarray[Any, Any], kind: int, *, quick: bool) -> bytes:
    """Head, and then the first bytes of all values, the second bytes, ..."""
    width, length = values.itemsize, len(values)
    bits = values.view(_TYPES[width])
    if length > 1 and bits[0] == bits[-1] and bool((bits == bits[0]).all()):
        return HEAD.pack(_EQUAL, width, kind, length) + values[:1].tobytes()
    content = np.ascontiguousarray(values).view(np.uint8).reshape(length, width).T.tobytes()
    if len(content) >= _SHORTEST_COMPRESSED:
        if quick:
            packed = bytes(cramjam.lz4.compress_block(content, store_size=False))
        else:
            packed = bytes(cramjam.zstd.compress(content, _LEVEL))
        if len(packed) < len(content):
            return HEAD.pack(_LZ4 if quick else _ZSTD, width, kind, length) + packed
    return HEAD.pack(_PLAIN, width, kind, length) + content
