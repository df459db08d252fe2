"""States of alarms: what the arrays give is what one datapoint after the other gives."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.alarms.conditions import Comparison, Condition, MissingData
from app.alarms.states import AlarmState, evaluate_states
from tests.unit.alarms.state_reference import Datapoints, reference_states

MINUTE = 60_000


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    comparison = draw(st.sampled_from(list(Comparison)))
    periods = draw(st.integers(1, 6))
    recovery = draw(st.none() | st.integers(0, 3))
    policy = draw(st.sampled_from(list(MissingData)))
    keeps = policy in {MissingData.MISSING, MissingData.IGNORE}
    period_ms = draw(st.sampled_from([1, 5])) * MINUTE
    shortest = period_ms // MINUTE
    stale = st.none() | st.integers(shortest, 3 * shortest) | st.integers(shortest, 30)
    stale_after = draw(stale) if keeps else None
    sign = -1 if comparison.is_upward else 1
    return Condition(
        comparison=comparison,
        threshold=4.0,
        recovery_threshold=None if recovery is None else 4.0 + sign * recovery,
        period_ms=period_ms,
        evaluation_periods=periods,
        datapoints_to_alarm=draw(st.integers(1, periods)),
        missing_data=policy,
        stale_after_ms=None if stale_after is None else stale_after * MINUTE,
    )


VALUES = st.none() | st.integers(0, 8).map(float)

HISTORY = st.lists(VALUES | st.none(), min_size=1, max_size=60)
STATES = st.sampled_from(list(AlarmState))


def matrix(histories: list[Datapoints]) -> np.ndarray:
    return np.array(
        [[np.nan if value is None else value for value in history] for history in histories]
    )


@given(conditions(), st.lists(st.tuples(HISTORY, STATES), min_size=1, max_size=4), st.data())
@settings(max_examples=300, deadline=None)
def test_states_are_those_of_the_reference(
    condition: Condition, entities: list[tuple[Datapoints, AlarmState]], data: st.DataObject
) -> None:
    columns = min(len(history) for history, _ in entities)
    histories = [history[:columns] for history, _ in entities]
    first = data.draw(st.integers(0, columns))
    initial = np.array([state for _, state in entities], np.int8)
    found = evaluate_states(condition, matrix(histories), initial, first)
    assert found.shape == (len(entities), columns - first)
    for row, (history, (_, state)) in enumerate(zip(histories, entities, strict=True)):
        expected = reference_states(condition, history, first, state.name)
        assert [AlarmState(code).name for code in found[row]] == expected


@given(conditions(), HISTORY, STATES, st.lists(st.integers(0, 60), max_size=5))
@settings(max_examples=200, deadline=None)
def test_a_history_may_be_cut_anywhere(
    condition: Condition, history: Datapoints, state: AlarmState, cuts: list[int]
) -> None:
    """Each piece sees its warm-up and the state before it, and nothing else."""
    values = matrix([history])
    whole = evaluate_states(condition, values, np.array([state], np.int8), 0)
    bounds = sorted({0, len(history), *(cut for cut in cuts if cut < len(history))})
    pieces = []
    current = np.array([state], np.int8)
    for begin, end in pairwise(bounds):
        reach = max(0, begin - condition.warm_up)
        piece = evaluate_states(condition, values[:, reach:end], current, begin - reach)
        current = piece[:, -1]
        pieces.append(piece)
    assert np.array_equal(np.concatenate(pieces, axis=1), whole)


@given(conditions(), HISTORY)
@settings(max_examples=100, deadline=None)
def test_silence_leaves_no_alarm_where_the_rule_does_not_say_so(
    condition: Condition, history: Datapoints
) -> None:
    """Whatever was, long silence ends it, except where missing datapoints breach."""
    silence: Datapoints = [None] * (condition.warm_up + 2)
    values = matrix([history + silence])
    states = evaluate_states(condition, values, np.array([2], np.int8), 0)
    if condition.missing_data is not MissingData.BREACHING:
        assert states[0, -1] != AlarmState.ALARM
    elif any(value is not None for value in history):
        assert states[0, -1] == AlarmState.ALARM
