"""Rules that come, change and go: what that does to the states that there are."""

from dataclasses import dataclass

from app.alarms.corrections import following
from app.alarms.entity_states import EntityStates
from app.alarms.judging import LEFT_OUT, Transition
from app.alarms.rule_round import Outcome
from app.alarms.rules import AlarmRule
from app.alarms.states import AlarmState
from app.alarms.telling import Telling, endings
from app.labels import LabelSet
from app.storage import (
    AlarmRuleRow,
    Connection,
    NewTransition,
    read_alarm_states,
)

GONE = "The rule is gone"


def begun(rule: AlarmRule, frontier_ms: int, *, is_first: bool) -> AlarmRuleRow:
    """Where a new rule begins: with the datapoint at the frontier, so that states are there soon.

    With the first round in a database all of its history is the rule's, also that which comes late.
    """
    if is_first:
        return AlarmRuleRow(rule.name, rule.digest, 0, frontier_ms)
    period_ms = rule.condition.period_ms
    since_ms = following(frontier_ms, period_ms) - 2 * period_ms
    return AlarmRuleRow(rule.name, rule.digest, since_ms, since_ms)


def left_out(of: EntityStates, rule: AlarmRule, at_ms: int) -> Outcome:
    """Put a changed rule in force: the entities that it leaves out have no state any more.

    ``of`` judges by the rule from now on.
    """
    rows = of.change_rule(rule)
    states = of.states.copy()
    outcome = Outcome(states)
    for row in rows:
        before = AlarmState(int(states[row]))
        after = AlarmState.INSUFFICIENT_DATA
        found = Transition(row, of.entities[row], at_ms, before, after, LEFT_OUT, (), None)
        outcome.new.append(found)
        outcome.last[row] = found
        states[row] = after
    return outcome


@dataclass(frozen=True, slots=True)
class Departure:
    """What becomes of a rule that is not there any more."""

    transitions: list[NewTransition]
    entities: list[LabelSet]
    tellings: list[Telling]


def departed(connection: Connection, row: AlarmRuleRow) -> Departure:
    """All states of a rule end, and so do its incidents."""
    states = read_alarm_states(connection, rule=row.rule)
    after = AlarmState.INSUFFICIENT_DATA.name
    transitions = [
        NewTransition(row.rule, each.entity, row.evaluated_ms, each.state, after, GONE, (), False)
        for each in states
        if each.state != after
    ]
    entities = [each.entity for each in states]
    told = endings(connection, row.rule, entities, row.evaluated_ms, GONE)
    return Departure(transitions, entities, told)
