"""The states of alarms as REST and pages tell them: with rule, incident, and who has seen to it."""

from collections.abc import Collection
from dataclasses import dataclass

from app.alarms.notifications.silencing import Silences
from app.alarms.rules import AlarmRule
from app.alarms.states import AlarmState
from app.api.alarms.content import rules_by_name, severity_of
from app.api.alarms.filters import AlarmFilter
from app.api.context import ApiContext
from app.labels import LabelSet
from app.storage import (
    AcknowledgementRow,
    AlarmStateRow,
    IncidentRow,
    SilenceRow,
    read_acknowledgements,
    read_alarm_frontier,
    read_alarm_states,
    read_incidents,
    read_silences,
)


@dataclass(frozen=True, slots=True)
class StandingAlarm:
    """The state of an entity. ``rule`` is None where it is gone; silences are those that hold."""

    row: AlarmStateRow
    rule: AlarmRule | None
    incident: IncidentRow | None
    acknowledgement: AcknowledgementRow | None
    silences: tuple[SilenceRow, ...]

    @property
    def severity(self) -> str | None:
        """The severity of the entity; None when the rule is gone."""
        return severity_of(self.rule, self.row.entity)

    @property
    def labels(self) -> LabelSet:
        """Those that the rule adds."""
        return self.rule.labels if self.rule else ()


@dataclass(frozen=True, slots=True)
class StandingAlarms:
    """States by rule and entity, as of ``frontier_ms``; None before any evaluation."""

    frontier_ms: int | None
    alarms: tuple[StandingAlarm, ...]


def standing_alarms(
    context: ApiContext, wanted: AlarmFilter, states: Collection[str] = ()
) -> StandingAlarms:
    """The alarms that are asked for; no ``states`` are all of them."""
    now_ms = context.clock.now_ms()
    with context.store.read() as connection:
        frontier_ms = read_alarm_frontier(connection)
        only_state = next(iter(states)) if len(states) == 1 else None
        rows = read_alarm_states(connection, rule=wanted.only_rule, state=only_state)
        incidents = read_incidents(connection, rule=wanted.only_rule, open_only=True)
        acknowledgements = read_acknowledgements(connection)
        silences = Silences(read_silences(connection, ending_after_ms=now_ms))
    rules = rules_by_name(context.alarm_rules())
    open_ones = {(each.rule, each.entity): each for each in incidents}
    found = []
    for row in rows:
        rule = rules.get(row.rule)
        severity, labels = severity_of(rule, row.entity), rule.labels if rule else ()
        if states and row.state not in states:
            continue
        if not wanted.takes(row.rule, severity, row.entity, labels):
            continue
        incident = open_ones.get((row.rule, row.entity))
        seen = acknowledgements.get(incident.incident_id) if incident else None
        holding: list[SilenceRow] = []
        if row.state == AlarmState.ALARM.name:
            told = alert_labels(row.rule, row.entity, labels, severity)
            holding = silences.holding(told, now_ms)
        found.append(StandingAlarm(row, rule, incident, seen, tuple(holding)))
    return StandingAlarms(frontier_ms, tuple(found))


def alert_labels(
    rule: str, entity: LabelSet, labels: LabelSet, severity: str | None
) -> dict[str, str]:
    """The labels by which silences hold, as those of notifications."""
    return {
        **dict(labels),
        **dict(entity),
        "alarm": rule,
        "alertname": rule,
        "severity": severity or "",
    }
