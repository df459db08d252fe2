"""Refused at once while the database is away, back by itself, and nothing acknowledged is lost."""

import gzip
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx
import psycopg
import pytest
import sqlalchemy as sa

from app.storage.array_codec import decode
from tests.e2e.deliveries import START_MS, envelope, metric_lines
from tests.fixtures.postgresql import PostgresqlServer, running_postgresql
from tests.fixtures.server import (
    ACCESS_KEY,
    DELIVERY_PATH,
    RunningServer,
    ServerStarter,
    command_environment,
    free_port,
    hydrant,
)

pytestmark = pytest.mark.e2e

MEBIBYTE = 1 << 20


def delivery(number: int, points: int = 10) -> bytes:
    lines = [metric_lines("M", table, number, value=number + table / 8) for table in range(points)]
    return envelope(lines, f"d{number}")


def numbers_stored(server: RunningServer) -> set[int]:
    rows = server.rows("SELECT DISTINCT start_ms FROM v_points")
    return {(start_ms - START_MS) // 60_000 for (start_ms,) in rows}


def ready_again(server: RunningServer, seconds: float = 30) -> None:
    """Wait until the server says so, without a delivery that would find out."""
    deadline = time.monotonic() + seconds
    while server.client.get("/readyz").status_code != 200:
        assert time.monotonic() < deadline, server.log
        time.sleep(0.1)


def not_ready(server: RunningServer, seconds: float = 15) -> dict[str, str]:
    """Wait until the server says that it is not; what it says."""
    deadline = time.monotonic() + seconds
    while True:
        began = time.monotonic()
        answer = server.client.get("/readyz")
        assert time.monotonic() - began < 8
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) > 0
            said: dict[str, str] = answer.json()
            return said
        assert time.monotonic() < deadline, server.log
        time.sleep(0.1)


def refused_at_once(server: RunningServer) -> str:
    """A large body is announced and not sent; the answer comes all the same."""
    head = (
        f"POST {DELIVERY_PATH} HTTP/1.1\r\nHost: x\r\nX-Amz-Firehose-Access-Key: {ACCESS_KEY}\r\n"
        f"X-Amz-Firehose-Request-Id: unsent\r\nContent-Length: {64 * MEBIBYTE}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(head)
        answer = b""
        while b"}" not in answer:
            answer += connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 503 "), answer
    assert b"retry-after: " in answer.lower()
    return answer.decode()


def lines_about(server: RunningServer, text: str) -> list[str]:
    return [line for line in server.log.splitlines() if text in line]


def test_a_locked_file_is_told_once_and_found_free_by_the_server(
    start_server: ServerStarter, sqlite_url: str
) -> None:
    server = start_server(sqlite_url)
    path = str(sa.make_url(sqlite_url).database)
    program = (
        f"import sqlite3, sys; c = sqlite3.connect({path!r}, isolation_level=None)\n"
        "c.execute('BEGIN IMMEDIATE'); print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert server.deliver(delivery(0)).status_code == 503
        assert "locked" in refused_at_once(server)
        for _ in range(5):
            assert server.deliver(delivery(0)).status_code == 503
        said = not_ready(server)
        assert (said["kind"], said["reason"]) == ("storage_unavailable", "database_down")
        assert "locked" in said["message"]
        head = server.client.head("/readyz")
        assert (head.status_code, head.content) == (503, b"")
    finally:
        holder.communicate(b"")
    ready_again(server)
    for path in ("/healthz", "/readyz"):
        head = server.client.head(path)
        assert (head.status_code, head.content) == (200, b"")
    assert server.deliver(delivery(0)).status_code == 200
    assert numbers_stored(server) == {0}
    (told,) = lines_about(server, "database unavailable")
    assert "end the other program" in told
    assert len(lines_about(server, "database available again")) == 1
    # Six refusals of two reasons at most, of which each is told once a minute.
    assert len(lines_about(server, "delivery refused")) <= 2


# Files that go


def test_a_deleted_file_is_not_written_to_and_is_not_made_anew(
    start_server: ServerStarter, sqlite_url: str
) -> None:
    server = start_server(sqlite_url)
    path = Path(str(sa.make_url(sqlite_url).database))
    assert server.deliver(delivery(0)).status_code == 200
    away = path.with_suffix(".away")
    path.rename(away)
    assert server.deliver(delivery(1)).status_code == 503
    assert "there is no file" in not_ready(server)["message"]
    assert not path.exists()
    away.rename(path)
    ready_again(server)
    assert server.deliver(delivery(2)).status_code == 200
    assert numbers_stored(server) == {0, 2}
    assert server.rows("PRAGMA integrity_check") == [("ok",)]


def test_a_file_replaced_by_a_backup_is_used_and_ids_are_learnt_anew(
    start_server: ServerStarter, sqlite_url: str
) -> None:
    server = start_server(sqlite_url)
    path = Path(str(sa.make_url(sqlite_url).database))
    backup = path.with_suffix(".backup")
    assert server.deliver(delivery(0)).status_code == 200
    server.settle()
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(backup)) as target:
        source.backup(target)
    # Series of which the backup knows nothing, and whose ids it will give to others.
    others = [metric_lines("Lost", table) for table in range(5)]
    assert server.deliver(envelope(others, "lost")).status_code == 200
    server.settle()
    for suffix in ("-wal", "-shm", ""):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    backup.rename(path)
    assert server.deliver(delivery(1)).status_code == 503
    ready_again(server)
    assert server.deliver(envelope(others, "lost")).status_code == 200
    new = envelope([metric_lines("New", table) for table in range(5)], "new")
    assert server.deliver(new).status_code == 200
    for metric in ("Lost", "New"):
        found = server.get("/api/v1/statistics", metric=metric)["series"]
        assert len(found) == 5
        assert {series["metric"] for series in found} == {metric}
    server.settle()
    known = {series_id for (series_id,) in server.rows("SELECT series_id FROM series")}
    blocks = server.rows("SELECT series_id FROM point_batch UNION ALL SELECT series_id FROM point")
    assert blocks
    assert all(known.issuperset(decode(block).tolist()) for (block,) in blocks)
    assert server.rows("PRAGMA integrity_check") == [("ok",)]


# Disks


def fill(file: Path) -> None:
    """Write until there is no room."""
    with file.open("wb", buffering=0) as filler, suppress(OSError):
        while filler.write(bytes(4096)):
            pass


def mount(*arguments: object) -> bool:
    program = shutil.which("mount")
    assert program is not None
    return subprocess.run([program, *map(str, arguments)], check=False).returncode == 0


@contextmanager
def small_disk(path: Path, mebibytes: int) -> Iterator[Path]:
    """A tmpfs of this size; skips without the right to mount one."""
    path.mkdir()
    unmount = shutil.which("umount")
    if os.geteuid() != 0 or unmount is None:
        pytest.skip("a small tmpfs needs root")
    if not mount("-t", "tmpfs", "-o", f"size={mebibytes}m", "hydrant-test", path):
        pytest.skip("a small tmpfs cannot be mounted here")
    try:
        yield path
    finally:
        subprocess.run([unmount, "--lazy", str(path)], check=True)


def test_a_full_disk_and_then_a_read_only_one(start_server: ServerStarter, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 24) as disk:
        server = start_server(f"sqlite:///{disk / 'hydrant.db'}")
        acknowledged = set()
        for number in range(4):
            assert server.deliver(delivery(number)).status_code == 200
            acknowledged.add(number)
        fill(disk / "filler")
        number = 4
        while server.deliver(delivery(number, 500)).status_code == 200:
            acknowledged.add(number)
            number += 1
        assert "not available" in refused_at_once(server)
        assert "not available" in not_ready(server)["message"]
        assert server.client.get("/healthz").status_code == 200
        (disk / "filler").unlink()
        ready_again(server)
        assert server.deliver(delivery(99)).status_code == 200
        acknowledged.add(99)
        assert acknowledged <= numbers_stored(server) <= acknowledged | {number}
        # While a file is open for writing the kernel may refuse this.
        read_only = mount("-o", "remount,ro", disk)
        status = server.deliver(delivery(100)).status_code
        if read_only:
            assert status == 503
            not_ready(server)
            assert mount("-o", "remount,rw", disk)
            ready_again(server)
        assert server.deliver(delivery(100)).status_code == 200
        assert server.rows("PRAGMA integrity_check") == [("ok",)]
        server.stop()


# PostgreSQL


def postmaster(server: PostgresqlServer) -> int:
    with psycopg.connect(server.connection_info()) as connection:
        (row,) = connection.execute("SELECT pg_read_file('postmaster.pid')").fetchall()
    return int(str(row[0]).splitlines()[0])


def processes_of(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [pid, *map(int, children.split())]


def send_all(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        # Backends come and go.
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def test_a_stopped_postgresql_is_told_and_found_again(
    start_server: ServerStarter,
) -> None:
    """Nothing fails in a server that is stopped: it just does not answer."""
    with running_postgresql() as database:
        database.create_database("stopped")
        server = start_server(database.url("stopped"), delivery_seconds=2)
        assert server.deliver(delivery(0)).status_code == 200
        stopped = processes_of(postmaster(database))
        send_all(stopped, signal.SIGSTOP)
        try:
            assert "has not answered" in not_ready(server)["message"]
            began = time.monotonic()
            answer = server.deliver(delivery(1))
            assert (answer.status_code, "slow" in answer.text) == (503, True)
            assert time.monotonic() - began < 15
        finally:
            send_all(stopped, signal.SIGCONT)
        ready_again(server)
        # It may have committed after all, which its retry finds out.
        assert server.deliver(delivery(1)).status_code == 200
        assert numbers_stored(server) == {0, 1}
        assert server.rows("SELECT COUNT(*) FROM v_points") == [(20,)]


def test_a_read_only_postgresql_and_one_that_is_not_any_more(
    start_server: ServerStarter, postgresql_server: PostgresqlServer, postgresql_url: str
) -> None:
    server = start_server(postgresql_url)
    name = sa.make_url(postgresql_url).database
    info = postgresql_server.connection_info()
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    with psycopg.connect(info, autocommit=True) as connection:
        connection.execute(
            f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'.encode()
        )
        connection.execute(ended, (name,))
        assert "read-only" in not_ready(server)["message"]
        assert server.deliver(delivery(0)).status_code == 503
        (told,) = lines_about(server, "database unavailable")
        assert "at the primary" in told
        connection.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only'.encode())
    ready_again(server)
    assert server.deliver(delivery(0)).status_code == 200


def test_a_restarted_backend_costs_no_delivery(
    start_server: ServerStarter, postgresql_server: PostgresqlServer, postgresql_url: str
) -> None:
    server = start_server(postgresql_url)
    assert server.deliver(delivery(0)).status_code == 200
    name = sa.make_url(postgresql_url).database
    with psycopg.connect(postgresql_server.connection_info(), autocommit=True) as connection:
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        connection.execute(ended, (name,))
    time.sleep(3)
    ready_again(server)
    assert server.deliver(delivery(1)).status_code == 200
    assert numbers_stored(server) == {0, 1}


# At the start


def test_the_server_waits_for_a_database_and_then_ends_with_one_line(tmp_path: Path) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    environment = command_environment(database=url, access_keys="k", database_wait_seconds=1)
    began = time.monotonic()
    ended = hydrant("serve", "--port", free_port(), directory=tmp_path, environment=environment)
    assert time.monotonic() - began > 1
    assert ended.returncode == 1
    lines = ended.stderr.splitlines()
    assert len(lines) == 2
    assert "waiting for the database" in lines[0]
    assert "start PostgreSQL" in lines[0]
    assert lines[1].startswith("hydrant: the database is not available")


def test_a_database_that_comes_late_is_found(
    tmp_path: Path, postgresql_server: PostgresqlServer
) -> None:
    server = RunningServer(tmp_path, postgresql_server.url("comes_late"))
    starter = threading.Thread(target=server.start)
    starter.start()
    try:
        while "waiting for the database" not in server.log:
            assert starter.is_alive()
            time.sleep(0.05)
        postgresql_server.create_database("comes_late")
        starter.join(40)
        assert server.deliver(delivery(0)).status_code == 200
        assert "create the database" in server.log
    finally:
        server.close()
        postgresql_server.drop_database("comes_late")


# Many and large


def test_deliveries_in_flight_are_answered_before_the_server_stops(
    start_server: ServerStarter, sqlite_url: str
) -> None:
    server = start_server(sqlite_url)
    numbers = range(60)
    sent = threading.Semaphore(0)

    def send(number: int) -> int | None:
        with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as client:
            headers = {"X-Amz-Firehose-Access-Key": ACCESS_KEY}
            sent.release()
            try:
                answer = client.post(DELIVERY_PATH, content=delivery(number, 300), headers=headers)
            except httpx.ConnectError:
                return None  # Not accepted: nothing was promised.
            except httpx.TransportError:
                return -1
            return answer.status_code

    with ThreadPoolExecutor(12) as pool:
        answers = [pool.submit(send, number) for number in numbers]
        for _ in range(20):
            sent.acquire()
        server.signal()
        statuses = [answer.result(60) for answer in answers]
    assert server.wait() == 0
    assert "Traceback" not in server.log
    assert statuses.count(200) >= 8
    # A connection may be closed before its request was read; whatever was taken is answered.
    acknowledged = {n for n, status in zip(numbers, statuses, strict=True) if status == 200}
    assert numbers_stored(server) == acknowledged


def test_memory_is_bounded_and_every_legal_delivery_is_taken_in_the_end(
    start_server: ServerStarter, sqlite_url: str
) -> None:
    server = start_server(sqlite_url, body_memory_mib=90)
    record = (metric_lines("Large") + b" " * 4000 + b"\n") * 400
    # Small as it comes, and 43 MiB when it is inflated.
    body = gzip.compress(envelope([record] * (32 * MEBIBYTE // len(record)), "large"), 1)
    before = peak_mebibytes(server.pid)
    statuses: list[int] = []

    def send(number: int) -> None:
        with httpx.Client(base_url=server.url, trust_env=False, timeout=120) as client:
            headers = {
                "X-Amz-Firehose-Access-Key": ACCESS_KEY,
                "X-Amz-Firehose-Request-Id": f"large-{number}",
                "Content-Encoding": "gzip",
            }
            for _ in range(200):
                answer = client.post(DELIVERY_PATH, content=body, headers=headers)
                statuses.append(answer.status_code)
                if answer.status_code == 200:
                    return
                time.sleep(0.2)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(send, range(6)))
    assert statuses.count(200) == 6
    assert set(statuses) <= {200, 503}
    assert peak_mebibytes(server.pid) - before < 250
    assert server.rows("SELECT COUNT(*) FROM delivery") == [(6,)]


def peak_mebibytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) // 1024
