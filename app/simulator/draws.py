"""Reproducible chance: numbers that depend on what is asked, never on the order of asking.

Each number is a hash of (seed, name of the thing, minute), so the same seed gives the same
account whatever its size and whichever minute is generated first. Not for cryptography.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

_WORD = 1 << 64
_GOLDEN = 0x9E3779B97F4A7C15
_UNIT = 2.0**-53


def key_of(*parts: object) -> int:
    """Return 64 bits that depend on every part and on where one part ends."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def uniform(*parts: object) -> float:
    """Return a number in [0, 1) that depends on the parts alone."""
    return (key_of(*parts) >> 11) * _UNIT


def uniforms(keys: NDArray[np.uint64], minute: int, width: int) -> NDArray[np.float64]:
    """Return numbers in [0, 1) of shape (len(keys), width), by key, minute and column.

    `minute` counts whole minutes since 1970. The mixing is SplitMix64's finaliser, twice.
    """
    columns = np.arange(1, width + 1, dtype=np.uint64) * np.uint64(_GOLDEN)
    state = _mixed(keys ^ np.uint64(minute * _GOLDEN % _WORD))
    state = _mixed(state[:, np.newaxis] + columns[np.newaxis, :])
    return (state >> np.uint64(11)).astype(np.float64) * _UNIT


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
