"""Reading the history of alarms: states, transitions, incidents, events, and how far it goes."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from app.labels import LabelSet
from app.storage.alarm_rows import (
    AlarmEvent,
    AlarmRuleRow,
    AlarmStateRow,
    IncidentRow,
    TransitionRow,
    datapoints_of,
    labels_of,
    labels_text,
    names_of,
)
from app.storage.alarm_tables import (
    alarm_event,
    alarm_incident,
    alarm_progress,
    alarm_rule,
    alarm_state,
    alarm_transition,
)
from app.storage.chunks import chunked


def read_alarm_frontier(connection: sa.Connection) -> int | None:
    """Up to where datapoints have been evaluated, in milliseconds; None before the first round."""
    return connection.execute(sa.select(alarm_progress.c.frontier_ms)).scalar()


def read_alarm_rules(connection: sa.Connection) -> dict[str, AlarmRuleRow]:
    """How the evaluation of each rule stands, by name."""
    query = sa.select(alarm_rule).order_by(alarm_rule.c.rule)
    return {row.rule: AlarmRuleRow(*row) for row in connection.execute(query)}


def read_alarm_states(
    connection: sa.Connection, *, rule: str | None = None, state: str | None = None
) -> list[AlarmStateRow]:
    """States of all entities that have ever had a transition, by rule and entity."""
    query = sa.select(alarm_state).order_by(alarm_state.c.rule, alarm_state.c.entity)
    if rule is not None:
        query = query.where(alarm_state.c.rule == rule)
    if state is not None:
        query = query.where(alarm_state.c.state == state)
    return [
        AlarmStateRow(
            row.rule,
            labels_of(row.entity),
            row.state,
            row.since_ms,
            row.reason,
            datapoints_of(row.datapoints),
            row.value,
        )
        for row in connection.execute(query)
    ]


def read_transitions(
    connection: sa.Connection,
    *,
    rule: str | None = None,
    entity: LabelSet | None = None,
    start_ms: int | None = None,
    end_ms: int | None = None,
    withdrawn: bool = False,
    after_id: int | None = None,
    limit: int | None = None,
) -> list[TransitionRow]:
    """Transitions in [``start_ms``, ``end_ms``), newest first; those ``withdrawn`` too if wanted.

    They are ordered by their time and then by id. ``after_id`` goes on after the transition of
    that id, with those that come later in this order.
    """
    table = alarm_transition
    query = sa.select(table).order_by(table.c.at_ms.desc(), table.c.transition_id.desc())
    if rule is not None:
        query = query.where(table.c.rule == rule)
    if entity is not None:
        query = query.where(table.c.entity == labels_text(entity))
    if start_ms is not None:
        query = query.where(table.c.at_ms >= start_ms)
    if end_ms is not None:
        query = query.where(table.c.at_ms < end_ms)
    if not withdrawn:
        query = query.where(table.c.withdrawn_ms.is_(None))
    if after_id is not None:
        at_ms = sa.select(table.c.at_ms).where(table.c.transition_id == after_id).scalar_subquery()
        query = query.where(
            sa.or_(
                table.c.at_ms < at_ms,
                sa.and_(table.c.at_ms == at_ms, table.c.transition_id < after_id),
            )
        )
    return [_transition(row) for row in connection.execute(query.limit(limit))]


def read_incidents(
    connection: sa.Connection,
    *,
    rule: str | None = None,
    open_only: bool = False,
    start_ms: int | None = None,
    end_ms: int | None = None,
    limit: int | None = None,
) -> list[IncidentRow]:
    """Incidents that overlap [``start_ms``, ``end_ms``), those that began last first."""
    table = alarm_incident
    query = sa.select(table).order_by(table.c.started_ms.desc(), table.c.incident_id.desc())
    if rule is not None:
        query = query.where(table.c.rule == rule)
    if open_only:
        query = query.where(table.c.ended_ms.is_(None))
    if start_ms is not None:
        query = query.where(sa.or_(table.c.ended_ms.is_(None), table.c.ended_ms >= start_ms))
    if end_ms is not None:
        query = query.where(table.c.started_ms < end_ms)
    return [incident_of(row) for row in connection.execute(query.limit(limit))]


def read_entity_states(connection: sa.Connection, rule: str) -> list[tuple[LabelSet, str]]:
    """The states of a rule's entities, and nothing else about them, by entity."""
    query = (
        sa.select(alarm_state.c.entity, alarm_state.c.state)
        .where(alarm_state.c.rule == rule)
        .order_by(alarm_state.c.entity)
    )
    return [(labels_of(entity), state) for entity, state in connection.execute(query)]


def read_incidents_of(
    connection: sa.Connection, rule: str, entities: Sequence[LabelSet]
) -> list[tuple[IncidentRow, tuple[str, ...]]]:
    """All incidents of some entities of a rule with their channels, in the order of their start."""
    table = alarm_incident
    found = []
    for chunk in chunked(entities, 500):
        texts = [labels_text(entity) for entity in chunk]
        query = sa.select(table).where(table.c.rule == rule, table.c.entity.in_(texts))
        found += [(incident_of(row), names_of(row.channels)) for row in connection.execute(query)]
    return sorted(found, key=lambda each: (each[0].started_ms, each[0].incident_id))


def read_incident(connection: sa.Connection, incident_id: int) -> IncidentRow | None:
    """One incident, None where there is none of this id."""
    query = sa.select(alarm_incident).where(alarm_incident.c.incident_id == incident_id)
    row = connection.execute(query).first()
    return None if row is None else incident_of(row)


def read_alarm_events(connection: sa.Connection, after_id: int, limit: int) -> list[AlarmEvent]:
    """Events after one, in the order in which they were recorded."""
    query = (
        sa.select(alarm_event)
        .where(alarm_event.c.event_id > after_id)
        .order_by(alarm_event.c.event_id)
        .limit(limit)
    )
    return [
        AlarmEvent(
            row.event_id,
            row.kind,
            incident_of(row),
            row.at_ms,
            row.event_reason,
            bool(row.late),
            row.recorded_ms,
            names_of(row.channels),
        )
        for row in connection.execute(query)
    ]


def incident_of(row: Any) -> IncidentRow:  # noqa: ANN401 - a row of incidents or of events
    """The incident of a row that has an incident's columns."""
    return IncidentRow(
        row.incident_id,
        row.rule,
        labels_of(row.entity),
        row.severity,
        labels_of(row.labels),
        row.started_ms,
        row.ended_ms,
        bool(row.withdrawn),
        row.summary,
        row.reason,
        row.value,
    )


def _transition(row: Any) -> TransitionRow:  # noqa: ANN401 - a row of the table
    return TransitionRow(
        row.transition_id,
        row.rule,
        labels_of(row.entity),
        row.at_ms,
        row.from_state,
        row.to_state,
        row.reason,
        datapoints_of(row.datapoints),
        row.evaluated_ms,
        bool(row.late),
        row.withdrawn_ms,
        row.withdrawn_reason,
    )
