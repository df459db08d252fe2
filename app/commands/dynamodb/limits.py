"""``hydrant dynamodb limits``: when tables, indexes and accounts reach their limits."""

from collections import Counter
from collections.abc import Iterator
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
from app.commands.dynamodb.printing import moment, number, range_line, table_lines
from app.commands.options import Database, SettingsFile

if TYPE_CHECKING:
    from app.dynamodb.limits import TimeToLimit
    from app.dynamodb.scope import Reading

_TOLD = ("reached", "projected")


def limits(
    *,
    account: Account = None,
    region: Region = None,
    table: Table = None,
    since: Annotated[
        str | None, typer.Option(help="So long before the end, such as 56d; default: 28d")
    ] = None,
    start: Start = None,
    end: End = None,
    every: Annotated[
        bool, typer.Option("--all", help="Also those of which no time can be told, and why")
    ] = False,
    form: Output = Format.TEXT,
    database: Database = None,
    settings_file: SettingsFile = None,
) -> None:
    """Show when tables, indexes and accounts reach their limits, the soonest first."""
    from app.api.dynamodb.limits import limits_answer
    from app.commands.dynamodb.printing import print_answer
    from app.dynamodb.limits import DEFAULT_MS, METRICS, TIER, time_to_limits
    from app.dynamodb.projection import DAY_MS
    from app.dynamodb.scope import read_scope

    if since is None and start is None:
        since = f"{DEFAULT_MS // DAY_MS}d"
    scope = scope_of_options(
        account=account, region=region, table=table, since=since, start=start, end=end
    )
    reading = asked(
        settings_file,
        database,
        lambda connection, most: read_scope(
            connection, scope, METRICS, most_points=most, finest=TIER
        ),
    )
    found = time_to_limits(reading)
    lines = _lines(reading, found, every=every or table is not None)
    print_answer(limits_answer(reading, found), form, lines)


def _lines(reading: "Reading", found: "list[TimeToLimit]", *, every: bool) -> Iterator[str]:
    yield range_line(reading)
    if not found:
        yield "no utilisation has been delivered for this time"
        return
    shown = [each for each in found if every or each.projection.outcome in _TOLD]
    if shown:
        texts = ("account", "region", "of", "direction", "limited by")
        columns = dict.fromkeys(texts, False)
        columns |= dict.fromkeys(("limit/s", "peak %", "points/day"), True)
        columns |= dict.fromkeys(("limit reached", "95 %: from", "to", "why"), False)
        yield from table_lines(columns, map(_row, shown))
    counts = Counter(
        each.projection.outcome.value.replace("_", " ")
        for each in found
        if each.projection.outcome not in _TOLD
    )
    if counts:
        many = ", ".join(f"{counts[name]} {name}" for name in sorted(counts))
        hint = "" if every else "; --all shows them"
        yield f"of {counts.total()} no time can be told: {many}{hint}"


def _row(each: "TimeToLimit") -> list[str]:
    found = each.projection
    reached = moment(found.reached_ms) if found.outcome != "reached" else "reached"
    return [
        each.resource.account,
        each.resource.region,
        each.resource.name or each.of.value.replace("_", " "),
        each.direction,
        each.limited_by.replace("_", " "),
        number(each.limit),
        number(found.peak),
        number(found.growth),
        reached,
        moment(found.earliest_ms),
        moment(found.latest_ms),
        found.reason,
    ]
