"""What the metric stream itself costs."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.api.answers import Answer, answer_response
from app.api.context import ApiContext
from app.api.dynamodb.cost_content import prices_content
from app.api.dynamodb.cost_schemas import stream_cost_schema
from app.api.formats import FormatParameter
from app.api.schemas import list_responses
from app.api.tables import Block, Table
from app.dynamodb.money import shown
from app.dynamodb.prices import Prices, load_prices
from app.dynamodb.stream_cost import (
    ASSUMPTIONS,
    FirehoseCost,
    GroupCost,
    StreamCost,
    stream_cost,
)
from app.dynamodb.stream_counting import MOST_HOURS, count_series, counted_range
from app.query import parse_time_ms
from app.storage import read_streams

_NAMES = ("account", "region", "namespace", "metric", "table")
_FIGURES = ("series", "points", "updates", "share_percent", "cost", "cost_a_month")


def add_stream_cost(router: APIRouter, context: ApiContext) -> None:
    """Add the route."""

    @router.get(
        "/stream-cost",
        summary="What the metric stream costs, by namespace, metric and table",
        responses=list_responses(stream_cost_schema()),
    )
    def read_stream_cost(
        *,
        request: Request,
        start: Annotated[
            str | None, Query(description="Inclusive; default: a day before the end")
        ] = None,
        end: Annotated[str | None, Query(description="Exclusive; default: now")] = None,
        hours: Annotated[
            int, Query(ge=1, le=1_000, description="Most hours that are counted")
        ] = MOST_HOURS,
        limit: Annotated[int, Query(ge=1, le=10_000, description="Most metrics and tables")] = 100,
        answer_format: FormatParameter,
    ) -> Response:
        start_ms, end_ms = counted_range(
            context.clock.now_ms(),
            None if start is None else parse_time_ms("start", start),
            None if end is None else parse_time_ms("end", end),
        )
        prices = load_prices(context.price_file)
        with context.store.read() as connection:
            counted, series = count_series(connection, start_ms, end_ms, most_hours=hours)
            streams = read_streams(connection)
        found = stream_cost(series, counted, prices, streams.values())
        return answer_response(request, answer_format, stream_cost_answer(found, prices, limit))


def stream_cost_answer(found: StreamCost, prices: Prices, limit: int) -> Answer:
    """The answer of the route and of the command: at most ``limit`` metrics and tables."""
    counted = found.counted
    head: dict[str, object] = {
        "start": counted.start_ms,
        "end": counted.end_ms,
        "hours": counted.hours,
        "counted_hours": counted.counted_hours,
        "minutes": counted.minutes,
        "counted_minutes": counted.counted_minutes,
        "is_complete": counted.is_complete,
        "prices": prices_content(prices, {row.names["region"] for row in found.namespaces}),
        "assumptions": list(ASSUMPTIONS),
        "unpriced_regions": found.unpriced_regions,
        "total": _content(found.total),
        "namespaces": [_content(row) for row in found.namespaces],
        "tables": [_content(row) for row in found.tables[:limit]],
        "firehose": [_firehose_content(row) for row in found.firehose],
        "total_metrics": len(found.metrics),
        "total_tables": len(found.tables),
    }

    def blocks() -> Iterator[Block]:
        for row in (*found.metrics[:limit], *found.tables[:limit]):
            yield Block(_content(row))

    items = [_content(row) for row in found.metrics[:limit]]
    return Answer(head, "metrics", items, Table((*_NAMES, *_FIGURES), blocks))


def _content(row: GroupCost) -> Mapping[str, object]:
    return {
        **row.names,
        "series": row.series,
        "points": row.points,
        "updates": row.updates,
        "share_percent": row.share_percent,
        "cost": shown(row.cost),
        "cost_a_month": shown(row.cost_a_month),
    }


def _firehose_content(row: FirehoseCost) -> Mapping[str, object]:
    return {
        **row.names,
        "bytes_per_point": row.bytes_per_point,
        "gigabytes": row.gigabytes,
        "cost": shown(row.cost),
        "cost_a_month": shown(row.cost_a_month),
    }
