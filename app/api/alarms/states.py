"""The states of alarms now."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.alarms.notifications.silencing import Silences
from app.alarms.rules import AlarmRule
from app.alarms.states import AlarmState
from app.api.alarms import schemas
from app.api.alarms.content import (
    acknowledgement_content,
    data_link,
    datapoints_content,
    history_link,
    incident_link,
    rules_by_name,
    severity_of,
)
from app.api.alarms.filters import FilterParameter, StateName
from app.api.answers import Answer, answer_response
from app.api.context import ApiContext
from app.api.cursors import PageParameter
from app.api.formats import FormatParameter
from app.api.schemas import list_responses
from app.api.tables import Block, Table
from app.storage import (
    AcknowledgementRow,
    AlarmStateRow,
    IncidentRow,
    read_acknowledgements,
    read_alarm_frontier,
    read_alarm_states,
    read_incidents,
    read_silences,
)

_COLUMNS = (
    "rule",
    "severity",
    "state",
    "since",
    "value",
    "reason",
    "entity",
    "labels",
    "incident",
    "silenced",
)


def add_states_route(router: APIRouter, context: ApiContext) -> None:
    """``GET /api/v1/alarms``."""

    @router.get("", summary="States of alarms", responses=list_responses(schemas.states()))
    def list_states(
        *,
        request: Request,
        wanted: FilterParameter,
        page: PageParameter,
        answer_format: FormatParameter,
        state: Annotated[list[StateName] | None, Query(description="May be repeated")] = None,
    ) -> Response:
        now_ms = context.clock.now_ms()
        with context.store.read() as connection:
            frontier = read_alarm_frontier(connection)
            only_state = state[0] if state and len(state) == 1 else None
            rows = read_alarm_states(connection, rule=wanted.only_rule, state=only_state)
            incidents = read_incidents(connection, rule=wanted.only_rule, open_only=True)
            acknowledgements = read_acknowledgements(connection)
            silences = Silences(read_silences(connection, ending_after_ms=now_ms))
        rules = rules_by_name(context.alarm_rules())
        chosen = [
            row
            for row in rows
            if (not state or row.state in state)
            and wanted.takes(
                row.rule,
                severity_of(rules.get(row.rule), row.entity),
                row.entity,
                _labels(rules.get(row.rule)),
            )
        ]
        shown, cursor = page.cut(chosen, lambda row: (row.rule, row.entity))
        open_ones = {(each.rule, each.entity): each for each in incidents}
        items = []
        for row in shown:
            incident = open_ones.get((row.rule, row.entity))
            seen = acknowledgements.get(incident.incident_id) if incident else None
            content = _content(row, rules.get(row.rule), incident, seen)
            holding = []
            if row.state == AlarmState.ALARM.name:
                holding = silences.holding(_alert_labels(row, rules.get(row.rule)), now_ms)
            items.append({**content, "silenced": [each.silence_id for each in holding]})
        table = Table(_COLUMNS, lambda: map(Block, items))
        head = {"evaluated": frontier}
        return answer_response(request, answer_format, Answer(head, "alarms", items, table, cursor))


def _content(
    row: AlarmStateRow,
    rule: AlarmRule | None,
    incident: IncidentRow | None,
    acknowledgement: AcknowledgementRow | None,
) -> dict[str, object]:
    links = {"history": history_link(row.rule, row.entity)}
    if rule is not None:
        links["data"] = data_link(rule, row.entity, row.since_ms)
    if incident is not None:
        links["incident"] = incident_link(incident.incident_id)
    return {
        "rule": row.rule,
        "severity": severity_of(rule, row.entity),
        "state": row.state,
        "since": row.since_ms,
        "value": row.value,
        "reason": row.reason,
        "entity": dict(row.entity),
        "labels": dict(_labels(rule)),
        "datapoints": datapoints_content(row.datapoints),
        "incident": incident.incident_id if incident else None,
        "summary": incident.summary if incident else None,
        "acknowledgement": acknowledgement_content(acknowledgement),
        "description": rule.description if rule else None,
        "runbook": rule.runbook if rule else None,
        "links": links,
    }


def _labels(rule: AlarmRule | None) -> tuple[tuple[str, str], ...]:
    return rule.labels if rule else ()


def _alert_labels(row: AlarmStateRow, rule: AlarmRule | None) -> dict[str, str]:
    """The labels by which silences hold, as those of notifications."""
    return {
        **dict(_labels(rule)),
        **dict(row.entity),
        "alarm": row.rule,
        "alertname": row.rule,
        "severity": severity_of(rule, row.entity) or "",
    }
