"""``hydrant backfill`` as a process, against a CloudWatch on loopback, beside a running server."""

import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.deliveries import envelope
from tests.fixtures.cloudwatch import ACCOUNT, CREDENTIALS, REGION, CloudWatchServer
from tests.fixtures.server import (
    REPOSITORY,
    RunningServer,
    ServerStarter,
    command_environment,
)

pytestmark = pytest.mark.e2e

METRIC = "ConsumedReadCapacityUnits"
MINUTE_MS = 60_000
LENGTH = 40
GAP = range(15, 25)


@pytest.fixture
def start_ms() -> int:
    """An hour ago, at a whole minute."""
    return int(time.time() / 60 - 60) * MINUTE_MS


def streamed(start_ms: int, table: str, minutes: list[int], value: float = 1.5) -> bytes:
    """Points of a table in CloudWatch JSON."""
    points = [
        {
            "metric_stream_name": "stream",
            "account_id": ACCOUNT,
            "region": REGION,
            "namespace": "AWS/DynamoDB",
            "metric_name": METRIC,
            "dimensions": {"TableName": table},
            "timestamp": start_ms + minute * MINUTE_MS,
            "value": {"max": value, "min": value, "sum": value, "count": 1.0},
            "unit": "Count",
        }
        for minute in minutes
    ]
    return b"".join(json.dumps(point).encode() + b"\n" for point in points)


def command(
    server: RunningServer, cloudwatch: CloudWatchServer, start_ms: int, *more: object
) -> list[str]:
    since, until = str(start_ms), str(start_ms + LENGTH * MINUTE_MS)
    given = ("backfill", "--since", since, "--until", until, "--database", server.database)
    return [*given, "--endpoint-url", cloudwatch.url, *map(str, more)]


def run(
    arguments: list[str], directory: Path, answer: bytes | None = None
) -> "subprocess.CompletedProcess[bytes]":
    """Run the command to its end; with an ``answer`` at a terminal where somebody types it."""
    terminal, end = pty.openpty()
    if answer is not None:
        os.write(terminal, answer)
    try:
        return subprocess.run(
            [sys.executable, "-m", "app.cli", *arguments],
            cwd=directory,
            env={**command_environment(), **CREDENTIALS, "PYTHONPATH": str(REPOSITORY)},
            stdin=subprocess.DEVNULL if answer is None else end,
            capture_output=True,
            timeout=100,
            check=False,
        )
    finally:
        os.close(end)
        os.close(terminal)


def points(server: RunningServer, table: str) -> list[tuple[object, ...]]:
    return server.rows(
        "SELECT start_ms, sample_count, sum, minimum, maximum, CAST(backfilled AS INTEGER)"
        f' FROM v_points WHERE dimensions = \'{{"TableName":"{table}"}}\' ORDER BY start_ms'
    )


def test_a_gap_is_filled_and_nothing_else_touched(
    tmp_path: Path,
    start_server: ServerStarter,
    sqlite_url: str,
    cloudwatch_server: CloudWatchServer,
    start_ms: int,
) -> None:
    server = start_server(sqlite_url)
    there = [minute for minute in range(LENGTH) if minute not in GAP]
    records = [streamed(start_ms, "gap", there), streamed(start_ms, "whole", [*range(LENGTH)])]
    assert server.deliver(envelope(records)).status_code == 200
    # CloudWatch knows more of every minute than the stream said; only the gap may take it.
    third = 1 / 3
    known = {
        start_ms + minute * MINUTE_MS: (3.0, minute + third, third, minute + 0.1)
        for minute in range(LENGTH)
    }
    for table in ("gap", "whole", "new"):
        cloudwatch_server.put(METRIC, {"TableName": table}, known)
    asked = command(server, cloudwatch_server, start_ms)

    without_terminal = run(asked, tmp_path)
    assert without_terminal.returncode == 1
    assert without_terminal.stderr.startswith(b"hydrant: --yes: there is no terminal")
    planned = without_terminal.stdout
    assert b"1 of 2 series have gaps, 10 minutes of a series altogether" in planned
    assert b"1 call, 1 metric requested; about 0.00001 USD" in planned
    refused = run(asked, tmp_path, b"n\n")
    assert (refused.returncode, refused.stdout[:7]) == (0, planned[:7]), refused.stderr
    assert b"nothing has been asked for" in refused.stdout
    assert len(points(server, "gap")) == len(there)

    done = run(asked, tmp_path, b"y\n")
    assert done.returncode == 0, done.stderr
    assert b"filled 10 points in 1 call, about 0.00001 USD" in done.stdout
    assert points(server, "gap") == [
        (start_ms + m * MINUTE_MS, 3.0, m + third, third, m + 0.1, 1)
        if m in GAP
        else (start_ms + m * MINUTE_MS, 1.0, 1.5, 1.5, 1.5, 0)
        for m in range(LENGTH)
    ]
    assert [row[1:] for row in points(server, "whole")] == [(1.0, 1.5, 1.5, 1.5, 0)] * LENGTH
    server.settle()
    minutes = server.rows("SELECT DISTINCT minute FROM v_values WHERE endpoint = 'gap'")
    assert len(minutes) == LENGTH

    # What has been filled is not asked for again; what no stream has brought is, on request.
    found = run([*asked, "--yes", "--discover"], tmp_path)
    assert b"1 of 3 series have gaps, 40 minutes" in found.stdout, found.stderr
    assert b"filled 40 points in 1 call" in found.stdout
    assert len(points(server, "new")) == LENGTH

    # The stream brings a minute late, and with less than CloudWatch said.
    late = streamed(start_ms, "gap", [GAP[0]], 0.5)
    assert server.deliver(envelope([late], "late"), request_id="late").status_code == 200
    first = points(server, "gap")[GAP[0]]
    assert first == (start_ms + GAP[0] * MINUTE_MS, 1.0, 0.5, 0.5, 0.5, 0)
