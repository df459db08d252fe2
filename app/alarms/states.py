"""The states of an alarm, and how one follows from the one before and a window of datapoints.

Pure: where datapoints come from, and what is done about a transition, is not known here.
"""

from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from app.alarms.conditions import Condition, MissingData
from app.arrays import BoolArray, CodeArray, FloatArray

StateArray = npt.NDArray[np.int8]


class AlarmState(IntEnum):
    """The states; ``name`` is CloudWatch's spelling, the value stands for it in arrays."""

    OK = 0
    ALARM = 1
    INSUFFICIENT_DATA = 2


_OK: Final = np.int8(AlarmState.OK)
_ALARM: Final = np.int8(AlarmState.ALARM)
_INSUFFICIENT: Final = np.int8(AlarmState.INSUFFICIENT_DATA)


def evaluate_states(
    condition: Condition, values: FloatArray, initial: StateArray, first: int
) -> StateArray:
    """The states at each datapoint from column ``first`` on.

    ``values`` (entities, datapoints) has a column per period, NaN where a datapoint is missing; the
    columns before ``first`` are the history that windows reach back into: what lies before them
    counts as missing, so ``condition.warm_up`` of them make the answer exact. ``initial``
    (entities) are the states before column ``first``. A state depends on nothing but the one before
    it and the ``warm_up`` + 1 datapoints up to its own; so it does not matter into how many calls a
    history is cut.
    """
    windows = _windows(condition, values)
    states = np.empty((len(values), values.shape[1] - first), np.int8)
    state = initial.astype(np.int8)
    for column in range(first, values.shape[1]):
        state = _next(condition, state, windows, column)
        states[:, column - first] = state
    return states


class _Windows(NamedTuple):
    """Counts over the window of N datapoints that ends at each column.

    ``breaching`` and ``still_breaching`` are those beyond the threshold and beyond the one that
    counts in ALARM, ``leading`` the missing ones before the first that exists.
    """

    breaching: CodeArray
    still_breaching: CodeArray
    existing: CodeArray
    leading: CodeArray
    stale: BoolArray


def _windows(condition: Condition, values: FloatArray) -> _Windows:
    periods = condition.evaluation_periods
    present = ~np.isnan(values)
    breaching = still = _counts(condition.breaches(values), periods)
    if condition.recovery_threshold is not None:
        still = _counts(condition.breaches(values, in_alarm=True), periods)
    stale = np.zeros_like(present)
    if condition.stale_periods is not None:
        stale = _counts(present, condition.stale_periods) == 0
    existing, leading = _counts(present, periods), _before_first(present, periods)
    return _Windows(breaching, still, existing, leading, stale)


def _next(condition: Condition, state: StateArray, windows: _Windows, column: int) -> StateArray:
    """The states that follow on ``state`` at a column."""
    needed = condition.datapoints_to_alarm
    existing, stale = windows.existing[:, column], windows.stale[:, column]
    breaching = np.where(
        state == _ALARM, windows.still_breaching[:, column], windows.breaching[:, column]
    )
    nothing = existing == 0
    unborn = nothing & (state == _INSUFFICIENT)
    match condition.missing_data:
        case MissingData.BREACHING:
            possible = breaching + condition.evaluation_periods - existing
            # What is missing before the first datapoint of an entity says nothing about it: until
            # that makes no difference, the entity is not judged.
            unknown = np.where(state == _INSUFFICIENT, windows.leading[:, column], 0)
            following = np.where(possible < needed, _OK, _INSUFFICIENT)
            following = np.where(possible - unknown >= needed, _ALARM, following)
            following = np.where(unborn, _INSUFFICIENT, following)
        case MissingData.NOT_BREACHING:
            following = np.where(breaching >= needed, _ALARM, _OK)
            following = np.where(unborn, _INSUFFICIENT, following)
        case _:
            # All that exist breach, and they are too few: what is missing would decide.
            undecided = (breaching < needed) & (breaching == existing)
            following = np.where(breaching >= needed, _ALARM, np.where(undecided, state, _OK))
            if condition.missing_data is MissingData.MISSING:
                following = np.where(nothing & (state == _OK), _INSUFFICIENT, following)
            following = np.where(stale & (following == _ALARM), _INSUFFICIENT, following)
            following = np.where(stale & (state != _OK), _INSUFFICIENT, following)
    return following.astype(np.int8)


def _counts(flags: BoolArray, window: int) -> CodeArray:
    """How many of the last ``window`` columns up to each are set."""
    sums = np.cumsum(flags, axis=1, dtype=np.int32)
    counts = sums.copy()
    counts[:, window:] -= sums[:, :-window]
    return counts


def _before_first(present: BoolArray, window: int) -> CodeArray:
    """How many columns of each window of ``window`` columns come before the first that is set."""
    entities, columns = present.shape
    places = np.arange(columns, dtype=np.int32)
    following = np.where(present, places, np.int32(columns))
    following = np.minimum.accumulate(following[:, ::-1], axis=1)[:, ::-1]
    begins = places - (window - 1)
    first = np.empty((entities, columns), np.int32)
    inside = begins >= 0
    first[:, inside] = following[:, begins[inside]]
    if columns:
        first[:, ~inside] = following[:, :1]
    leading: CodeArray = np.minimum(first - begins, window)
    return leading
