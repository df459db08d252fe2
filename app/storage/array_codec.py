"""Columns of numbers as bytes for SQLite, which has no arrays: small, quick, and back bit for bit.

Integers that ascend are stored as their steps, all of them in the narrowest type. Doubles that are
decimals of few digits, or such decimals by 60, as counts, bytes, capacity and rates are, become
integers; others stay doubles. Bytes of equal significance stand together, which is what makes
doubles compress at all. What lies for minutes is compressed by LZ4, in no time, what lies for days
by zstd. Of equal elements there is one.

Columns are encoded by the native codec where it was built, or by the reference, to the same bytes.
"""

from typing import Any

import numpy as np

from app.arrays import FloatArray, IntArray
from app.storage import array_reference
from app.storage.array_format import HEAD
from app.telemetry import gauge

try:
    from app.storage import codec as native

    IS_BUILT = True
except ImportError:
    native = None  # type: ignore[assignment]
    IS_BUILT = False

CODEC = gauge("array_codec_info", "1 for the codec of columns, of SQLite alone", "codec")

_codec: Any = native if IS_BUILT else array_reference


def choose_codec(*, reference: bool) -> str:
    """Have the reference take over, or the native codec where it was built; returns which it is."""
    global _codec  # noqa: PLW0603 - there is one in a process, as there is one way to store columns
    _codec = native if IS_BUILT and not reference else array_reference
    name = "reference" if _codec is array_reference else "native"
    CODEC.clear()
    CODEC.labels(name).set(1)
    return name


def encode_integers(values: IntArray, *, quick: bool = False) -> bytes:
    """Integers of 64 bits as bytes; ``quick`` for what will soon be rewritten."""
    data: bytes = _codec.encode_integers(values, quick=quick)
    return data


def encode_doubles(values: FloatArray, *, quick: bool = False) -> bytes:
    """Doubles as bytes; NaN stands for what is absent, with any bits."""
    data: bytes = _codec.encode_doubles(values, quick=quick)
    return data


def decode(data: bytes, places: IntArray | None = None) -> np.ndarray[Any, Any]:
    """What was encoded, as int64 or float64; of some ``places`` alone where these are given.

    Raises ``ValueError`` for bytes that are damaged.
    """
    values: np.ndarray[Any, Any] = _codec.decode(data, places)
    return values


def decode_into(data: bytes, values: FloatArray) -> None:
    """Decode doubles into a row of a matrix that has as many; the row is contiguous.

    Raises ``ValueError`` for bytes that are damaged, and for another number of them.
    """
    _codec.decode_into(data, values)


__all__ = [
    "CODEC",
    "HEAD",
    "IS_BUILT",
    "choose_codec",
    "decode",
    "decode_into",
    "encode_doubles",
    "encode_integers",
    "native",
]
