"""Incidents: times of being in ALARM, as people are told of them."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from app.api.alarms import schemas
from app.api.alarms.content import incident_content, incident_state
from app.api.alarms.filters import LARGEST_ID, FilterParameter
from app.api.alarms.notifications import notification_content
from app.api.answers import Answer, answer_response
from app.api.context import ApiContext
from app.api.cursors import PageParameter
from app.api.formats import FormatParameter
from app.api.json import json_response
from app.api.parameters import TimeRangeParameter
from app.api.schemas import list_responses
from app.api.tables import Block, Table
from app.errors import NotFound
from app.storage import (
    Connection,
    IncidentRow,
    read_acknowledgements,
    read_incident,
    read_incidents,
    read_notifications,
    read_notified_incidents,
)

_COLUMNS = (
    "id",
    "rule",
    "severity",
    "state",
    "started",
    "ended",
    "withdrawn",
    "summary",
    "reason",
    "value",
    "entity",
    "labels",
    "acknowledgement",
)

IncidentId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="The incident's id")]


class IncidentState(StrEnum):
    """Whether an incident goes on."""

    OPEN = "open"
    ENDED = "ended"


def add_incident_routes(router: APIRouter, context: ApiContext) -> None:
    """``GET /api/v1/alarms/incidents`` and one of them."""

    @router.get(
        "/incidents",
        summary="Incidents, those that began last first",
        responses=list_responses(schemas.incidents()),
    )
    def list_incidents(
        *,
        request: Request,
        wanted: FilterParameter,
        time_range: TimeRangeParameter,
        page: PageParameter,
        answer_format: FormatParameter,
        state: Annotated[IncidentState | None, Query()] = None,
        withdrawn: Annotated[
            bool | None,
            Query(description="Those that later data proved wrong alone, or the others"),
        ] = None,
    ) -> Response:
        with context.store.read() as connection:
            rows = read_incidents(
                connection,
                rule=wanted.only_rule,
                open_only=state is IncidentState.OPEN,
                start_ms=time_range.start_ms,
                end_ms=time_range.end_ms,
            )
            acknowledgements = read_acknowledgements(connection)
        chosen = [
            row
            for row in rows
            if wanted.takes(row.rule, row.severity, row.entity, row.labels)
            and state in {None, incident_state(row)}
            and withdrawn in {None, row.withdrawn}
        ]
        shown, cursor = page.cut(chosen, lambda row: (-row.started_ms, -row.incident_id))
        items = [incident_content(row, acknowledgements.get(row.incident_id)) for row in shown]
        table = Table(_COLUMNS, lambda: map(Block, items))
        answer = Answer({}, "incidents", items, table, cursor)
        return answer_response(request, answer_format, answer)

    @router.get("/incidents/{incident}", summary="An incident, and who was told of it")
    def show_incident(incident: IncidentId) -> Response:
        with context.store.read() as connection:
            row = existing_incident(connection, incident)
            acknowledgement = read_acknowledgements(connection).get(incident)
            notifications = read_notifications(connection, incident_id=incident)
            about = read_notified_incidents(
                connection, [each.notification_id for each in notifications]
            )
        told = [
            notification_content(each, about.get(each.notification_id, ()))
            for each in notifications
        ]
        return json_response({**incident_content(row, acknowledgement), "notifications": told})


def existing_incident(connection: Connection, incident_id: int) -> IncidentRow:
    """The incident of an id. Raises ``NotFound``."""
    row = read_incident(connection, incident_id)
    if row is None:
        raise NotFound(f"there is no incident {incident_id}")
    return row
