"""Who throttles, when, why, and what helps."""

from collections.abc import Iterator, Mapping, Sequence

from fastapi import APIRouter, Request, Response

from app.api.answers import Answer, answer_response
from app.api.context import ApiContext
from app.api.dynamodb.heads import head_of
from app.api.dynamodb.links import selector, statistics_link
from app.api.dynamodb.parameters import ScopeParameter
from app.api.dynamodb.throttling_schemas import throttling as schema
from app.api.formats import FormatParameter
from app.api.schemas import list_responses
from app.api.tables import Block, Table
from app.dynamodb.evidence import Evidence, evidence
from app.dynamodb.scope import Reading, read_scope
from app.dynamodb.throttling import METRICS, Finding, throttling
from app.dynamodb.utilization import Limit

_COLUMNS = (
    "account",
    "region",
    "table",
    "index",
    "direction",
    "start",
    "end",
    "events",
    "cause",
    "inferred",
    "reasoning",
    "causes",
    "pattern",
    "interval",
    "operations",
    "limited_by",
    "limit",
    "used_average",
    "used_peak",
    "consumed_peak",
    "wanted_peak",
    "holds_back_table",
    "table_used_peak",
    "episodes",
    "advice",
    "evidence",
)


def add_throttling(router: APIRouter, context: ApiContext) -> None:
    """Add the route."""

    @router.get(
        "/throttling",
        summary="Who throttles, when, why, and what helps",
        responses=list_responses(schema()),
    )
    def read_throttling(
        request: Request, asked: ScopeParameter, answer_format: FormatParameter
    ) -> Response:
        scope = asked.at(context.clock)
        with context.store.read() as connection:
            reading = read_scope(connection, scope, METRICS, most_points=context.query_max_points)
        closed = scope.is_over(context.clock.now_ms())
        answer = throttling_answer(reading, throttling(reading), closed=closed)
        return answer_response(request, answer_format, answer)


def throttling_answer(
    reading: Reading, found: Sequence[Finding], *, closed: bool = False
) -> Answer:
    """The answer of the route and of the command."""
    items = [_item(each) for each in found]

    def blocks() -> Iterator[Block]:
        return map(Block, items)

    return Answer(head_of(reading), "findings", items, Table(_COLUMNS, blocks), closed=closed)


def _item(each: Finding) -> Mapping[str, object]:
    limited = None if each.limited_by is Limit.NONE else each.limited_by.name.lower()
    values = (
        each.resource.account,
        each.resource.region,
        each.resource.table,
        each.resource.index,
        each.direction.lower(),
        each.start_ms,
        each.end_ms,
        each.events,
        each.judgement.cause.value,
        each.judgement.inferred,
        each.judgement.reasoning,
        {share.cause.value: share.events for share in each.judgement.shares},
        None if each.pattern is None else each.pattern.value,
        None if each.interval_ms is None else each.interval_ms / 1000,
        [
            {"operation": one.operation, "throttled": one.throttled, "successful": one.successful}
            for one in each.operations
        ],
        limited,
        each.limit,
        each.used_average,
        each.used_peak,
        each.consumed_peak,
        each.wanted_peak,
        each.holds_back_table,
        each.table_used_peak,
        [
            {
                "start": one.start_ms,
                "end": one.end_ms,
                "throttled_seconds": one.throttled_ms / 1000,
                "events": one.events,
                "peak_at": one.peak_ms,
                "peak_events": one.peak_events,
            }
            for one in each.episodes
        ],
        [{"action": one.action, "text": one.text, "capacity": one.capacity} for one in each.advice],
        [_evidence(one) for one in evidence(each)],
    )
    return dict(zip(_COLUMNS, values, strict=True))


def _evidence(one: Evidence) -> Mapping[str, object]:
    return {
        "metric": one.metric,
        "dimensions": dict(one.dimensions),
        "statistic": one.statistic,
        "start": one.start_ms,
        "end": one.end_ms,
        "value": one.value,
        "unit": one.unit,
        "text": one.text,
        "statistics": statistics_link(one),
        "promql": selector(one),
    }
