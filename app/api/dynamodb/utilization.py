"""Utilisation of capacity and of limits."""

from collections.abc import Iterator, Mapping, Sequence

from fastapi import APIRouter, Request, Response

from app.api.answers import Answer, answer_response
from app.api.context import ApiContext
from app.api.dynamodb.heads import head_of
from app.api.dynamodb.parameters import ScopeParameter
from app.api.dynamodb.schemas import utilization as utilization_schema
from app.api.formats import FormatParameter
from app.api.schemas import list_responses
from app.api.tables import Block, Table
from app.dynamodb.scope import Reading, read_scope
from app.dynamodb.utilization import METRICS, Limit, Utilization, utilization

_COLUMNS = (
    "account",
    "region",
    "table",
    "index",
    "direction",
    "limited_by",
    "limit",
    "consumed",
    "current",
    "current_at",
    "average",
    "peak",
    "peak_at",
    "above_70",
    "above_80",
    "seconds",
)


def add_utilization(router: APIRouter, context: ApiContext) -> None:
    """Add the route."""

    @router.get(
        "/utilization",
        summary="Utilisation of tables and indexes, highest peak first",
        responses=list_responses(utilization_schema()),
    )
    def read_utilization(
        request: Request, asked: ScopeParameter, answer_format: FormatParameter
    ) -> Response:
        scope = asked.at(context.clock)
        with context.store.read() as connection:
            reading = read_scope(connection, scope, METRICS, most_points=context.query_max_points)
        closed = scope.is_over(context.clock.now_ms())
        answer = utilization_answer(reading, utilization(reading), closed=closed)
        return answer_response(request, answer_format, answer)


def utilization_answer(
    reading: Reading, found: Sequence[Utilization], *, closed: bool = False
) -> Answer:
    """The answer of the route and of the command."""
    items = [_item(each) for each in found]

    def blocks() -> Iterator[Block]:
        return map(Block, items)

    return Answer(head_of(reading), "utilization", items, Table(_COLUMNS, blocks), closed=closed)


def _item(each: Utilization) -> Mapping[str, object]:
    values = (
        each.resource.account,
        each.resource.region,
        each.resource.table,
        each.resource.index,
        each.direction,
        None if each.limited_by is Limit.NONE else each.limited_by.name.lower(),
        each.limit,
        each.consumed,
        each.current,
        each.current_ms,
        each.average,
        each.peak,
        each.peak_ms,
        each.above_70,
        each.above_80,
        each.seconds,
    )
    return dict(zip(_COLUMNS, values, strict=True))
