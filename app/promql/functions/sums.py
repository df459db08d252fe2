"""Sums over windows, each rounded once, from running totals.

The sum of a window is the difference of two running totals, which costs the same for narrow and
wide windows. It is exact because the totals are whole numbers: a float is a whole number times a
power of two, so the values of a series are cut into limbs of 30 bits at fixed binary places, and
each limb is totalled by itself in 64 bits.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from app.arrays import BoolArray, FloatArray, IntArray
from app.promql.functions.windows import between, running
from app.summation import exact_sum

_FINE = 1024.0
"""Consumption comes in halves, bytes and counts in whole numbers: nearly all are multiples of
1/1024, and one limb is enough for a series of them."""
_MOST = 2.0**62
_BITS = 30
_LIMBS = 8
"""A series whose values reach over more than 240 binary places is summed value by value."""


class WindowSums:
    """Sums over windows of columns; ``values`` have the shape (S, G), what is absent is 0."""

    def __init__(self, values: FloatArray) -> None:
        finite = np.isfinite(values)
        self._values = values
        self._beyond = None if finite.all() else ~finite
        self._finite = values if self._beyond is None else np.where(finite, values, 0.0)

    def between(self, low: IntArray, high: IntArray) -> FloatArray:
        """The sums of the columns [low, high), which have the shape (1, T) or (S, T)."""
        sums = np.empty((len(self._values), low.shape[1]))
        for rows, part in self._parts:
            bounds = (low, high) if len(low) == 1 else (low[rows], high[rows])
            sums[rows] = part.between(*bounds)
        if self._beyond is not None:
            self._spread(sums, self._beyond, low, high)
        return sums

    def _spread(self, sums: FloatArray, beyond: BoolArray, low: IntArray, high: IntArray) -> None:
        """Let infinities and NaN decide the sums of their windows."""
        positive, negative, undefined = (
            between(running(which & beyond), low, high) > 0
            for which in (self._values > 0, self._values < 0, np.isnan(self._values))
        )
        sums[positive] = np.inf
        sums[negative] = -np.inf
        sums[undefined | (positive & negative)] = np.nan

    @cached_property
    def _parts(self) -> Sequence[tuple[IntArray, "_Fine | _Limbs | _Slow"]]:
        """The rows in groups by how they are summed."""
        values = self._finite
        scaled = values * _FINE
        fine = (scaled == np.rint(scaled)).all(axis=1) & (np.abs(scaled).sum(axis=1) < _MOST)
        others = np.flatnonzero(~fine)
        parts: list[tuple[IntArray, _Fine | _Limbs | _Slow]] = []
        if len(others) < len(values):
            rows = np.flatnonzero(fine)
            parts.append((rows, _Fine(scaled[rows])))
        if len(others):
            limbs = _Limbs(values[others])
            slow = others[limbs.incomplete]
            parts.append((others, limbs))
            if len(slow):
                parts.append((slow, _Slow(values[slow])))
        return parts


class _Fine:
    """Rows of multiples of 1/1024 that are small enough for one whole number each."""

    def __init__(self, scaled: FloatArray) -> None:
        self._totals = running(scaled.astype(np.int64))

    def between(self, low: IntArray, high: IntArray) -> FloatArray:
        sums: FloatArray = between(self._totals, low, high) / _FINE
        return sums


class _Limbs:
    """Rows of any finite values. Those that ``incomplete`` marks need another way."""

    def __init__(self, values: FloatArray) -> None:
        largest = np.abs(values).max(axis=1, keepdims=True, initial=0.0)
        self._exponents: IntArray = np.frexp(largest)[1].astype(np.int64)
        rest = np.ldexp(values, -self._exponents)
        self.incomplete: BoolArray = ((np.abs(rest) < 2.0**-300) & (values != 0)).any(axis=1)
        # What is this small could be rounded twice: once more when it becomes subnormal.
        self.incomplete |= (self._exponents < -900)[:, 0]  # noqa: PLR2004
        self._totals: list[IntArray] = []
        while rest.any() and len(self._totals) < _LIMBS:
            rest *= 2.0**_BITS
            limb = np.trunc(rest)
            rest -= limb
            self._totals.append(running(limb.astype(np.int64)))
        self.incomplete |= rest.any(axis=1)

    def between(self, low: IntArray, high: IntArray) -> FloatArray:
        limbs = [between(totals, low, high) for totals in self._totals]
        if not limbs:
            return np.zeros((len(self._exponents), low.shape[1]))
        _carry(limbs)
        negative = limbs[0] < 0
        for limb in limbs:
            np.negative(limb, out=limb, where=negative)
        _carry(limbs)
        leading, places = _leading_bits(limbs)
        sums: FloatArray = np.ldexp(leading.astype(np.float64), self._exponents - _BITS - places)
        return np.where(negative, -sums, sums)


def _carry(limbs: list[IntArray]) -> None:
    """Bring all limbs but the first into [0, 2³⁰)."""
    for number in range(len(limbs) - 1, 0, -1):
        limbs[number - 1] += limbs[number] >> _BITS
        limbs[number] &= (1 << _BITS) - 1


def _leading_bits(limbs: list[IntArray]) -> tuple[IntArray, IntArray]:
    """The first 61 bits or more of a number, and how many of them lie behind the first limb.

    The last of these bits is also set if any bit that did not fit is: nine bits more than a float
    has, so that a number just above the middle of two floats is told from the middle.
    """
    leading = limbs[0]
    places = np.zeros(leading.shape, np.int64)
    room = np.full(leading.shape, _BITS, np.int64)
    lost = np.zeros(leading.shape, np.bool_)
    for limb in limbs[1:]:
        length = np.frexp(leading.astype(np.float64))[1]
        # Once a limb did not fit whole, none of those behind it may.
        room = np.where(room == _BITS, np.clip(62 - length, 0, _BITS), 0)
        cut = _BITS - room
        leading = (leading << room) | (limb >> cut)
        lost |= (limb & ((1 << cut) - 1)) != 0
        places += room
    return leading | lost, places


class _Slow:
    """Rows in which large and tiny values meet, window by window."""

    def __init__(self, values: FloatArray) -> None:
        self._values = values

    def between(self, low: IntArray, high: IntArray) -> FloatArray:
        shape = (len(self._values), low.shape[1])
        bounds = zip(np.broadcast_to(low, shape), np.broadcast_to(high, shape), strict=True)
        return np.array(
            [
                [exact_sum(row[begin:end]) for begin, end in zip(lows, highs, strict=True)]
                for row, (lows, highs) in zip(self._values, bounds, strict=True)
            ]
        )
