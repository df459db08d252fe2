"""``hydrant dynamodb top``: the tables that have the most of something."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.dynamodb.asking import asked
from app.commands.dynamodb.options import (
    Account,
    End,
    Format,
    Output,
    Region,
    Since,
    Start,
    scope_of_options,
)
from app.commands.dynamodb.printing import moment, number, print_answer, range_line, table_lines
from app.commands.options import Database, SettingsFile

if TYPE_CHECKING:
    from app.dynamodb.figure_kinds import FigureKind
    from app.dynamodb.measured import Figure
    from app.dynamodb.resources import Resource
    from app.dynamodb.scope import Reading


def top(
    by: Annotated[str, typer.Argument(help="Name of a figure, such as consumed_read_capacity")],
    *,
    most: Annotated[int, typer.Option("--most", "-n", min=1, max=10_000, help="How many")] = 10,
    indexes: Annotated[bool, typer.Option("--indexes", help="Of indexes, not of tables")] = False,
    ascending: Annotated[bool, typer.Option("--ascending", help="Lowest first")] = False,
    account: Account = None,
    region: Region = None,
    since: Since = None,
    start: Start = None,
    end: End = None,
    form: Output = Format.TEXT,
    database: Database = None,
    settings_file: SettingsFile = None,
) -> None:
    """Show the tables or indexes with the highest values of a figure."""
    from app.api.dynamodb.ranking import ranking_answer, ranking_figure
    from app.dynamodb.report import top_resources
    from app.dynamodb.scope import read_scope

    kind = ranking_figure("BY", by)
    scope = scope_of_options(
        account=account, region=region, table=None, since=since, start=start, end=end
    )
    reading = asked(
        settings_file,
        database,
        lambda connection, points: read_scope(connection, scope, [kind.metric], most_points=points),
    )
    found = top_resources(reading, kind, indexes=indexes, ascending=ascending)
    answer = ranking_answer(reading, kind, found, most)
    print_answer(answer, form, _lines(reading, kind, found[:most]))


def _lines(
    reading: "Reading", kind: "FigureKind", found: "Sequence[tuple[Resource, Figure]]"
) -> Iterator[str]:
    yield range_line(reading)
    if not found:
        yield f"{kind.metric} has not been delivered for this time"
        return
    yield f"{kind.description}: {kind.statistic} of {kind.metric}, {kind.unit}"
    columns = dict.fromkeys(("account", "region", "table"), False)
    columns |= dict.fromkeys((kind.name, "latest", "peak"), True) | {"peak at": False}
    rows = (
        [
            of.account,
            of.region,
            of.name,
            number(figure.value),
            number(figure.latest),
            number(figure.peak),
            moment(figure.peak_ms),
        ]
        for of, figure in found
    )
    yield from table_lines(columns, rows)
