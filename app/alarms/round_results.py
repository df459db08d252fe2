"""What a round of alarms is to store, gathered while reading and written in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.alarms.entity_states import EntityStates
from app.alarms.judging import Transition
from app.alarms.rule_round import Outcome
from app.alarms.telling import Telling, store
from app.labels import LabelSet
from app.storage import (
    AlarmProgress,
    AlarmRuleRow,
    AlarmStateRow,
    Connection,
    NewTransition,
    add_transitions,
    delete_alarm_marks,
    delete_alarm_rules,
    delete_alarm_states,
    withdraw_transitions,
    write_alarm_progress,
    write_alarm_rules,
    write_alarm_states,
)

WITHDRAWN = "Late or corrected data has changed what this was decided by"


@dataclass(slots=True)
class RoundResults:
    """Everything that one round changes; nothing happens before ``write``."""

    progress: AlarmProgress
    marks: Sequence[int]
    rules: list[AlarmRuleRow] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    transitions: list[NewTransition] = field(default_factory=list)
    withdrawn: list[int] = field(default_factory=list)
    states: list[AlarmStateRow] = field(default_factory=list)
    forgotten: list[tuple[str, list[LabelSet]]] = field(default_factory=list)
    tellings: list[Telling] = field(default_factory=list)

    def add(self, of: EntityStates, outcome: Outcome, tellings: Sequence[Telling]) -> None:
        """Add what a rule's round has found."""
        name = of.rule.name
        self.transitions += [_new(name, each, late=True) for each in outcome.late]
        self.transitions += [_new(name, each, late=False) for each in outcome.new]
        self.withdrawn += [gone.transition_id for _, gone in outcome.withdrawn]
        self.states += [_state(name, last) for last in outcome.last.values() if last is not None]
        forgotten = [of.entities[row] for row, last in outcome.last.items() if last is None]
        if forgotten:
            self.forgotten.append((name, forgotten))
        self.tellings += tellings

    def write(self, connection: Connection, now_ms: int) -> int:
        """Store all of it; returns the number of events."""
        withdraw_transitions(connection, self.withdrawn, now_ms, WITHDRAWN)
        add_transitions(connection, self.transitions, now_ms)
        for rule, entities in self.forgotten:
            delete_alarm_states(connection, rule, entities)
        write_alarm_states(connection, self.states)
        delete_alarm_rules(connection, self.gone)
        write_alarm_rules(connection, self.rules)
        events = store(connection, self.tellings, now_ms)
        delete_alarm_marks(connection, self.marks)
        write_alarm_progress(connection, self.progress)
        return events


def _new(rule: str, found: Transition, *, late: bool) -> NewTransition:
    return NewTransition(
        rule,
        found.entity,
        found.at_ms,
        found.before.name,
        found.after.name,
        found.reason,
        found.datapoints,
        late,
    )


def _state(rule: str, last: Transition) -> AlarmStateRow:
    return AlarmStateRow(
        rule,
        last.entity,
        last.after.name,
        last.at_ms,
        last.reason,
        last.datapoints,
        last.value,
    )
