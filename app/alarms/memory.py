"""What the worker remembers of one term on one database; all of it can be lost at any time."""

from collections.abc import Iterator

import numpy as np

from app.alarms.datapoints import DatapointReader
from app.alarms.entity_states import EntityStates
from app.alarms.evaluation import Recent
from app.alarms.rule_round import Outcome
from app.alarms.rules import AlarmRule
from app.alarms.states import AlarmState
from app.alarms.watermark import Delays, Silence, watermark_ms
from app.clock import Clock
from app.storage import (
    AlarmProgress,
    AlarmRuleRow,
    Connection,
    read_alarm_rules,
    read_entity_states,
)


class Memory:
    """States of entities and how rules stand, as stored, and which series there are.

    What a round has found is ``foreseen`` and counts once it is ``committed``.
    """

    def __init__(self, clock: Clock) -> None:
        self.reader = DatapointReader(clock)
        self._clock = clock
        self._silence = Silence(clock.monotonic())
        self._newest_mark = 0
        self._rows: dict[str, AlarmRuleRow] | None = None
        self._states: dict[str, EntityStates] = {}
        self._recent: dict[str, tuple[str, Recent | None]] = {}
        self._foreseen: list[tuple[EntityStates, Outcome]] = []

    def watermark_ms(self, progress: AlarmProgress, newest_mark: int, delays: Delays) -> int:
        """Up to when data is taken to be there; ``newest_mark`` is 0 where none waits."""
        now_seconds = self._clock.monotonic()
        if newest_mark > self._newest_mark:
            self._newest_mark = newest_mark
            self._silence.heard(now_seconds)
        return self._silence.watermark_ms(
            watermark_ms(progress, delays),
            delays,
            now_seconds=now_seconds,
            now_ms=self._clock.now_ms(),
        )

    def rows(self, connection: Connection) -> dict[str, AlarmRuleRow]:
        """How the evaluation of rules stands, by name."""
        if self._rows is None:
            self._rows = read_alarm_rules(connection)
        return self._rows

    def states(self, connection: Connection, rule: AlarmRule) -> EntityStates:
        """The entities of a rule, judged by it if they have not been judged by another version."""
        of = self._states.get(rule.name)
        if of is None:
            of = self._states[rule.name] = EntityStates(rule)
            stored = read_entity_states(connection, rule.name)
            rows = of.rows_of([entity for entity, _ in stored])
            of.states[rows] = [AlarmState[state] for _, state in stored]
        elif of.rule.digest == rule.digest:
            # The message or the channels may have changed.
            of.rule = rule
        return of

    def recent(self, rule: AlarmRule) -> Recent | None:
        """The datapoints that the last round of the same rule has read, as far as windows reach."""
        digest, recent = self._recent.get(rule.name, ("", None))
        return recent if digest == rule.digest else None

    def foresee(self, of: EntityStates, outcome: Outcome) -> None:
        """Remember what an outcome will leave behind."""
        self._foreseen.append((of, outcome))

    def commit(self, rows: dict[str, AlarmRuleRow]) -> None:
        """What was foreseen is stored, and so are the ``rows``, which are all that there are."""
        self._recent = {}
        for of, outcome in self._foreseen:
            of.states = outcome.states
            self._recent[of.rule.name] = of.rule.digest, outcome.recent
        self._foreseen = []
        self._rows = rows
        self._states = {name: of for name, of in self._states.items() if name in rows}

    def counts(self) -> Iterator[tuple[str, str, int]]:
        """The number of entities by rule and state."""
        for name, of in self._states.items():
            numbers = np.bincount(of.states.astype(np.int64), minlength=len(AlarmState))
            for state in AlarmState:
                yield name, state.name, int(numbers[state])
