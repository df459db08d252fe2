"""The end of a server that is asked something that takes long: an answer, status 0, no trace."""

import re
import signal
import time
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
import pytest
import sqlalchemy as sa

from tests.fixtures.server import RunningServer, ServerStarter
from tests.fixtures.sql import sql_engine

pytestmark = pytest.mark.e2e

QUERY = "/prometheus/api/v1/query_range"
TIMES = {"start": "1769860800", "end": "1769904800", "step": "4"}
LONG = {
    "query": " + ".join(["quantile_over_time(0.5, sin(vector(time()))[1h:1s])"] * 40),
    **TIMES,
}
WAITING = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


def asked(server: RunningServer, path: str, **parameters: str) -> "Future[httpx.Response]":
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(
            httpx.get, server.url + path, params=parameters, timeout=60, trust_env=False
        )
    finally:
        pool.shutdown(wait=False)


def stopped_with(server: RunningServer, *answers: "Future[httpx.Response]") -> list[httpx.Response]:
    """The answers of a server that is stopped; they have not come before."""
    assert not any(answer.done() for answer in answers)
    server.signal(signal.SIGTERM)
    given = [answer.result() for answer in answers]
    server.stop()
    assert "stopped" in server.log
    return given


def test_a_long_query_ends_with_the_server(start_server: ServerStarter, sqlite_url: str) -> None:
    server = start_server(sqlite_url)
    running = asked(server, QUERY, **LONG)
    deadline = time.monotonic() + 20
    while not re.search(
        r"^hydrant_queries_running 1", server.client.get("/metrics").text, re.MULTILINE
    ):
        assert time.monotonic() < deadline
    (answer,) = stopped_with(server, running)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert answer.json() == {
        "status": "error",
        "errorType": "unavailable",
        "error": "the server is shutting down",
    }


def test_statements_that_wait_for_a_lock_end_with_the_server(
    start_server: ServerStarter, postgresql_url: str
) -> None:
    server = start_server(postgresql_url)
    url = sa.make_url(postgresql_url).set(drivername="postgresql+psycopg")
    engine = sql_engine(url)
    with engine.begin() as locking:
        locking.execute(sa.text("LOCK TABLE metric, series"))
        waiting = [asked(server, QUERY, query="up", **TIMES), asked(server, "/api/v1/series")]
        deadline = time.monotonic() + 20
        while len(server.rows(WAITING)) < len(waiting):
            assert time.monotonic() < deadline
            assert not any(answer.done() for answer in waiting)
        for answer in stopped_with(server, *waiting):
            assert answer.status_code == 503
            assert answer.headers["retry-after"]
