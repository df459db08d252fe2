"""The drill: waves of a simulated account stream in while everything behind it fails."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.fixtures.server import ACCESS_KEY, REPOSITORY, RunningServer, command_environment
from tests.soak.backends import Backend
from tests.soak.chaos import Chaos
from tests.soak.comparison import Comparison, compare
from tests.soak.cutting_proxy import cutting_proxy
from tests.soak.front import Front

MINUTES_PER_WAVE = 10
_WAVE_SECONDS = 300
_SETTLE_SECONDS = 120
_SHARE_OF_CUT_CONNECTIONS = 0.6
_ACCOUNT = (
    *("--tables", "4", "--accounts", "2", "--regions", "2", "--format", "mixed", "--late", "0.1"),
    *("--shuffle", "--buffer-mib", "1", "--buffer-seconds", "0", "--connections", "4"),
    *("--retry-seconds", "7200", "--longest-backoff", "0.5"),
)


@dataclass
class Report:
    """What happened, and what was left."""

    seconds: float
    waves: int
    kills: int
    faults: dict[str, int]
    cut_in_requests: int
    cut_in_answers: int
    ended_by_themselves: int
    acknowledged: int
    clean: int
    comparison: Comparison

    @property
    def is_good(self) -> bool:
        """Whether every acknowledged point is there exactly once, and all aggregates are equal."""
        complete = self.acknowledged == self.clean == self.comparison.found
        return complete and self.comparison.is_equal

    def text(self) -> str:
        """For people."""
        result = self.comparison
        faults = {"kill -9": self.kills, **self.faults}
        faults["connections reset in mid-request"] = self.cut_in_requests
        faults["connections reset in mid-answer"] = self.cut_in_answers
        happened = ", ".join(f"{name}: {count}" for name, count in faults.items())
        balance = (
            f"acknowledged {self.acknowledged}, found {result.found}, lost {result.lost},"
            f" doubled {result.doubled}, changed {result.changed}, foreign {result.foreign}"
        )
        lines = [
            f"{self.waves} waves in {self.seconds:.0f} s; {happened}",
            balance,
            *(
                f"{view}: {result.equal_rows[view]} rows equal those of a run without faults,"
                f" {different} differ"
                for view, different in result.different_rows.items()
            ),
        ]
        return "\n".join(lines)


@dataclass(frozen=True)
class Drill:
    """One soak test; ``directory`` is for its logs and ledgers."""

    backend: Backend
    front: Front
    directory: Path
    servers: int
    kills: int
    seed: int
    say: Callable[[str], None]

    def run(self) -> Report:
        """Stream, fail, settle, compare."""
        began = time.monotonic()
        # The day before yesterday at noon: within what is kept, and a range that has settled.
        start_ms = (int(time.time()) // 86_400 * 86_400 - 2 * 86_400 + 43_200) * 1000
        with ExitStack() as stack:
            servers = [self._server(self.backend.url) for _ in range(self.servers)]
            for server in servers:
                stack.callback(server.close)
                server.start()
            port, arguments = stack.enter_context(
                self.front([server.port for server in servers], self.directory)
            )
            proxy = stack.enter_context(
                cutting_proxy(port, share=_SHARE_OF_CUT_CONNECTIONS, seed=self.seed)
            )
            to_proxy = [arguments[0].format(port=proxy.port), *arguments[1:]]
            kills_are_over = threading.Event()

            def stream() -> list[int]:
                """Waves, of which the last one meets servers that stay up; the points of each."""
                options = [*to_proxy, "--duplicates", "0.3"]
                waves: list[int] = []
                try:
                    while not kills_are_over.is_set():
                        waves.append(self._wave(len(waves), start_ms, options))
                    waves.append(self._wave(len(waves), start_ms, options))
                except BaseException:
                    chaos.stop()
                    raise
                return waves

            faults = self.backend.faults
            pool = stack.enter_context(ThreadPoolExecutor(1))
            with Chaos(servers, faults, kills=self.kills, seed=self.seed, say=self.say) as chaos:
                streaming = pool.submit(stream)
                chaos.run()
                kills_are_over.set()
                waves = streaming.result()
                self._await_all(servers)
            for server in servers:
                assert "Traceback" not in server.log, server.log
            self._settle(servers[0])
        self.say("the same without faults")
        clean = self._clean_run(start_ms, len(waves))
        return Report(
            time.monotonic() - began,
            len(waves),
            chaos.kills,
            dict(chaos.done),
            proxy.in_requests,
            proxy.in_answers,
            chaos.ended_by_themselves,
            sum(waves),
            clean,
            compare(_driver(self.backend.clean_url), _driver(self.backend.url)),
        )

    def _clean_run(self, start_ms: int, waves: int) -> int:
        server = self._server(self.backend.clean_url)
        server.start()
        try:
            to_server = ["--url", server.url]
            acknowledged = sum(self._wave(n, start_ms, to_server) for n in range(waves))
            self._settle(server)
        finally:
            server.close()
        return acknowledged

    def _server(self, database: str) -> RunningServer:
        return RunningServer(
            self.directory, database, five_minute_settling_seconds=0, hour_settling_seconds=0
        )

    def _wave(self, number: int, start_ms: int, options: Sequence[str]) -> int:
        """Stream some minutes until all is acknowledged; returns the number of points."""
        ledger = self.directory / "ledger.json"
        command = [
            *(sys.executable, "-m", "app.cli", "simulate", *options, *_ACCOUNT),
            *("--seed", str(number), "--minutes", str(MINUTES_PER_WAVE), "--ledger", str(ledger)),
            *("--start", str(start_ms + number * MINUTES_PER_WAVE * 60_000)),
        ]
        finished = subprocess.run(
            command,
            cwd=self.directory,
            env={
                **command_environment(simulate_access_key=ACCESS_KEY),
                "PYTHONPATH": str(REPOSITORY),
            },
            capture_output=True,
            text=True,
            timeout=_WAVE_SECONDS,
            check=False,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr[-3000:]
        written = json.loads(ledger.read_text())
        assert written["unacknowledged_points"] == 0
        points: int = written["points"]
        return points

    def _await_all(self, servers: Sequence[RunningServer]) -> None:
        """Wait until every server takes deliveries again."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        for server in servers:
            while not server.is_ready:
                assert time.monotonic() < deadline, f"a server does not come back:\n{server.log}"
                time.sleep(0.1)

    def _settle(self, server: RunningServer) -> None:
        """Wait until everything has been evaluated and rolled up."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        marks = (
            "SELECT 1 WHERE EXISTS (SELECT 1 FROM dirty_minute)"
            " OR EXISTS (SELECT 1 FROM dirty_rollup)"
        )
        while server.rows(marks):
            assert time.monotonic() < deadline, f"evaluation does not end:\n{server.log}"
            time.sleep(0.1)


def _driver(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://")
