"""``hydrant dynamodb throttling``: who throttles, when, why, and what helps."""

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
    from app.dynamodb.scope import Reading
    from app.dynamodb.throttling import Finding


def throttling(
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
    """Show who throttles, when, why, and what helps."""
    from app.api.dynamodb.throttling import throttling_answer
    from app.commands.dynamodb.printing import print_answer
    from app.dynamodb.scope import read_scope
    from app.dynamodb.throttling import METRICS
    from app.dynamodb.throttling import throttling as diagnose

    scope = scope_of_options(
        account=account, region=region, table=table, since=since, start=start, end=end
    )
    reading = asked(
        settings_file,
        database,
        lambda connection, most: read_scope(connection, scope, METRICS, most_points=most),
    )
    found = diagnose(reading)
    print_answer(throttling_answer(reading, found), form, _lines(reading, found))


def _lines(reading: "Reading", found: "list[Finding]") -> Iterator[str]:
    yield range_line(reading)
    if not found:
        yield "nothing was throttled"
        return
    texts = ("account", "region", "table", "index", "direction", "cause", "pattern")
    columns = dict.fromkeys(texts, False)
    columns |= dict.fromkeys(("events", "episodes", "used %", "peak %"), True)
    columns |= dict.fromkeys(("first", "last"), False)
    yield from table_lines(columns, map(_row, found))
    for each in found:
        yield ""
        yield from _explained(each)


def _row(each: "Finding") -> list[str]:
    marked = " (inferred)" if each.judgement.inferred else ""
    return [
        each.resource.account,
        each.resource.region,
        each.resource.table,
        each.resource.index or MISSING,
        each.direction.lower(),
        f"{each.judgement.cause.value}{marked}",
        MISSING if each.pattern is None else each.pattern.value,
        number(each.events),
        number(len(each.episodes)),
        number(each.used_average),
        number(each.used_peak),
        moment(each.start_ms),
        moment(each.end_ms),
    ]


def _explained(each: "Finding") -> Iterator[str]:
    yield f"{each.resource.name}, {each.direction.lower()}: {each.judgement.reasoning}"
    if each.operations:
        named = (f"{one.operation} {number(one.throttled)}" for one in each.operations)
        yield f"  throttled requests: {', '.join(named)}"
    if each.limit is not None and each.consumed_peak is not None:
        yield (
            f"  at most {number(each.consumed_peak)} units a second were consumed while throttled,"
            f" {number(each.wanted_peak)} were wanted, and the limit is {number(each.limit)}"
        )
    for one in each.advice:
        yield f"  * {one.text}"
