"""Options that the commands of DynamoDB share."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from app.dynamodb.scope import Scope


class Format(StrEnum):
    """How answers are printed."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


Account = Annotated[str | None, typer.Option(help="Only this account: twelve digits")]
Region = Annotated[str | None, typer.Option(help="Only this region")]
Table = Annotated[str | None, typer.Option(help="Only this table")]
Since = Annotated[
    str | None, typer.Option(help="So long before the end, such as 90m or 7d; default: 1h")
]
Start = Annotated[str | None, typer.Option(help="First time: RFC 3339 or Unix time")]
End = Annotated[str | None, typer.Option(help="Time to stop before; default: now")]
Output = Annotated[
    Format, typer.Option("--format", help="text, or what the HTTP route gives as json or csv")
]


def scope_of_options(
    *,
    account: str | None,
    region: str | None,
    table: str | None,
    since: str | None,
    start: str | None,
    end: str | None,
) -> "Scope":
    """The scope that the options ask for. Raises ``InvalidParameter``."""
    from app.clock import SystemClock
    from app.commands.since import parse_since
    from app.dynamodb.scope import scope_of
    from app.errors import InvalidParameter
    from app.query import parse_time_ms

    now_ms = SystemClock().now_ms()
    start_ms = None if start is None else parse_time_ms("--start", start)
    end_ms = None if end is None else parse_time_ms("--end", end)
    if since is not None:
        if start_ms is not None:
            raise InvalidParameter("--since", "give it or --start, not both")
        start_ms = parse_since(since, now_ms if end_ms is None else end_ms)
    return scope_of(
        now_ms, account=account, region=region, table=table, start_ms=start_ms, end_ms=end_ms
    )
