"""PostgreSQL's own processes are killed while they store and commit deliveries."""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import psycopg
import pytest
import sqlalchemy as sa

from tests.e2e.test_durability import (
    OF_ACCOUNT,
    TABLES,
    Sender,
    stored_numbers,
    total_of,
)
from tests.fixtures.postgresql import PostgresqlServer, running_postgresql
from tests.fixtures.server import RunningServer, ServerStarter

pytestmark = pytest.mark.e2e

KILLING_SECONDS = 6.0
LEAST_KILLS = 6
DEADLINE_SECONDS = 60.0
COMMIT_SECONDS = 2.0
# Deferred to the commit, whose record is written after it: so some kills meet it, before the record
# and after.
SLOW_COMMITS = """
    CREATE FUNCTION slow_commit() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN PERFORM pg_sleep(0.02); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON delivery
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow_commit();
"""
# Senders stop before they have delivered all of these.
MANY = 100_000


@pytest.fixture
def own_postgresql() -> Iterator[PostgresqlServer]:
    """A server of this test alone: killing one backend makes all others end and recover."""
    with running_postgresql() as server:
        server.create_database("hydrant")
        yield server


def kill_writer(server: PostgresqlServer, *, committing: bool, after_seconds: float) -> str | None:
    """Kill the backend of Hydrant's writer, a time after now or after its next commit has begun.

    Says what the backend was doing; None when there is none, or it does not commit.
    """
    try:
        with psycopg.connect(server.connection_info(), autocommit=True) as connection:
            deadline = time.monotonic() + COMMIT_SECONDS
            while time.monotonic() < deadline:
                row = connection.execute(
                    "SELECT pid, state, query FROM pg_stat_activity"
                    " WHERE application_name = 'hydrant-writer'"
                ).fetchone()
                if row is None:
                    return None
                pid, state, query = row
                doing = str(query).split()[0].upper() if state == "active" else str(state)
                if doing == "COMMIT" or not committing:
                    time.sleep(after_seconds)
                    os.kill(pid, signal.SIGKILL)
                    return doing
    except psycopg.OperationalError:
        pass  # Recovering from the kill before.
    return None


def test_a_killed_backend_leaves_whole_deliveries_and_hydrant_goes_on(
    start_server: ServerStarter, own_postgresql: PostgresqlServer
) -> None:
    server = start_server(own_postgresql.url("hydrant"))
    with psycopg.connect(own_postgresql.connection_info("hydrant"), autocommit=True) as connection:
        connection.execute(SLOW_COMMITS)
    draws = random.Random(7)
    senders = [Sender(server, range(n, MANY, 2)) for n in range(2)]
    for sender in senders:
        sender.start()
    doing: list[str] = []
    deadline = time.monotonic() + DEADLINE_SECONDS
    began = time.monotonic()
    while len(doing) < LEAST_KILLS or time.monotonic() < began + KILLING_SECONDS:
        assert time.monotonic() < deadline, (doing, server.log)
        time.sleep(0.02 + 0.2 * draws.random())
        acknowledged = {number for s in senders for number in s.acknowledged}
        what = kill_writer(
            own_postgresql, committing=len(doing) % 2 == 0, after_seconds=0.03 * draws.random()
        )
        if what is None:
            continue
        doing.append(what)
        stored = when_back(server)
        # A delivery is stored whole or not at all, and certainly if it was acknowledged.
        assert set(stored.values()) <= {TABLES}
        assert acknowledged <= stored.keys()
    for sender in senders:
        sender.give_up()
    for sender in senders:
        sender.join(DEADLINE_SECONDS)
        assert not sender.is_alive()
    delivered = [number for sender in senders for number in sender.acknowledged]
    assert doing.count("COMMIT") >= LEAST_KILLS // 2, doing
    assert stored_numbers(server) == dict.fromkeys(delivered, TABLES)
    server.settle()
    assert server.client.get("/readyz").status_code == httpx.codes.OK
    (series,) = server.get(f"/api/v1/metrics/{OF_ACCOUNT}")["series"]
    assert sum(series["values"]) == total_of(delivered)


def when_back(server: RunningServer) -> dict[int, int]:
    """What is stored, once PostgreSQL has recovered."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        with suppress(sa.exc.OperationalError):
            return stored_numbers(server)
        assert time.monotonic() < deadline
        time.sleep(0.05)
