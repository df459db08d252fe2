"""``hydrant dynamodb utilization``: how much of what they may tables and indexes consume."""

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
from app.commands.dynamodb.printing import (
    MISSING,
    moment,
    number,
    print_answer,
    range_line,
    table_lines,
)
from app.commands.options import Database, SettingsFile

if TYPE_CHECKING:
    from app.dynamodb.scope import Reading
    from app.dynamodb.utilization import Utilization

_TEXTS = ("account", "region", "table", "direction", "limited by")
_NUMBERS = ("limit/s", "consumed/s", "now %", "average %", "peak %")


def utilization(
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
    """Show how much of their capacity or limit tables and indexes use, highest peak first."""
    from app.api.dynamodb.utilization import utilization_answer
    from app.dynamodb.scope import read_scope
    from app.dynamodb.utilization import METRICS
    from app.dynamodb.utilization import utilization as utilization_of

    scope = scope_of_options(
        account=account, region=region, table=table, since=since, start=start, end=end
    )
    reading = asked(
        settings_file,
        database,
        lambda connection, most: read_scope(connection, scope, METRICS, most_points=most),
    )
    found = utilization_of(reading)
    print_answer(utilization_answer(reading, found), form, _lines(reading, found))


def _lines(reading: "Reading", found: "list[Utilization]") -> Iterator[str]:
    yield range_line(reading)
    if not found:
        yield "no consumed capacity has been delivered for this time"
        return
    columns = dict.fromkeys(_TEXTS, False) | dict.fromkeys(_NUMBERS, True) | {"peak at": False}
    columns |= dict.fromkeys(("% of time > 70 %", "> 80 %"), True)
    yield from table_lines(columns, map(_row, found))


def _row(each: "Utilization") -> list[str]:
    known = each.limit is not None
    return [
        each.resource.account,
        each.resource.region,
        each.resource.name,
        each.direction,
        each.limited_by.name.lower().replace("_", " ") if known else MISSING,
        number(each.limit),
        number(each.consumed),
        number(each.current),
        number(each.average),
        number(each.peak),
        moment(each.peak_ms),
        number(each.above_70),
        number(each.above_80),
    ]
