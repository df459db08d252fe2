"""Series as the evaluator holds them: a row for each series, a column for each time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.arrays import BoolArray, FloatArray, IntArray
from app.labels import LabelSet


@dataclass(frozen=True, slots=True)
class Steps:
    """The times at which an expression is evaluated: ``count`` of them, ``step_ms`` apart."""

    start_ms: int
    step_ms: int
    count: int

    @property
    def times(self) -> IntArray:
        """Milliseconds, ascending, of length ``count``."""
        return self.start_ms + np.arange(self.count, dtype=np.int64) * self.step_ms

    @property
    def end_ms(self) -> int:
        """The last of the times."""
        return self.start_ms + (self.count - 1) * self.step_ms


@dataclass(frozen=True, slots=True)
class Samples:
    """Stored samples of series that share their times, such as those of one scrape or one minute.

    ``times`` has shape (G,), ascending and distinct, in milliseconds; ``values`` and ``present``
    have shape (S, G) for S ``labels``. A value is NaN where nothing is ``present``; a NaN that is
    present is a value. ``stale``, of the same shape, marks where a series was said to have ended
    (None: nowhere); nothing is present there. ``interval_ms`` is how long each sample stands when
    that is longer than the engine's lookback, as for hours; 0 otherwise. ``starts``, of the same
    shape, are the times since which counters have counted, 0 where that is not known (None:
    nowhere).
    """

    labels: Sequence[LabelSet]
    times: IntArray
    values: FloatArray
    present: BoolArray
    stale: BoolArray | None = None
    interval_ms: int = 0
    starts: IntArray | None = None


@dataclass(frozen=True, slots=True)
class Vector:
    """An instant vector at each step: ``values`` and ``present`` of shape (S, T) for S ``labels``.

    A value is NaN where nothing is ``present``. Rows without any sample are allowed; the answer
    leaves them out. ``ordered`` says that the order of rows is part of the result (``sort``).
    """

    labels: Sequence[LabelSet]
    values: FloatArray
    present: BoolArray
    ordered: bool = False

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Windows:
    """The windows of a range vector at T steps, over samples of S series that share their times.

    The window of step t holds the columns [``low[t]``, ``high[t]``) of ``times`` (G), ``values``
    and ``present`` (S, G): those with ``starts_ms[t]`` < time <= ``ends_ms[t]``. Stale markers are
    not present. Where a window is wider than its samples, extrapolation uses its bounds.
    With an ``extension`` (``anchored``, ``smoothed``) the columns reach beyond the window by the
    lookback, to the past and of ``smoothed`` also to the future.
    """

    labels: Sequence[LabelSet]
    times: IntArray
    values: FloatArray
    present: BoolArray
    low: IntArray
    high: IntArray
    starts_ms: IntArray
    ends_ms: IntArray
    extension: str = ""
    starts: IntArray | None = None

    def __len__(self) -> int:
        return len(self.labels)


def empty_vector(steps: int) -> Vector:
    """A vector without series."""
    return Vector((), np.empty((0, steps)), np.empty((0, steps), np.bool_))
