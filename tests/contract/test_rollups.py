"""Minutes rolled up into 5 minutes and hours, on both engines."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from app.pipeline import Rollups
from app.pipeline.value_rollups import BucketValues, Jobs
from app.storage import Connection, Tier, expire
from app.telemetry import REGISTRY
from tests.fixtures.house import House, house
from tests.fixtures.rewriting import rewrite_points
from tests.fixtures.rollups import HOUR_MS, START_MS, capacity, deliver, latency, rules

MINUTE = START_MS // 60_000
TIERS = ("5m", "1h")


@pytest.fixture
def inside(database_url: str) -> Iterator[House]:
    with house(database_url, rules()) as made:
        yield made


def values(inside: House, tier: str, metric: str) -> list[tuple[object, ...]]:
    """Minute from the hour's start and what is stored of the value, of table orders."""
    return inside.rows(
        f"SELECT v.minute - {MINUTE}, v.value, v.numerator, v.weight, v.minutes"
        f" FROM value_rows_{tier} v JOIN metric m ON m.metric_id = v.metric_id"
        " JOIN entity e ON e.entity_id = v.entity_id"
        f" WHERE m.name = 't_{metric}' AND e.endpoint = 'orders'"
    )


def points(inside: House, tier: str) -> list[tuple[object, ...]]:
    """What is stored of consumed capacity."""
    return inside.rows(
        f"SELECT minute - {MINUTE}, start_ms, period_ms, sample_count, sum, minimum, maximum"
        f" FROM v_points_{tier} WHERE metric = 'ConsumedReadCapacityUnits'"
    )


def marks(inside: House) -> list[tuple[object, ...]]:
    return inside.rows(f"SELECT DISTINCT tier, minute - {MINUTE} FROM dirty_rollup")


def test_raw_statistics_add_up_and_keep_their_extremes(inside: House) -> None:
    deliver(
        inside,
        replace(capacity(0, 10.0, count=2), minimum=1.0, maximum=9.0),
        replace(capacity(4, 0.5, count=3), minimum=-2.0, maximum=0.25),
        replace(capacity(5, 7.0, count=1), minimum=7.0, maximum=7.0),
        request_id="1",
    )
    assert inside.rollups.run_once() == 3
    five = 300_000
    assert points(inside, "5m") == [
        (0, START_MS, five, 5.0, 10.5, -2.0, 9.0),
        (5, START_MS + five, five, 1.0, 7.0, 7.0, 7.0),
    ]
    assert points(inside, "1h") == [(0, START_MS, HOUR_MS, 6.0, 17.5, -2.0, 9.0)]
    assert inside.rows("SELECT offset_ms FROM point_rows_1h") == [(0,)]


def test_values_combine_as_their_metric_says(inside: House) -> None:
    deliver(
        inside,
        capacity(0, 4.0),
        capacity(1, 1.0),
        capacity(7, 7.0),
        latency(0, 10.0, count=1),
        latency(1, 18.0, count=9),
        latency(59, 6.0, count=2),
        request_id="1",
    )
    inside.rollups.run_once()
    assert values(inside, "5m", "sum") == [(0, 5.0, None, None, 2), (5, 7.0, None, None, 1)]
    assert values(inside, "1h", "sum") == [(0, 12.0, None, None, 3)]
    assert values(inside, "5m", "average") == [(0, 2.8, 28.0, 10.0, 2), (55, 3.0, 6.0, 2.0, 1)]
    assert values(inside, "1h", "average") == [(0, 34.0 / 12.0, 34.0, 12.0, 3)]
    assert values(inside, "1h", "largest") == [(0, 10.5, None, None, 3)]
    assert values(inside, "1h", "smallest") == [(0, 1.75, None, None, 3)]
    assert values(inside, "5m", "latest") == [(0, 1.0, None, None, 2), (5, 7.0, None, None, 1)]
    assert values(inside, "1h", "latest") == [(0, 7.0, None, None, 3)]
    # An average without weights is that of its minutes, whose sum and number are kept.
    assert values(inside, "5m", "plain") == [(0, 2.5, 5.0, None, 2), (5, 7.0, 7.0, None, 1)]
    assert values(inside, "1h", "plain") == [(0, 4.0, 12.0, None, 3)]


def test_sums_are_rounded_once(inside: House) -> None:
    """2^53 + 1 is no double: an hour of sums of 5 minutes, or one by one, would lose both ones."""
    numbers = {0: 2.0**53, 1: 1.0, 7: 1.0}
    deliver(inside, *(capacity(minute, n) for minute, n in numbers.items()), request_id="1")
    inside.rollups.run_once()
    assert values(inside, "5m", "sum") == [(0, 2.0**53, None, None, 2), (5, 1.0, None, None, 1)]
    assert values(inside, "1h", "sum") == [(0, 2.0**53 + 2, None, None, 3)]
    assert [row[4] for row in points(inside, "1h")] == [2.0**53 + 2]
    assert values(inside, "1h", "plain") == [(0, (2.0**53 + 2) / 3, 2.0**53 + 2, None, 3)]


def test_a_bucket_waits_until_it_has_ended_and_settled(inside: House) -> None:
    now_ms = inside.clock.now_ms()
    bucket = now_ms // 300_000 * 300_000
    deliver(inside, capacity(0, 1.0, start_ms=bucket), request_id="1")
    inside.clock.advance((bucket + 300_000 + 120_000 - now_ms) / 1000 - 1)
    assert inside.rollups.run_once() == 0
    inside.clock.advance(1)
    assert inside.rollups.run_once() == 1
    assert len(points(inside, "5m")) == 1
    assert points(inside, "1h") == []
    hour = bucket // HOUR_MS * HOUR_MS
    inside.clock.advance((hour + HOUR_MS + 600_000 - inside.clock.now_ms()) / 1000)
    assert inside.rollups.run_once() == 1
    assert len(points(inside, "1h")) == 1
    assert marks(inside) == []


def test_a_point_two_days_late_corrects_its_minute_its_5_minutes_and_its_hour(
    inside: House,
) -> None:
    deliver(inside, capacity(0, 1.0), capacity(7, 2.0), latency(0, 1.0), request_id="1")
    inside.rollups.run_once()
    inside.clock.advance(2 * 86_400)
    deliver(inside, capacity(1, 8.0, count=4), request_id="late")
    assert marks(inside) == [(5, 0), (60, 0)]
    assert inside.rollups.run_once() == 2
    assert values(inside, "5m", "sum") == [(0, 9.0, None, None, 2), (5, 2.0, None, None, 1)]
    assert values(inside, "1h", "sum") == [(0, 11.0, None, None, 3)]
    assert [row[3:5] for row in points(inside, "5m")] == [(5.0, 9.0), (1.0, 2.0)]
    assert [row[3:5] for row in points(inside, "1h")] == [(6.0, 11.0)]


def test_a_restated_point_replaces_what_it_was_part_of(inside: House) -> None:
    deliver(inside, capacity(0, 5.0, count=1), capacity(1, 1.0), request_id="1")
    inside.rollups.run_once()
    deliver(inside, capacity(0, 2.0, count=3), request_id="2")
    inside.rollups.run_once()
    # Smaller than before: a rollup is not a point that stands against another.
    assert values(inside, "1h", "sum") == [(0, 3.0, None, None, 2)]
    assert [row[3:] for row in points(inside, "1h")] == [(4.0, 3.0, 2 / 3 - 0.25, 1.5)]


def test_what_is_too_late_leaves_the_rollup_as_it_is(inside: House) -> None:
    deliver(inside, capacity(0, 1.0), capacity(7, 2.0), request_id="1")
    inside.rollups.run_once()
    before = {tier: values(inside, tier, "sum") + points(inside, tier) for tier in TIERS}
    inside.store.write(lambda connection: expire(connection, {Tier.MINUTE: MINUTE + 60}))
    counted = REGISTRY.get_sample_value("hydrant_rollups_too_late_total")
    deliver(inside, capacity(1, 8.0), request_id="late")
    assert inside.rollups.run_once() == 0
    assert {tier: values(inside, tier, "sum") + points(inside, tier) for tier in TIERS} == before
    assert marks(inside) == []
    assert counted is not None
    assert REGISTRY.get_sample_value("hydrant_rollups_too_late_total") == counted + 2


def test_values_that_are_gone_go_from_the_tiers(inside: House) -> None:
    deliver(inside, capacity(0, 1.0), capacity(0, 2.0, table="users"), request_id="1")
    inside.rollups.run_once()

    (orders,) = inside.rows("""SELECT series_id FROM series WHERE dimensions LIKE '%orders%'""")
    inside.store.write(
        lambda c: rewrite_points(
            c, MINUTE, lambda p: p.take(np.flatnonzero(p.series_id != orders[0]))
        )
    )
    deliver(inside, capacity(0, 3.0, count=2, table="users"), request_id="2")
    inside.rollups.run_once()
    for tier in TIERS:
        assert values(inside, tier, "sum") == []
        assert inside.rows(f"SELECT value FROM v_values_{tier} WHERE metric = 't_sum'") == [(3.0,)]
        assert len(points(inside, tier)) == 1


def test_values_of_metrics_without_a_rule_are_left_as_they_are(
    database_url: str, inside: House
) -> None:
    deliver(inside, capacity(0, 1.0), request_id="1")
    inside.rollups.run_once()
    with house(database_url, []) as without_rules:
        deliver(without_rules, capacity(1, 2.0), request_id="2")
        assert without_rules.rollups.run_once() == 2
        assert [row[4] for row in points(without_rules, "1h")] == [3.0]
        assert values(without_rules, "1h", "sum") == [(0, 1.0, None, None, 1)]


def test_doing_it_again_changes_nothing(inside: House) -> None:
    deliver(inside, capacity(0, 1.0), latency(3, 2.0), request_id="1")
    inside.rollups.run_once()
    before = inside.contents()

    def mark_twice(connection: Connection) -> None:
        for _ in range(2):
            connection.exec_driver_sql(
                f"INSERT INTO dirty_rollup (tier, minute) VALUES (60, {MINUTE}), (5, {MINUTE})"
            )

    inside.store.write(mark_twice)
    assert inside.rollups.run_once() == 2
    assert inside.contents() == before
    assert inside.rollups.run_once() == 0


def test_killed_half_way_it_goes_on_after_the_start(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Exception):
        pass

    def killed(*_: object) -> bool:
        raise Killed

    with house(database_url, rules()) as first:
        deliver(first, capacity(0, 1.0), capacity(8, 2.0), request_id="1")
        with monkeypatch.context() as patch:
            patch.setattr(BucketValues, "roll_up", killed)
            with pytest.raises(Killed):
                first.rollups.run_once()
        assert len(points(first, "5m")) == 2
        assert values(first, "5m", "sum") == []
        assert marks(first) == [(5, 0), (5, 5), (60, 0)]
    with house(database_url, rules()) as second:
        assert second.rollups.run_once() == 3
        assert values(second, "1h", "sum") == [(0, 3.0, None, None, 2)]
        assert marks(second) == []


def test_what_changes_meanwhile_is_rolled_up_again(
    inside: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(inside, capacity(0, 1.0), request_id="1")
    roll_up = Rollups._roll_up_points

    def overtaken(self: Rollups, tier: Tier, bucket: int, jobs: Jobs) -> bool:
        finished = roll_up(self, tier, bucket, jobs)
        deliver(inside, capacity(1, 8.0), request_id=f"between {tier}")
        return finished

    with monkeypatch.context() as patch:
        patch.setattr(Rollups, "_roll_up_points", overtaken)
        # The hour is not packed, as its rows may be newer than what was read of them.
        assert inside.rollups.run_once() == 1
    assert inside.rows("SELECT * FROM packed_hour") == []
    assert [row[4] for row in points(inside, "5m")] == [1.0]
    # The marks that were read are gone, those of the meantime are not.
    assert marks(inside) == [(5, 0), (60, 0)]
    assert inside.rollups.run_once() == 2
    assert marks(inside) == []
    for tier in TIERS:
        assert [row[4] for row in points(inside, tier)] == [9.0]
        assert values(inside, tier, "sum") == [(0, 9.0, None, None, 2)]


def test_a_bucket_that_fails_holds_up_no_other(
    inside: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(inside, capacity(0, 1.0), capacity(8, 2.0), request_id="1")
    roll_up = Rollups._roll_up_points

    def failing(self: Rollups, tier: Tier, bucket: int, jobs: Jobs) -> bool:
        if (tier, bucket) == (Tier.FIVE_MINUTES, MINUTE):
            raise ZeroDivisionError
        return roll_up(self, tier, bucket, jobs)

    with monkeypatch.context() as patch:
        patch.setattr(Rollups, "_roll_up_points", failing)
        with pytest.raises(ZeroDivisionError):
            inside.rollups.run_once()
    assert marks(inside) == [(5, 0)]
    assert values(inside, "1h", "sum") == [(0, 3.0, None, None, 2)]
    inside.rollups.run_once()
    assert values(inside, "5m", "sum") == [(0, 1.0, None, None, 1), (5, 2.0, None, None, 1)]


@pytest.mark.parametrize("rows_at_once", [1, 300])
def test_parts_of_any_size_give_the_same(database_url: str, rows_at_once: int) -> None:
    """Nine tables in every other minute, so that the minutes of a bucket are cut differently."""
    made = [
        capacity(minute, 0.1 + minute, table=f"table-{number}")
        for minute in range(10)
        for number in range(9)
        if minute % 2 or number % 3
    ]
    with house(database_url, rules(), rows_at_once=rows_at_once) as inside:
        deliver(inside, *made, request_id="1")
        inside.rollups.run_once()
        found = inside.rows(
            f"SELECT endpoint, minute - {MINUTE}, minutes FROM v_values_5m WHERE metric = 't_sum'"
        )
        expected: dict[tuple[str, int], int] = {}
        for point in made:
            minute = (point.start_ms - START_MS) // 300_000 * 5
            key = dict(point.series.dimensions)["TableName"], minute
            expected[key] = expected.get(key, 0) + 1
        assert found == sorted(((*key, number) for key, number in expected.items()), key=repr)
        assert len(inside.rows("SELECT * FROM point_rows_1h")) == 9


def test_parts_do_not_cut_a_series_in_two(database_url: str) -> None:
    """Three points of a series within a minute, and parts that have room for two."""
    made = [
        replace(capacity(0, 2.0**number, table=table), start_ms=START_MS + offset_ms)
        for number, (table, offset_ms) in enumerate(
            (table, offset_ms) for table in ("a", "b", "c") for offset_ms in (0, 20_000, 40_000)
        )
    ]
    with house(database_url, rules(), rows_at_once=1) as inside:
        deliver(inside, *made, request_id="1")
        inside.rollups.run_once()
        for tier in TIERS:
            found = inside.rows(f"SELECT sample_count, sum FROM v_points_{tier}")
            assert sorted(found) == [(3.0, 7.0), (3.0, 56.0), (3.0, 448.0)]


def test_the_thread_rolls_up_until_it_is_stopped(inside: House) -> None:
    deliver(inside, capacity(0, 1.0), request_id="1")
    inside.rollups.start()
    try:
        for _ in range(1_000):
            if not marks(inside):
                break
            inside.rollups._stopped.wait(0.01)
    finally:
        inside.rollups.stop()
    assert values(inside, "1h", "sum") == [(0, 1.0, None, None, 1)]
