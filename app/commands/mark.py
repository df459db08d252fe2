"""``hydrant mark``: a mark beside the metrics, set by whatever deploys."""

import json
from http import HTTPStatus
from typing import Annotated, Any

import typer

from app.commands.options import Database, SettingsFile

_TIMEOUT_SECONDS = 30.0


def mark(  # noqa: PLR0917 - its options
    text: Annotated[str, typer.Argument(help="What happened, such as 'orders v1.2'")],
    at: Annotated[str | None, typer.Option(help="When; default: now")] = None,
    end: Annotated[str | None, typer.Option(help="When it was over, if it took time")] = None,
    account: Annotated[str, typer.Option(help="Of this account alone")] = "",
    region: Annotated[str, typer.Option(help="Of this region alone")] = "",
    table: Annotated[str, typer.Option(help="Of this table alone")] = "",
    link: Annotated[str, typer.Option(help="https:// URL with more about it")] = "",
    author: Annotated[str, typer.Option(help="Who; default: the token's name")] = "",
    key: Annotated[str | None, typer.Option(help="Setting it again changes the mark")] = None,
    url: Annotated[str | None, typer.Option(help="Server to ask; default: the database")] = None,
    database: Database = None,
    settings_file: SettingsFile = None,
) -> None:
    """Mark a deployment or another event, to be seen beside the metrics."""
    from app.clock import time_text
    from app.errors import ConfigurationError
    from app.settings import load_settings

    if url is not None and database is not None:
        raise ConfigurationError("give --url or --database, not both")
    settings = load_settings(settings_file, database=database)
    if url is None:
        number, at_ms, is_new = _store(
            settings.database,
            text=text,
            at=at,
            end=end,
            account=account,
            region=region,
            table=table,
            url=link,
            author=author,
            key=key,
        )
    else:
        given = {
            "text": text,
            "time": at,
            "end": end,
            "account": account,
            "region": region,
            "table": table,
            "url": link,
            "author": author,
            "key": key,
        }
        token = next(iter(settings.operator_tokens), None)
        number, at_ms, is_new = _post(
            url, token, {name: value for name, value in given.items() if value}
        )
    typer.echo(f"mark {number} at {time_text(at_ms)} {'set' if is_new else 'changed'}")


def _store(
    database: str,
    *,
    text: str,
    at: str | None,
    end: str | None,
    account: str,
    region: str,
    table: str,
    url: str,
    author: str,
    key: str | None,
) -> tuple[int, int, bool]:
    from app.clock import SystemClock
    from app.query import parse_time_ms
    from app.storage import Store
    from app.storage.deployment_marks import NewMark, set_mark

    new = NewMark(
        text,
        None if at is None else parse_time_ms("at", at),
        None if end is None else parse_time_ms("end", end),
        account,
        region,
        table,
        url,
        author or "local",
        key,
    )
    store = Store(database, readers=1, create=False)
    try:
        store.check()
        now_ms = SystemClock().now_ms()
        row, is_new = store.write(lambda connection: set_mark(connection, new, now_ms))
    finally:
        store.close()
    return row.mark_id, row.at_ms, is_new


def _post(url: str, token: str | None, content: dict[str, Any]) -> tuple[int, int, bool]:
    import httpx

    from app.errors import ConfigurationError, Unavailable

    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    place = f"{url.rstrip('/')}/api/v1/marks"
    try:
        answer = httpx.post(place, json=content, headers=headers, timeout=_TIMEOUT_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
        raise Unavailable(f"no answer from {url}: {error}") from error
    try:
        told = answer.json()
        if answer.status_code in {HTTPStatus.OK, HTTPStatus.CREATED}:
            return int(told["id"]), int(told["time"]), answer.status_code == HTTPStatus.CREATED
        message = str(told["message"])
    except (json.JSONDecodeError, UnicodeError, LookupError, TypeError, ValueError) as error:
        raise ConfigurationError(
            f"{url} answers {answer.status_code}, and not as Hydrant does"
        ) from error
    raise ConfigurationError(f"{url} answers {answer.status_code}: {message}")
