"""Acknowledging incidents: somebody sees to it, so nobody is told again."""

import msgspec
from anyio import to_thread
from fastapi import APIRouter, Request, Response

from app.api.alarms import schemas
from app.api.alarms.content import incident_content
from app.api.alarms.incidents import IncidentId, existing_incident
from app.api.context import ApiContext
from app.api.json import json_response
from app.api.json_body import read_json
from app.api.operators import Operators
from app.errors import InvalidRequest
from app.storage import (
    Connection,
    acknowledge,
    read_acknowledgements,
    unacknowledge,
)

_PATH = "/incidents/{incident}/acknowledgement"


class NewAcknowledgement(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a request."""

    by: schemas.ShortText = ""
    comment: schemas.LongText = ""


def add_acknowledgement_routes(router: APIRouter, context: ApiContext) -> None:
    """``POST`` and ``DELETE`` of the acknowledgement of an incident."""
    operators = Operators(context)

    @router.post(
        _PATH,
        summary="Say that somebody sees to an incident",
        responses=schemas.WRITE_RESPONSES,
        openapi_extra=schemas.body(schemas.ACKNOWLEDGEMENT),
    )
    async def add(request: Request, incident: IncidentId) -> Response:
        who = operators.require(request)
        new = await read_json(request, NewAcknowledgement)
        answer = await to_thread.run_sync(
            acknowledge_incident, context, incident, new.by or who, new.comment
        )
        return json_response(answer)

    @router.delete(
        _PATH,
        summary="Take an acknowledgement back",
        responses=schemas.WRITE_RESPONSES,
    )
    async def remove(request: Request, incident: IncidentId) -> Response:
        operators.require(request)
        return json_response(await to_thread.run_sync(unacknowledge_incident, context, incident))


def acknowledge_incident(
    context: ApiContext, incident: int, by: str, comment: str
) -> dict[str, object]:
    """The incident as it is then. Raises ``NotFound``, and ``InvalidRequest`` if it has ended."""
    now_ms = context.clock.now_ms()

    def write(connection: Connection) -> dict[str, object]:
        row = existing_incident(connection, incident)
        if row.ended_ms is not None:
            raise InvalidRequest(f"the incident {incident} has ended; there is nothing to do")
        acknowledge(connection, incident, acknowledged_by=by, comment=comment, now_ms=now_ms)
        return _answered(connection, incident)

    return context.store.write(write)


def unacknowledge_incident(context: ApiContext, incident: int) -> dict[str, object]:
    """The incident as it is then. Raises ``NotFound``."""

    def write(connection: Connection) -> dict[str, object]:
        unacknowledge(connection, incident)
        return _answered(connection, incident)

    return context.store.write(write)


def _answered(connection: Connection, incident: int) -> dict[str, object]:
    row = existing_incident(connection, incident)
    return incident_content(row, read_acknowledgements(connection).get(incident))
