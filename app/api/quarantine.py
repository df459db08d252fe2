"""What could not be decoded."""

import base64
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.api.context import ApiContext
from app.api.errors import ERROR_RESPONSES
from app.api.json import json_response
from app.api.parameters import known_parameters_only
from app.errors import InvalidParameter
from app.storage import QuarantinedBytes, count_quarantine, read_quarantine

# A quarantined record may have 64 MiB.
_MOST_WITH_DATA = 10


def quarantine_router(context: ApiContext) -> APIRouter:
    """The route of the quarantine."""
    router = APIRouter(
        prefix="/api/v1",
        tags=["quarantine"],
        dependencies=[Depends(known_parameters_only)],
        responses=ERROR_RESPONSES,
    )

    @router.get("/quarantine", summary="List bytes that could not be decoded, with reasons")
    def list_quarantine(
        limit: Annotated[
            int | None, Query(ge=1, le=1000, description="Default: 100, with data 10")
        ] = None,
        after: Annotated[int, Query(ge=0, le=2**31 - 1, description="The last id seen")] = 0,
        reason: Annotated[str | None, Query()] = None,
        data: Annotated[  # noqa: FBT002 - a query parameter
            bool, Query(description="Include the bytes, in base64")
        ] = False,
    ) -> Response:
        if data and limit is not None and limit > _MOST_WITH_DATA:
            raise InvalidParameter("limit", f"with data=true it is at most {_MOST_WITH_DATA}")
        default = _MOST_WITH_DATA if data else 100
        with context.store.read() as connection:
            total = count_quarantine(connection)
            rows = read_quarantine(
                connection, limit=limit or default, after=after, reason=reason, data=data
            )
        items = [_described(row) for row in rows]
        return json_response({"total": total, "quarantine": items})

    return router


def _described(row: QuarantinedBytes) -> dict[str, object]:
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
        "size": row.size,
    }
    if row.data is not None:
        described["data"] = base64.b64encode(row.data).decode("ascii")
    return described
