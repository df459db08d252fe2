"""Marks of deployments and other events: listed by readers, set and deleted by operators."""

from typing import Annotated, Any

import msgspec
from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from app.api.alarms.filters import LARGEST_ID
from app.api.alarms.schemas import WRITE_RESPONSES, body
from app.api.answers import Answer, answer_response
from app.api.context import ApiContext
from app.api.cursors import PageParameter
from app.api.errors import ERROR_RESPONSES
from app.api.formats import FormatParameter
from app.api.json import json_response
from app.api.json_body import read_json
from app.api.operators import Operators
from app.api.parameters import TimeRangeParameter, known_parameters_only
from app.api.schemas import Schema, list_responses
from app.api.tables import Block, Table
from app.errors import NotFound
from app.query import parse_time_ms
from app.storage.deployment_marks import (
    MarkRow,
    NewMark,
    delete_mark,
    read_deployment_marks,
    set_mark,
)

_COLUMNS = (
    "id",
    "time",
    "end",
    "text",
    "account",
    "region",
    "table",
    "url",
    "author",
    "key",
    "created",
)
_TEXT: Schema = {"type": "string"}
_TEXT_OR_NOT: Schema = {"type": ["string", "null"]}
_TIME: Schema = {"type": "integer", "description": "Unix milliseconds"}
_PLACE: Schema = {"type": ["string", "null"], "description": "null: of any"}
_GIVEN_TIME: Schema = {"type": ["integer", "string"]}
_EXAMPLE = {
    "id": 7,
    "time": 1769860860000,
    "end": None,
    "text": "orders-service v1.2",
    "account": None,
    "region": None,
    "table": "orders",
    "url": "https://ci.example.com/deployments/120",
    "author": "key-1",
    "key": "deployment-120",
    "created": 1769860861000,
}
_MARK: Schema = {
    "type": "object",
    "required": list(_COLUMNS),
    "properties": {
        "id": {"type": "integer"},
        "time": _TIME,
        "end": {"type": ["integer", "null"], "description": "Unix milliseconds"},
        "text": _TEXT,
        "account": _PLACE,
        "region": _PLACE,
        "table": _PLACE,
        "url": _TEXT_OR_NOT,
        "author": _TEXT,
        "key": _TEXT_OR_NOT,
        "created": _TIME,
    },
    "example": _EXAMPLE,
}
_MARKS: Schema = {
    "type": "object",
    "required": ["marks"],
    "properties": {"marks": {"type": "array", "items": _MARK}, "next": _TEXT},
    "example": {"marks": [_EXAMPLE]},
}
_NEW: Schema = {
    "type": "object",
    "required": ["text"],
    "additionalProperties": False,
    "properties": {
        "text": {"type": "string", "minLength": 1, "maxLength": 200},
        "time": {**_GIVEN_TIME, "description": "Default: now"},
        "end": {**_GIVEN_TIME, "description": "Of what took some time"},
        **dict.fromkeys(("account", "region", "table"), _TEXT),
        "url": {"type": "string", "pattern": "^https://"},
        "author": {"type": "string", "description": "Default: the name of the token"},
        "key": {"type": "string", "description": "Setting it again changes the mark"},
    },
    "example": {"text": "orders-service v1.2", "table": "orders", "key": "deployment-120"},
}
_SET: dict[int | str, dict[str, Any]] = {
    **WRITE_RESPONSES,
    200: {
        "description": "The mark of this key, changed",
        "content": {"application/json": {"schema": _MARK}},
    },
}

MarkId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="The mark's id")]


class PostedMark(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a request."""

    text: str
    time: int | str | None = None
    end: int | str | None = None
    account: str = ""
    region: str = ""
    table: str = ""
    url: str = ""
    author: str = ""
    key: str | None = None


def marks_router(context: ApiContext) -> APIRouter:
    """Routes of marks."""
    router = APIRouter(
        prefix="/api/v1/marks",
        tags=["marks"],
        dependencies=[Depends(known_parameters_only)],
        responses=ERROR_RESPONSES,
    )
    operators = Operators(context)

    @router.get(
        "", summary="Marks of a time range, the last ones first", responses=list_responses(_MARKS)
    )
    def list_marks(
        *,
        request: Request,
        time_range: TimeRangeParameter,
        page: PageParameter,
        answer_format: FormatParameter,
        account: Annotated[str | None, Query(description="And those of any account")] = None,
        region: Annotated[str | None, Query(description="And those of any region")] = None,
        table: Annotated[str | None, Query(description="And those of any table")] = None,
    ) -> Response:
        with context.store.read() as connection:
            rows = read_deployment_marks(
                connection,
                start_ms=time_range.start_ms,
                end_ms=time_range.end_ms,
                account=account,
                region=region,
                table_name=table,
            )
        shown, cursor = page.cut(rows, lambda row: (-row.at_ms, -row.mark_id))
        items = [mark_content(row) for row in shown]
        answer = Answer({}, "marks", items, Table(_COLUMNS, lambda: map(Block, items)), cursor)
        return answer_response(request, answer_format, answer)

    @router.post(
        "",
        summary="Mark a deployment or another event",
        status_code=201,
        responses=_SET,
        openapi_extra=body(_NEW),
    )
    async def add_mark(request: Request) -> Response:
        who = operators.require(request)
        posted = await read_json(request, PostedMark)
        new = NewMark(
            posted.text,
            None if posted.time is None else parse_time_ms("time", str(posted.time)),
            None if posted.end is None else parse_time_ms("end", str(posted.end)),
            posted.account,
            posted.region,
            posted.table,
            posted.url,
            posted.author or who,
            posted.key,
        )
        now_ms = context.clock.now_ms()
        row, is_new = await to_thread.run_sync(
            context.store.write, lambda connection: set_mark(connection, new, now_ms)
        )
        return json_response(mark_content(row), status=201 if is_new else 200)

    @router.delete("/{mark}", summary="Delete a mark", status_code=204, responses=WRITE_RESPONSES)
    async def remove_mark(request: Request, mark: MarkId) -> Response:
        operators.require(request)
        if not await to_thread.run_sync(
            context.store.write, lambda connection: delete_mark(connection, mark)
        ):
            raise NotFound(f"there is no mark {mark}")
        return Response(status_code=204)

    return router


def mark_content(row: MarkRow) -> dict[str, object]:
    """A mark as JSON."""
    return {
        "id": row.mark_id,
        "time": row.at_ms,
        "end": row.ended_ms,
        "text": row.text,
        "account": row.account or None,
        "region": row.region or None,
        "table": row.table_name or None,
        "url": row.url or None,
        "author": row.author,
        "key": row.key,
        "created": row.created_ms,
    }
