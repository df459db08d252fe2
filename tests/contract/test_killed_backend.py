"""A backend of PostgreSQL that is killed in the middle of a delivery leaves all of it or none."""

import os
import random
import signal
import threading
import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from app.errors import StorageUnavailable
from app.simulator import Format, Point, encode_records
from app.storage import Connection, dirty
from tests.fixtures.house import House, house
from tests.fixtures.postgresql import running_postgresql
from tests.fixtures.rollups import capacity

POINTS = 1500
RANDOM_KILLS = 5
RECOVERY_SECONDS = 60


@pytest.fixture(scope="module")
def own_url() -> Iterator[str]:
    """A server that may crash: with a backend, PostgreSQL stops all the others and recovers."""
    with running_postgresql() as server:
        server.create_database("killed")
        yield server.url("killed")


def points(delivery: int) -> list[Point]:
    return [
        capacity(minute, 1.0, table=f"t{table}")
        for minute in (2 * delivery, 2 * delivery + 1)
        for table in range(POINTS // 2)
    ]


def attempt(inside: House, delivery: int) -> bool:
    try:
        inside.post(encode_records(points(delivery), Format.JSON), str(delivery))
    except StorageUnavailable:
        return False
    return True


def insist(inside: House, delivery: int) -> None:
    """Deliver again until it is taken, as Firehose does."""
    deadline = time.monotonic() + RECOVERY_SECONDS
    while not attempt(inside, delivery):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def stored(inside: House) -> dict[str, int]:
    """Points by the deliveries that are said to be stored; every point belongs to one."""
    deadline = time.monotonic() + RECOVERY_SECONDS
    query = "SELECT d.request_id, count(p.minute) FROM delivery d"
    first = capacity(0, 1.0).start_ms // 60_000
    query += f" LEFT JOIN v_points p ON (p.minute - {first}) / 2 = d.request_id::int GROUP BY 1"
    while True:
        try:
            found = {str(key): int(str(count)) for key, count in inside.rows(query)}
            total = inside.rows("SELECT count(*) FROM v_points")
        except StorageUnavailable:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            assert total == [(sum(found.values()),)]
            return found


def backend(connection: Connection) -> int:
    return int(connection.execute(sa.select(sa.func.pg_backend_pid())).scalar_one())


def test_all_or_none(own_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(4)
    with house(own_url, []) as inside:
        began = time.monotonic()
        insist(inside, 0)
        took = time.monotonic() - began

        def kill_before_the_marks(connection: Connection, minutes: list[int]) -> None:
            os.kill(backend(connection), signal.SIGKILL)
            dirty.mark_dirty(connection, minutes)

        with monkeypatch.context() as patch:
            patch.setattr("app.storage.point_batches.mark_dirty", kill_before_the_marks)
            assert not attempt(inside, 1)
        assert stored(inside) == {"0": POINTS}
        insist(inside, 1)
        for delivery in range(2, 2 + RANDOM_KILLS):
            number = inside.store.write(backend)
            outcome: list[bool] = []
            thread = threading.Thread(
                target=lambda n=delivery, o=outcome: o.append(attempt(inside, n))
            )
            thread.start()
            time.sleep(took * rng.random())
            os.kill(number, signal.SIGKILL)
            thread.join(RECOVERY_SECONDS)
            found = stored(inside)
            assert set(found.values()) == {POINTS}
            # Acknowledged is stored; what was not may be stored or not, but never in part.
            assert not outcome[0] or str(delivery) in found
            insist(inside, delivery)
        assert stored(inside) == {str(n): POINTS for n in range(2 + RANDOM_KILLS)}
        ids = inside.rows("SELECT min(series_id), max(series_id), count(*) FROM series")
        assert ids == [(1, POINTS // 2, POINTS // 2)]
