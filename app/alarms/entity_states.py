"""The entities of one rule as arrays: their states, and the condition that counts for each."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
import structlog

from app.alarms.conditions import Condition
from app.alarms.rules import AlarmRule
from app.alarms.states import AlarmState, StateArray, evaluate_states
from app.arrays import CodeArray, FloatArray, IntArray
from app.labels import LabelSet
from app.query.prometheus.naming import ACCOUNT, REGION
from app.storage import labels_text

LONGEST_ENTITY_BYTES: Final = 2_000
"""Entities with longer texts are left out, with a warning: no index of PostgreSQL takes them."""

_LEFT_OUT: Final = -1
_MOST_SHOWN: Final = 200

_log = structlog.get_logger(__name__)


class EntityStates:
    """The entities that a rule has had datapoints of, one row each; rows are only ever added.

    ``states`` (E,) are those at the frontier.
    """

    def __init__(self, rule: AlarmRule) -> None:
        self.rule = rule
        self.entities: list[LabelSet] = []
        self.states: StateArray = np.empty(0, np.int8)
        self._rows: dict[LabelSet, int] = {}
        self._conditions: list[Condition] = []
        self._condition_of: CodeArray = np.empty(0, np.int32)
        self._last: tuple[Sequence[LabelSet], IntArray] | None = None

    def change_rule(self, rule: AlarmRule) -> list[int]:
        """Take another rule; the rows of entities that it leaves out and that are in any state."""
        self.rule = rule
        self._conditions = []
        self._condition_of = self._judged(self.entities)
        left_out = self._condition_of == _LEFT_OUT
        rows: list[int] = np.flatnonzero(
            left_out & (self.states != AlarmState.INSUFFICIENT_DATA)
        ).tolist()
        return rows

    def rows_of(self, entities: Sequence[LabelSet]) -> IntArray:
        """The rows of entities, new ones at the end."""
        if self._last is not None and self._last[0] is entities:
            return self._last[1]
        new = [entity for entity in entities if entity not in self._rows]
        if new:
            begin = len(self.entities)
            self._rows.update((entity, begin + place) for place, entity in enumerate(new))
            self.entities += new
            self.states = np.append(
                self.states, np.full(len(new), AlarmState.INSUFFICIENT_DATA, np.int8)
            )
            self._condition_of = np.append(self._condition_of, self._judged(new))
        rows = np.fromiter((self._rows[entity] for entity in entities), np.int64, len(entities))
        self._last = entities, rows
        return rows

    def condition(self, row: int) -> Condition | None:
        """The condition of an entity, None where the rule leaves it out."""
        number = self._condition_of[row]
        return None if number == _LEFT_OUT else self._conditions[number]

    def evaluate(self, values: FloatArray, initial: StateArray, first: int) -> StateArray:
        """``evaluate_states`` of all rows; those that are left out keep their state."""
        count = values.shape[1] - first
        states = np.repeat(initial.astype(np.int8)[:, np.newaxis], count, axis=1)
        for number, condition in enumerate(self._conditions):
            chosen = self._condition_of == number
            if chosen.all():
                return evaluate_states(condition, values, initial, first)
            if chosen.any():
                states[chosen] = evaluate_states(condition, values[chosen], initial[chosen], first)
        return states

    def _judged(self, entities: Iterable[LabelSet]) -> CodeArray:
        return np.array(list(self._places(entities)), np.int32)

    def _places(self, entities: Iterable[LabelSet]) -> Iterator[int]:
        names = self.rule.label_names
        for entity in entities:
            found = self.rule.for_entity(entity)
            # Of the labels that the rule had before it was changed no datapoint will come.
            if found is None or (names is not None and _names_of(entity) != names):
                yield _LEFT_OUT
                continue
            text = labels_text(entity)
            if len(text.encode()) > LONGEST_ENTITY_BYTES:
                _log.warning(
                    "an alarm does not watch an entity whose labels are too long",
                    rule=self.rule.name,
                    entity=text[:_MOST_SHOWN],
                    most_bytes=LONGEST_ENTITY_BYTES,
                )
                yield _LEFT_OUT
                continue
            if found.condition not in self._conditions:
                self._conditions.append(found.condition)
            yield self._conditions.index(found.condition)


def _names_of(entity: LabelSet) -> set[str]:
    return {name for name, _ in entity} - {ACCOUNT, REGION}
