"""``python -m bench.queries``: CPU seconds of a real server that answers questions over a day.

A day of minutes of one metric of 2,000 tables, three hours of eleven more, and a day of points are
written straight into the database. All hours but the last are rolled up, which packs them, as on a
server whose last hour has not settled. Then a server is started and asked over HTTP. CPU seconds
are those of the server, its children and, on PostgreSQL, of the database server, which must be on
this machine.
"""

import argparse
import platform
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from app.storage import Store
from bench.day import END_MS, LAST_MINUTE, MINUTES, START_MS, fill, pack
from bench.processes import usage
from bench.server import running_server

_PREFIX = "aws_dynamodb_endpoint"
METRICS = tuple(
    f"{_PREFIX}_{name}"
    for name in (
        "consumed_read_capacity_units",
        "consumed_write_capacity_units",
        "provisioned_read_capacity_units",
        "provisioned_write_capacity_units",
        "read_throttle_events",
        "write_throttle_events",
        "successful_requests",
        "get_successful_request_latency",
        "put_successful_request_latency",
        "query_successful_request_latency",
        "read_system_errors",
        "conditional_check_failed_requests",
    )
)
_READS = METRICS[0]
_DAY = {"start": str(START_MS // 1000 + 60), "end": str(END_MS // 1000), "step": "60"}
_THREE_HOURS = {**_DAY, "start": str(END_MS // 1000 - 3 * 3600)}
_NOW = {"time": str(END_MS // 1000)}

Request = tuple[str, dict[str, str]]


def _range(query: str, times: dict[str, str]) -> Request:
    return "/prometheus/api/v1/query_range", {"query": query, **times}


def _instant(query: str) -> Request:
    return "/prometheus/api/v1/query", {"query": query, **_NOW}


QUESTIONS: dict[str, list[Request]] = {
    "sum by (region), 24 h at a minute": [_range(f"sum by (region) ({_READS})", _DAY)],
    "all series, 24 h at a minute": [_range(_READS, _DAY)],
    "topk(10) of a one-hour sum": [_instant(f"topk(10, sum_over_time({_READS}[1h]))")],
    "one series, 24 h at a minute": [_range(f'{_READS}{{endpoint="t7"}}', _DAY)],
    "12 panels of one table, 3 h": [
        _range(f'{metric}{{endpoint="t7"}}', _THREE_HOURS) for metric in METRICS
    ],
    "CloudWatch's Sum, sum by (region), 24 h": [
        _range("sum by (region) (aws_dynamodb_Metric0_sum)", _DAY)
    ],
    "one-hour sums of all series, 24 h": [
        _range(f"sum(sum_over_time({_READS}[1h]))", {**_DAY, "step": "3600"})
    ],
    "REST: top 10 of an hour": [
        (
            f"/api/v1/top/{_READS}",
            {"start": str(END_MS // 1000 - 3600), "end": str(END_MS // 1000)},
        )
    ],
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Fill a database, ask a server, and print a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m bench.queries", description=__doc__)
    parser.add_argument("--tables", type=int, default=2_000)
    parser.add_argument("--repeats", type=int, default=5, help="after the first, cold, time")
    parser.add_argument("--database", help="URL; default: SQLite in a temporary directory")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="hydrant-bench-") as directory:
        database = options.database or f"sqlite:///{directory}/hydrant.db"
        _fill(database, options.tables)
        (Path(directory) / "no-rules").mkdir()
        environment = {
            "HYDRANT_DATABASE": database,
            "HYDRANT_ALLOW_ANONYMOUS": "true",
            "HYDRANT_LOG_LEVEL": "error",
            "HYDRANT_RULES": f"{directory}/no-rules",
            # The day is a fixed one, long ago.
            **{f"HYDRANT_{tier}_RETENTION_DAYS": "0" for tier in ("MINUTE", "FIVE_MINUTE", "HOUR")},
        }
        with running_server(environment) as (url, pid):
            _report(url, [pid, *_postgresql(database)], options)


def _fill(database: str, tables: int) -> None:
    store = Store(database)
    try:
        store.migrate()
        fill(store, tables, METRICS, 1, short_minutes=180)
        pack(store, LAST_MINUTE - 60)
    finally:
        store.close()


def _postgresql(database: str) -> list[int]:
    """The process id of the database server, whose children work for the connections."""
    if not database.startswith("postgresql"):
        return []
    store = Store(database)
    try:
        with store.read() as connection:
            backend = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            stat = Path(f"/proc/{backend}/stat").read_text(encoding="utf-8")
            return [int(stat.rpartition(")")[2].split()[1])]
    finally:
        store.close()


def _report(url: str, pids: list[int], options: argparse.Namespace) -> None:
    engine = "postgresql" if len(pids) > 1 else "sqlite"
    print(
        f"{options.tables:,} tables, {MINUTES:,} minutes, {engine},"
        f" Python {platform.python_version()}\n"
    )
    print("| question | series | samples | first: CPU ms | CPU ms | wall ms |")
    print("|---|---:|---:|---:|---:|---:|")
    with httpx.Client(trust_env=False, timeout=120.0) as client:
        for name, requests in QUESTIONS.items():
            with _cpu(pids) as first:
                series, samples = _ask(client, url, requests)
            began = time.perf_counter()
            with _cpu(pids) as spent:
                for _ in range(options.repeats):
                    _ask(client, url, requests)
            wall = (time.perf_counter() - began) / options.repeats
            print(
                f"| {name} | {series:,} | {samples:,} | {1000 * first[0]:.0f} |"
                f" {1000 * spent[0] / options.repeats:.0f} | {1000 * wall:.0f} |"
            )
    print(f"\npeak RSS of the server {usage(pids[0]).peak_bytes / (1 << 20):.0f} MiB")


def _ask(client: httpx.Client, url: str, requests: list[Request]) -> tuple[int, int]:
    """Series and samples of the answers."""
    series = samples = 0
    for path, parameters in requests:
        answer = client.get(url + path, params=parameters).raise_for_status().json()
        rows = answer["data"]["result"] if "data" in answer else answer["top"]
        series += len(rows)
        samples += sum(len(row.get("values", (0,))) for row in rows)
    return series, samples


@contextmanager
def _cpu(pids: list[int]) -> Iterator[list[float]]:
    """CPU seconds of these processes and their children inside the context."""
    began = sum(usage(pid).cpu for pid in pids)
    spent: list[float] = []
    yield spent
    spent.append(sum(usage(pid).cpu for pid in pids) - began)


if __name__ == "__main__":
    main()
