"""Backups taken while deliveries come in, restored as docs/operations.md says."""

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.e2e.test_durability import Sender, delivery
from tests.fixtures.postgresql import PostgresqlServer, server_programs
from tests.fixtures.server import RunningServer, ServerStarter

pytestmark = pytest.mark.e2e

DELIVERIES = 24


def back_up_sqlite(url: str, file: Path) -> None:
    path = sa.make_url(url).database
    assert path is not None
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM INTO ?", (str(file),))


def program(name: str, server: PostgresqlServer, *arguments: object) -> None:
    finished = subprocess.run(
        [
            *(str(server_programs() / name), "--host=127.0.0.1", f"--port={server.port}"),
            *("--username=postgres", *map(str, arguments)),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr


def backed_up_and_restored(
    engine: str, server: RunningServer, postgresql_server: PostgresqlServer, directory: Path
) -> str:
    """The URL of a database restored from a backup of the server's, which goes on meanwhile."""
    if engine == "sqlite":
        restored = directory / "restored.db"
        back_up_sqlite(server.database, restored)
        return f"sqlite:///{restored}"
    name = sa.make_url(server.database).database
    program("pg_dump", postgresql_server, "--format=custom", f"--file={directory / 'dump'}", name)
    postgresql_server.create_database("restored")
    program(
        "pg_restore", postgresql_server, "--exit-on-error", "--dbname=restored", directory / "dump"
    )
    return postgresql_server.url("restored")


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_backup_holds_what_was_acknowledged_before_it_and_goes_on(
    start_server: ServerStarter,
    postgresql_server: PostgresqlServer,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    engine: str,
) -> None:
    server = start_server(request.getfixturevalue(f"{engine}_url"))
    sender = Sender(server, range(DELIVERIES))
    sender.start()
    while len(sender.acknowledged) < DELIVERIES // 3:
        sender.join(0.01)
    before = len(sender.acknowledged)
    restored = start_server(backed_up_and_restored(engine, server, postgresql_server, tmp_path))
    sender.join(60)
    assert len(sender.acknowledged) == DELIVERIES
    with_points = restored.rows("SELECT points FROM delivery")
    assert len(with_points) >= before
    assert restored.rows("SELECT COUNT(*) FROM v_points") == [(sum(n for (n,) in with_points),)]
    # What came after the backup comes again, as from S3, and both are the same.
    for number in range(DELIVERIES):
        assert restored.deliver(delivery(number), f"d{number}").status_code == 200
    assert restored.contents() == server.contents()
    if engine == "postgresql":
        restored.close()
        postgresql_server.drop_database("restored")
