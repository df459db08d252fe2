"""Blocks: numbers of an hour's series as compressed bytes, and back, bit for bit.

A dense block is a matrix of a row for each key and a column for each minute of the hour. A sparse
one names start and period of each point, for what fits no minutes or would leave most cells empty.
Doubles that are decimals of few digits, as counts, bytes and capacity are, are stored as integers.
Bytes of equal significance stand together, which is what makes doubles compress at all.
"""

import struct
from dataclasses import dataclass
from typing import Any

import cramjam
import numpy as np

from app.arrays import FloatArray, IntArray
from app.clock import MILLISECONDS_PER_MINUTE

MINUTES = 60
"""Columns of a dense block."""

_LEVEL = 1
_MOST_EMPTY = 4
_DENSE, _SPARSE = 1, 2
_ARRAY = struct.Struct("<BbI")
_MOST_DIGITS = 6
_SAMPLE = 32


@dataclass(frozen=True, slots=True)
class Dense:
    """``values`` (keys, 60), NaN where there is none; periods of a minute, begun with it."""

    keys: IntArray
    values: FloatArray


@dataclass(frozen=True, slots=True)
class Sparse:
    """Points of keys, each with its start in the hour and its period in ms; of one length."""

    keys: IntArray
    start_ms: IntArray
    period_ms: IntArray
    values: FloatArray


def encode_block(
    keys: IntArray, start_ms: IntArray, period_ms: IntArray | None, values: FloatArray
) -> bytes:
    """A block of points ordered by key, unique by (key, start); none of the values is NaN.

    ``start_ms`` counts from the start of the hour; None as periods means a minute each.
    """
    distinct, row = np.unique(keys, return_inverse=True)
    minute, offset = np.divmod(start_ms, MILLISECONDS_PER_MINUTE)
    regular = not offset.any() and (
        period_ms is None or bool((period_ms == MILLISECONDS_PER_MINUTE).all())
    )
    head = [_integers(np.diff(distinct, prepend=0))]
    if regular and len(distinct) * MINUTES <= _MOST_EMPTY * len(keys):
        matrix = np.full((len(distinct), MINUTES), np.nan)
        matrix[row, minute] = values
        parts = [bytes([_DENSE]), *head, _doubles(matrix.ravel())]
    else:
        if period_ms is None:
            period_ms = np.full(len(keys), MILLISECONDS_PER_MINUTE, np.int64)
        columns = (_integers(row), _integers(start_ms), _integers(period_ms))
        parts = [bytes([_SPARSE]), *head, *columns, _doubles(values)]
    return bytes(cramjam.zstd.compress(b"".join(parts), _LEVEL))


def decode_block(data: bytes) -> Dense | Sparse:
    """What was encoded. Raises ``cramjam.DecompressionError`` for other bytes."""
    plain = memoryview(cramjam.zstd.decompress(data))
    steps, position = _read(plain, 1)
    keys = np.cumsum(steps.astype(np.int64))
    if plain[0] == _DENSE:
        values, _ = _read(plain, position)
        return Dense(keys, values.reshape(len(keys), MINUTES))
    row, position = _read(plain, position)
    start_ms, position = _read(plain, position)
    period_ms, position = _read(plain, position)
    values, _ = _read(plain, position)
    columns = (column.astype(np.int64) for column in (row, start_ms, period_ms))
    row, start_ms, period_ms = columns
    return Sparse(keys[row], start_ms, period_ms, values)


def _integers(values: IntArray) -> bytes:
    least, most = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    return _packed(values.astype(_narrowest(least, most)), _AS_INTEGERS)


def _doubles(values: FloatArray) -> bytes:
    """As integers and a number of decimal digits if that gives the same bits, else as they are."""
    absent = np.isnan(values)
    present = values[~absent]
    for digits in range(_MOST_DIGITS + 1):
        # Most that do not fit are told by the first few.
        if _scaled(present[:_SAMPLE], digits) is None:
            continue
        scaled = _scaled(present, digits)
        if scaled is not None:
            least, most = (int(scaled.min()), int(scaled.max())) if len(scaled) else (0, 0)
            # The least integer of the type stands for what is absent.
            dtype = _narrowest(least - 1, most)
            narrow = np.full(len(values), np.iinfo(dtype).min, dtype)
            narrow[~absent] = scaled
            return _packed(narrow, digits)
    return _packed(values, _AS_DOUBLES)


def _scaled(values: FloatArray, digits: int) -> FloatArray | None:
    """Integers that, divided by a power of ten, are the values to the last bit."""
    with np.errstate(all="ignore"):
        scaled: FloatArray = np.rint(values * 10.0**digits)
        if len(scaled) and not np.abs(scaled).max() < 2**31 - 2:
            return None
        # Zeros of both signs are equal as integers.
        again = (scaled + 0.0) / 10.0**digits
    return scaled if np.array_equal(again.view(np.int64), values.view(np.int64)) else None


_AS_DOUBLES, _AS_INTEGERS = -1, -2
_TYPES: dict[int, Any] = {1: np.int8, 2: np.int16, 4: np.int32, 8: np.int64}


def _narrowest(least: int, most: int) -> Any:  # noqa: ANN401 - a type of numpy's
    for dtype in _TYPES.values():
        if np.iinfo(dtype).min < least and most <= np.iinfo(dtype).max:
            break
    return dtype


def _packed(values: np.ndarray[Any, Any], digits: int) -> bytes:
    """Width, digits and length, and then the first bytes of all values, the second bytes, ..."""
    shuffled = values.view(np.uint8).reshape(len(values), values.itemsize).T
    return _ARRAY.pack(values.itemsize, digits, len(values)) + shuffled.tobytes()


def _read(plain: memoryview, position: int) -> tuple[np.ndarray[Any, Any], int]:
    """An array, and where the next one begins."""
    width, digits, length = _ARRAY.unpack_from(plain, position)
    position += _ARRAY.size
    end = position + width * length
    shuffled = np.frombuffer(plain[position:end], np.uint8).reshape(width, length)
    dtype = np.float64 if digits == _AS_DOUBLES else _TYPES[width]
    values = np.ascontiguousarray(shuffled.T).view(dtype).reshape(length)
    if digits < 0:
        return values, end
    numbers = values.astype(np.float64)
    numbers[values == np.iinfo(dtype).min] = np.nan
    if digits:
        numbers /= 10.0**digits
    return numbers, end
