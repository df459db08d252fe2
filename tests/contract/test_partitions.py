"""Partitions of PostgreSQL: every row has a place, and nobody waits for those who make them."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest
import sqlalchemy as sa

from app.pipeline import Maintenance, Retention
from app.storage import Connection, Partitions, Tier, attaching, partitions, read_kept
from app.storage.attaching import Range
from app.storage.engine import administration_engine, parse_database_url
from app.storage.minutes import minutes_between
from app.storage.partitions import AHEAD, partitions_of
from app.storage.tables import metadata
from app.storage.tiers import PARTITION_MINUTES
from tests.fixtures.house import NOW_MS, House, house
from tests.fixtures.rollups import HOUR_MS, START_MS, capacity, deliver, rules

NOW = NOW_MS // 60_000
MINUTE = START_MS // 60_000
DAY = 1440
DAY_S = 86_400
TODAY = NOW - NOW % DAY
DAYS = {Tier.MINUTE: 3, Tier.FIVE_MINUTES: 5, Tier.HOUR: 8}
BIG = ("point_batch", "point", "metric_value")


@pytest.fixture
def inside(postgresql_url: str) -> Iterator[House]:
    with house(postgresql_url, rules()) as made:
        yield made


def maintenance(inside: House) -> Maintenance:
    retention = Retention(delivery_hours=48, quarantine_days=30, tier_days=DAYS)
    return Maintenance(inside.store, inside.clock, inside.lease, retention)


def ranges(inside: House, table: str) -> list[Range]:
    with inside.store.read() as connection:
        return list(partitions_of(connection, table).values())


def places(inside: House, table: str = "point_batch") -> dict[str, int]:
    """How many rows stand in which partition."""
    rows = inside.rows(f"SELECT tableoid::regclass::text, COUNT(*) FROM {table} GROUP BY 1")
    return {str(name): int(str(count)) for name, count in rows}


def made(inside: House, now: int = NOW) -> dict[str, int]:
    assert inside.store.partitions is not None
    with inside.store.read() as connection:
        kept = read_kept(connection)
    outcome = inside.store.partitions.make(now, kept)
    assert not outcome.in_use
    assert not outcome.forbidden
    return outcome.changed


def run(inside: House, *statements: str) -> None:
    def execute(connection: Connection) -> None:
        for statement in statements:
            connection.exec_driver_sql(statement)

    inside.store.write(execute)


def put(inside: House, *minutes: int) -> None:
    def insert(connection: Connection) -> None:
        for minute in minutes:
            connection.exec_driver_sql(one_row("point_batch", minute))

    inside.store.write(insert)


def one_row(table: str, minute: int) -> str:
    """A statement that puts one point, or one value, into a minute."""
    if table == "metric_value":
        return (
            "INSERT INTO metric_value (minute, metric_id, entity_id, label_set_id, value)"
            f" VALUES ({minute}, 1, '{{1}}', '{{1}}', '{{1}}')"
        )
    return (
        "INSERT INTO point_batch"
        " (minute, batch_id, series_id, sample_count, sum, minimum, maximum)"
        f" VALUES ({minute}, 0, '{{1}}', '{{1}}', '{{1}}', '{{1}}', '{{1}}')"
    )


@contextmanager
def reader(inside: House, table: str = "point_batch") -> Iterator[sa.Connection]:
    """A transaction that goes on reading a table."""
    with inside.store.read() as connection:
        connection.exec_driver_sql(f"SELECT COUNT(*) FROM {table}")
        yield connection


def test_partitions_are_there_ahead_and_no_more_of_them(inside: House) -> None:
    first = made(inside)
    assert {first[table] for table in BIG} == {10}
    assert sum(first.values()) < 60
    for tier, table in ((Tier.MINUTE, "point_batch"), (Tier.FIVE_MINUTES, "point_5m")):
        found = ranges(inside, table)
        assert all(part.last - part.first == PARTITION_MINUTES[tier] for part in found)
        assert all(one.last == next_one.first for one, next_one in pairwise(found))
        assert found[0].first <= NOW - 2 * DAY
        assert found[-1].last > NOW + AHEAD
    assert set(made(inside).values()) == {0}
    assert made(inside, NOW + DAY)["point_batch"] == 1


def test_every_minute_has_a_place_and_makes_no_partition(inside: House) -> None:
    made(inside)
    absurd = (-(2**31), -1, 0, 1, NOW - 1000 * DAY, NOW + 1000 * DAY, 2**31 - 1)
    put(inside, *absurd, NOW)
    assert places(inside) == {
        "point_batch_default": len(absurd),
        f"point_batch_{Range(TODAY, 0).date}": 1,
    }
    made(inside)
    assert len(ranges(inside, "point_batch")) == 10


def test_rows_of_the_default_partition_move_and_are_computed_again(inside: House) -> None:
    deliver(inside, capacity(0, 1.0), capacity(-DAY, 2.0), request_id="1")
    put(inside, NOW + 1000 * DAY)
    before = {
        name: inside.rows(f"SELECT * FROM {name}") for name in ("point_batch", "metric_value")
    }
    assert places(inside) == {"point_batch_default": 3}
    made(inside)
    assert places(inside)["point_batch_default"] == 1
    assert before == {name: inside.rows(f"SELECT * FROM {name}") for name in before}
    # A snapshot from before would have missed them, so they are marked.
    assert inside.rows("SELECT DISTINCT minute FROM dirty_minute") == [
        (MINUTE - DAY,),
        (MINUTE,),
    ]
    inside.evaluator.evaluate_dirty()
    assert before == {name: inside.rows(f"SELECT * FROM {name}") for name in before}


def test_what_is_too_much_to_move_stays(inside: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attaching, "_MOST_ROWS_MOVED", 2)
    put(inside, NOW, NOW - 1, NOW - 2, NOW + DAY)
    assert made(inside)["point_batch"] == 9
    assert places(inside) == {
        "point_batch_default": 3,
        f"point_batch_{Range(TODAY + DAY, 0).date}": 1,
    }


def test_a_large_default_partition_is_not_read_under_a_lock(
    inside: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "_SMALL_BYTES", -1)
    put(inside, NOW, NOW + 5 * DAY, -7)
    scans = "SELECT pg_stat_get_numscans('point_batch_default'::regclass)"
    before = inside.rows(scans)[0][0]
    first = made(inside)
    # From the day after tomorrow on, for a month, but for the day that has a row.
    assert first["point_batch"] == 33
    assert int(str(inside.rows(scans)[0][0])) <= int(str(before)) + 2
    assert all(part.first > NOW + DAY for part in ranges(inside, "point_batch"))
    assert not any(
        part.first <= NOW + 5 * DAY < part.last for part in ranges(inside, "point_batch")
    )
    assert inside.rows("SELECT * FROM pg_constraint WHERE conname ~ '^splitting_off'") == []
    assert set(made(inside).values()) == {0}
    assert places(inside) == {"point_batch_default": 3}
    put(inside, NOW + 1, NOW + 3 * DAY, NOW + 5 * DAY + 1, NOW + 900 * DAY)
    assert places(inside)["point_batch_default"] == 6


def test_a_split_that_was_broken_off_refuses_nothing_for_long(
    inside: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    minute = NOW + 3 * DAY

    def leave(connection: Connection) -> None:
        connection.exec_driver_sql(
            "ALTER TABLE point_batch_default ADD CONSTRAINT splitting_off_20261125"
            f" CHECK (minute < {minute}) NOT VALID"
        )

    inside.store.write(leave)
    monkeypatch.setattr("app.storage.writer._PAUSE_SECONDS", 0.5)
    thread = threading.Thread(target=lambda: put(inside, minute))
    thread.start()
    made(inside)
    # The writer tries again, and nobody notices.
    thread.join(30)
    assert inside.rows("SELECT * FROM pg_constraint WHERE conname ~ '^splitting_off'") == []
    assert inside.rows(f"SELECT minute FROM point_batch WHERE minute = {minute}") == [(minute,)]


def test_what_is_too_old_goes_with_its_partition(inside: House) -> None:
    made(inside)
    deliver(inside, capacity(0, 1.0), capacity(-DAY, 2.0), capacity(-9 * DAY, 4.0), request_id="1")
    inside.rollups.run_once()
    keeper = maintenance(inside)
    keeper.run_once()
    # Its range has none: deleted by itself, and to the hour.
    table = "packed_value"
    today, yesterday = (f"{table}_{Range(TODAY - days * DAY, 0).date}" for days in (0, 1))
    assert places(inside, table).keys() == {today, yesterday}
    inside.clock.advance(3 * DAY_S)
    keeper.make_partitions()
    keeper.run_once()
    assert kept(inside) > TODAY
    # Somebody may have begun to read before it was cut off.
    assert places(inside, table).keys() == {today, yesterday}
    inside.clock.advance(600)
    keeper.run_once()
    assert places(inside, table).keys() == {today}
    assert ranges(inside, table)[0].last > kept(inside)
    late = capacity(-DAY, 8.0)
    deliver(inside, late, request_id="late")
    assert places(inside)["point_batch_default"] == 1
    keeper.run_once()
    assert places(inside) == {}
    assert places(inside, table).keys() == {today}


def kept(inside: House) -> int:
    with inside.store.read() as connection:
        return read_kept(connection)[Tier.MINUTE]


def test_a_long_read_holds_up_nobody_and_dropping_waits_for_it(inside: House) -> None:
    made(inside)
    assert inside.store.partitions is not None
    deliver(inside, capacity(-DAY, 2.0), request_id="0")
    with reader(inside) as connection:
        before = connection.exec_driver_sql("SELECT COUNT(*) FROM point_batch").scalar_one()
        outcome = inside.store.partitions.drop({Tier.MINUTE: TODAY})
        assert outcome.in_use == ["point_batch"]
        assert outcome.changed["metric_value"] > 0
        deliver(inside, capacity(0, 1.0), request_id="1")
        inside.clock.advance(HOUR_MS / 1000)
        assert inside.rollups.run_once() > 0
        made_meanwhile = inside.store.partitions.make(NOW + 2 * DAY, {})
        assert made_meanwhile.in_use == ["point_batch"]
        assert made_meanwhile.changed["metric_value"] == 2
        assert connection.exec_driver_sql("SELECT COUNT(*) FROM point_batch").scalar_one() == before
    assert inside.store.partitions.drop({Tier.MINUTE: TODAY}).changed["point_batch"] == 2
    # Its hour has been packed.
    assert places(inside) == {}
    assert places(inside, "packed_value").keys() == {f"packed_value_{Range(TODAY, 0).date}"}


def test_a_long_read_of_the_default_partition_postpones_new_ones(inside: House) -> None:
    put(inside, 0)
    assert inside.store.partitions is not None
    with reader(inside):
        outcome = inside.store.partitions.make(NOW, {})
        assert outcome.in_use == ["point_batch"]
        deliver(inside, capacity(0, 1.0), request_id="1")
    assert made(inside)["point_batch"] == 10


def test_one_process_at_a_time(inside: House, postgresql_url: str) -> None:
    engine = administration_engine(parse_database_url(postgresql_url))
    other = Partitions(engine)
    with other._alone() as connection:
        assert connection is not None
        assert made(inside) == {}
    assert made(inside)["point_batch"] == 10


def test_a_user_who_does_not_own_the_tables_still_serves(
    inside: House, postgresql_url: str
) -> None:
    """Where another user migrates: no partitions, and rows are deleted one by one."""
    made(inside)
    run(
        inside,
        "CREATE ROLE server_0003 LOGIN",
        "GRANT CREATE ON SCHEMA public TO server_0003",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO server_0003",
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO server_0003",
    )
    try:
        url = postgresql_url.replace("//postgres@", "//server_0003@")
        with house(url, rules()) as server:
            deliver(server, capacity(0, 1.0), capacity(-10 * DAY, 1.0), request_id="1")
            server.rollups.run_once()
            assert server.store.partitions is not None
            assert server.store.partitions.make(NOW + 2 * DAY, {}).forbidden
            server.clock.advance(4 * DAY_S)
            keeper = maintenance(server)
            keeper.make_partitions()
            for _ in range(2):
                keeper.run_once()
                server.clock.advance(600)
            for table in ("point_batch", "point", "packed_point", "metric_value", "packed_value"):
                assert places(server, table) == {}
    finally:
        run(inside, "DROP OWNED BY server_0003", "DROP ROLE server_0003")


@pytest.mark.parametrize("table", BIG)
def test_a_minute_is_looked_for_in_its_partition_alone(inside: House, table: str) -> None:
    made(inside)
    query = f"EXPLAIN SELECT * FROM {table} WHERE minute = {NOW}"
    plan = "\n".join(str(row[0]) for row in inside.rows(query))
    assert f"{table}_{Range(TODAY, 0).date}" in plan
    assert "default" not in plan
    assert "Append" not in plan


@pytest.mark.parametrize("table", BIG[::2])
def test_minutes_are_looked_for_one_partition_at_a_time(inside: House, table: str) -> None:
    """The query hops from minute to minute; it must not look into every partition each time."""
    made(inside)
    minutes = [NOW - DAY + step for step in range(200)]

    def insert(connection: Connection) -> None:
        for minute in minutes:
            connection.exec_driver_sql(one_row(table, minute))

    inside.store.write(insert)
    with inside.store.read() as connection:
        found = minutes_between(connection, metadata.tables[table], 0, 10**15)
        assert found == minutes
        scans = f"""
            SELECT i.inhrelid::regclass::text, sum(pg_stat_get_xact_numscans(x.indexrelid))
            FROM pg_inherits i JOIN pg_index x ON x.indrelid = i.inhrelid
            WHERE i.inhparent = '{table}'::regclass GROUP BY 1
        """
        looks = {str(name): int(n) for name, n in connection.exec_driver_sql(scans)}
    most = sorted(looks.values())[::-1]
    assert most[0] >= len(minutes)
    assert sum(most[1:]) < len(minutes)


def test_stopping_breaks_off_what_takes_long(
    inside: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(connection: sa.Connection, *_: object) -> int:
        with connection.begin():
            connection.exec_driver_sql("SELECT pg_sleep(100)")
        return 0

    monkeypatch.setattr(partitions, "_make", sleep)
    keeper = maintenance(inside)
    keeper.start()
    waiting = "SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(100)'"
    while not inside.rows(waiting):
        time.sleep(0.01)
    keeper.stop()
    assert inside.rows(f"{waiting} AND state = 'active'") == []
