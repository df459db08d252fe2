"""``hydrant simulate`` against the server: what REST answers is what the simulator says it sent."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.failing_proxy import failing_proxy
from tests.fixtures.server import (
    ACCESS_KEY,
    REPOSITORY,
    RunningServer,
    ServerStarter,
    command_environment,
)

pytestmark = pytest.mark.e2e

START = "2024-10-01T00:00:00Z"
MINUTES = 10
OF_THE_HOUR = {"start": START, "end": "2024-10-01T01:00:00Z"}

# CloudWatch's metric, and the names of the rules that add it up for accounts and for tables.
ADDED_UP = {
    "ConsumedReadCapacityUnits": "consumed_read_capacity_units",
    "ConsumedWriteCapacityUnits": "consumed_write_capacity_units",
    "ReadThrottleEvents": "read_throttle_events",
    "WriteThrottleEvents": "write_throttle_events",
    "ConditionalCheckFailedRequests": "conditional_check_failed_requests",
    "TransactionConflict": "transaction_conflict",
    "TimeToLiveDeletedItemCount": "time_to_live_deleted_item_count",
}

Json = dict[str, Any]


def start_simulator(url: str, directory: Path, *arguments: object) -> "subprocess.Popen[str]":
    options = ["--url", url, "--start", START, "--minutes", MINUTES, "--access-key", ACCESS_KEY]
    options += ["--duplicates", 0.3, "--late", 0.05, "--shuffle", "--connections", 4]
    options += ["--ledger", directory / "ledger.json", *arguments]
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli", "simulate", *map(str, options)],
        cwd=directory,
        env={**command_environment(), "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finished(process: "subprocess.Popen[str]", directory: Path) -> tuple[str, Json]:
    """The simulator's output and ledger, after it has ended well."""
    output, _ = process.communicate(timeout=100)
    assert process.returncode == 0, output
    ledger: Json = json.loads((directory / "ledger.json").read_text())
    assert ledger["unacknowledged_points"] == 0
    return output, ledger


def totals(server: RunningServer, name: str, step: int) -> dict[tuple[str, ...], dict[str, float]]:
    """Values of a metric by (service, endpoint, region) and step."""
    series = server.get(f"/api/v1/metrics/{name}", step=step, **OF_THE_HOUR)["series"]
    found: dict[tuple[str, ...], dict[str, float]] = {}
    for item in series:
        assert item["labels"] == {}
        key = (item["service"], item["endpoint"], item["region"])
        assert key not in found
        found[key] = dict(zip(map(str, item["timestamps"]), item["values"], strict=True))
    return found


def check(server: RunningServer, ledger: Json) -> None:
    server.settle()
    start_ms = str(ledger["start_ms"])
    for metric, rule in ADDED_UP.items():
        accounts = {
            (f"aws-dynamodb::{entry['account']}", "", ""): entry
            for entry in ledger["accounts"]
            if entry["metric"] == metric
        }
        tables = {
            (f"aws-dynamodb::{entry['account']}", entry["table"], entry["region"]): entry
            for entry in ledger["tables"]
            if entry["metric"] == metric
        }
        assert accounts
        assert tables
        for name, entries in ((rule, accounts), (f"endpoint_{rule}", tables)):
            whole = totals(server, f"aws_dynamodb_{name}", 3600)
            assert whole == {key: {start_ms: e["Sum"]} for key, e in entries.items()}
            by_minute = totals(server, f"aws_dynamodb_{name}", 60)
            assert by_minute == {key: e["Sum_by_minute"] for key, e in entries.items()}
    check_series(server, ledger)


def check_series(server: RunningServer, ledger: Json) -> None:
    names = ("Sum", "SampleCount", "Minimum", "Maximum")
    series = server.get("/api/v1/statistics", period=3600, statistic=names, **OF_THE_HOUR)["series"]
    found = {}
    for item in series:
        assert item["timestamps"] == [ledger["start_ms"]]
        statistics = {name: column[0] for name, column in item["statistics"].items()}
        found[identity(item)] = statistics
    assert found == {identity(e): {name: e[name] for name in names} for e in ledger["series"]}
    points = server.get("/api/v1/statistics", statistic="Sum", **OF_THE_HOUR)["series"]
    assert {identity(item): len(item["timestamps"]) for item in points} == {
        identity(e): e["points"] for e in ledger["series"]
    }


def identity(item: Json) -> tuple[object, ...]:
    names = ("account", "region", "namespace", "metric", "unit")
    return (*(item[name] for name in names), tuple(sorted(item["dimensions"].items())))


@pytest.mark.parametrize(
    ("database", "arguments"),
    [
        ("sqlite", ["--format", "json", "--tables", 200, "--gzip"]),
        ("sqlite", ["--format", "opentelemetry0.7", "--tables", 100, "--regions", 2]),
        ("sqlite", ["--format", "opentelemetry1.0", "--tables", 200]),
        ("postgresql", ["--format", "mixed", "--tables", 50, "--accounts", 2, "--regions", 2]),
    ],
    ids=["json", "0.7", "1.0", "mixed-postgresql"],
)
def test_sums_over_rest_are_those_of_the_ledger(
    start_server: ServerStarter,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    database: str,
    arguments: list[object],
) -> None:
    server = start_server(request.getfixturevalue(f"{database}_url"))
    with failing_proxy(server.port, seed=len(arguments), share=0.4) as proxy:
        simulator = start_simulator(
            proxy.url, tmp_path, "--buffer-mib", 1, "--buffer-seconds", 0, *arguments
        )
        output, ledger = finished(simulator, tmp_path)
    assert proxy.refused
    assert proxy.swallowed
    assert "0 failures" in output
    check(server, ledger)


def test_a_crash_in_mid_stream_changes_no_sum(
    start_server: ServerStarter, database_url: str, tmp_path: Path
) -> None:
    server = start_server(database_url)
    simulator = start_simulator(
        server.url, tmp_path, "--tables", 200, "--format", "mixed", "--buffer-seconds", 0
    )
    for _ in range(2):
        stored = points_stored(server)
        while points_stored(server) == stored and simulator.poll() is None:
            time.sleep(0.01)
        server.kill()
        server.start()
    output, ledger = finished(simulator, tmp_path)
    assert "(0 retries)" not in output
    check(server, ledger)


def points_stored(server: RunningServer) -> int:
    ((count,),) = server.rows("SELECT COUNT(*) FROM v_points")
    return int(count)
