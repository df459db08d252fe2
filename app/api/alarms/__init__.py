"""Alarms over HTTP: states, history, incidents, rules; silences, acknowledgements, the outbox."""

from fastapi import APIRouter, Depends

from app.api.alarms.acknowledgements import add_acknowledgement_routes
from app.api.alarms.history import add_history_route
from app.api.alarms.incidents import add_incident_routes
from app.api.alarms.notifications import add_notification_route
from app.api.alarms.rules import add_rules_route
from app.api.alarms.silences import add_silence_routes
from app.api.alarms.states import add_states_route
from app.api.context import ApiContext
from app.api.errors import ERROR_RESPONSES
from app.api.parameters import known_parameters_only

__all__ = ["alarms_router"]


def alarms_router(context: ApiContext) -> APIRouter:
    """All routes of alarms, but for those of Prometheus' API."""
    router = APIRouter(
        prefix="/api/v1/alarms",
        tags=["alarms"],
        dependencies=[Depends(known_parameters_only)],
        responses=ERROR_RESPONSES,
    )
    add_states_route(router, context)
    add_history_route(router, context)
    add_incident_routes(router, context)
    add_acknowledgement_routes(router, context)
    add_rules_route(router, context)
    add_silence_routes(router, context)
    add_notification_route(router, context)
    return router
