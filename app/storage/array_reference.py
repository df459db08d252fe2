"""The codec of columns in numpy: what the native one is held against, and what runs without it."""

import struct
from typing import Any

import numpy as np

from app.arrays import FloatArray, IntArray
from app.storage.array_compression import (
    EQUAL,
    LZ4,
    PLAIN,
    ZSTD,
    compress,
    compress_quickly,
    expanded,
)
from app.storage.array_format import (
    AS_DOUBLES,
    AS_INTEGERS,
    AS_STEPS,
    DIVISORS,
    HEAD,
    MOST_ELEMENTS,
    MULTIPLE_OF_ALL,
    NEAR,
    SAMPLE,
    SHORTEST_COMPRESSED,
)

_NOT_DIVIDED = dict.fromkeys((AS_DOUBLES, AS_INTEGERS, AS_STEPS), 1.0)
_TYPES: dict[int, Any] = {1: np.int8, 2: np.int16, 4: np.int32, 8: np.int64}
_LENGTHS = range(MOST_ELEMENTS + 1)
_DOUBLES = {8: np.float64}
_LEAST = {width: -(2 ** (8 * width - 1)) for width in _TYPES}


def encode_integers(values: IntArray, *, quick: bool = False) -> bytes:
    """Integers of 64 bits as bytes; ``quick`` for what will soon be rewritten."""
    if len(values) > 1 and values[0] < values[-1]:
        steps = np.empty_like(values)
        steps[0] = values[0]
        np.subtract(values[1:], values[:-1], out=steps[1:])
        if steps[1:].min() >= 0:
            return _stored(_narrow(steps), AS_STEPS, quick=quick)
    return _stored(_narrow(values), AS_INTEGERS, quick=quick)


def encode_doubles(values: FloatArray, *, quick: bool = False) -> bytes:
    """Doubles as bytes; NaN stands for what is absent, with any bits."""
    absent = np.isnan(values)
    some_absent = bool(absent.any())
    present = values[~absent] if some_absent else values
    sample = present[:SAMPLE]
    # What is quick is told whole numbers from others, and no more.
    divisors = DIVISORS[:1] if quick else DIVISORS if _may_be_scaled(sample) else ()
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
    return _stored(values, AS_DOUBLES, quick=quick)


def decode(data: bytes, places: IntArray | None = None) -> np.ndarray[Any, Any]:
    """What was encoded, as int64 or float64; of some ``places`` alone where these are given.

    Raises ``ValueError`` for bytes that are damaged.
    """
    try:
        form, width, kind, length = HEAD.unpack_from(data)
        dtype = np.dtype(_DOUBLES[width] if kind == AS_DOUBLES else _TYPES[width])
        divisor = DIVISORS[kind] if kind >= 0 else _NOT_DIVIDED[kind]
        length = _LENGTHS[length]
        size = width * (1 if form == EQUAL else length)
        content = data[HEAD.size :]
        if form not in {PLAIN, EQUAL}:
            content = expanded(form, content, size)
        shuffled = np.frombuffer(content, np.uint8, size).reshape(width, -1)
    except (struct.error, LookupError, ValueError) as error:
        raise ValueError(f"a column of numbers is damaged: {error}") from error
    if form == EQUAL:
        first = shuffled.T.copy().view(dtype)[0, 0]
        values = np.full(length if places is None else len(places), first, dtype)
    elif places is None or kind == AS_STEPS:
        values = np.ascontiguousarray(shuffled.T).view(dtype).ravel()
    else:
        values = shuffled.T[places].view(dtype).ravel()
    if kind == AS_DOUBLES:
        return values
    if kind == AS_STEPS:
        steps = np.cumsum(values, dtype=np.int64)
        return steps if places is None else steps[places]
    if kind == AS_INTEGERS:
        return values.astype(np.int64)
    numbers = values.astype(np.float64)
    numbers[values == _LEAST[width]] = np.nan
    if divisor != 1.0:
        numbers /= divisor
    return numbers


def decode_into(data: bytes, values: FloatArray) -> None:
    """Decode doubles into a row that has as many. Raises ``ValueError``."""
    found = decode(data)
    if found.dtype != np.float64 or len(found) != len(values):
        raise ValueError(f"a column of numbers is damaged: it is not of {len(values)} doubles")
    values[:] = found


def _may_be_scaled(sample: FloatArray) -> bool:
    """False for what no divisor makes integers of, as the mean of many measurements."""
    with np.errstate(all="ignore"):
        multiple = sample * MULTIPLE_OF_ALL
        return not bool((np.abs(multiple - np.rint(multiple)) > NEAR).any())


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
    if length > MOST_ELEMENTS:
        raise ValueError(f"{length} numbers are too many for one column")
    bits = values.view(_TYPES[width])
    if length > 1 and bits[0] == bits[-1] and bool((bits == bits[0]).all()):
        return HEAD.pack(EQUAL, width, kind, length) + values[:1].tobytes()
    content = np.ascontiguousarray(values).view(np.uint8).reshape(length, width).T.tobytes()
    if len(content) >= SHORTEST_COMPRESSED:
        packed = compress_quickly(content) if quick else compress(content)
        if len(packed) < len(content):
            return HEAD.pack(LZ4 if quick else ZSTD, width, kind, length) + packed
    return HEAD.pack(PLAIN, width, kind, length) + content
