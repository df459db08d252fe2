"""Time to limit: when utilisation reaches 100 %, or why that cannot be told."""

from collections.abc import Iterator, Mapping, Sequence

from fastapi import APIRouter, Request, Response

from app.api.answers import Answer, answer_response
from app.api.context import ApiContext
from app.api.dynamodb.heads import head_of
from app.api.dynamodb.limits_schemas import limits as schema
from app.api.dynamodb.parameters import ScopeParameter
from app.api.formats import FormatParameter
from app.api.schemas import list_responses
from app.api.tables import Block, Table
from app.dynamodb.limits import DEFAULT_MS, METRICS, TIER, TimeToLimit, time_to_limits
from app.dynamodb.scope import Reading, read_scope

_COLUMNS = (
    "of",
    "account",
    "region",
    "table",
    "index",
    "direction",
    "limited_by",
    "limit",
    "outcome",
    "reason",
    "peak",
    "growth",
    "growth_error",
    "r_squared",
    "reached",
    "earliest",
    "latest",
    "periods",
    "period_days",
)


def add_limits(router: APIRouter, context: ApiContext) -> None:
    """Add the route."""

    @router.get(
        "/limits",
        summary="When utilisation reaches its limit, the soonest first",
        responses=list_responses(schema()),
    )
    def read_limits(
        request: Request, asked: ScopeParameter, answer_format: FormatParameter
    ) -> Response:
        scope = asked.at(context.clock, default_ms=DEFAULT_MS)
        most = context.query_max_points
        with context.store.read() as connection:
            reading = read_scope(connection, scope, METRICS, most_points=most, finest=TIER)
        closed = scope.is_over(context.clock.now_ms())
        answer = limits_answer(reading, time_to_limits(reading), closed=closed)
        return answer_response(request, answer_format, answer)


def limits_answer(
    reading: Reading, found: Sequence[TimeToLimit], *, closed: bool = False
) -> Answer:
    """The answer of the route and of the command."""
    items = [_item(each) for each in found]

    def blocks() -> Iterator[Block]:
        return map(Block, items)

    return Answer(head_of(reading), "limits", items, Table(_COLUMNS, blocks), closed=closed)


def _item(each: TimeToLimit) -> Mapping[str, object]:
    found = each.projection
    values = (
        each.of.value,
        each.resource.account,
        each.resource.region,
        each.resource.table,
        each.resource.index,
        each.direction,
        each.limited_by,
        each.limit,
        found.outcome.value,
        found.reason,
        found.peak,
        found.growth,
        found.growth_error,
        found.r_squared,
        found.reached_ms,
        found.earliest_ms,
        found.latest_ms,
        found.periods,
        found.period_days,
    )
    return dict(zip(_COLUMNS, values, strict=True))
