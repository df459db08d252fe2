"""The states of alarms now."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.api.alarms import schemas
from app.api.alarms.content import (
    acknowledgement_content,
    data_link,
    datapoints_content,
    history_link,
    incident_link,
)
from app.api.alarms.filters import FilterParameter, StateName
from app.api.alarms.standing import StandingAlarm, standing_alarms
from app.api.answers import Answer, answer_response
from app.api.context import ApiContext
from app.api.cursors import PageParameter
from app.api.formats import FormatParameter
from app.api.schemas import list_responses
from app.api.tables import Block, Table

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
        found = standing_alarms(context, wanted, state or ())
        shown, cursor = page.cut(found.alarms, lambda each: (each.row.rule, each.row.entity))
        items = [_content(each) for each in shown]
        table = Table(_COLUMNS, lambda: map(Block, items))
        head = {"evaluated": found.frontier_ms}
        return answer_response(request, answer_format, Answer(head, "alarms", items, table, cursor))


def _content(alarm: StandingAlarm) -> dict[str, object]:
    row, rule, incident = alarm.row, alarm.rule, alarm.incident
    links = {"history": history_link(row.rule, row.entity)}
    if rule is not None:
        links["data"] = data_link(rule, row.entity, row.since_ms)
    if incident is not None:
        links["incident"] = incident_link(incident.incident_id)
    return {
        "rule": row.rule,
        "severity": alarm.severity,
        "state": row.state,
        "since": row.since_ms,
        "value": row.value,
        "reason": row.reason,
        "entity": dict(row.entity),
        "labels": dict(alarm.labels),
        "datapoints": datapoints_content(row.datapoints),
        "incident": incident.incident_id if incident else None,
        "summary": incident.summary if incident else None,
        "acknowledgement": acknowledgement_content(alarm.acknowledgement),
        "description": rule.description if rule else None,
        "runbook": rule.runbook if rule else None,
        "links": links,
        "silenced": [each.silence_id for each in alarm.silences],
    }
