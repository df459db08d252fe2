"""A database that fails in the middle: nothing half stored, and service resumes by itself."""

import os
import resource
import signal
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.errors import StorageUnavailable
from app.simulator import AccountModel, Format, encode_records
from tests.fixtures.house import NOW_MS, House, house

MINUTE_MS = NOW_MS // 60_000 * 60_000


def records(number: int) -> list[bytes]:
    points = AccountModel(7, tables=20).points(MINUTE_MS + number * 60_000)
    return encode_records(points, Format.JSON)


def post_many(inside: House) -> None:
    for number in range(1, 50):
        inside.post(records(number), str(number))


def test_a_full_disk_stores_nothing_and_is_said(tmp_path: Path) -> None:
    """The file size limit of the process stands in for the full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with house(f"sqlite:///{tmp_path / 'h.db'}") as inside:
        inside.post(records(0), "0")
        stored = inside.rows("SELECT COUNT(*) FROM point")
        largest = max(path.stat().st_size for path in tmp_path.iterdir())
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 8192, before[1]))
            with pytest.raises(StorageUnavailable, match="not available"):
                post_many(inside)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, previous)
        deliveries = len(inside.rows("SELECT digest FROM delivery"))
        assert inside.rows("SELECT COUNT(DISTINCT minute) FROM point") == [(deliveries,)]
        inside.post(records(deliveries), "after")
        assert inside.rows("SELECT COUNT(*) FROM point")[0] > stored[0]
        assert inside.rows("PRAGMA integrity_check") == [("ok",)]


def test_a_locked_file_is_unavailable_and_then_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.storage.engine.SQLITE_BUSY_TIMEOUT_MS", 50)
    path = tmp_path / "h.db"
    with house(f"sqlite:///{path}") as inside:
        other = sa.create_engine(f"sqlite:///{path}", isolation_level="AUTOCOMMIT")
        with other.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            with pytest.raises(StorageUnavailable, match="locked"):
                inside.post(records(0))
            connection.exec_driver_sql("ROLLBACK")
        other.dispose()
        inside.post(records(0))
        assert len(inside.rows("SELECT digest FROM delivery")) == 1


def test_a_backend_killed_in_the_middle_leaves_nothing(postgresql_url: str) -> None:
    with house(postgresql_url) as inside:
        inside.post(records(0), "0")
        before = inside.rows("SELECT COUNT(*) FROM point")

        def write_and_die(connection: sa.Connection) -> None:
            connection.exec_driver_sql("DELETE FROM point")
            pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            os.kill(pid, signal.SIGTERM)
            connection.exec_driver_sql("SELECT pg_sleep(1)")

        with pytest.raises(StorageUnavailable):
            inside.store.write(write_and_die)
        assert inside.rows("SELECT COUNT(*) FROM point") == before
        inside.post(records(1), "1")
        assert len(inside.rows("SELECT digest FROM delivery")) == 2
