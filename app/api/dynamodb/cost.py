"""What tables cost, and what the other capacity mode would have cost."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.api.answers import Answer, answer_response
from app.api.context import ApiContext
from app.api.dynamodb.cost_content import (
    CELLS,
    advice_content,
    figures_content,
    prices_content,
    runs_content,
)
from app.api.dynamodb.cost_schemas import cost
from app.api.formats import FormatParameter
from app.api.schemas import list_responses
from app.api.tables import Block, Table
from app.dynamodb.cost import ASSUMPTIONS, DEFAULT_TARGET_PERCENT, TableCost, break_even
from app.dynamodb.cost_advice import advice_of
from app.dynamodb.cost_report import CostQuestion, CostReport, cost_span, read_costs
from app.dynamodb.days import offset_text, parse_utc_offset
from app.dynamodb.money import shown
from app.dynamodb.prices import CapacityPrices, Prices, load_prices
from app.query import parse_time_ms

_COLUMNS = ("account", "region", "table", "index", "table_class", "date", *CELLS)


def add_cost(router: APIRouter, context: ApiContext) -> None:
    """Add the route."""

    @router.get(
        "/cost",
        summary="What tables cost, and what the other capacity mode would have cost",
        responses=list_responses(cost()),
    )
    def read_cost(
        *,
        request: Request,
        account: Annotated[str | None, Query(description="Twelve digits; default: all")] = None,
        region: Annotated[str | None, Query(description="Such as eu-west-1; default: all")] = None,
        table: Annotated[str | None, Query(description="Name of a table; default: all")] = None,
        start: Annotated[
            str | None, Query(description="Inclusive; default: a week before the end")
        ] = None,
        end: Annotated[
            str | None, Query(description="Exclusive; default: the last hour that is over")
        ] = None,
        utc_offset: Annotated[
            str, Query(description="Of days and hours: Z, or such as +02:00")
        ] = "Z",
        target_utilization: Annotated[
            int, Query(ge=20, le=90, description="Percent that auto scaling would aim at")
        ] = DEFAULT_TARGET_PERCENT,
        limit: Annotated[int, Query(ge=1, le=10_000, description="Most tables answered")] = 100,
        answer_format: FormatParameter,
    ) -> Response:
        offset_ms = parse_utc_offset("utc_offset", utc_offset)
        span = cost_span(
            context.clock.now_ms(),
            None if start is None else parse_time_ms("start", start),
            None if end is None else parse_time_ms("end", end),
            offset_ms,
        )
        question = CostQuestion(account, region, table, span, offset_ms, target_utilization)
        prices = load_prices(context.price_file)
        with context.store.read() as connection:
            report = read_costs(connection, question, prices, most_points=context.query_max_points)
        return answer_response(request, answer_format, cost_answer(report, limit))


def cost_answer(report: CostReport, limit: int) -> Answer:
    """The answer of the route and of the command: at most ``limit`` tables, the dearest first."""
    tables = report.tables[:limit]
    span, prices = report.question.span, report.prices
    head: dict[str, object] = {
        "start": span.start_ms,
        "end": span.end_ms,
        "resolution": report.resolution_ms // 1000,
        "utc_offset": offset_text(report.question.offset_ms),
        "target_utilization": report.question.target_percent,
        "prices": prices_content(prices, {table.table.region for table in tables}),
        "assumptions": list(ASSUMPTIONS),
        "total": figures_content(report.total),
        "days": [
            {"date": day.date, **figures_content(figures)}
            for day, figures in zip(report.days, report.of_days, strict=True)
        ],
        "total_tables": len(report.tables),
        "unpriced_tables": len(report.unpriced),
        "unpriced_regions": sorted({table.table.region for table in report.unpriced}),
    }
    items = [_item(report, table) for table in tables]

    def blocks() -> Iterator[Block]:
        for table in tables:
            yield from map(Block, _rows(report, table))

    # Prices may change, too: an answer is never closed.
    return Answer(head, "tables", items, Table(_COLUMNS, blocks))


def _item(report: CostReport, table: TableCost) -> Mapping[str, object]:
    even = break_even(_prices_of(report.prices, table))
    dates = [day.date for day in report.days]
    return {
        "account": table.table.account,
        "region": table.table.region,
        "table": table.table.table,
        "table_class": table.table_class,
        "missing_prices": list(table.missing_prices),
        "modes": runs_content(table),
        "hours": {mode.name.lower(): hours for mode, hours in table.hours.items()},
        "total": figures_content(table.total),
        "if_flat": shown(table.flat_cost),
        "break_even_percent": {"reads": even.reads, "writes": even.writes},
        "resources": [
            {
                "index": one.resource.index,
                "total": figures_content(one.total),
                "if_flat": shown(one.flat.cost),
                "flat_read_units": one.flat.read_units,
                "flat_write_units": one.flat.write_units,
                "days": [
                    {"date": date, **figures_content(figures)}
                    for date, figures in zip(dates, one.days, strict=True)
                ],
            }
            for one in table.resources
        ],
        "advice": advice_content(advice_of(table, report.resolution_ms)),
    }


def _prices_of(prices: Prices, table: TableCost) -> CapacityPrices:
    place = table.table
    return prices.of_table(place.account, place.region, place.table) or CapacityPrices()


def _rows(report: CostReport, table: TableCost) -> Iterator[Mapping[str, object]]:
    """A row for each day of a table and of each index."""
    for one in table.resources:
        for day, figures in zip(report.days, one.days, strict=True):
            yield {
                "account": table.table.account,
                "region": table.table.region,
                "table": table.table.table,
                "index": one.resource.index,
                "table_class": table.table_class,
                "date": day.date,
                **figures_content(figures),
            }
