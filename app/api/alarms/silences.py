"""Silences: conditions on labels under which nobody is told for a while."""

from typing import Annotated

import msgspec
from anyio import to_thread
from fastapi import APIRouter, Path, Query, Request, Response

from app.alarms.notifications.silencing import check_silence
from app.api.alarms import schemas
from app.api.alarms.content import silence_content
from app.api.alarms.filters import LARGEST_ID
from app.api.context import ApiContext
from app.api.json import json_response
from app.api.json_body import read_json
from app.api.operators import Operators
from app.errors import InvalidParameter, NotFound
from app.promql.parsing.numbers import milliseconds_of
from app.query import parse_time_ms
from app.storage import (
    Connection,
    SilenceRow,
    create_silence,
    expire_silence,
    read_silence,
    read_silences,
)

_LONGEST_MS = 366 * 24 * 3600 * 1000

SilenceId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="The silence's id")]


class NewMatcher(msgspec.Struct, forbid_unknown_fields=True):
    """A condition on a label."""

    name: str
    value: str
    operator: str = "="


class NewSilence(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a request. It ends at ``ends`` or ``duration`` after ``starts``, which is now."""

    matchers: list[NewMatcher]
    comment: schemas.LongText = ""
    created_by: schemas.ShortText = ""
    starts: int | str | None = None
    ends: int | str | None = None
    duration: str | None = None


def add_silence_routes(router: APIRouter, context: ApiContext) -> None:
    """``GET``, ``POST`` and ``DELETE`` of silences."""
    operators = Operators(context)

    @router.get("/silences", summary="Silences in force and to come", responses=schemas.SILENCES)
    def list_silences(
        expired: Annotated[  # noqa: FBT002 - a query parameter
            bool, Query(description="Those that have ended, too")
        ] = False,
    ) -> Response:
        now_ms = context.clock.now_ms()
        with context.store.read() as connection:
            rows = read_silences(connection, ending_after_ms=None if expired else now_ms)
        return json_response({"silences": [silence_content(row, now_ms) for row in rows]})

    @router.post(
        "/silences",
        summary="Silence alarms for a while",
        status_code=201,
        responses=schemas.WRITE_RESPONSES,
        openapi_extra=schemas.body(schemas.SILENCE),
    )
    async def add(request: Request) -> Response:
        who = operators.require(request)
        new = await read_json(request, NewSilence)
        row = await to_thread.run_sync(add_silence, context, new, who)
        place = {"Location": f"/api/v1/alarms/silences/{row.silence_id}"}
        content = silence_content(row, context.clock.now_ms())
        return json_response(content, status=201, headers=place)

    @router.get("/silences/{silence}", summary="A silence")
    def show(silence: SilenceId) -> Response:
        with context.store.read() as connection:
            row = _existing(connection, silence)
        return json_response(silence_content(row, context.clock.now_ms()))

    @router.delete(
        "/silences/{silence}", summary="End a silence now", responses=schemas.WRITE_RESPONSES
    )
    async def end(request: Request, silence: SilenceId) -> Response:
        operators.require(request)
        row = await to_thread.run_sync(end_silence, context, silence)
        return json_response(silence_content(row, context.clock.now_ms()))


def add_silence(context: ApiContext, new: NewSilence, who: str) -> SilenceRow:
    """Store a silence that ``who`` asks for. Raises ``InvalidParameter``."""
    now_ms = context.clock.now_ms()
    starts_ms = now_ms if new.starts is None else parse_time_ms("starts", str(new.starts))
    ends_ms = _end(new, starts_ms)
    matchers = [(each.name, each.operator, each.value) for each in new.matchers]
    check_silence(matchers, starts_ms, ends_ms, now_ms)

    def write(connection: Connection) -> SilenceRow:
        silence_id = create_silence(
            connection,
            matchers,
            starts_ms=starts_ms,
            ends_ms=ends_ms,
            comment=new.comment,
            created_by=new.created_by or who,
            now_ms=now_ms,
        )
        return _existing(connection, silence_id)

    return context.store.write(write)


def end_silence(context: ApiContext, silence: int) -> SilenceRow:
    """End a silence now. Raises ``NotFound``."""
    now_ms = context.clock.now_ms()

    def write(connection: Connection) -> SilenceRow:
        expire_silence(connection, silence, now_ms)
        return _existing(connection, silence)

    return context.store.write(write)


def _existing(connection: Connection, silence_id: int) -> SilenceRow:
    row = read_silence(connection, silence_id)
    if row is None:
        raise NotFound(f"there is no silence {silence_id}")
    return row


def _end(new: NewSilence, starts_ms: int) -> int:
    if (new.ends is None) == (new.duration is None):
        raise InvalidParameter("ends", "give either ends or duration")
    if new.duration is None:
        ends_ms = parse_time_ms("ends", str(new.ends))
    else:
        try:
            ends_ms = starts_ms + milliseconds_of(new.duration)
        except ValueError:
            raise InvalidParameter(
                "duration", f"{new.duration!r} is not a duration such as 2h or 1d"
            ) from None
    if ends_ms - starts_ms > _LONGEST_MS:
        raise InvalidParameter("ends", "a silence lasts a year at most")
    return ends_ms
