"""Several servers on one PostgreSQL: holders of the lease that are killed, stopped and resumed."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from app.pipeline import Holder
from app.simulator import AccountModel, Format
from app.simulator.stream import StreamOptions, shipments
from app.storage.tables import VIEWS
from tests.fixtures.house import house
from tests.fixtures.rollups import RULES
from tests.fixtures.server import ACCESS_KEY, DELIVERY_PATH, RunningServer, ServerStarter

pytestmark = pytest.mark.e2e

SETTINGS = {
    "lease_seconds": 1,
    "five_minute_settling_seconds": 0,
    "hour_settling_seconds": 0,
}
DEADLINE_SECONDS = 60.0
Post = tuple[str, bytes]


def posts() -> list[Post]:
    """Requests of all three formats whose minutes overlap, in an hour that is long over."""
    model = AccountModel(5, tables=4, accounts=2, regions=1)
    options = StreamOptions(
        start_ms=1_727_740_800_000, minutes=8, seed=9, formats=tuple(Format), late=0.2
    )
    return [(s.request.request_id, s.request.body) for s in shipments(model, options)]


class Stream(threading.Thread):
    """Delivers everything, each to the next server, and to the ones after it until it is taken."""

    def __init__(self, servers: Sequence[RunningServer], share: Sequence[Post]) -> None:
        super().__init__()
        self.acknowledged = 0
        self._servers = servers
        self._posts = share

    def run(self) -> None:
        with httpx.Client(trust_env=False, timeout=3) as client:
            for number, (request_id, body) in enumerate(self._posts):
                attempt = number
                while not self._delivered(client, attempt, request_id, body):
                    attempt += 1
                    time.sleep(0.02)
                self.acknowledged += 1
                time.sleep(0.05)

    def _delivered(self, client: httpx.Client, attempt: int, request_id: str, body: bytes) -> bool:
        server = self._servers[attempt % len(self._servers)]
        headers = {
            "X-Amz-Firehose-Request-Id": request_id,
            "X-Amz-Firehose-Access-Key": ACCESS_KEY,
        }
        try:
            answer = client.post(f"{server.url}{DELIVERY_PATH}", content=body, headers=headers)
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK


def wait_for(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def lease(server: RunningServer) -> tuple[int | None, int]:
    """The process that holds the lease, and its token."""
    ((text, token),) = server.rows("SELECT holder, token FROM lease")
    holder = Holder.parse(text)
    return (holder.pid if holder else None), token


def holder_of(servers: Sequence[RunningServer]) -> RunningServer:
    pid, _ = lease(servers[0])
    (found,) = [server for server in servers if server.pid == pid]
    return found


def contents(server: RunningServer) -> dict[str, list[str]]:
    """All views after evaluation and rollups."""
    server.settle()
    wait_for(lambda: not server.rows("SELECT 1 FROM dirty_rollup LIMIT 1"), server.log)
    return {view: sorted(map(repr, server.rows(f"SELECT * FROM {view}"))) for view in VIEWS}


@contextmanager
def standing_still(server: RunningServer) -> Iterator[None]:
    server.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.signal(signal.SIGCONT)


def test_three_servers_lose_and_double_nothing_whoever_holds_the_lease(
    start_server: ServerStarter, sqlite_url: str, postgresql_url: str, tmp_path: Path
) -> None:
    everything = posts()
    directory = tmp_path / "rules"
    directory.mkdir()
    (directory / "t.yaml").write_text(RULES)
    servers = [start_server(postgresql_url, rules=directory, **SETTINGS) for _ in range(3)]
    assert lease(servers[0]) == (servers[0].pid, 1)
    streams = [Stream(servers, everything[n::2]) for n in range(2)]
    for stream in streams:
        stream.start()

    def taken_from(pid: int | None, token: int) -> Callable[[], bool]:
        return lambda: (lease(servers[0])[1] > token) and lease(servers[0])[0] not in {pid, None}

    # Killed: on the same machine the others see that it is gone.
    time.sleep(0.5)
    holder = holder_of(servers)
    token = lease(holder)[1]
    killed = holder.pid
    holder.kill()
    wait_for(lambda: lease(servers[0])[0] != killed, "nobody took over from the killed one")
    assert lease(servers[0])[1] == token + 1
    holder.start()

    # Stopped: silent, until another has taken over; then it goes on where it was.
    holder = holder_of(servers)
    token = lease(holder)[1]
    with standing_still(holder):
        wait_for(taken_from(holder.pid, token), "nobody took over from the one standing still")
        time.sleep(0.3)
    wait_for(lambda: "lease lost" in holder.log, holder.log)
    assert held(holder) == 0

    # Stopped in order: the lease is given up.
    holder = holder_of(servers)
    pid, token = lease(holder)
    holder.stop()
    servers.remove(holder)
    wait_for(taken_from(pid, token), "nobody took over from the one that was stopped")

    for stream in streams:
        stream.join(DEADLINE_SECONDS)
        assert not stream.is_alive()
    assert sum(stream.acknowledged for stream in streams) == len(everything)
    found = contents(servers[0])
    assert [held(server) for server in servers].count(1) == 1
    assert all(server.client.get("/readyz").status_code == httpx.codes.OK for server in servers)

    with house(sqlite_url, rules=directory) as alone:
        for request_id, body in everything:
            alone.ingest.store(alone.ingest.open(request_id, body))
        expected = {view: sorted(map(repr, rows)) for view, rows in alone.contents().items()}
    assert all(expected[view] for view in VIEWS)
    assert found == expected


def held(server: RunningServer) -> float:
    """The server's own gauge of the lease."""
    (line,) = [
        line
        for line in server.client.get("/metrics").text.splitlines()
        if line.startswith("hydrant_lease_held ")
    ]
    return float(line.split()[1])
