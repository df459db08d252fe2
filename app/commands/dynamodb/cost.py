"""``hydrant dynamodb cost``: what tables cost, and what the other mode would have cost."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.dynamodb.asking import asked
from app.commands.dynamodb.options import (
    Account,
    End,
    Format,
    Output,
    Region,
    Start,
    Table,
    scope_of_options,
)
from app.commands.dynamodb.printing import MISSING, moment, number, table_lines
from app.commands.options import Database, SettingsFile

if TYPE_CHECKING:
    from app.dynamodb.cost import TableCost
    from app.dynamodb.cost_figures import Amounts
    from app.dynamodb.cost_report import CostReport

PriceFile = Annotated[Path | None, typer.Option("--prices", help="Price file (HYDRANT_PRICE_FILE)")]
Since = Annotated[
    str | None, typer.Option(help="So long before the end, such as 12h or 30d; default: 7d")
]
_AMOUNTS = ("cost", "provisioned", "on-demand", "unused", "if on-demand", "if auto-scaled")


def cost(
    *,
    account: Account = None,
    region: Region = None,
    table: Table = None,
    since: Since = None,
    start: Start = None,
    end: End = None,
    utc_offset: Annotated[str, typer.Option(help="Of days and hours: Z, or such as +02:00")] = "Z",
    target_utilization: Annotated[
        int, typer.Option(min=20, max=90, help="Percent that auto scaling would aim at")
    ] = 70,
    limit: Annotated[int, typer.Option(min=1, help="Most tables, the dearest first")] = 20,
    prices_file: PriceFile = None,
    form: Output = Format.TEXT,
    database: Database = None,
    settings_file: SettingsFile = None,
) -> None:
    """Estimate what tables cost in the last week, and what another capacity mode would."""
    from app.api.dynamodb.cost import cost_answer
    from app.clock import SystemClock
    from app.commands.dynamodb.printing import print_answer
    from app.dynamodb.cost_report import CostQuestion, cost_span, read_costs
    from app.dynamodb.days import parse_utc_offset
    from app.dynamodb.prices import load_prices

    offset_ms = parse_utc_offset("--utc-offset", utc_offset)
    span = cost_span(SystemClock().now_ms(), *times_of_options(since, start, end), offset_ms)
    question = CostQuestion(account, region, table, span, offset_ms, target_utilization)
    prices = load_prices(price_file_of(prices_file, database, settings_file))
    report = asked(
        settings_file,
        database,
        lambda connection, most: read_costs(connection, question, prices, most_points=most),
    )
    print_answer(cost_answer(report, limit), form, _lines(report, limit))


def times_of_options(
    since: str | None, start: str | None, end: str | None
) -> tuple[int | None, int | None]:
    """The start and the end that are asked for, None where one is left to the command."""
    from app.query import parse_time_ms

    if since is not None:
        scope = scope_of_options(
            account=None, region=None, table=None, since=since, start=start, end=end
        )
        return scope.start_ms, scope.end_ms
    return (
        None if start is None else parse_time_ms("--start", start),
        None if end is None else parse_time_ms("--end", end),
    )


def price_file_of(
    given: Path | None, database: str | None, settings_file: Path | None
) -> Path | None:
    """The price file of the option, or else of the settings."""
    from app.settings import load_settings

    return given or load_settings(settings_file, database=database).price_file


def _lines(report: "CostReport", limit: int) -> Iterator[str]:
    span, prices = report.question.span, report.prices
    yield (
        f"from {moment(span.start_ms)} to {moment(span.end_ms)} ({span.hours} hours), points of"
        f" {report.resolution_ms // 1000} s; {prices.currency}, prices of {prices.dated} in"
        f" {prices.file}"
    )
    if not report.tables:
        yield "nothing has come of the capacity of tables in this time"
        return
    columns = dict.fromkeys(("account", "region", "table", "index", "mode"), False)
    columns |= dict.fromkeys(_AMOUNTS, True)
    yield from table_lines(columns, _rows(report, limit))
    if len(report.tables) > limit:
        yield f"and {len(report.tables) - limit} more tables: --limit"
    if report.question.table is not None:
        yield ""
        yield from _day_lines(report)
    yield from _unpriced_lines(report)
    yield from _advice_lines(report, limit)
    yield from _note_lines(report)


def _rows(report: "CostReport", limit: int) -> Iterator[list[str]]:
    for table in report.tables[:limit]:
        mode = _modes(table)
        for one in table.resources:
            place = table.table
            name = [place.account, place.region, place.table, one.resource.index or MISSING]
            yield [*name, mode, *_amounts(one.total.amounts)]
    if len(report.tables) > 1:
        yield ["total", "", "", "", "", *_amounts(report.total.amounts)]


def _modes(table: "TableCost") -> str:
    """Each mode that the table was in, in their order."""
    modes = dict.fromkeys(run.mode.name.lower() for run in table.modes)
    return "/".join(mode for mode in modes if mode != "unknown")


def _amounts(amounts: "Amounts") -> list[str]:
    every = (
        amounts.cost,
        amounts.provisioned,
        amounts.on_demand,
        amounts.unused,
        amounts.if_on_demand,
        amounts.if_auto_scaled,
    )
    return [money(one) for one in every]


def money(value: Decimal | None) -> str:
    """An amount to be read by people: four digits behind the point."""
    return MISSING if value is None else f"{value:,.4f}"


def _day_lines(report: "CostReport") -> Iterator[str]:
    columns = {"day": False} | dict.fromkeys(_AMOUNTS, True)
    columns |= dict.fromkeys(("read units", "write units", "minutes missing"), True)
    rows = [
        [
            day.date,
            *_amounts(figures.amounts),
            number(figures.quantities.consumed_read_units),
            number(figures.quantities.consumed_write_units),
            number(figures.quantities.missing_minutes),
        ]
        for day, figures in zip(report.days, report.of_days, strict=True)
    ]
    yield from table_lines(columns, rows)


def _unpriced_lines(report: "CostReport") -> Iterator[str]:
    lacking: dict[str, set[str]] = {}
    for table in report.unpriced:
        place = f"{table.table.region} {table.table_class}"
        lacking.setdefault(place, set()).update(table.missing_prices)
    if lacking:
        yield f"not in the total, as {report.prices.file} has no prices for them:"
    for place, names in sorted(lacking.items()):
        tables = sum(
            f"{table.table.region} {table.table_class}" == place for table in report.unpriced
        )
        yield f"  {place}, {tables} tables: {', '.join(sorted(names))}"


def _advice_lines(report: "CostReport", limit: int) -> Iterator[str]:
    from app.dynamodb.cost_advice import advice_of

    for table in report.tables[:limit]:
        advice = advice_of(table, report.resolution_ms)
        if advice is not None:
            yield (
                f"{_name(table)}: {advice.action.replace('_', ' ')}: {money(advice.cost_then)}"
                f" instead of {money(advice.cost)} in {advice.hours} hours,"
                f" {advice.saving_percent:.0f} % less, {advice.saving_a_month:,.2f} a month."
                f" {advice.text}"
            )


def _name(table: "TableCost") -> str:
    return f"{table.table.account} {table.table.region} {table.table.table}"


def _note_lines(report: "CostReport") -> Iterator[str]:
    missing = report.total.quantities.missing_minutes
    if missing:
        yield (
            f"the capacity of {number(missing)} minutes of reads or writes of a table is not known"
            " and not paid here"
        )
    yield (
        "estimates from list prices: without free tier, reserved capacity, storage, backups and"
        f" tax; if auto-scaled: capacity that follows each hour's highest minute at"
        f" {report.question.target_percent} %, which real traffic can outrun"
    )
