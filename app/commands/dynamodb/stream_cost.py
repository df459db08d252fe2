"""``hydrant dynamodb stream-cost``: what the metric stream itself costs."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.dynamodb.asking import asked
from app.commands.dynamodb.cost import PriceFile, money, price_file_of, times_of_options
from app.commands.dynamodb.options import End, Format, Output, Start
from app.commands.dynamodb.printing import moment, number, table_lines
from app.commands.options import Database, SettingsFile

if TYPE_CHECKING:
    from app.dynamodb.prices import Prices
    from app.dynamodb.stream_cost import GroupCost, StreamCost
    from app.storage import Connection

_NUMBERS = ("series", "updates", "share", "cost", "a month")


def stream_costs(
    *,
    since: Annotated[
        str | None, typer.Option(help="So long before the end, such as 12h or 30d; default: 1d")
    ] = None,
    start: Start = None,
    end: End = None,
    hours: Annotated[int, typer.Option(min=1, help="Most hours that are counted")] = 24,
    limit: Annotated[int, typer.Option(min=1, help="Most metrics and tables")] = 15,
    prices_file: PriceFile = None,
    form: Output = Format.TEXT,
    database: Database = None,
    settings_file: SettingsFile = None,
) -> None:
    """Estimate what the metric stream cost in the last day, and which metrics cost most."""
    from app.api.dynamodb.stream_cost import stream_cost_answer
    from app.clock import SystemClock
    from app.commands.dynamodb.printing import print_answer
    from app.dynamodb.prices import load_prices
    from app.dynamodb.stream_cost import stream_cost
    from app.dynamodb.stream_counting import count_series, counted_range
    from app.storage import read_streams

    start_ms, end_ms = counted_range(SystemClock().now_ms(), *times_of_options(since, start, end))
    prices = load_prices(price_file_of(prices_file, database, settings_file))

    def question(connection: "Connection", _: int) -> "StreamCost":
        counted, series = count_series(connection, start_ms, end_ms, most_hours=hours)
        return stream_cost(series, counted, prices, read_streams(connection).values())

    found = asked(settings_file, database, question)
    print_answer(stream_cost_answer(found, prices, limit), form, _lines(found, prices, limit))


def _lines(found: "StreamCost", prices: "Prices", limit: int) -> Iterator[str]:
    counted = found.counted
    how = (
        "all points counted"
        if counted.is_complete
        else f"{counted.counted_hours} of {counted.hours} hours counted, scaled to all"
    )
    yield (
        f"from {moment(counted.start_ms)} to {moment(counted.end_ms)}, {how}; {prices.currency},"
        f" prices of {prices.dated} in {prices.file}"
    )
    if not found.total.points:
        yield "no points of CloudWatch are stored of this time"
        return
    yield (
        f"{number(found.total.updates)} updates in {number(found.total.points)} points of"
        f" {number(found.total.series)} series: {money(found.total.cost)};"
        f" {money(found.total.cost_a_month)} a month"
    )
    for row in found.firehose:
        yield (
            f"Firehose, {row.names['account']} {row.names['region']}: about"
            f" {row.bytes_per_point:.0f} bytes a point, {row.gigabytes:.3f} GB:"
            f" {money(row.cost)}; {money(row.cost_a_month)} a month"
        )
    if found.unpriced_regions:
        yield f"without a price for metric streams: {', '.join(found.unpriced_regions)}"
    for title, names, rows in (
        ("namespaces", ("namespace",), found.namespaces),
        ("metrics", ("namespace", "metric"), found.metrics),
        ("tables", ("table",), found.tables),
    ):
        yield ""
        yield f"{title}, those with the most updates first"
        yield from _group_lines(("account", "region", *names), rows[:limit])
        if len(rows) > limit:
            yield f"and {len(rows) - limit} more: --limit"
    yield ""
    yield (
        "filters of a metric stream leave out namespaces and metrics, not tables; points that came"
        " twice are counted once"
    )


def _group_lines(names: tuple[str, ...], rows: "Iterable[GroupCost]") -> list[str]:
    columns = dict.fromkeys(names, False) | dict.fromkeys(_NUMBERS, True)
    return table_lines(
        columns,
        [
            [
                *(row.names[name] for name in names),
                number(row.series),
                number(row.updates),
                f"{row.share_percent:.1f} %",
                money(row.cost),
                money(row.cost_a_month),
            ]
            for row in rows
        ],
    )
