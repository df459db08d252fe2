"""``hydrant replay`` as a process: killed, interrupted, beside a server, from S3."""

import gzip
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.backup import UnreadableObject, find_objects
from app.cli import application
from app.errors import HydrantError
from app.pipeline import DryRun
from tests.e2e.deliveries import START_MS, envelope, metric_lines
from tests.fixtures.backups import failed_object, otlp_records, write_object
from tests.fixtures.s3 import CREDENTIALS, S3Server
from tests.fixtures.server import (
    ACCESS_KEY,
    REPOSITORY,
    ServerStarter,
    command_environment,
    free_port,
    hydrant,
)
from tests.fixtures.sql import sql_engine

pytestmark = pytest.mark.e2e

POINTS = "SELECT account, metric, dimensions, minute, sample_count, sum FROM v_points"


@pytest.fixture
def database(sqlite_url: str, tmp_path: Path) -> str:
    """A database with this release's schema."""
    assert hydrant("migrate", "--database", sqlite_url, directory=tmp_path).returncode == 0
    return sqlite_url


def rows(database: str, query: str) -> list[tuple[object, ...]]:
    engine = sql_engine(database)
    with engine.connect() as connection:
        return sorted((tuple(row) for row in connection.execute(sa.text(query))), key=repr)


def replay(directory: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    ended = hydrant(
        "replay",
        *arguments,
        directory=directory,
        environment={**command_environment(), **CREDENTIALS},
    )
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended


def start_replay(directory: Path, *arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli", "replay", *map(str, arguments)],
        cwd=directory,
        env={**command_environment(), "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def lines(number: int) -> bytes:
    """Lines of one point each, of 200 tables."""
    line = metric_lines("UserErrors", 77_777, 0)
    stamp = str(START_MS).encode()
    return b"".join(
        line.replace(b"77777", b"%05d" % (n % 200)).replace(
            stamp, str(START_MS + n // 200 * 60_000).encode()
        )
        for n in range(number)
    )


def wait_for(condition: Callable[[], object], process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)


def begun(database: str, pieces: int = 1) -> bool:
    return rows(database, "SELECT COUNT(*) FROM delivery") >= [(pieces,)]


def test_killed_in_the_middle_and_run_again(database: str, tmp_path: Path) -> None:
    number = 40_000
    write_object(tmp_path, "s3/2024/10/01/00/s-1-2024-10-01-00-00-00-a", lines(number))
    arguments = ["s3", "--database", database]
    pieces = 1
    kills = 0
    while kills < 3:
        process = start_replay(tmp_path, *arguments)
        wait_for(partial(begun, database, pieces), process)
        process.kill()
        process.communicate()
        kills += 1
        # All of a piece or none of it, and how far it is with it.
        ((position, points, finished),) = rows(
            database, "SELECT position, points, finished_ms FROM replay"
        )
        assert finished is None
        assert rows(database, "SELECT COUNT(*) FROM v_points") == [(points,)]
        assert 0 < int(str(position)) < len(lines(number))
        ((done,),) = rows(database, "SELECT COUNT(*) FROM delivery")
        pieces = int(str(done)) + 1
    ended = replay(tmp_path, *arguments)
    assert ended.returncode == 0, ended.stderr
    ((stored,),) = rows(database, "SELECT points FROM replay")
    assert stored == number
    assert rows(database, "SELECT COUNT(*), SUM(points) FROM delivery")[0][1] == number
    # What the last run counts is what was left.
    assert f"{number} points" not in ended.stdout
    assert rows(database, "SELECT COUNT(*) FROM v_points") == [(number,)]
    again = replay(tmp_path, *arguments)
    assert (
        again.stdout == "replayed 0 objects (0 B): 0 records, 0 points, 1 object replayed before\n"
    )


def test_interrupted_it_says_how_to_go_on(database: str, tmp_path: Path) -> None:
    path = write_object(tmp_path, "o", lines(40_000))
    process = start_replay(tmp_path, "--database", database, path)
    wait_for(lambda: begun(database), process)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert output == ""
    said = re.search(r"interrupted: .* (\d+) points; to go on .*, run the same command", errors)
    assert said, errors
    # What it says is what it did.
    ((points,),) = rows(database, "SELECT points FROM replay")
    assert points == int(said[1]) < 40_000
    ended = replay(tmp_path, "--database", database, path)
    assert ended.returncode == 0, ended.stderr
    assert f" {40_000 - int(said[1])} points" in ended.stdout


def test_interrupted_while_it_waits_for_input(database: str, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "replay", "-", "--database", database],
        cwd=tmp_path,
        env={**command_environment(), "PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(lines(20_000))
    process.stdin.flush()
    deadline = time.monotonic() + 60
    while not begun(database):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    # Its input is still open.
    try:
        assert process.wait(30) == 143
    finally:
        process.kill()
        _, errors = process.communicate()
    assert b"interrupted" in errors


def test_standard_input(database: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "app.cli", "replay", "-", "--database", database],
        cwd=tmp_path,
        env={**command_environment(), "PYTHONPATH": str(REPOSITORY)},
        input=gzip.compress(lines(500)),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert rows(database, "SELECT COUNT(*) FROM v_points") == [(500,)]


def test_beside_a_server_that_evaluates(
    start_server: ServerStarter, postgresql_url: str, tmp_path: Path
) -> None:
    """The server has registered some of the series, and computes the metrics of all."""
    server = start_server(postgresql_url)
    records = [
        metric_lines("UserErrors", table, minute, value)
        for table in range(3)
        for minute in range(3)
        for value in [table + minute + 1.0]
    ]
    assert server.deliver(envelope(records[:4])).status_code == 200
    write_object(tmp_path, "s3/a/http-endpoint-failed/x.gz", gzip.compress(failed_object(records)))
    ended = replay(tmp_path, "s3", "--database", postgresql_url)
    assert ended.returncode == 0, ended.stderr
    assert "computed by the server" in ended.stdout
    assert server.deliver(envelope(records[6:]), "later").status_code == 200
    replayed = server.contents()
    assert len(replayed["v_points"]) == 9
    other = start_server(f"sqlite:///{tmp_path / 'other.db'}")
    assert other.deliver(envelope(records)).status_code == 200
    assert other.contents() == replayed


def test_objects_of_the_simulator_are_what_it_delivers(
    start_server: ServerStarter, sqlite_url: str, tmp_path: Path
) -> None:
    options = ["--format", "mixed", "--tables", 4, "--minutes", 3, "--seed", 11]
    options += ["--start", "2024-10-01T00:00:00Z", "--late", 0.2, "--buffer-seconds", 0]
    nobody = f"http://127.0.0.1:{free_port()}/"
    given_up = hydrant(
        "simulate", "--url", nobody, "--retry-seconds", 0, "--backup", "s3", *options,
        directory=tmp_path,
    )  # fmt: skip
    assert given_up.returncode == 1
    server = start_server(sqlite_url)
    delivered = hydrant(
        "simulate", "--url", server.url, "--access-key", ACCESS_KEY, *options, directory=tmp_path
    )
    assert delivered.returncode == 0, delivered.stderr
    other = start_server(f"sqlite:///{tmp_path / 'other.db'}")
    ended = replay(tmp_path, "s3", "--database", other.database)
    assert ended.returncode == 0, ended.stderr
    assert other.contents() == server.contents()
    assert len(other.contents()["v_values"]) > 100


def test_objects_in_s3(database: str, tmp_path: Path, s3_server: S3Server) -> None:
    made = otlp_records(100)
    keys = [f"b/2024/10/01/0{hour}/s-1-2024-10-01-0{hour}-30-00-x.gz" for hour in range(4)]
    for index, key in enumerate(keys):
        s3_server.put(key, gzip.compress(b"".join(made[index::4])))
    s3_server.put("b/2024/10/01/", b"")
    s3_server.put("b/notes.txt", b"hello")
    s3_server.put("other/x", lines(1))
    bucket = f"s3://{s3_server.bucket}"
    arguments = ["--database", database, "--endpoint-url", s3_server.url]
    some = replay(
        tmp_path, f"{bucket}/b/2024", *arguments,
        "--since", "2024-10-01T01:00:00Z", "--until", "2024-10-01T02:30:00Z",
    )  # fmt: skip
    assert some.returncode == 0, some.stderr
    assert some.stdout.startswith("replayed 1 object ")
    assert rows(database, "SELECT object FROM replay") == [(f"{bucket}/{keys[1]}",)]
    # What is no object is named at the end; the others are done.
    ended = replay(tmp_path, f"{bucket}/b/", *arguments)
    assert ended.returncode == 1
    assert f"error: {bucket}/b/notes.txt: it holds neither failed records nor" in ended.stderr
    assert rows(database, "SELECT COUNT(*) FROM v_points") == [(100,)]
    assert "1 object replayed before, 1 object not read to the end" in ended.stdout
    # An object that was written again is another one.
    s3_server.put(keys[0], gzip.compress(lines(3)))
    assert "replayed 1 object " in replay(tmp_path, f"{bucket}/{keys[0]}", *arguments).stdout
    assert rows(database, "SELECT COUNT(*) FROM v_points") == [(103,)]


def test_what_is_wrong_with_s3_is_told(
    monkeypatch: pytest.MonkeyPatch, s3_server: S3Server
) -> None:
    for name, value in {**CREDENTIALS, "AWS_MAX_ATTEMPTS": "1"}.items():
        monkeypatch.setenv(name, value)
    nobody = f"http://127.0.0.1:{free_port()}"
    for url, endpoint, expected in (
        ("s3://nowhere/x", s3_server.url, "s3://nowhere/x cannot be listed: NoSuchBucket: "),
        (f"s3://{s3_server.bucket}/none", s3_server.url, "there are no objects at s3://backup"),
        ("s3://backup/x", "no url", "S3 cannot be used"),
        ("s3://backup/x", nobody, "cannot be listed: Could not connect"),
    ):
        with pytest.raises(HydrantError, match=re.escape(expected)) as raised:
            find_objects([url], endpoint_url=endpoint)
        assert "\n" not in raised.value.message
    # What vanishes between listing and reading is an object that cannot be read.
    s3_server.put("gone/x", lines(1))
    (gone,) = find_objects([f"s3://{s3_server.bucket}/gone"], endpoint_url=s3_server.url)
    s3_server.put("gone/x", lines(2))
    with pytest.raises(UnreadableObject, match="it cannot be read: PreconditionFailed"):
        list(DryRun().replay(gone))


def test_a_dry_run_needs_no_database(tmp_path: Path) -> None:
    write_object(tmp_path, "o", failed_object([lines(3), b"no record"]))
    ended = replay(tmp_path, "o", "--dry-run", "--database", "postgresql://nobody@h/d")
    assert ended.returncode == 0, ended.stderr
    assert re.fullmatch(
        r"read 1 object \(1\.\d kB\): 2 records, 3 points, 1 rejection undecodable\n", ended.stdout
    )
    assert re.search(r"/o: byte \d+: .*neither CloudWatch JSON .* \(not_metrics\)\n", ended.stderr)
    assert list(tmp_path.glob("*.db")) == []


def test_quarantine(start_server: ServerStarter, sqlite_url: str, tmp_path: Path) -> None:
    server = start_server(sqlite_url)
    assert server.deliver(envelope([b"no record", lines(2)])).status_code == 200
    said = "released 0 rows of the quarantine: 0 points; 1 row still cannot be decoded\n"
    assert replay(tmp_path, "--quarantine", "--database", sqlite_url).stdout == said
    # As a release would have left it that reads less than this one.
    line = lines(3).splitlines()[2]
    engine = sql_engine(sqlite_url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE quarantine SET data = :data"), {"data": line})
    wrong = ["--quarantine", "--reason", "invalid_json", "--database", sqlite_url]
    assert replay(tmp_path, *wrong).stdout.startswith("released 0 rows")
    ended = replay(tmp_path, "--quarantine", "--database", sqlite_url)
    assert ended.stdout.startswith("released 1 row of the quarantine: 1 point;")
    assert server.get("/api/v1/quarantine")["total"] == 0
    assert len(server.contents()["v_points"]) == 3


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", "PATH"),
        ("o --quarantine", "PATH"),
        ("o --reason invalid_json", "--reason"),
        ("--quarantine --again", "--quarantine"),
        ("o --again --dry-run", "--again"),
        ("o --since yesterday", "--since"),
        ("o --since 2024-10-02T00:00:00Z --until 2024-10-01T00:00:00Z", "--until"),
        ("2024 --since 2024-10-02T00:00:00Z", "none of the 1 object has arrivals"),
        ("missing", "missing cannot be read: No such file or directory"),
        ("s3:", "s3: cannot be read"),
        ("o --database sqlite:///other.db", "there is no database"),
        ("o --database postgresql://u@127.0.0.1:1/d", "not available"),
    ],
)
def test_what_is_wrong_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: str, expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_object(tmp_path, "o", lines(1))
    write_object(tmp_path, "2024/10/01/00/o", lines(1))
    with pytest.raises(HydrantError, match=re.escape(expected)) as raised:
        application(["replay", *arguments.split()], standalone_mode=False)
    assert "\n" not in raised.value.message


def test_a_fault_is_one_line(tmp_path: Path) -> None:
    ended = replay(tmp_path, "missing")
    assert ended.returncode == 1
    assert ended.stderr == "hydrant: missing cannot be read: No such file or directory\n"


def test_a_second_signal_does_not_wait_for_the_database(database: str, tmp_path: Path) -> None:
    path = write_object(tmp_path, "o", lines(40_000))
    process = start_replay(tmp_path, path, "--database", database)
    wait_for(lambda: begun(database), process)
    engine = sql_engine(database, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(1)
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        connection.exec_driver_sql("ROLLBACK")
    assert process.returncode == 130, errors
    assert "interrupted" in errors
    assert "Traceback" not in errors
    assert replay(tmp_path, path, "--database", database).returncode == 0
    assert rows(database, "SELECT COUNT(*) FROM v_points") == [(40_000,)]
