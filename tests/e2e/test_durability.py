"""A 200 means durable: crashes, stops and databases that go away, with deliveries under way."""

import random
import resource
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager

import httpx
import psycopg
import pytest
import sqlalchemy as sa

from tests.e2e.deliveries import START_MS, envelope, metric_lines
from tests.fixtures.postgresql import PostgresqlServer
from tests.fixtures.server import ACCESS_KEY, DELIVERY_PATH, RunningServer, ServerStarter

pytestmark = pytest.mark.e2e

METRIC = "ConsumedReadCapacityUnits"
OF_ACCOUNT = "aws_dynamodb_consumed_read_capacity_units"
TABLES = 20


def delivery(number: int) -> bytes:
    """Twenty tables of one minute; every five deliveries share a minute, with other tables."""
    first = number % 5 * TABLES
    tables = range(first, first + TABLES)
    return envelope(
        [metric_lines(METRIC, t, number // 5, value=number + t / 8) for t in tables], f"d{number}"
    )


def total_of(numbers: Iterable[int]) -> float:
    return sum(TABLES * n + sum(n % 5 * TABLES + t for t in range(TABLES)) / 8 for n in numbers)


class Sender(threading.Thread):
    """Delivers one number after the other, each until it is acknowledged."""

    def __init__(self, server: RunningServer, numbers: range) -> None:
        super().__init__()
        self.acknowledged: list[int] = []
        self._ended = threading.Event()
        self._server = server
        self._numbers = numbers

    def run(self) -> None:
        with httpx.Client(base_url=self._server.url, trust_env=False) as client:
            for number in self._numbers:
                while not self._delivered(client, number):
                    time.sleep(0.01)
                self.acknowledged.append(number)
                if self._ended.wait(0.003):
                    return

    def give_up(self) -> None:
        """End after the number under way."""
        self._ended.set()

    def _delivered(self, client: httpx.Client, number: int) -> bool:
        headers = {
            "X-Amz-Firehose-Request-Id": f"d{number}",
            "X-Amz-Firehose-Access-Key": ACCESS_KEY,
        }
        try:
            answer = client.post(DELIVERY_PATH, content=delivery(number), headers=headers)
        except httpx.TransportError:
            return False
        return answer.status_code == 200


def stored_numbers(server: RunningServer) -> dict[int, int]:
    """How many points there are of each delivery, read off the values."""
    found: dict[int, int] = {}
    for dimensions, start_ms, value in server.rows(
        "SELECT dimensions, start_ms, sum FROM v_points"
    ):
        table = int(dimensions.partition("table-")[2].rstrip('"}]'))
        number = (start_ms - START_MS) // 60_000 * 5 + table // TABLES
        assert value == number + table / 8
        found[number] = found.get(number, 0) + 1
    return found


@pytest.mark.parametrize(("database", "kills"), [("sqlite", 5), ("postgresql", 2)])
def test_kill_9_loses_nothing_and_doubles_nothing(
    start_server: ServerStarter, request: pytest.FixtureRequest, database: str, kills: int
) -> None:
    server = start_server(request.getfixturevalue(f"{database}_url"))
    draws = random.Random(kills)
    senders = [Sender(server, range(n, kills * 100, 2)) for n in range(2)]
    for sender in senders:
        sender.start()
    killed_under_way = 0
    for _ in range(kills):
        time.sleep(0.05 + 0.4 * draws.random())
        acknowledged = {number for s in senders for number in s.acknowledged}
        killed_under_way += any(s.is_alive() for s in senders)
        server.kill()
        server.start()
        stored = stored_numbers(server)
        # A delivery is stored whole or not at all, and certainly if it was acknowledged.
        assert set(stored.values()) <= {TABLES}
        assert acknowledged <= stored.keys()
    assert killed_under_way > kills // 2
    for sender in senders:
        sender.join(60)
        assert not sender.is_alive()
    everything = range(kills * 100)
    assert stored_numbers(server) == dict.fromkeys(everything, TABLES)
    server.settle()
    (series,) = server.get(f"/api/v1/metrics/{OF_ACCOUNT}")["series"]
    assert sum(series["values"]) == total_of(everything)
    assert len(series["timestamps"]) == kills * 20


def in_halves(server: RunningServer, body: bytes, between: Callable[[], None]) -> bytes:
    """Send a delivery with something happening in the middle of its body; the raw answer."""
    head = (
        f"POST {DELIVERY_PATH} HTTP/1.1\r\nHost: x\r\nX-Amz-Firehose-Access-Key: {ACCESS_KEY}\r\n"
        f"X-Amz-Firehose-Request-Id: halves\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(head + body[:100])
        time.sleep(0.2)
        between()
        connection.sendall(body[100:])
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_delivery_under_way_is_finished_before_the_server_stops(
    start_server: ServerStarter, database_url: str, number: signal.Signals
) -> None:
    server = start_server(database_url)

    def stop() -> None:
        server.signal(number)
        time.sleep(0.5)

    answer = in_halves(server, delivery(0), stop)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b'"requestId": "halves"' in answer
    assert server.wait() == 0
    assert "Traceback" not in server.log
    assert stored_numbers(server) == {0: TABLES}
    # What was not evaluated before the stop is evaluated after the start.
    server.start()
    server.settle()
    (series,) = server.get(f"/api/v1/metrics/{OF_ACCOUNT}")["series"]
    assert series["values"] == [total_of(range(1))]


def test_a_delivery_waiting_for_its_commit_is_finished_too(
    start_server: ServerStarter, sqlite_url: str
) -> None:
    server = start_server(sqlite_url)
    answers: list[int] = []
    with sqlite_locked(sqlite_url):
        sender = threading.Thread(
            target=lambda: answers.append(server.deliver(delivery(0)).status_code)
        )
        sender.start()
        time.sleep(0.3)
        server.signal()
        time.sleep(0.5)
    sender.join(10)
    assert answers == [200]
    assert server.wait() == 0
    assert stored_numbers(server) == {0: TABLES}


def test_a_value_is_visible_within_two_seconds(
    start_server: ServerStarter, database_url: str
) -> None:
    server = start_server(database_url)
    for number in range(0, 30, 5):
        assert server.deliver(delivery(number)).status_code == 200
        answered = time.monotonic()
        start_ms = START_MS + number // 5 * 60_000
        while True:
            series = server.get(f"/api/v1/metrics/{OF_ACCOUNT}", start=start_ms)["series"]
            if series:
                break
            assert time.monotonic() - answered < 2
            time.sleep(0.01)
        assert time.monotonic() - answered < 2
        assert series[0]["values"] == [total_of(range(number, number + 1))]
        # The next one comes when the evaluator sleeps already, or not yet.
        time.sleep(0.3 * (number % 2))


# Databases that go away


@contextmanager
def sqlite_locked(url: str) -> Iterator[None]:
    """Another process's transaction that writes and does not end."""
    path = sa.make_url(url).database
    assert path is not None
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")


@contextmanager
def disk_full(server: RunningServer) -> Iterator[None]:
    """No file of the server may grow beyond what its log already needs."""
    before = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (16 * 1024, before[1]))
    try:
        yield
    finally:
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, before)


@contextmanager
def postgresql_closed(server: PostgresqlServer, url: str) -> Iterator[None]:
    """The database throws everyone out and lets nobody in."""
    name = sa.make_url(url).database
    with psycopg.connect(server.connection_info(), autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
        try:
            yield
        finally:
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())


def refused_then_accepted(
    server: RunningServer, outage: Callable[[], AbstractContextManager[None]]
) -> None:
    assert server.deliver(delivery(0)).status_code == 200
    with outage():
        answer = server.deliver(delivery(1))
        assert answer.status_code == 503, answer.text
        assert answer.headers["content-type"] == "application/json"
        assert int(answer.headers["retry-after"]) > 0
        assert set(answer.json()) == {"requestId", "timestamp", "errorMessage"}
        assert answer.json()["requestId"] == "id"
        assert server.client.get("/healthz").status_code == 200
    deadline = time.monotonic() + 10
    while (status := server.deliver(delivery(1)).status_code) != 200:
        assert status == 503
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert server.client.get("/readyz").status_code == 200
    server.settle()
    assert stored_numbers(server) == {0: TABLES, 1: TABLES}
    (series,) = server.get(f"/api/v1/metrics/{OF_ACCOUNT}")["series"]
    assert sum(series["values"]) == total_of(range(2))


def test_a_locked_sqlite_is_a_503(start_server: ServerStarter, sqlite_url: str) -> None:
    refused_then_accepted(start_server(sqlite_url), lambda: sqlite_locked(sqlite_url))


def test_a_full_disk_is_a_503(start_server: ServerStarter, sqlite_url: str) -> None:
    server = start_server(sqlite_url)
    refused_then_accepted(server, lambda: disk_full(server))


def test_a_postgresql_that_went_away_is_a_503(
    start_server: ServerStarter, postgresql_server: PostgresqlServer, postgresql_url: str
) -> None:
    server = start_server(postgresql_url)
    refused_then_accepted(server, lambda: postgresql_closed(postgresql_server, postgresql_url))
    with postgresql_closed(postgresql_server, postgresql_url):
        answer = server.client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["kind"] == "storage_unavailable"
        assert server.client.get("/api/v1/services").status_code == 503
