"""Writing the history of alarms: every function works in the transaction of one round."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.labels import LabelSet
from app.storage.alarm_rows import (
    AlarmRuleRow,
    AlarmStateRow,
    Datapoints,
    IncidentRow,
    datapoints_text,
    labels_text,
    names_text,
)
from app.storage.alarm_tables import (
    alarm_event,
    alarm_incident,
    alarm_rule,
    alarm_state,
    alarm_transition,
    quarantine_arrival,
)
from app.storage.chunks import chunked
from app.storage.dialects import insert_into

_FORGOTTEN_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class NewTransition:
    """A transition that is to be stored, see ``TransitionRow``."""

    rule: str
    entity: LabelSet
    at_ms: int
    from_state: str
    to_state: str
    reason: str
    datapoints: Datapoints
    late: bool


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that is to be stored, see ``AlarmEvent``."""

    kind: str
    incident: IncidentRow
    at_ms: int
    reason: str
    late: bool
    channels: tuple[str, ...]


def add_transitions(
    connection: sa.Connection, transitions: Sequence[NewTransition], evaluated_ms: int
) -> None:
    """Insert transitions, in the order given."""
    rows = [
        {
            "rule": each.rule,
            "entity": labels_text(each.entity),
            "at_ms": each.at_ms,
            "from_state": each.from_state,
            "to_state": each.to_state,
            "reason": each.reason,
            "datapoints": datapoints_text(each.datapoints),
            "evaluated_ms": evaluated_ms,
            "late": int(each.late),
            "withdrawn_reason": "",
        }
        for each in transitions
    ]
    if rows:
        connection.execute(sa.insert(alarm_transition), rows)


def withdraw_transitions(
    connection: sa.Connection, transition_ids: Sequence[int], withdrawn_ms: int, reason: str
) -> None:
    """Mark transitions as no longer standing, and say when that was found and why."""
    for chunk in chunked(transition_ids, 500):
        connection.execute(
            sa.update(alarm_transition)
            .where(alarm_transition.c.transition_id.in_(chunk))
            .values(withdrawn_ms=withdrawn_ms, withdrawn_reason=reason)
        )


def write_alarm_states(connection: sa.Connection, states: Sequence[AlarmStateRow]) -> None:
    """Store states, in place of those that were there."""
    rows = [
        {
            "rule": each.rule,
            "entity": labels_text(each.entity),
            "state": each.state,
            "since_ms": each.since_ms,
            "reason": each.reason,
            "datapoints": datapoints_text(each.datapoints),
            "value": each.value,
        }
        for each in states
    ]
    _upsert(connection, alarm_state, rows)


def delete_alarm_states(connection: sa.Connection, rule: str, entities: Sequence[LabelSet]) -> None:
    """Forget the states of entities."""
    for chunk in chunked([labels_text(entity) for entity in entities], 500):
        connection.execute(
            sa.delete(alarm_state).where(
                alarm_state.c.rule == rule, alarm_state.c.entity.in_(chunk)
            )
        )


def write_alarm_rules(connection: sa.Connection, rules: Iterable[AlarmRuleRow]) -> None:
    """Store how the evaluation of rules stands."""
    names = [column.name for column in alarm_rule.columns]
    _upsert(
        connection, alarm_rule, [{name: getattr(rule, name) for name in names} for rule in rules]
    )


def delete_alarm_rules(connection: sa.Connection, names: Sequence[str]) -> None:
    """Forget rules that are gone."""
    for chunk in chunked(names, 500):
        connection.execute(sa.delete(alarm_rule).where(alarm_rule.c.rule.in_(chunk)))


def add_incident(
    connection: sa.Connection, incident: IncidentRow, channels: tuple[str, ...]
) -> int:
    """Insert an incident, whose own id does not matter; returns the one that it has now."""
    statement = sa.insert(alarm_incident).values(**_incident(incident, channels))
    made = connection.execute(statement.returning(alarm_incident.c.incident_id))
    return int(made.scalar_one())


def update_incident(connection: sa.Connection, incident: IncidentRow) -> None:
    """Store when an incident begins and ends by what is known now, and whether it stands."""
    connection.execute(
        sa.update(alarm_incident)
        .where(alarm_incident.c.incident_id == incident.incident_id)
        .values(
            started_ms=incident.started_ms,
            ended_ms=incident.ended_ms,
            withdrawn=int(incident.withdrawn),
        )
    )


def add_alarm_events(
    connection: sa.Connection, events: Sequence[NewEvent], recorded_ms: int
) -> None:
    """Insert events, in the order given."""
    rows = [
        {
            "kind": each.kind,
            "incident_id": each.incident.incident_id,
            "at_ms": each.at_ms,
            "event_reason": each.reason,
            "late": int(each.late),
            "recorded_ms": recorded_ms,
            **_incident(each.incident, each.channels),
        }
        for each in events
    ]
    if rows:
        connection.execute(sa.insert(alarm_event), rows)


def forget_alarms(connection: sa.Connection, before_ms: int) -> int:
    """Delete what was over before a time of the data, some at a time; returns how many rows.

    There may be more as long as it is not 0. The last transition of an entity stays while its
    state is kept, and an incident while it is open.
    """
    transition = alarm_transition
    begins_state = (
        sa.select(alarm_state.c.rule)
        .where(
            alarm_state.c.rule == transition.c.rule,
            alarm_state.c.entity == transition.c.entity,
            alarm_state.c.since_ms == transition.c.at_ms,
            transition.c.withdrawn_ms.is_(None),
        )
        .exists()
    )
    incident, event = alarm_incident, alarm_event
    is_open = (
        sa.select(incident.c.incident_id)
        .where(incident.c.incident_id == event.c.incident_id, incident.c.ended_ms.is_(None))
        .exists()
    )
    old = (
        (transition.c.transition_id, (transition.c.at_ms < before_ms) & ~begins_state),
        (event.c.event_id, (event.c.at_ms < before_ms) & ~is_open),
        (incident.c.incident_id, incident.c.ended_ms < before_ms),
        (quarantine_arrival.c.arrival_id, quarantine_arrival.c.received_ms < before_ms),
    )
    deleted = 0
    for key, condition in old:
        some = sa.select(key).where(condition).limit(_FORGOTTEN_AT_ONCE).scalar_subquery()
        deleted += connection.execute(sa.delete(key.table).where(key.in_(some))).rowcount
    return deleted


def _incident(incident: IncidentRow, channels: tuple[str, ...]) -> dict[str, Any]:
    return {
        "rule": incident.rule,
        "entity": labels_text(incident.entity),
        "severity": incident.severity,
        "labels": labels_text(incident.labels),
        "channels": names_text(channels),
        "started_ms": incident.started_ms,
        "ended_ms": incident.ended_ms,
        "withdrawn": int(incident.withdrawn),
        "summary": incident.summary,
        "reason": incident.reason,
        "value": incident.value,
    }


def _upsert(connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    statement = insert_into(connection, table)
    keys = [column.name for column in table.primary_key.columns]
    changed = {
        column.name: statement.excluded[column.name]
        for column in table.columns
        if column.name not in keys
    }
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), rows)
