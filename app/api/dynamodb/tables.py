"""The report of tables: all of them with a number a figure, and one with everything."""

from collections.abc import Iterator, Sequence

from fastapi import APIRouter, Request, Response

from app.api.answers import Answer, answer_response
from app.api.context import ApiContext
from app.api.dynamodb.figures import (
    FIGURE_COLUMNS,
    descriptions,
    figure_content,
    figures_content,
)
from app.api.dynamodb.heads import head_of
from app.api.dynamodb.parameters import PlaceParameter, ScopeParameter
from app.api.dynamodb.report_schemas import one_table, tables
from app.api.formats import FormatParameter
from app.api.schemas import list_responses
from app.api.tables import Block, Table
from app.dynamodb.figure_kinds import TABLE_FIGURES
from app.dynamodb.report import TABLE_METRICS, ResourceReport, report_of_resources
from app.dynamodb.resources import Resource
from app.dynamodb.scope import Reading, read_scope

_PLACE = ("account", "region", "table", "index")
_NAMES = tuple(kind.name for kind in TABLE_FIGURES)


def add_tables(router: APIRouter, context: ApiContext) -> None:
    """Add the routes."""

    @router.get(
        "/tables",
        summary="Figures of all tables and indexes",
        responses=list_responses(tables()),
    )
    def read_tables(
        request: Request, asked: ScopeParameter, answer_format: FormatParameter
    ) -> Response:
        scope = asked.at(context.clock)
        with context.store.read() as connection:
            reading = read_scope(
                connection, scope, TABLE_METRICS, most_points=context.query_max_points
            )
        closed = scope.is_over(context.clock.now_ms())
        answer = tables_answer(reading, report_of_resources(reading), closed=closed)
        return answer_response(request, answer_format, answer)

    @router.get(
        "/tables/{table}",
        summary="All about a table and each of its indexes",
        responses=list_responses(one_table()),
    )
    def read_table(
        request: Request, table: str, asked: PlaceParameter, answer_format: FormatParameter
    ) -> Response:
        scope = asked.at(context.clock, table=table)
        with context.store.read() as connection:
            reading = read_scope(
                connection, scope, TABLE_METRICS, most_points=context.query_max_points
            )
        closed = scope.is_over(context.clock.now_ms())
        answer = table_answer(reading, report_of_resources(reading), closed=closed)
        return answer_response(request, answer_format, answer)


def tables_answer(
    reading: Reading, found: Sequence[ResourceReport], *, closed: bool = False
) -> Answer:
    """A number a figure of each table and index."""
    items = [
        {
            **place_content(each.resource),
            "figures": {name: figure.value for name, figure in each.figures.items()},
        }
        for each in found
    ]

    def blocks() -> Iterator[Block]:
        for each in found:
            values = {name: figure.value for name, figure in each.figures.items()}
            yield Block({**place_content(each.resource), **values})

    names = [name for name in _NAMES if any(name in each.figures for each in found)]
    head = {**head_of(reading), "figures": descriptions(names)}
    return Answer(head, "tables", items, Table((*_PLACE, *_NAMES), blocks), closed=closed)


def table_answer(
    reading: Reading, found: Sequence[ResourceReport], *, closed: bool = False
) -> Answer:
    """All figures of a table and of each of its indexes; of each region that has the table."""
    items = [
        {**place_content(each.resource), "figures": figures_content(each.figures)} for each in found
    ]

    def blocks() -> Iterator[Block]:
        for each in found:
            for name, figure in each.figures.items():
                place = place_content(each.resource)
                yield Block({**place, "figure": name, **figure_content(name, figure)})

    table = Table((*_PLACE, "figure", *FIGURE_COLUMNS), blocks)
    return Answer(head_of(reading), "resources", items, table, closed=closed)


def place_content(resource: Resource) -> dict[str, object]:
    """What tells tables and indexes apart."""
    values = (resource.account, resource.region, resource.table, resource.index)
    return dict(zip(_PLACE, values, strict=True))
