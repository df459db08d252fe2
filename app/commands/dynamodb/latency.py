"""``hydrant dynamodb latency``: latency by operation."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from app.commands.dynamodb.asking import asked
from app.commands.dynamodb.options import (
    Account,
    End,
    Format,
    Output,
    Region,
    Since,
    Start,
    Table,
    scope_of_options,
)
from app.commands.dynamodb.printing import MISSING, moment, number, range_line, table_lines
from app.commands.options import Database, SettingsFile

if TYPE_CHECKING:
    from app.dynamodb.latency import DeliveredPercentile, OperationLatency
    from app.dynamodb.scope import Reading

_PERCENTILES = ("p50", "p90", "p99")


def latency(
    *,
    account: Account = None,
    region: Region = None,
    table: Table = None,
    since: Since = None,
    start: Start = None,
    end: End = None,
    form: Output = Format.TEXT,
    database: Database = None,
    settings_file: SettingsFile = None,
) -> None:
    """Show how long operations take, slowest first, with requests, throttles and errors."""
    from app.api.dynamodb.latency import latency_answer
    from app.commands.dynamodb.printing import print_answer
    from app.dynamodb.latency import EXTRAS, METRICS, latency_by_operation
    from app.dynamodb.scope import read_scope

    scope = scope_of_options(
        account=account, region=region, table=table, since=since, start=start, end=end
    )
    reading = asked(
        settings_file,
        database,
        lambda connection, most: read_scope(
            connection, scope, METRICS, most_points=most, extras=EXTRAS
        ),
    )
    found = latency_by_operation(reading)
    print_answer(latency_answer(reading, found), form, _lines(reading, found))


def _lines(reading: "Reading", found: "list[OperationLatency]") -> Iterator[str]:
    yield f"{range_line(reading)}; milliseconds on DynamoDB's side"
    if not found:
        yield "no operations have been delivered for this time"
        return
    columns = dict.fromkeys(("account", "region", "table", "operation"), False)
    columns |= dict.fromkeys(("requests", "per second", "average", "min", "max"), True)
    columns |= dict.fromkeys((*_PERCENTILES, "throttled", "errors"), True)
    yield from table_lines(columns, map(_row, found))
    if any(each.percentiles for each in found):
        yield "percentiles: the highest that was delivered for one period, never of the whole time"
        yield from _highest_p99(found)


def _row(each: "OperationLatency") -> list[str]:
    return [
        each.table.account,
        each.table.region,
        each.table.table,
        each.operation,
        number(each.requests),
        number(each.requests_per_second),
        number(each.average),
        number(each.minimum),
        number(each.maximum),
        *(_highest(each.percentiles.get(name)) for name in _PERCENTILES),
        number(each.throttled_requests),
        number(each.system_errors),
    ]


def _highest(one: "DeliveredPercentile | None") -> str:
    return MISSING if one is None else number(one.highest)


def _highest_p99(found: "list[OperationLatency]") -> Iterator[str]:
    delivered = [(each.percentiles["p99"], each) for each in found if "p99" in each.percentiles]
    if delivered:
        one, each = max(delivered, key=lambda pair: pair[0].highest)
        yield (
            f"highest p99: {number(one.highest)} ms, {each.operation} of {each.table.table}"
            f" at {moment(one.highest_ms)}; its latest: {number(one.latest)} ms"
            f" at {moment(one.latest_ms)}"
        )
