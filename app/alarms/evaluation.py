"""Datapoints to transitions: over a range of times, from given states on."""

import numpy as np

from app.alarms.datapoints import Datapoints
from app.alarms.entity_states import EntityStates
from app.alarms.judging import Transition, newest_value, transitions_between
from app.alarms.states import AlarmState, StateArray
from app.arrays import FloatArray, IntArray
from app.storage import TransitionRow


def evaluate_range(
    of: EntityStates, datapoints: Datapoints, initial: StateArray, first_ms: int
) -> tuple[list[Transition], StateArray]:
    """Transitions at the datapoints from ``first_ms`` on, and the last states.

    ``initial`` (E,) are the states before that, of the rows that there were; the datapoints before
    are those that windows reach back to. Transitions come by time, and then by labels.
    """
    rows = of.rows_of(datapoints.entities)
    times_ms, count = datapoints.times_ms, len(of.entities)
    first = int(np.searchsorted(times_ms, first_ms))
    initial = padded(initial, count)
    if first == len(times_ms):
        return [], initial
    values = _of_all(datapoints, rows, count)
    states = of.evaluate(values, initial, first)
    found = transitions_between(
        of.entities, of.condition, times_ms, values, initial=initial, states=states, first=first
    )
    found.sort(key=lambda each: (each.at_ms, each.entity))
    return found, states[:, -1].copy()


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
