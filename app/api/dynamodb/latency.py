"""Latency by operation."""

from collections.abc import Iterator, Mapping, Sequence

from fastapi import APIRouter, Request, Response

from app.api.answers import Answer, answer_response
from app.api.context import ApiContext
from app.api.dynamodb.heads import head_of
from app.api.dynamodb.parameters import ScopeParameter
from app.api.dynamodb.schemas import latency
from app.api.formats import FormatParameter
from app.api.schemas import list_responses
from app.api.tables import Block, Table
from app.dynamodb.latency import EXTRAS, METRICS, OperationLatency, latency_by_operation
from app.dynamodb.scope import Reading, read_scope

_COLUMNS = (
    "account",
    "region",
    "table",
    "operation",
    "requests",
    "requests_per_second",
    "average_ms",
    "minimum_ms",
    "maximum_ms",
    "maximum_at",
    "percentiles",
    "throttled_requests",
    "system_errors",
)


def add_latency(router: APIRouter, context: ApiContext) -> None:
    """Add the route."""

    @router.get(
        "/latency",
        summary="Latency by operation, slowest first",
        responses=list_responses(latency()),
    )
    def read_latency(
        request: Request, asked: ScopeParameter, answer_format: FormatParameter
    ) -> Response:
        scope = asked.at(context.clock)
        with context.store.read() as connection:
            reading = read_scope(
                connection, scope, METRICS, most_points=context.query_max_points, extras=EXTRAS
            )
        closed = scope.is_over(context.clock.now_ms())
        answer = latency_answer(reading, latency_by_operation(reading), closed=closed)
        return answer_response(request, answer_format, answer)


def latency_answer(
    reading: Reading, found: Sequence[OperationLatency], *, closed: bool = False
) -> Answer:
    """The answer of the route and of the command."""
    items = [_item(each) for each in found]

    def blocks() -> Iterator[Block]:
        return map(Block, items)

    return Answer(head_of(reading), "operations", items, Table(_COLUMNS, blocks), closed=closed)


def _item(each: OperationLatency) -> Mapping[str, object]:
    percentiles = {
        name: {
            "highest_ms": one.highest,
            "highest_at": one.highest_ms,
            "latest_ms": one.latest,
            "latest_at": one.latest_ms,
        }
        for name, one in each.percentiles.items()
    }
    values = (
        each.table.account,
        each.table.region,
        each.table.table,
        each.operation,
        each.requests,
        each.requests_per_second,
        each.average,
        each.minimum,
        each.maximum,
        each.maximum_ms,
        percentiles,
        each.throttled_requests,
        each.system_errors,
    )
    return dict(zip(_COLUMNS, values, strict=True))
