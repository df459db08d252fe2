"""The server that a benchmark sends to: its URL, its CPU and memory, its counters, its disk."""

import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.databases import server_pid
from bench.prepared import KEY
from bench.processes import Usage, usage
from bench.server import running_server

_SETTLED_SECONDS = 1.5
# The thread looks for work every five seconds.
_ROLLED_UP_SECONDS = 7.0
_A_DAY = "86400"
_LONGEST_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Target:
    """A running server; ``pid`` is None when it is somebody else's.

    ``database`` is SQLite's file, ``database_pid`` the process of a PostgreSQL on this machine.
    """

    url: str
    key: str
    pid: int | None
    database: Path | None = None
    database_pid: int | None = None

    def used(self) -> Usage:
        """CPU and memory so far; zeros when the process is not ours."""
        return Usage(0.0, 0.0, 0) if self.pid is None else usage(self.pid)

    def database_cpu(self) -> float:
        """CPU seconds of PostgreSQL with all its processes so far; 0 for SQLite, which has none."""
        return 0.0 if self.database_pid is None else usage(self.database_pid).cpu

    def stored_bytes(self) -> int:
        """The size of SQLite's file and its log; 0 for another database."""
        if self.database is None:
            return 0
        files = [self.database, self.database.with_name(self.database.name + "-wal")]
        return sum(file.stat().st_size for file in files if file.exists())

    def counters(self) -> dict[str, float]:
        """The server's own metrics that have no labels."""
        found = re.findall(r"^(hydrant_\w+) (\S+)$", self._metrics(), re.MULTILINE)
        return {name: float(value) for name, value in found}

    def _metrics(self) -> str:
        return httpx.get(f"{self.url}/metrics", trust_env=False, timeout=60.0).text

    def settled(self) -> dict[str, float]:
        """The counters once no minute has been dirty and none evaluated for a while."""
        deadline = time.monotonic() + _LONGEST_SECONDS
        last, since = self.counters(), time.monotonic()
        while time.monotonic() < deadline:
            # Rendering the metrics is the server's CPU as well.
            time.sleep(0.5)
            now = self.counters()
            evaluated = "hydrant_minutes_evaluated_total"
            if now[evaluated] != last[evaluated] or now["hydrant_dirty_minutes"]:
                last, since = now, time.monotonic()
            elif time.monotonic() - since > _SETTLED_SECONDS:
                return now
        raise SystemExit("the evaluation does not catch up")

    def rolled_up(self) -> None:
        """Wait until no bucket is due to be rolled up."""
        deadline = time.monotonic() + _LONGEST_SECONDS
        done, since = -1.0, time.monotonic()
        while time.monotonic() < deadline:
            time.sleep(0.5)
            text = self._metrics()
            now = _total("hydrant_rollups_total", text)
            if now != done or _total("hydrant_rollups_waiting", text):
                done, since = now, time.monotonic()
            elif time.monotonic() - since > _ROLLED_UP_SECONDS:
                return
        raise SystemExit("the rollups do not catch up")


def _total(name: str, text: str) -> float:
    """The sum of a metric over its labels."""
    found = re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)
    return sum(map(float, found))


@contextmanager
def own_server(
    database: str, *, rules: bool = True, profile: str | None = None, rolls_up: bool = False
) -> Iterator[Target]:
    """A server on a database, which ends with the context.

    Rollups are put off for a day unless it ``rolls_up``: what is sent are hours of long ago, which
    would be rolled up again after each of their minutes, and in production are once.
    """
    with tempfile.TemporaryDirectory(prefix="hydrant-bench-") as name:
        command = ["-m", "app.cli"]
        if profile:
            command = [str(Path(__file__).with_name("profiled_server.py")), profile]
        environment = {
            "HYDRANT_ACCESS_KEYS": KEY,
            "HYDRANT_DATABASE": database,
            "HYDRANT_LOG_LEVEL": "error",
            **{f"HYDRANT_{tier}_RETENTION_DAYS": "0" for tier in ("MINUTE", "FIVE_MINUTE", "HOUR")},
        }
        if not rolls_up:
            environment["HYDRANT_FIVE_MINUTE_SETTLING_SECONDS"] = _A_DAY
            environment["HYDRANT_HOUR_SETTLING_SECONDS"] = _A_DAY
        if not rules:
            (Path(name) / "no-rules").mkdir()
            environment["HYDRANT_RULES"] = f"{name}/no-rules"
        scheme, _, file = database.partition(":///")
        with running_server(environment, command) as (address, pid):
            yield Target(
                address,
                KEY,
                pid,
                Path(file) if scheme == "sqlite" else None,
                server_pid(database),
            )
