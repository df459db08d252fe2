"""Transitions of alarms, those that later data proved wrong included if wanted."""

from collections.abc import Collection, Iterator
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.api.alarms import schemas
from app.api.alarms.content import datapoints_content, rules_by_name, severity_of
from app.api.alarms.filters import AlarmFilter, FilterParameter, StateName
from app.api.answers import Answer, answer_response
from app.api.context import ApiContext
from app.api.cursors import MOST_ITEMS, PageParameter
from app.api.formats import FormatParameter
from app.api.parameters import TimeRange, TimeRangeParameter
from app.api.schemas import list_responses
from app.api.tables import Block, Table
from app.storage import Connection, TransitionRow, read_alarm_frontier, read_transitions

_READ_AT_ONCE = 1_000
_COLUMNS = (
    "id",
    "rule",
    "at",
    "from",
    "to",
    "reason",
    "late",
    "evaluated",
    "withdrawn",
    "withdrawn_reason",
    "entity",
)


def add_history_route(router: APIRouter, context: ApiContext) -> None:
    """``GET /api/v1/alarms/history``."""

    @router.get(
        "/history", summary="Transitions, newest first", responses=list_responses(schemas.history())
    )
    def list_transitions(
        *,
        request: Request,
        wanted: FilterParameter,
        time_range: TimeRangeParameter,
        page: PageParameter,
        answer_format: FormatParameter,
        to: Annotated[
            list[StateName] | None,
            Query(description="The state after the transition; may be repeated"),
        ] = None,
        withdrawn: Annotated[
            bool, Query(description="Those that later data proved wrong, too")
        ] = False,
    ) -> Response:
        limit = page.limit or MOST_ITEMS
        frontier, found = wanted_transitions(
            context,
            wanted,
            time_range,
            to=to or (),
            withdrawn=withdrawn,
            after_id=page.after_id,
            limit=limit + 1,
        )
        shown = found[:limit]
        cursor = page.cursor((shown[-1].transition_id,)) if len(found) > limit else None
        items = [_content(row) for row in shown]
        table = Table(_COLUMNS, lambda: map(Block, items))
        answer = Answer({"evaluated": frontier}, "transitions", items, table, cursor)
        return answer_response(request, answer_format, answer)


def wanted_transitions(
    context: ApiContext,
    wanted: AlarmFilter,
    time_range: TimeRange,
    *,
    to: Collection[str],
    withdrawn: bool,
    after_id: int | None,
    limit: int,
) -> tuple[int | None, list[TransitionRow]]:
    """The time up to which alarms are evaluated, and transitions of a range, newest first.

    ``to`` are the states after a transition, none for all; ``after_id`` is the last one seen.
    """
    rules = rules_by_name(context.alarm_rules())

    def takes(row: TransitionRow) -> bool:
        rule = rules.get(row.rule)
        return (not to or row.to_state in to) and wanted.takes(
            row.rule, severity_of(rule, row.entity), row.entity, rule.labels if rule else ()
        )

    with context.store.read() as connection:
        frontier = read_alarm_frontier(connection)
        rows = _rows(connection, wanted, time_range, after_id, withdrawn=withdrawn)
        return frontier, list(islice(filter(takes, rows), limit))


def _rows(
    connection: Connection,
    wanted: AlarmFilter,
    time_range: TimeRange,
    after: int | None,
    *,
    withdrawn: bool,
) -> Iterator[TransitionRow]:
    """The rows after one, some at a time."""
    while True:
        rows = read_transitions(
            connection,
            rule=wanted.only_rule,
            start_ms=time_range.start_ms,
            end_ms=time_range.end_ms,
            withdrawn=withdrawn,
            after_id=after,
            limit=_READ_AT_ONCE,
        )
        yield from rows
        if len(rows) < _READ_AT_ONCE:
            return
        after = rows[-1].transition_id


def _content(row: TransitionRow) -> dict[str, object]:
    return {
        "id": row.transition_id,
        "rule": row.rule,
        "at": row.at_ms,
        "from": row.from_state,
        "to": row.to_state,
        "reason": row.reason,
        "datapoints": datapoints_content(row.datapoints),
        "late": row.late,
        "evaluated": row.evaluated_ms,
        "withdrawn": row.withdrawn_ms,
        "withdrawn_reason": row.withdrawn_reason or None,
        "entity": dict(row.entity),
    }
