"""``hydrant dynamodb report``: the tables of accounts, or all about one table."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.dynamodb.asking import asked
from app.commands.dynamodb.figures import MAIN_FIGURES, figure_lines, main_values
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
from app.commands.dynamodb.printing import print_answer, range_line, table_lines
from app.commands.options import Database, SettingsFile

if TYPE_CHECKING:
    from app.dynamodb.report import ResourceReport
    from app.dynamodb.scope import Reading


def report(
    table: Annotated[str | None, typer.Argument(help="Only this table, and all about it")] = None,
    *,
    account: Account = None,
    region: Region = None,
    since: Since = None,
    start: Start = None,
    end: End = None,
    form: Output = Format.TEXT,
    database: Database = None,
    settings_file: SettingsFile = None,
) -> None:
    """Show capacity, requests, latency, throttles and errors of tables and indexes."""
    from app.api.dynamodb.tables import table_answer, tables_answer
    from app.dynamodb.report import TABLE_METRICS, report_of_resources
    from app.dynamodb.scope import read_scope

    scope = scope_of_options(
        account=account, region=region, table=table, since=since, start=start, end=end
    )
    reading = asked(
        settings_file,
        database,
        lambda connection, most: read_scope(connection, scope, TABLE_METRICS, most_points=most),
    )
    found = report_of_resources(reading)
    if table is None:
        print_answer(tables_answer(reading, found), form, _lines_of_all(reading, found))
    else:
        print_answer(table_answer(reading, found), form, _lines_of_one(reading, found))


def _lines_of_all(reading: "Reading", found: "list[ResourceReport]") -> Iterator[str]:
    yield range_line(reading)
    if not found:
        yield "no metrics of tables have been delivered for this time"
        return
    columns = dict.fromkeys(("account", "region", "table"), False)
    columns |= dict.fromkeys(MAIN_FIGURES.values(), True)
    rows = (
        [
            each.resource.account,
            each.resource.region,
            each.resource.name,
            *main_values(each.figures),
        ]
        for each in found
    )
    yield from table_lines(columns, rows)


def _lines_of_one(reading: "Reading", found: "list[ResourceReport]") -> Iterator[str]:
    yield range_line(reading)
    if not found:
        yield "nothing has been delivered for this time"
    for each in found:
        of = each.resource
        kind = f"index {of.index} of table {of.table}" if of.index else f"table {of.table}"
        yield ""
        yield f"{kind}, account {of.account}, {of.region}"
        yield from figure_lines(each.figures)
