"""The entities with the highest or lowest values of a metric over a whole range of time."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from app.api.answers import Answer, answer_response
from app.api.context import ApiContext
from app.api.cursors import MOST_ITEMS
from app.api.entities import (
    ENTITY_COLUMNS,
    EntityFilterParameter,
    LabelParameter,
    entity_cells,
    entity_content,
)
from app.api.errors import ERROR_RESPONSES
from app.api.formats import FormatParameter
from app.api.metrics import find_metric
from app.api.parameters import TimeRange, TimeRangeParameter, known_parameters_only
from app.api.schemas import list_responses, top
from app.api.tables import Block, Table
from app.clock import LAST_MS, MILLISECONDS_PER_MINUTE
from app.query import Grouping, Ranked, parse_grouping, rank_values, read_whole_range, whole_range
from app.storage import read_label_sets


class Order(StrEnum):
    """Which values come first."""

    DESCENDING = "desc"
    ASCENDING = "asc"


def top_router(context: ApiContext) -> APIRouter:
    """The route of rankings."""
    router = APIRouter(
        prefix="/api/v1",
        tags=["metrics"],
        dependencies=[Depends(known_parameters_only)],
        responses=ERROR_RESPONSES,
    )

    @router.get(
        "/top/{name}",
        summary="Entities with the highest or lowest values of a metric",
        responses=list_responses(top()),
    )
    def read_top(
        *,
        request: Request,
        name: str,
        time_range: TimeRangeParameter,
        wanted: EntityFilterParameter,
        labels: LabelParameter,
        answer_format: FormatParameter,
        n: Annotated[int, Query(ge=1, le=MOST_ITEMS, description="How many")] = 10,
        order: Annotated[Order, Query(description="desc or asc")] = Order.DESCENDING,
        by: Annotated[
            list[str] | None,
            Query(description="Part of the entity, or label:Name; what has equal ones is combined"),
        ] = None,
    ) -> Response:
        grouping = parse_grouping("by", by) if by else None
        with context.store.read() as connection:
            metric = find_metric(connection, context, name)
            pieces = whole_range(
                connection,
                time_range.start_ms,
                time_range.end_ms,
                rolled_up=metric.definition is not None,
            )
            entities = wanted.search(connection)
            ranked: list[Ranked] = []
            if metric.metric_id is not None and entities:
                values = read_whole_range(
                    connection,
                    metric.metric_id,
                    None if wanted.is_any else [*entities],
                    pieces,
                    limit=context.query_max_points,
                )
                label_sets = read_label_sets(connection, sorted(set(values.label_set_id.tolist())))
                ranked = rank_values(
                    metric,
                    values,
                    entities,
                    label_sets,
                    wanted=labels,
                    grouping=grouping,
                    ascending=order is Order.ASCENDING,
                )
        read = TimeRange(
            pieces.begin * MILLISECONDS_PER_MINUTE, pieces.end * MILLISECONDS_PER_MINUTE
        )
        first = ranked[:n]
        answer = Answer(
            {
                "metric": name,
                "combine": metric.combine.value,
                "order": order.value,
                "start": read.start_ms,
                "end": read.end_ms if read.end_ms < LAST_MS else None,
                "total": len(ranked),
            },
            "top",
            [_item(item) for item in first],
            _table(name, first, grouping),
            closed=read.is_over(context.clock.now_ms()),
        )
        return answer_response(request, answer_format, answer)

    return router


def _item(item: Ranked) -> dict[str, object]:
    named = entity_content(item.entity) if item.entity else dict(item.parts)
    content = {**named, "labels": item.labels, "value": item.value}
    if item.entity is None:
        content["series"] = item.series
    if item.last_bound is not None:
        content["last_bound"] = item.last_bound
    return content


def _table(name: str, ranked: Sequence[Ranked], grouping: Grouping | None) -> Table:
    def blocks() -> Iterator[Block]:
        for item in ranked:
            named = entity_cells(item.entity) if item.entity else dict(item.parts)
            yield Block(
                {
                    "metric": name,
                    **named,
                    "labels": item.labels,
                    "value": item.value,
                    "series": item.series,
                }
            )

    parts = ENTITY_COLUMNS if grouping is None else grouping.parts
    more = () if grouping is None else ("series",)
    return Table(("metric", *parts, "labels", "value", *more), blocks)
