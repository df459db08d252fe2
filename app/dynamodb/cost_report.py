"""The answer to what tables cost: which time it is about, tables by their cost, and totals."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.dynamodb.cost import DEFAULT_TARGET_PERCENT, TableCost, cost_of_table
from app.dynamodb.cost_figures import Figures
from app.dynamodb.cost_hours import HOUR_MS, Span
from app.dynamodb.cost_reading import read_hours
from app.dynamodb.days import Day, days_of, whole_hours
from app.dynamodb.prices import Prices
from app.errors import InvalidParameter
from app.storage import Connection

DEFAULT_DAYS = 7
"""The length of a range without a start."""
LONGEST_DAYS = 400


@dataclass(frozen=True, slots=True)
class CostQuestion:
    """Tables of an account, a region or a name, where given, in whole hours that are over."""

    account: str | None
    region: str | None
    table: str | None
    span: Span
    offset_ms: int = 0
    target_percent: int = DEFAULT_TARGET_PERCENT


@dataclass(frozen=True, slots=True)
class CostReport:
    """``tables`` are in the order of their cost, the highest first; without a price they are last.

    ``total`` and ``of_days`` are of the tables whose cost is known, ``unpriced`` are the others.
    """

    question: CostQuestion
    prices: Prices
    resolution_ms: int
    tables: list[TableCost]
    days: list[Day]
    total: Figures
    of_days: list[Figures]
    unpriced: list[TableCost]


def cost_span(now_ms: int, start_ms: int | None, end_ms: int | None, offset_ms: int) -> Span:
    """The range in whole hours of an offset, up to the last one that is over.

    Without an end to now, without a start from a week before the end. Raises ``InvalidParameter``.
    """
    last_ms = (now_ms + offset_ms) // HOUR_MS * HOUR_MS - offset_ms
    if end_ms is None or end_ms > last_ms:
        end_ms = last_ms
    if start_ms is None:
        start_ms = max(0, end_ms - DEFAULT_DAYS * 24 * HOUR_MS)
    if start_ms >= end_ms:
        raise InvalidParameter(
            "start", "costs are of whole hours that are over; there is none between start and end"
        )
    span = whole_hours(start_ms, end_ms, offset_ms)
    if span.hours > LONGEST_DAYS * 24:
        raise InvalidParameter("start", f"give a range of {LONGEST_DAYS} days at most")
    return span


def read_costs(
    connection: Connection, question: CostQuestion, prices: Prices, *, most_points: int
) -> CostReport:
    """The costs that were asked for. Raises ``NotFound`` and ``ResultTooLarge``."""
    read = read_hours(
        connection,
        question.span,
        account=question.account,
        region=question.region,
        table=question.table,
        most_points=most_points,
    )
    days = days_of(question.span, question.offset_ms)
    tables = [
        cost_of_table(hours, prices, question.span, days, question.target_percent)
        for hours in read.tables
    ]
    tables.sort(key=_order)
    priced = [table for table in tables if table.total.amounts.cost is not None]
    return CostReport(
        question,
        prices,
        read.tier.length_ms,
        tables,
        days,
        Figures.together([table.total for table in priced]),
        [_of_day(priced, number) for number in range(len(days))],
        [table for table in tables if table.total.amounts.cost is None],
    )


def _order(table: TableCost) -> tuple[object, ...]:
    cost = table.total.amounts.cost
    return (cost is None, -cost if cost is not None else 0, table.table)


def _of_day(tables: Sequence[TableCost], number: int) -> Figures:
    return Figures.together([table.days[number] for table in tables])
