"""What could not be decoded."""

import base64
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.api.context import ApiContext
from app.api.json import json_response
from app.api.parameters import known_parameters_only
from app.storage import QuarantinedBytes, count_quarantine, read_quarantine


def quarantine_router(context: ApiContext) -> APIRouter:
    """The route of the quarantine."""
    router = APIRouter(
        prefix="/api/v1", tags=["quarantine"], dependencies=[Depends(known_parameters_only)]
    )

    @router.get("/quarantine", summary="List bytes that could not be decoded, with reasons")
    def list_quarantine(
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        after: Annotated[int, Query(ge=0, le=2**31 - 1, description="The last id seen")] = 0,
        reason: Annotated[str | None, Query()] = None,
        data: Annotated[  # noqa: FBT002 - a query parameter
            bool, Query(description="Include the bytes, in base64")
        ] = False,
    ) -> Response:
        with context.store.read() as connection:
            total = count_quarantine(connection)
            rows = read_quarantine(connection, limit=limit, after=after, reason=reason)
        items = [_described(row, with_data=data) for row in rows]
        return json_response({"total": total, "quarantine": items})

    return router


def _described(row: QuarantinedBytes, *, with_data: bool) -> dict[str, object]:
    described: dict[str, object] = {
        "id": row.quarantine_id,
        "first_received": row.first_received_ms,
        "last_received": row.last_received_ms,
        "occurrences": row.occurrences,
        "request_id": row.request_id,
        "record": row.record,
        "format": row.format,
        "reason": row.reason,
        "detail": row.detail,
        "points": row.points,
        "size": len(row.data),
    }
    if with_data:
        described["data"] = base64.b64encode(row.data).decode("ascii")
    return described
