"""The outbox: what was to be sent to whom, and what became of it."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.api.alarms import schemas
from app.api.alarms.filters import LARGEST_ID
from app.api.answers import Answer, answer_response
from app.api.context import ApiContext
from app.api.cursors import MOST_ITEMS, PageParameter
from app.api.formats import FormatParameter
from app.api.schemas import list_responses
from app.api.tables import Block, Table
from app.storage import (
    NotificationRow,
    NotificationState,
    read_notifications,
    read_notified_incidents,
)

_COLUMNS = (
    "id",
    "channel",
    "kind",
    "state",
    "created",
    "due",
    "attempts",
    "last_attempt",
    "last_error",
    "finished",
    "incidents",
    "group",
)


def add_notification_route(router: APIRouter, context: ApiContext) -> None:
    """``GET /api/v1/alarms/notifications``."""

    @router.get(
        "/notifications",
        summary="Notifications, newest first",
        responses=list_responses(schemas.notifications()),
    )
    def list_notifications(
        *,
        request: Request,
        page: PageParameter,
        answer_format: FormatParameter,
        channel: Annotated[str | None, Query(description="Name of a channel")] = None,
        state: Annotated[NotificationState | None, Query()] = None,
        incident: Annotated[
            int | None, Query(ge=1, le=LARGEST_ID, description="Id of an incident")
        ] = None,
    ) -> Response:
        limit = page.limit or MOST_ITEMS
        with context.store.read() as connection:
            found = read_notifications(
                connection,
                channel=channel,
                state=state,
                incident_id=incident,
                before_id=page.after_id,
                limit=limit + 1,
            )
            shown = found[:limit]
            about = read_notified_incidents(connection, [each.notification_id for each in shown])
        cursor = page.cursor((shown[-1].notification_id,)) if len(found) > limit else None
        items = [notification_content(row, about.get(row.notification_id, ())) for row in shown]
        table = Table(_COLUMNS, lambda: map(Block, items))
        answer = Answer({}, "notifications", items, table, cursor)
        return answer_response(request, answer_format, answer)


def notification_content(row: NotificationRow, incidents: Sequence[int]) -> dict[str, object]:
    """A notification; its times are those of our clock."""
    return {
        "id": row.notification_id,
        "key": row.key,
        "channel": row.channel,
        "kind": row.kind,
        "state": row.state.value,
        "created": row.created_ms,
        "due": row.due_ms,
        "attempts": row.attempts,
        "last_attempt": row.last_attempt_ms,
        "last_error": row.last_error or None,
        "finished": row.finished_ms,
        "group": row.group_key,
        "incidents": list(incidents),
    }
