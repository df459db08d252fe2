"""What late or corrected minutes change: ranges to evaluate again, and how the past differs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from app.alarms.entity_states import EntityStates
from app.alarms.evaluation import padded
from app.alarms.judging import Transition
from app.alarms.reach import reach_ms
from app.alarms.rules import AlarmRule, ExpressionSource, QuarantineSource
from app.alarms.states import AlarmState, StateArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.storage import TransitionRow


@dataclass(frozen=True, slots=True)
class Affected:
    """Datapoints from ``first_ms`` to ``last_ms``, both among them, that may have changed."""

    first_ms: int
    last_ms: int


def affected(
    rule: AlarmRule, minutes: Iterable[int], after_ms: int, until_ms: int
) -> list[Affected]:
    """The datapoints in (``after_ms``, ``until_ms``] in which any of the minutes has a part.

    Ascending. Where only windows of the rule still reach back to such a datapoint, the first of
    those stands for it.
    """
    if isinstance(rule.source, QuarantineSource):
        return []
    period_ms = rule.condition.period_ms
    window_ms = rule.warm_up * period_ms
    reach = reach_ms(rule.source.expression) if isinstance(rule.source, ExpressionSource) else 0
    ranges = []
    for minute in sorted(set(minutes)):
        begin_ms = minute * MILLISECONDS_PER_MINUTE
        first_ms = following(begin_ms, period_ms)
        last_ms = (begin_ms + MILLISECONDS_PER_MINUTE + reach) // period_ms * period_ms
        last_ms = max(last_ms, first_ms)
        if last_ms + window_ms <= after_ms:
            continue
        first_ms = max(first_ms, following(after_ms, period_ms))
        if first_ms <= until_ms:
            ranges.append(Affected(first_ms, min(max(last_ms, first_ms), until_ms)))
    return ranges


def following(time_ms: int, period_ms: int) -> int:
    """The first end of a period after a time."""
    return time_ms // period_ms * period_ms + period_ms


class History:
    """The standing transitions of a rule's entities from some time on, and so their states then."""

    def __init__(self, of: EntityStates, transitions: Sequence[TransitionRow]) -> None:
        """``transitions`` come newest first, as they are read; ``of`` has the states after them."""
        self._of = of
        rows = of.rows_of([each.entity for each in transitions])
        self._transitions = list(zip(rows.tolist(), transitions, strict=True))

    def states_at(self, time_ms: int) -> StateArray:
        """The states (E,) after all transitions up to a time."""
        states = self._of.states.copy()
        for row, transition in self._transitions:
            if transition.at_ms <= time_ms:
                break
            states[row] = AlarmState[transition.from_state]
        return states

    def between(self, first_ms: int, last_ms: int) -> list[tuple[int, TransitionRow]]:
        """Rows and transitions in [``first_ms``, ``last_ms``], newest first."""
        return [item for item in self._transitions if first_ms <= item[1].at_ms <= last_ms]


@dataclass(frozen=True, slots=True)
class Difference:
    """Transitions that stand no longer, those that stand now and did not, and those that stay."""

    withdrawn: list[tuple[int, TransitionRow]]
    new: list[Transition]


def difference(
    before: Sequence[tuple[int, TransitionRow]], now: Sequence[Transition]
) -> Difference:
    """How the standing transitions of a range differ; one is the same only in all that it says."""
    found = {(each.row, each.at_ms): each for each in now}
    kept = set()
    withdrawn = []
    for row, transition in before:
        each = found.get((row, transition.at_ms))
        if each is not None and _is_same(transition, each):
            kept.add((row, transition.at_ms))
        else:
            withdrawn.append((row, transition))
    return Difference(withdrawn, [each for key, each in found.items() if key not in kept])


def agree(states: StateArray, others: StateArray) -> bool:
    """Whether the states of all rows are the same; rows that only one has are INSUFFICIENT_DATA."""
    size = max(len(states), len(others))
    return bool(np.array_equal(padded(states, size), padded(others, size)))


def _is_same(transition: TransitionRow, found: Transition) -> bool:
    return (
        transition.from_state == found.before.name
        and transition.to_state == found.after.name
        and transition.reason == found.reason
        and transition.datapoints == found.datapoints
    )
