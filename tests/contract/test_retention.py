"""What is kept of each tier, and what is not deleted before its time, on both engines."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.pipeline import Maintenance, Retention
from app.simulator import Format, encode_records
from app.storage import Connection, Tier, delete_before, read_kept
from tests.fixtures.house import House, house
from tests.fixtures.rollups import HOUR_MS, START_MS, capacity, deliver, rules

DAY_S = 86_400
MINUTE = START_MS // 60_000
DAYS = {Tier.MINUTE: 3, Tier.FIVE_MINUTES: 5, Tier.HOUR: 8}


@pytest.fixture
def inside(database_url: str) -> Iterator[House]:
    with house(database_url, rules()) as made:
        yield made


def maintain(inside: House, days: dict[Tier, int] | None = None, **more: int) -> dict[str, int]:
    given = {"delivery_hours": 48, "quarantine_days": 30, **more}
    retention = Retention(**given, tier_days=DAYS if days is None else days)
    deleted = Maintenance(inside.store, inside.clock, inside.lease, retention).run_once()
    return {table: rows for table, rows in deleted.items() if rows}


def count(inside: House, *tables: str) -> dict[str, object]:
    return {table: inside.rows(f"SELECT COUNT(*) FROM {table}")[0][0] for table in tables}


def kept(inside: House) -> dict[Tier, int]:
    with inside.store.read() as connection:
        return read_kept(connection)


POINTS = ("point", "point_5m", "point_1h")
VALUES = ("metric_value", "metric_value_5m", "metric_value_1h")
# Of one series with four statistics, and of three metrics.
PACKED = {"packed_point": 4, "packed_value": 3}


def test_each_tier_ends_at_its_own_time(inside: House) -> None:
    deliver(inside, *(capacity(minute, 1.0) for minute in (0, 1, 7)), request_id="1")
    inside.rollups.run_once()
    metrics = 3  # sum, latest and plain
    # The minutes are packed.
    assert count(inside, *POINTS, *VALUES, *PACKED) == {
        **dict(zip(POINTS, (0, 2, 1), strict=True)),
        **dict(zip(VALUES, (0, 2 * metrics, metrics), strict=True)),
        **PACKED,
    }
    inside.clock.advance(2 * DAY_S)
    assert maintain(inside).keys() <= {"delivery"}
    inside.clock.advance(1.2 * DAY_S)
    assert maintain(inside) == {"delivery": 1} | PACKED
    inside.clock.advance(2 * DAY_S)
    assert maintain(inside) == {"point_5m": 2, "metric_value_5m": 6}
    inside.clock.advance(2 * DAY_S)
    assert maintain(inside) == {}
    inside.clock.advance(1 * DAY_S)
    assert maintain(inside) == {"point_1h": 1, "metric_value_1h": 3}


def test_minutes_are_cut_at_whole_hours(inside: House) -> None:
    deliver(inside, *(capacity(m, 1.0) for m in (0, 59, 60)), request_id="1")
    inside.rollups.run_once()
    cut_ms = START_MS + HOUR_MS + 59 * 60_000
    inside.clock.advance((cut_ms + 3 * DAY_S * 1000 - inside.clock.now_ms()) / 1000)
    inside.rollups.run_once()
    maintain(inside)
    assert kept(inside)[Tier.MINUTE] == MINUTE + 60
    assert inside.rows(f"SELECT minute - {MINUTE} FROM v_points") == [(60,)]


def test_what_has_not_been_rolled_up_is_not_deleted(inside: House) -> None:
    deliver(inside, capacity(0, 1.0), request_id="1")
    deliver(inside, capacity(70, 2.0), request_id="2")
    inside.rollups.run_once()
    deliver(inside, capacity(61, 4.0), request_id="3")
    inside.clock.advance(20 * DAY_S)
    maintain(inside)
    # The hour of the mark and everything after it stay; so do the longer tiers from there on.
    assert kept(inside) == dict.fromkeys(Tier, MINUTE + 60)
    assert inside.rows(f"SELECT minute - {MINUTE} FROM v_points") == [(61,), (70,)]
    inside.rollups.run_once()
    assert inside.rows("SELECT sum FROM v_points_1h") == [(6.0,)]
    maintain(inside)
    tables = (*POINTS, "point_batch", *PACKED)
    assert count(inside, *tables) == dict.fromkeys(tables, 0)


def test_what_has_not_been_evaluated_is_not_deleted(inside: House) -> None:
    inside.post(encode_records([capacity(0, 1.0)], Format.JSON), "1")
    inside.clock.advance(4 * DAY_S)
    assert maintain(inside) == {"delivery": 1}
    inside.evaluator.evaluate_dirty()
    assert maintain(inside) == {}
    assert inside.rollups.run_once() == 2
    assert maintain(inside) == PACKED


def test_what_comes_too_late_is_deleted_without_harm(inside: House) -> None:
    deliver(inside, capacity(0, 1.0), request_id="1")
    inside.rollups.run_once()
    inside.clock.advance(4 * DAY_S)
    maintain(inside)
    deliver(inside, capacity(1, 8.0), request_id="late")
    # Its marks hold up nothing, for there is nothing to wait for.
    inside.clock.advance(HOUR_MS / 1000)
    before = kept(inside)[Tier.MINUTE]
    assert maintain(inside) == {"point_batch": 1, "metric_value": 3}
    assert kept(inside)[Tier.MINUTE] == before + 60
    inside.rollups.run_once()
    assert inside.rows("SELECT sum FROM v_points_1h") == [(1.0,)]


def test_nothing_is_given_back_and_0_is_for_ever(inside: House) -> None:
    deliver(inside, capacity(0, 1.0), request_id="1")
    inside.rollups.run_once()
    inside.clock.advance(1_000 * DAY_S)
    assert maintain(inside, dict.fromkeys(Tier, 0)) == {"delivery": 1}
    assert kept(inside) == dict.fromkeys(Tier, 0)
    # What is made of minutes is not deleted before them.
    assert maintain(inside, {Tier.MINUTE: 0, Tier.FIVE_MINUTES: 5, Tier.HOUR: 8}) == {}
    assert kept(inside) == dict.fromkeys(Tier, 0)
    maintain(inside)
    first = kept(inside)
    assert first[Tier.MINUTE] > first[Tier.FIVE_MINUTES] > first[Tier.HOUR] > MINUTE
    maintain(inside, dict.fromkeys(Tier, 900))
    assert kept(inside) == first


def test_what_comes_after_a_clock_was_ahead_is_kept(inside: House) -> None:
    retention = Retention(delivery_hours=48, quarantine_days=30, tier_days=DAYS)
    keeper = Maintenance(inside.store, inside.clock, inside.lease, retention)
    keeper.make_partitions()
    deliver(inside, capacity(0, 1.0), request_id="1")
    inside.clock.advance(6 * DAY_S)
    inside.rollups.run_once()
    keeper.run_once()
    inside.clock.advance(-6 * DAY_S)
    minute = inside.clock.now_ms() // 60_000
    assert kept(inside)[Tier.MINUTE] > minute
    deliver(inside, capacity(minute - MINUTE, 2.0), request_id="2")
    # Partitions go in the second round.
    for _ in range(2):
        keeper.run_once()
        assert inside.rows(f"SELECT sum FROM v_points WHERE minute = {minute}") == [(2.0,)]
    assert kept(inside)[Tier.MINUTE] == Tier.HOUR.bucket(minute)
    inside.clock.advance(7200)
    inside.rollups.run_once()
    assert inside.rows(f"SELECT sum FROM v_points_1h WHERE minute = {minute - minute % 60}") == [
        (2.0,)
    ]


def test_extra_statistics_go_with_their_minutes(inside: House) -> None:
    deliver(inside, replace(capacity(0, 1.0), percentiles=(("p99", 1.0),)), request_id="1")
    inside.rollups.run_once()
    inside.clock.advance(4 * DAY_S)
    assert len(inside.rows("SELECT * FROM v_extra_statistics")) == 1
    assert maintain(inside)["packed_point"] == PACKED["packed_point"] + 1
    assert inside.rows("SELECT * FROM v_extra_statistics") == []


def test_quarantine_is_forgotten_after_it_was_last_seen(inside: House) -> None:
    for number in range(300):
        inside.post([b"no record %d" % number], f"r{number}")
    inside.clock.advance(20 * DAY_S)
    inside.post([b"no record 7"], "again")
    inside.clock.advance(11 * DAY_S)
    # How many came when is kept as long as the history of alarms, here eight days.
    assert maintain(inside, quarantine_days=0) == {"delivery": 301, "alarm": 301}
    assert maintain(inside) == {"quarantine": 299}
    assert inside.rows("SELECT occurrences FROM quarantine") == [(2,)]


def test_deletion_is_done_in_bounded_jobs(inside: House) -> None:
    for number in range(3):
        made = [capacity(minute, 1.0, table=f"t{number}") for minute in range(6)]
        deliver(inside, *made, request_id=f"{number}")

    def delete(after: int) -> tuple[int, int | None]:
        def job(connection: Connection) -> tuple[int, int | None]:
            return delete_before(connection, "point_batch", MINUTE + 5, after=after, rows=4)

        return inside.store.write(job)

    assert delete(-1) == (6, MINUTE + 1)
    assert delete(MINUTE + 1) == (6, MINUTE + 3)
    assert delete(MINUTE + 3) == (3, None)
    assert count(inside, "point_batch") == {"point_batch": 3}
