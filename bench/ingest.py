"""``python -m bench.ingest``: points per CPU-second of the real server under simulated deliveries.

Requests are made beforehand, so that the sender costs the machine little. The first minute, all of
whose series are new, is measured apart from the following ones, whose series are known. After each
of the two the evaluation of the rules is waited for; its seconds are wall-clock time, by the
server's own metric. With ``--no-rules`` there is nothing to evaluate: ingest alone remains.
"""

import argparse
import os
import platform
import re
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from app.simulator import AccountModel, Format
from app.simulator.buffering import FirehoseRequest
from app.simulator.stream import StreamOptions, shipments
from bench.processes import Usage, usage
from bench.server import running_server

FORMATS = [format_.value for format_ in Format]
START_MS = 1_727_740_800_000
_KEY = "bench"
_POINTS_PER_TABLE = 11
_SETTLED_SECONDS = 1.5
_LONGEST_SECONDS = 900.0


@dataclass(slots=True)
class Phase:
    """One measured part of the run."""

    name: str
    points: int
    answer_seconds: list[float] = field(default_factory=list)
    seconds: float = 0.0
    acknowledged_cpu: float = 0.0
    cpu: float = 0.0
    evaluation_seconds: float = 0.0
    values: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """A running server; ``pid`` and ``database`` are None when it is somebody else's."""

    url: str
    key: str
    pid: int | None
    database: Path | None

    def used(self) -> Usage:
        """CPU and memory so far; zeros when the process is not ours."""
        return Usage(0.0, 0.0, 0) if self.pid is None else usage(self.pid)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one benchmark and print a table in Markdown."""
    options = _options(arguments)
    minutes = _requests(options)
    with _target(options) as target, httpx.Client(trust_env=False, timeout=180.0) as client:
        phases = []
        for name, requests in (
            ("new series", minutes[:1]),
            ("known series", minutes[1:]),
        ):
            if requests:
                phase = Phase(name, sum(points for points, _ in requests))
                _measure(phase, [r for _, each in requests for r in each], target, client, options)
                phases.append(phase)
        _report(phases, target, options)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.ingest", description=__doc__)
    parser.add_argument("--series", type=int, default=80_000, help="points a minute, roughly")
    parser.add_argument("--minutes", type=int, default=4, help="the first has new series only")
    parser.add_argument("--format", choices=FORMATS, default=FORMATS[-1])
    parser.add_argument("--gzip", action=argparse.BooleanOptionalAction, default=False)
    parser.add_argument("--request-mib", type=float, default=1.0, help="records before base64")
    parser.add_argument("--connections", type=int, default=2)
    parser.add_argument("--database", help="URL; default: SQLite in a temporary directory")
    parser.add_argument("--url", help="a server that runs already, at its own cost of CPU")
    parser.add_argument("--key", default=_KEY, help="access key of that server")
    parser.add_argument("--no-rules", action="store_true", help="an empty directory of rules")
    parser.add_argument("--profile", metavar="FILE", help="cProfile of all the server's threads")
    return parser.parse_args(arguments)


def _requests(options: argparse.Namespace) -> list[tuple[int, list[FirehoseRequest]]]:
    """Points and requests of each minute. Every series has a point in every minute."""
    tables = max(1, options.series // _POINTS_PER_TABLE)
    model = AccountModel(1, tables=tables)
    made = []
    # Minutes five apart: the metrics that come every five minutes are in each of them.
    for minute in range(options.minutes):
        stream = StreamOptions(
            start_ms=START_MS + minute * 300_000,
            minutes=1,
            seed=minute,
            formats=(Format(options.format),),
            buffer_bytes=int(options.request_mib * (1 << 20)),
            buffer_ms=0,
            gzip=options.gzip,
            access_key=options.key,
        )
        sent = list(shipments(model, stream))
        made.append((sum(len(s.batch.points) for s in sent), [s.request for s in sent]))
    return made


@contextmanager
def _target(options: argparse.Namespace) -> Iterator[Target]:
    if options.url:
        yield Target(options.url, options.key, None, None)
        return
    with tempfile.TemporaryDirectory(prefix="hydrant-bench-") as name:
        database = options.database or f"sqlite:///{name}/hydrant.db"
        file = Path(name) / "hydrant.db" if options.database is None else None
        command = ["-m", "app.cli"]
        if options.profile:
            command = [str(Path(__file__).with_name("profiled_server.py")), options.profile]
        environment = {
            "HYDRANT_ACCESS_KEYS": options.key,
            "HYDRANT_DATABASE": database,
            "HYDRANT_LOG_LEVEL": "warning",
        }
        if options.no_rules:
            (Path(name) / "no-rules").mkdir()
            environment["HYDRANT_RULES"] = f"{name}/no-rules"
        with running_server(environment, command) as (url, pid):
            yield Target(url, options.key, pid, file)


def _measure(
    phase: Phase,
    requests: list[FirehoseRequest],
    target: Target,
    client: httpx.Client,
    options: argparse.Namespace,
) -> None:
    before, counted = target.used(), _counters(client, target)
    started = time.perf_counter()
    pending = iter(requests)
    lock = threading.Lock()
    faults: list[str] = []

    def send() -> None:
        with httpx.Client(trust_env=False, timeout=180.0) as own:
            while not faults:
                with lock:
                    request = next(pending, None)
                if request is None:
                    return
                began = time.perf_counter()
                answer = own.post(
                    f"{target.url}/aws/firehose/metrics",
                    content=request.body,
                    headers=request.headers,
                )
                phase.answer_seconds.append(time.perf_counter() - began)
                if not answer.is_success:
                    faults.append(f"{answer.status_code}: {answer.text}")

    threads = [threading.Thread(target=send) for _ in range(options.connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise SystemExit(f"a delivery was refused: {faults[0]}")
    phase.seconds = time.perf_counter() - started
    phase.acknowledged_cpu = target.used().cpu - before.cpu
    after = _settled(client, target)
    phase.cpu = target.used().cpu - before.cpu
    name = "hydrant_evaluation_seconds_sum"
    phase.evaluation_seconds = after[name] - counted[name]
    name = "hydrant_values_written_total"
    phase.values = int(after[name] - counted[name])


def _settled(client: httpx.Client, target: Target) -> dict[str, float]:
    """The counters once no minute has been dirty and none evaluated for a while."""
    deadline = time.monotonic() + _LONGEST_SECONDS
    last, since = _counters(client, target), time.monotonic()
    while time.monotonic() < deadline:
        time.sleep(0.1)
        now = _counters(client, target)
        evaluated = "hydrant_minutes_evaluated_total"
        if now[evaluated] != last[evaluated] or now["hydrant_dirty_minutes"]:
            last, since = now, time.monotonic()
        elif time.monotonic() - since > _SETTLED_SECONDS:
            return now
    raise SystemExit("the evaluation does not catch up")


def _counters(client: httpx.Client, target: Target) -> dict[str, float]:
    text = client.get(f"{target.url}/metrics").text
    return {k: float(v) for k, v in re.findall(r"^(hydrant_\w+) (\S+)$", text, re.MULTILINE)}


def _report(phases: list[Phase], target: Target, options: argparse.Namespace) -> None:
    engine = (options.database or "sqlite").partition(":")[0].partition("+")[0]
    compressed = ", gzip" if options.gzip else ""
    compressed += ", no rules" if options.no_rules else ""
    print(
        f"{options.format}{compressed}, {engine}, {options.request_mib:g} MiB requests,"
        f" {options.connections} connections; Python {platform.python_version()},"
        f" {os.cpu_count()} CPUs\n"
    )
    print(
        "| phase | points | points/CPU-s, all | until answered | points/s | p50 ms | p99 ms"
        " | evaluation s | values |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for phase in phases:
        cells = (
            phase.name,
            f"{phase.points:,}",
            _rate(phase.points, phase.cpu),
            _rate(phase.points, phase.acknowledged_cpu),
            _rate(phase.points, phase.seconds),
            f"{1000 * _quantile(phase.answer_seconds, 0.5):.0f}",
            f"{1000 * _quantile(phase.answer_seconds, 0.99):.0f}",
            f"{phase.evaluation_seconds:.2f}",
            f"{phase.values:,}",
        )
        print(f"| {' | '.join(cells)} |")
    points = sum(phase.points for phase in phases)
    print(f"\npeak RSS {target.used().peak_bytes / (1 << 20):.0f} MiB", end="")
    if target.database is not None:
        files = [target.database, target.database.with_name(target.database.name + "-wal")]
        size = sum(file.stat().st_size for file in files if file.exists())
        print(f", database {size / points:.0f} bytes per point", end="")
    print("\n", flush=True)


def _rate(points: int, seconds: float) -> str:
    return f"{points / seconds:,.0f}" if seconds > 0 else "–"


def _quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


if __name__ == "__main__":
    main()
