"""``hydrant health``: for health checks of containers that have no HTTP client."""

import http.client
import json
import sys
from typing import Annotated

import typer

from app.commands.options import SettingsFile

_TIMEOUT_SECONDS = 5.0
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def health(
    host: Annotated[str | None, typer.Option(help="Address of the server (HYDRANT_HOST)")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the server (HYDRANT_PORT)")] = None,
    alive: Annotated[  # noqa: FBT002 - an option
        bool, typer.Option("--alive", help="Ask whether the process is alive, and no more")
    ] = False,
    settings_file: SettingsFile = None,
) -> None:
    """Ask the server on this machine whether it is ready; exit status 1 if it is not."""
    from app.settings import load_settings

    settings = load_settings(settings_file, host=host, port=port)
    address = _ANY_ADDRESS.get(settings.host, settings.host)
    path = "/healthz" if alive else "/readyz"
    try:
        status, body = _get(address, settings.port, path)
    except (OSError, http.client.HTTPException) as error:
        typer.echo(f"no answer from {address}:{settings.port}: {error}", err=True)
        sys.exit(1)
    if status != http.client.OK:
        typer.echo(f"{address}:{settings.port}{path} answers {status}: {body}", err=True)
        sys.exit(1)
    typer.echo(_status_of(body))


def _get(host: str, port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


def _status_of(body: str) -> str:
    try:
        return str(json.loads(body)["status"])
    except (ValueError, LookupError, TypeError):
        return body
