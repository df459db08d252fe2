"""The top tables by any figure."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.api.answers import Answer, answer_response
from app.api.context import ApiContext
from app.api.cursors import MOST_ITEMS
from app.api.dynamodb.figures import described, figure_content
from app.api.dynamodb.heads import head_of
from app.api.dynamodb.parameters import PlaceParameter
from app.api.dynamodb.report_schemas import ranking
from app.api.dynamodb.tables import place_content
from app.api.formats import FormatParameter
from app.api.schemas import list_responses
from app.api.tables import Block, Table
from app.api.top import Order
from app.dynamodb.figure_kinds import TABLE_FIGURES, FigureKind
from app.dynamodb.measured import Figure
from app.dynamodb.report import top_resources
from app.dynamodb.resources import Resource
from app.dynamodb.scope import Reading, read_scope
from app.errors import InvalidParameter

_COLUMNS = ("value", "total", "latest", "latest_at", "peak", "peak_at", "seconds")
_KINDS = {kind.name: kind for kind in TABLE_FIGURES}


class Ranked(StrEnum):
    """What is ranked."""

    TABLES = "tables"
    INDEXES = "indexes"


def add_ranking(router: APIRouter, context: ApiContext) -> None:
    """Add the route."""

    @router.get(
        "/top", summary="Top tables or indexes by a figure", responses=list_responses(ranking())
    )
    def read_top(
        *,
        request: Request,
        asked: PlaceParameter,
        answer_format: FormatParameter,
        by: Annotated[str, Query(description="Name of a figure, such as consumed_read_capacity")],
        n: Annotated[int, Query(ge=1, le=MOST_ITEMS, description="How many")] = 10,
        order: Annotated[Order, Query(description="desc or asc")] = Order.DESCENDING,
        of: Annotated[Ranked, Query(description="tables or indexes")] = Ranked.TABLES,
    ) -> Response:
        kind = ranking_figure("by", by)
        scope = asked.at(context.clock)
        with context.store.read() as connection:
            reading = read_scope(
                connection, scope, [kind.metric], most_points=context.query_max_points
            )
        found = top_resources(
            reading, kind, indexes=of is Ranked.INDEXES, ascending=order is Order.ASCENDING
        )
        closed = scope.is_over(context.clock.now_ms())
        answer = ranking_answer(reading, kind, found, n, closed=closed)
        return answer_response(request, answer_format, answer)


def ranking_figure(parameter: str, name: str) -> FigureKind:
    """The figure of a name. Raises ``InvalidParameter``."""
    if name not in _KINDS:
        raise InvalidParameter(
            parameter, f"{name!r} is not a figure of tables; there are {', '.join(_KINDS)}"
        )
    return _KINDS[name]


def ranking_answer(
    reading: Reading,
    kind: FigureKind,
    found: Sequence[tuple[Resource, Figure]],
    most: int,
    *,
    closed: bool = False,
) -> Answer:
    """The first ``most`` of a ranking, and how many there are."""
    items = [
        {
            **place_content(resource),
            **{name: figure_content(kind.name, figure)[name] for name in _COLUMNS},
        }
        for resource, figure in found[:most]
    ]

    def blocks() -> Iterator[Block]:
        return map(Block, items)

    head = {**head_of(reading), "by": kind.name, **described(kind.name), "ranked": len(found)}
    table = Table(("account", "region", "table", "index", *_COLUMNS), blocks)
    return Answer(head, "top", items, table, closed=closed)
