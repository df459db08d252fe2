"""A database that fails in the middle: nothing half stored, and service resumes by itself."""

import os
import resource
import signal
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.errors import StorageUnavailable
from app.pipeline.ingest import Receipt
from app.simulator import AccountModel, Format, encode_records
from app.storage import Store
from app.storage.writer import WriterLimits
from tests.fixtures.house import NOW_MS, House, envelope, house, until_available

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
        stored = inside.rows("SELECT COUNT(*) FROM v_points")
        largest = max(path.stat().st_size for path in tmp_path.iterdir())
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 8192, before[1]))
            with pytest.raises(StorageUnavailable, match="not available"):
                post_many(inside)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, previous)
        deliveries = len(inside.rows("SELECT digest FROM delivery"))
        assert inside.rows("SELECT COUNT(DISTINCT minute) FROM v_points") == [(deliveries,)]
        until_available(inside.store)
        inside.post(records(deliveries), "after")
        assert inside.rows("SELECT COUNT(*) FROM v_points")[0] > stored[0]
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
        until_available(inside.store)
        inside.post(records(0))
        assert len(inside.rows("SELECT digest FROM delivery")) == 1


def test_a_backend_killed_in_the_middle_leaves_nothing(postgresql_url: str) -> None:
    with house(postgresql_url) as inside:
        inside.post(records(0), "0")
        before = inside.rows("SELECT COUNT(*) FROM v_points")

        def write_and_die(connection: sa.Connection) -> None:
            connection.exec_driver_sql("DELETE FROM point_batch")
            pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            os.kill(pid, signal.SIGTERM)
            connection.exec_driver_sql("SELECT pg_sleep(1)")

        with pytest.raises(StorageUnavailable):
            inside.store.write(write_and_die)
        assert inside.rows("SELECT COUNT(*) FROM v_points") == before
        until_available(inside.store)
        inside.post(records(1), "1")
        assert len(inside.rows("SELECT digest FROM delivery")) == 2


def test_sessions_that_postgresql_has_ended_are_replaced_before_use(postgresql_url: str) -> None:
    ours = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    engine = sa.create_engine(postgresql_url, isolation_level="AUTOCOMMIT")
    with house(postgresql_url) as inside, engine.connect() as other:
        inside.post(records(0), "0")
        inside.evaluator.evaluate_dirty()
        other.exec_driver_sql(f"SELECT pg_terminate_backend(pid, 10000) {ours}")
        assert other.exec_driver_sql(f"SELECT pid {ours}").all() == []
        count = sa.text("SELECT COUNT(*) FROM delivery")
        assert inside.store.write(lambda c: c.execute(count).scalar_one()) == 1
        assert inside.rows("SELECT request_id FROM delivery") == [("0",)]
        inside.post(records(1), "1")
        assert inside.evaluator.evaluate_dirty() == 1
    engine.dispose()


def test_a_wait_that_is_over_drops_what_waits_and_finds_again_what_ran(database_url: str) -> None:
    with house(database_url) as inside:
        inside.post(records(0), "0")
        release, runs = threading.Event(), threading.Event()

        def hold(_: sa.Connection) -> None:
            runs.set()
            release.wait(20)

        def deliver(number: int, seconds: float) -> Receipt:
            body = envelope(records(number), str(number))
            opened = inside.ingest.open(str(number), body)
            return inside.ingest.store(opened, commit_seconds=lambda: seconds)

        def slow(connection: sa.Connection) -> object:
            hold(connection)
            return connection.execute(sa.text("INSERT INTO metric (name) VALUES ('slow')")).rowcount

        # One runs when the wait is over, and commits; the other still waits, and never runs.
        with pytest.raises(StorageUnavailable, match="slow"):
            inside.store.write_delivery(slow, epoch=inside.store.epoch, seconds=0.2)
        assert runs.is_set()
        with pytest.raises(StorageUnavailable, match="slow"):
            deliver(1, 0.2)
        release.set()
        inside.store.write(lambda _: None)
        assert inside.rows("SELECT name FROM metric") == [("slow",)]
        assert len(inside.rows("SELECT digest FROM delivery")) == 1
        assert not deliver(1, 20).duplicate
        assert deliver(1, 20).duplicate


def test_a_transaction_that_does_not_end_is_told_and_cut_off(postgresql_url: str) -> None:
    limits = WriterLimits(stalled=0.5, longest_transaction=1.5)
    store = Store(postgresql_url, limits=limits)
    try:
        store.migrate()
        hanging = store.submit(lambda c: c.exec_driver_sql("SELECT pg_sleep(100)"))
        deadline = time.monotonic() + 20
        reasons = set()
        while not hanging.done():
            assert time.monotonic() < deadline
            try:
                store.require_available()
            except StorageUnavailable as error:
                reasons.add(error.reason)
            time.sleep(0.05)
        assert "writer_stalled" in reasons
        assert isinstance(hanging.exception(), StorageUnavailable)
        until_available(store)
        epoch = store.epoch
        assert epoch > 0
        # What was prepared before may hold ids of a database that is not there any more.
        with pytest.raises(StorageUnavailable, match="meanwhile"):
            store.write(lambda _: None, epoch=epoch - 1)
        store.write(lambda _: None, epoch=epoch)
    finally:
        store.close()
