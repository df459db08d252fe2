"""``hydrant dynamodb account``: totals and limits of accounts."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from app.commands.counting import counted
from app.commands.dynamodb.asking import asked
from app.commands.dynamodb.figures import figure_lines
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
from app.commands.dynamodb.printing import print_answer, range_line
from app.commands.options import Database, SettingsFile

if TYPE_CHECKING:
    from app.dynamodb.report import AccountReport
    from app.dynamodb.scope import Reading


def account(
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
    """Show totals of all tables and indexes, and the account's limits, by region."""
    from app.api.dynamodb.account import accounts_answer
    from app.dynamodb.report import ACCOUNT_METRICS, report_of_accounts
    from app.dynamodb.scope import read_scope

    scope = scope_of_options(
        account=account, region=region, table=None, since=since, start=start, end=end
    )
    reading = asked(
        settings_file,
        database,
        lambda connection, most: read_scope(connection, scope, ACCOUNT_METRICS, most_points=most),
    )
    found = report_of_accounts(reading)
    print_answer(accounts_answer(reading, found), form, _lines(reading, found))


def _lines(reading: "Reading", found: "list[AccountReport]") -> Iterator[str]:
    yield range_line(reading)
    if not found:
        yield "nothing has been delivered for this time"
    for each in found:
        indexes = f"{each.indexes} {'index' if each.indexes == 1 else 'indexes'}"
        has = f"{counted(each.tables, 'table')} and {indexes}"
        yield ""
        yield f"account {each.account}, {each.region}: {has}"
        yield from figure_lines(each.figures)
