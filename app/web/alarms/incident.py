"""``GET /alarms/incidents/{incident}``: how it came, who was told, and what to do."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from app.alarms.notifications.silencing import Silences
from app.alarms.rules import AlarmRule
from app.api.alarms.content import data_link, incident_link, rules_by_name
from app.api.alarms.filters import LARGEST_ID
from app.api.alarms.incidents import existing_incident
from app.api.alarms.standing import alert_labels
from app.storage import (
    AcknowledgementRow,
    IncidentRow,
    NotificationRow,
    read_acknowledgements,
    read_notifications,
    read_silences,
    read_transitions,
)
from app.web.alarms.chart import rule_chart
from app.web.alarms.content import (
    acknowledgement_content,
    condition_words,
    entity_content,
    limit_words,
    transition_content,
)
from app.web.alarms.silences import DURATIONS, shown_silence
from app.web.overview.alarms import state_of
from app.web.time_range import PageRange, page_range
from app.web.web import Web

_PERIODS_AROUND = 30
_BEFORE_MS = 3_600_000
_MOST_TRANSITIONS = 200
_OUTCOMES = {
    "waiting": ("unknown", "Waiting"),
    "delivered": ("good", "Delivered"),
    "refused": ("critical", "Refused"),
    "given_up": ("critical", "Given up"),
    "dropped": ("unknown", "Not sent"),
}


def add_incident(router: APIRouter, web: Web) -> None:
    """Add the page. Without a time range in the URL it is that of the incident."""

    @router.get("/alarms/incidents/{incident}")
    def show_incident(
        request: Request, incident: Annotated[int, Path(ge=1, le=LARGEST_ID)]
    ) -> Response:
        context = web.context
        now_ms = context.clock.now_ms()
        with context.store.read() as connection:
            row = existing_incident(connection, incident)
            acknowledgement = read_acknowledgements(connection).get(incident)
            notifications = read_notifications(connection, incident_id=incident)
            silences = Silences(read_silences(connection, ending_after_ms=now_ms))
            transitions = read_transitions(
                connection,
                rule=row.rule,
                entity=row.entity,
                start_ms=row.started_ms - _BEFORE_MS,
                end_ms=None if row.ended_ms is None else row.ended_ms + 1,
                withdrawn=True,
                limit=_MOST_TRANSITIONS,
            )
        rule = rules_by_name(context.alarm_rules()).get(row.rule)
        shown = _range(web, request, row, rule)
        effective = rule.for_entity(row.entity) if rule else None
        told = alert_labels(row.rule, row.entity, row.labels, row.severity)
        return web.page(
            request,
            "alarms/incident.html",
            range=shown,
            incident=incident_row(row, acknowledgement),
            rule=rule,
            limit=limit_words(effective) if effective else None,
            condition=condition_words(rule) if rule else None,
            chart=rule_chart(rule, row.entity) if rule else None,
            data=data_link(rule, row.entity, row.started_ms) if rule else None,
            rest=incident_link(incident),
            transitions=[transition_content(each) for each in reversed(transitions)],
            notifications=[_notification(each) for each in notifications],
            silences=[shown_silence(each, now_ms) for each in silences.holding(told, now_ms)],
            labels=list(row.labels),
            durations=DURATIONS,
            matchers=[("alarm", row.rule), *row.entity],
        )


def incident_row(
    row: IncidentRow, acknowledgement: AcknowledgementRow | None
) -> Mapping[str, object]:
    """An incident as it is listed and told."""
    return {
        "id": row.incident_id,
        "rule": row.rule,
        "severity": row.severity,
        "severity_state": state_of(row.severity),
        "is_open": row.ended_ms is None,
        "started_ms": row.started_ms,
        "ended_ms": row.ended_ms,
        "length_ms": None if row.ended_ms is None else row.ended_ms - row.started_ms,
        "withdrawn": row.withdrawn,
        "summary": row.summary or row.reason,
        "reason": row.reason,
        "value": row.value,
        "entity": entity_content(row.entity),
        "acknowledged": acknowledgement_content(acknowledgement),
    }


def _range(web: Web, request: Request, row: IncidentRow, rule: AlarmRule | None) -> PageRange:
    if "from" in request.query_params or "to" in request.query_params:
        return web.range_of(request)
    around_ms = max(_BEFORE_MS, _PERIODS_AROUND * (rule.condition.period_ms if rule else 60_000))
    end_ms = web.context.clock.now_ms()
    is_past = row.ended_ms is not None and row.ended_ms + around_ms < end_ms
    end = str((row.ended_ms or 0) + around_ms) if is_past else "now"
    return page_range(web.context.clock, str(max(0, row.started_ms - around_ms)), end)


def _notification(row: NotificationRow) -> Mapping[str, object]:
    state, words = _OUTCOMES[row.state.value]
    return {
        "id": row.notification_id,
        "channel": row.channel,
        "kind": row.kind,
        "state": state,
        "words": words,
        "created_ms": row.created_ms,
        "finished_ms": row.finished_ms,
        "due_ms": row.due_ms if row.finished_ms is None else None,
        "attempts": row.attempts,
        "error": row.last_error,
    }
