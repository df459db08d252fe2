"""From the datapoints of a rule's entities to their states and transitions; pure.

The evaluation while serving, replays and the tests of rules all go through here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from app.alarms.conditions import Condition
from app.alarms.reasons import transition_reason
from app.alarms.rules import AlarmRule, EntityRule
from app.alarms.states import AlarmState, StateArray, evaluate_states
from app.arrays import FloatArray, IntArray
from app.labels import LabelSet

MOST_DATAPOINTS = 100
"""Datapoints that are kept with a transition, the newest of its window."""

LEFT_OUT = "The rule leaves this entity out or is switched off for it"


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of an entity's state at ``at_ms``, the end of a period.

    ``row`` is the entity's place in what was judged. ``datapoints`` are those of the window, ends
    of periods and values, None where one is missing; ``value`` is the newest there is.
    """

    row: int
    entity: LabelSet
    at_ms: int
    before: AlarmState
    after: AlarmState
    reason: str
    datapoints: tuple[tuple[int, float | None], ...]
    value: float | None


def judge(
    rule: AlarmRule,
    entities: Sequence[LabelSet],
    times_ms: IntArray,
    values: FloatArray,
    initial: StateArray,
    *,
    first: int,
    settings: Sequence[EntityRule | None] | None = None,
) -> tuple[StateArray, list[Transition]]:
    """States (entities, datapoints from column ``first`` on), and transitions by time and entity.

    ``values`` and ``initial`` are as ``evaluate_states`` takes them, ``times_ms`` are the ends of
    the periods of all columns. An entity that the rule leaves out is in INSUFFICIENT_DATA.
    ``settings`` are what ``rule.for_entity`` says of each entity, for callers that remember it.
    """
    if settings is None:
        settings = [rule.for_entity(entity) for entity in entities]
    states = np.full((len(entities), len(times_ms) - first), AlarmState.INSUFFICIENT_DATA, np.int8)
    rows_of: dict[Condition, list[int]] = {}
    for row, effective in enumerate(settings):
        if effective is not None:
            rows_of.setdefault(effective.condition, []).append(row)
    for condition, rows in rows_of.items():
        states[rows] = evaluate_states(condition, values[rows], initial[rows], first)
    conditions = [None if effective is None else effective.condition for effective in settings]
    return states, transitions_between(
        entities,
        conditions.__getitem__,
        times_ms,
        values,
        initial=initial,
        states=states,
        first=first,
    )


def transitions_between(
    entities: Sequence[LabelSet],
    condition_of: Callable[[int], Condition | None],
    times_ms: IntArray,
    values: FloatArray,
    *,
    initial: StateArray,
    states: StateArray,
    first: int,
) -> list[Transition]:
    """Where ``states`` differ from those before them, by time and entity; ``initial`` come first.

    ``condition_of`` tells the condition of a row, None where the rule leaves the entity out.
    """
    if not states.shape[1]:
        return []
    before = np.concatenate([initial[:, np.newaxis].astype(np.int8), states[:, :-1]], axis=1)
    columns, rows_changed = np.nonzero((states != before).T)
    transitions = []
    for column, row in zip(columns.tolist(), rows_changed.tolist(), strict=True):
        condition = condition_of(row)
        end = first + column + 1
        old, new = AlarmState(int(before[row, column])), AlarmState(int(states[row, column]))
        if condition is None:
            transitions.append(
                Transition(row, entities[row], int(times_ms[end - 1]), old, new, LEFT_OUT, (), None)
            )
            continue
        begin = max(0, end - condition.evaluation_periods)
        of_window, times = values[row, begin:end], times_ms[begin:end]
        datapoints = _datapoints(times, of_window)
        transitions.append(
            Transition(
                row=row,
                entity=entities[row],
                at_ms=int(times_ms[end - 1]),
                before=old,
                after=new,
                reason=transition_reason(condition, old, new, times, of_window),
                datapoints=datapoints,
                value=newest_value(datapoints),
            )
        )
    return transitions


def newest_value(datapoints: Sequence[tuple[int, float | None]]) -> float | None:
    """The last value that is not missing."""
    return next((value for _, value in reversed(datapoints) if value is not None), None)


def _datapoints(times_ms: IntArray, values: FloatArray) -> tuple[tuple[int, float | None], ...]:
    pairs = zip(
        times_ms[-MOST_DATAPOINTS:].tolist(), values[-MOST_DATAPOINTS:].tolist(), strict=True
    )
    return tuple((time, None if value != value else value) for time, value in pairs)  # noqa: PLR0124
