"""The short lists of tables that stand out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.dynamodb.cost_report import CostReport
from app.web.figures.row_content import row_content
from app.web.figures.table_rows import TableFigures, TableRow

LENGTH = 8


@dataclass(frozen=True, slots=True)
class TopList:
    """``sort`` is the column of the page of tables that has all of them."""

    title: str
    sort: str
    unit: str
    value: str
    rows: Sequence[Mapping[str, object]]
    empty: str


def throttled(figures: TableFigures) -> list[TableRow]:
    """The tables with throttle events of their own or of an index, those of now first."""
    found = [row for row in figures.rows if row.throttled_until_ms is not None]
    found.sort(key=lambda row: -row.all_throttles)
    found.sort(key=lambda row: row.condition.rank)
    return found


def top_lists(figures: TableFigures) -> list[TopList]:
    """By latency and by consumption."""
    return [
        TopList(
            "Slowest tables",
            "latency",
            "average of the slowest operation",
            "latency",
            _highest(figures.rows, lambda row: row.latency),
            "No request has succeeded in this time.",
        ),
        TopList(
            "Consumption",
            "reads",
            "units per second, reads and writes",
            "consumed",
            _highest(figures.rows, lambda row: row.consumed),
            "Nothing has been consumed in this time.",
        ),
    ]


def dearest(report: CostReport) -> list[Mapping[str, object]]:
    """The tables that cost most; those without a price are left out."""
    return [
        {
            "table": each.table.table,
            "account": each.table.account,
            "region": each.table.region,
            "cost": float(each.total.amounts.cost),
        }
        for each in report.tables[:LENGTH]
        if each.total.amounts.cost
    ]


def _highest(
    rows: Sequence[TableRow], value: Callable[[TableRow], float | None]
) -> list[Mapping[str, object]]:
    known = [(found, row) for row in rows if (found := value(row)) is not None]
    known.sort(key=lambda item: -item[0])
    return [row_content(row) for _, row in known[:LENGTH]]
