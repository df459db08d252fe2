"""Datapoints to transitions: over a range of times, from given states on."""

from dataclasses import dataclass

import numpy as np

from app.alarms.datapoints import Datapoints
from app.alarms.entity_states import EntityStates
from app.alarms.judging import Transition, newest_value, transitions_between
from app.alarms.states import AlarmState, StateArray
from app.arrays import FloatArray, IntArray
from app.storage import TransitionRow


@dataclass(frozen=True, slots=True)
class Recent:
    """The newest datapoints (E, W) of all rows that there were, up to ``until_ms``."""

    until_ms: int
    values: FloatArray


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Transitions of a range by time and then by labels, and what the next range begins with.

    ``states`` (E,) are the last ones, ``recent`` what its windows reach back to.
    """

    transitions: list[Transition]
    states: StateArray
    recent: Recent | None


def evaluate_range(
    of: EntityStates,
    datapoints: Datapoints,
    initial: StateArray,
    first_ms: int,
    recent: Recent | None = None,
) -> Evaluated:
    """Evaluate the datapoints from ``first_ms`` on.

    ``initial`` (E,) are the states before that, of the rows that there were. The datapoints before,
    which windows reach back to, are ``recent`` or the first of the ``datapoints``.
    """
    rows = of.rows_of(datapoints.entities)
    times_ms, count = datapoints.times_ms, len(of.entities)
    values = _of_all(datapoints, rows, count)
    if recent is not None:
        size = recent.values.shape[1]
        before = np.full((count, size), np.nan)
        before[: len(recent.values)] = recent.values
        values = np.concatenate([before, values], axis=1)
        period_ms = of.rule.condition.period_ms
        times_ms = np.append(first_ms - np.arange(size, 0, -1) * period_ms, times_ms)
    first = int(np.searchsorted(times_ms, first_ms))
    initial = padded(initial, count)
    if first == len(times_ms):
        return Evaluated([], initial, recent)
    states = of.evaluate(values, initial, first)
    found = transitions_between(
        of.entities,
        of.condition,
        times_ms,
        values,
        initial=initial,
        states=states,
        first=first,
    )
    found.sort(key=lambda each: (each.at_ms, each.entity))
    kept = values[:, len(times_ms) - of.rule.warm_up :].copy()
    return Evaluated(found, states[:, -1].copy(), Recent(int(times_ms[-1]), kept))


def padded(states: StateArray, size: int) -> StateArray:
    """The states of more rows; those that were not there are in INSUFFICIENT_DATA."""
    more = np.full(size - len(states), AlarmState.INSUFFICIENT_DATA, np.int8)
    return np.append(states, more)


def standing(row: int, stored: TransitionRow) -> Transition:
    """A stored transition as one that was found."""
    return Transition(
        row,
        stored.entity,
        stored.at_ms,
        AlarmState[stored.from_state],
        AlarmState[stored.to_state],
        stored.reason,
        stored.datapoints,
        newest_value(stored.datapoints),
    )


def _of_all(datapoints: Datapoints, rows: IntArray, count: int) -> FloatArray:
    if len(rows) == count and (rows == np.arange(count)).all():
        return datapoints.values
    values = np.full((count, len(datapoints.times_ms)), np.nan)
    values[rows] = datapoints.values
    return values
