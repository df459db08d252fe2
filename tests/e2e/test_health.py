"""``hydrant health`` against a real server."""

import sqlite3
from contextlib import closing

import pytest
from typer.testing import CliRunner, Result

from app.cli import application
from app.storage.migrate import head_revision
from tests.fixtures.server import ServerStarter, free_port

pytestmark = pytest.mark.e2e


def health(*options: object) -> Result:
    arguments = ["health", *map(str, options)]
    return CliRunner().invoke(application, arguments, catch_exceptions=False)


def test_a_server_is_ready_or_says_why_not(
    start_server: ServerStarter, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start_server(sqlite_url)
    monkeypatch.setenv("HYDRANT_PORT", str(server.port))
    # As in a container, where it binds to all addresses.
    monkeypatch.setenv("HYDRANT_HOST", "0.0.0.0")
    assert (health().exit_code, health().stdout) == (0, "ready\n")
    assert (health("--alive").exit_code, health("--alive").stdout) == (0, "ok\n")

    file = sqlite_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    assert health().exit_code == 1
    assert health().stderr.startswith(f"127.0.0.1:{server.port}/readyz answers 503: ")
    assert health("--alive").exit_code == 0
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (head_revision(),))


@pytest.mark.parametrize("options", [[], ["--alive"]])
def test_nothing_there_is_unhealthy_in_one_line(options: list[str]) -> None:
    port = free_port()
    result = health("--port", port, *options)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"no answer from 127.0.0.1:{port}: ")
    assert result.stderr.count("\n") == 1
