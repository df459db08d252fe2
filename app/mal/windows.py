"""``increase``, ``rate`` and ``irate``: a value against an earlier one of the same row.

The window is found in the samples themselves, not in what a process remembers. Of a sample at time
t and a range R, the lower bound is the sample nearest to t - R: of the last one before and the
first one not before it the nearer, the earlier at equal distance; the oldest one known while the
window is not full. A first sample is its own lower bound.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from app.arrays import BoolArray, FloatArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.mal.frames import Combine, Frame
from app.mal.nodes import Carried, Evaluation, Node, Rowwise

PREVIOUS_MS = 10 * MILLISECONDS_PER_MINUTE
"""How far back ``irate`` looks for the previous sample."""


class Change(StrEnum):
    """What becomes of a value and its lower bound."""

    INCREASE = "increase"
    RATE = "rate"
    IRATE = "irate"


@dataclass(slots=True)
class Samples:
    """A sample of each row; time -inf or inf and value NaN where there is none."""

    time: FloatArray
    value: FloatArray

    def take_where(self, better: BoolArray, time: FloatArray, value: FloatArray) -> None:
        self.time = np.where(better, time, self.time)
        self.value = np.where(better, value, self.value)


class Window(Rowwise):
    """The change of each row over ``range_ms``; of ``irate`` since the previous sample.

    If it is ``literal``, the previous sample may be of any age.
    """

    def __init__(
        self,
        source: Node,
        change: Change,
        range_ms: int,
        step: str = "",
        *,
        literal: bool = False,
    ) -> None:
        super().__init__(source, Combine.AVERAGE, step)
        self._previous_ms = np.inf if literal else PREVIOUS_MS
        self._change = change
        self._range_ms = range_ms

    @property
    def cell_ms(self) -> int:
        """Samples are told apart in cells of this length: a minute, or the range if shorter."""
        if self._change is Change.IRATE:
            return MILLISECONDS_PER_MINUTE
        return max(1, min(self._range_ms, MILLISECONDS_PER_MINUTE))

    @property
    def lookback_ms(self) -> int:
        """How far back a sample may lie and still be a lower bound, beside the oldest known."""
        return PREVIOUS_MS if self._change is Change.IRATE else 2 * self._range_ms

    def evaluate(self, evaluation: Evaluation) -> Frame:
        frame = evaluation.frame(self._source)
        time = evaluation.column(self._source, Carried.TIME)
        with np.errstate(invalid="ignore"):
            return Frame(self._changed(frame.value, time, self.lower_bounds(evaluation)))

    def lower_bounds(self, evaluation: Evaluation) -> Samples:
        """The earlier sample that each row is compared with; the row's own where it is the first.

        ``irate`` has no value where there is none.
        """
        time = evaluation.column(self._source, Carried.TIME)
        with np.errstate(invalid="ignore"):
            if self._change is Change.IRATE:
                return self._previous(evaluation, time)
            return self._lower(evaluation, time, evaluation.frame(self._source).value)

    def _lower(self, evaluation: Evaluation, time: FloatArray, value: FloatArray) -> Samples:
        water = time - self._range_ms
        before = Samples(np.full(len(time), -np.inf), np.full(len(time), np.nan))
        after = Samples(time, value)
        for earlier in evaluation.history(self.cell_ms):
            other = earlier.frame(self._source).value
            at = earlier.column(self._source, Carried.TIME)
            known = ~np.isnan(other) & (at < time)
            # Samples are ordered by time, and by value at the same time.
            later = (at > before.time) | ((at == before.time) & (other > before.value))
            before.take_where(known & (at < water) & later, at, other)
            sooner = (at < after.time) | ((at == after.time) & (other < after.value))
            after.take_where(known & (at >= water) & sooner, at, other)
        nearer = water - before.time <= after.time - water
        return Samples(
            np.where(nearer, before.time, after.time), np.where(nearer, before.value, after.value)
        )

    def _previous(self, evaluation: Evaluation, time: FloatArray) -> Samples:
        previous = Samples(np.full(len(time), -np.inf), np.full(len(time), np.nan))
        for earlier in evaluation.history(self.cell_ms):
            other = earlier.frame(self._source).value
            at = earlier.column(self._source, Carried.TIME)
            known = ~np.isnan(other) & (at < time) & (at >= time - self._previous_ms)
            later = (at > previous.time) | ((at == previous.time) & (other > previous.value))
            previous.take_where(known & later, at, other)
        return previous

    def _changed(self, value: FloatArray, time: FloatArray, lower: Samples) -> FloatArray:
        first = np.isnan(lower.value)
        difference = np.where(first, 0.0, value - lower.value)
        if self._change is not Change.INCREASE:
            seconds = np.floor(np.where(first, 0.0, time - lower.time) / 1000.0)
            difference = np.where(seconds >= 1, difference / np.maximum(seconds, 1.0), 0.0)
        return np.where(np.isnan(value), np.nan, difference)
