"""Packed hours: grids from blocks are those of the rows, whatever happens to the hour."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import sqlalchemy as sa

from app.errors import LeaseLost
from app.pipeline import Holder, Maintenance, Retention, Rollups
from app.simulator import Point
from app.storage import (
    Job,
    Packed,
    Tier,
    expire,
    read_packed_hours,
    read_value_grid,
    record_packed_hour,
)
from app.storage.bulk import bulk_upsert
from app.storage.engine import parse_database_url, writer_engine
from app.storage.migrate import downgrade, migrate
from app.storage.rollup_marks import mark_rollups
from app.storage.statements import UPSERT_EXTRAS, UPSERT_POINTS, UPSERT_VALUES
from app.storage.tables import series
from tests.fixtures.grids import check_grids, check_grids_of, packed_hours
from tests.fixtures.house import House, house
from tests.fixtures.rollups import START_MS, capacity, deliver, latency, rules

HOUR = START_MS // 60_000


@pytest.fixture
def inside(database_url: str) -> Iterator[House]:
    """Two hours, packed, of two tables."""
    with house(database_url, rules()) as made:
        deliver(made, *points(), request_id="1")
        made.rollups.run_once()
        assert packed_hours(made) == [HOUR, HOUR + 60]
        check_grids(made)
        yield made


def points() -> list[Point]:
    """An hour with enough of them for a matrix and one without, with percentiles in some."""
    minutes = (*range(18), 59, 60, 70)
    made = [capacity(minute, minute / 4, count=3) for minute in minutes]
    made += [latency(minute, 1 / (minute + 1)) for minute in minutes]
    made += [capacity(minute, 0.1 * minute, table="users") for minute in minutes[::3]]
    percentiles = (("p99", 1 / 3), ("p50", 0.25))
    return [
        replace(point, percentiles=percentiles) if number % 5 == 0 else point
        for number, point in enumerate(made)
    ]


def write(inside: House, *statements: str) -> None:
    def run(connection: sa.Connection) -> None:
        for statement in statements:
            connection.exec_driver_sql(statement)

    inside.store.write(run)


def test_packed_hours_are_answered_from_blocks(inside: House) -> None:
    """Even when their rows are gone, and so it is blocks that all these tests are about."""
    with inside.store.read() as connection:
        ids = list(connection.exec_driver_sql("SELECT metric_id FROM metric").scalars())
        before = [grid_of(connection, metric) for metric in ids]
    assert all(before)
    write(inside, "DELETE FROM metric_value", "DELETE FROM point", "DELETE FROM extra_statistic")
    with inside.store.read() as connection:
        assert [grid_of(connection, metric) for metric in ids] == before
    with pytest.raises(AssertionError):
        check_grids(inside)
    write(inside, "DELETE FROM packed_hour")
    check_grids(inside)


def grid_of(connection: sa.Connection, metric: int, entities: list[int] | None = None) -> object:
    grid = read_value_grid(connection, metric, entities, 0, 2**42, take=lambda _: None)
    return grid.minutes.tolist(), grid.entity_id.tolist(), repr(grid.values.tolist())


def test_late_restated_and_vanished_data_is_read_at_every_step(inside: House) -> None:
    deliver(inside, capacity(3, 8.0, count=9), request_id="late")
    assert packed_hours(inside) == [HOUR + 60]
    check_grids(inside)
    inside.rollups.run_once()
    check_grids(inside)
    deliver(inside, latency(5, 99.0, count=7), request_id="restated")
    check_grids(inside)
    inside.rollups.run_once()
    assert packed_hours(inside) == [HOUR, HOUR + 60]
    check_grids(inside)
    write(
        inside,
        f"DELETE FROM metric_value WHERE minute < {HOUR + 60}",
        f"DELETE FROM point WHERE minute < {HOUR + 60}",
        f"INSERT INTO dirty_rollup (tier, minute) VALUES (60, {HOUR}), (5, {HOUR})",
    )
    check_grids(inside)
    inside.rollups.run_once()
    check_grids(inside)
    assert packed_hours(inside) == [HOUR, HOUR + 60]
    for table in ("packed_value", "packed_point"):
        assert inside.rows(f"SELECT * FROM {table} WHERE minute = {HOUR}") == []


def test_blocks_go_with_values_of_which_nothing_is_left(inside: House) -> None:
    """A rollup that was killed had deleted the hour's row already."""
    write(
        inside,
        f"DELETE FROM metric_value WHERE minute < {HOUR + 60}",
        f"DELETE FROM metric_value_1h WHERE minute = {HOUR}",
        f"INSERT INTO dirty_rollup (tier, minute) VALUES (60, {HOUR})",
    )
    inside.rollups.run_once()
    assert packed_hours(inside) == [HOUR, HOUR + 60]
    assert inside.rows(f"SELECT * FROM packed_value WHERE minute = {HOUR}") == []
    check_grids(inside)


def test_points_not_yet_evaluated_are_not_missing(inside: House) -> None:
    """A delivery marks its minute, and not yet the hour."""
    with inside.store.read() as connection:
        assert read_packed_hours(connection, HOUR, HOUR + 120) == [HOUR, HOUR + 60]
    write(
        inside,
        f"UPDATE point SET sum = 5, sample_count = 77 WHERE minute = {HOUR + 4}",
        f"INSERT INTO dirty_minute (minute) VALUES ({HOUR + 4})",
    )
    check_grids(inside)
    with inside.store.read() as connection:
        assert read_packed_hours(connection, HOUR, HOUR + 120) == [HOUR + 60]


def test_the_release_before_rolls_up_without_packing(inside: House) -> None:
    """It deletes the marks; the trigger has seen them."""
    deliver(inside, capacity(3, 8.0, count=9), request_id="late")
    write(inside, "DELETE FROM dirty_rollup")
    check_grids(inside)
    assert packed_hours(inside) == [HOUR + 60]
    deliver(inside, capacity(5, 1.0, count=9), request_id="later")
    inside.rollups.run_once()
    check_grids(inside)
    assert packed_hours(inside) == [HOUR, HOUR + 60]


def test_what_is_marked_meanwhile_is_not_recorded(
    inside: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the release before would leave blocks that look whole and are not."""
    deliver(inside, capacity(3, 8.0, count=9), request_id="late")
    written = Rollups._write_blocks

    def overtaken(self: Rollups, packed: Packed | None) -> None:
        written(self, packed)
        if packed is not None:
            deliver(inside, capacity(7, 16.0, count=9), request_id="later")

    with monkeypatch.context() as patch:
        patch.setattr(Rollups, "_write_blocks", overtaken)
        inside.rollups.run_once()
    assert packed_hours(inside) == [HOUR + 60]
    write(inside, "DELETE FROM dirty_rollup")
    check_grids(inside)


def test_a_mark_and_a_record_that_do_not_see_each_other(postgresql_url: str) -> None:
    """Neither is committed when the other looks: one of them waits."""
    with house(postgresql_url, []) as inside:
        engine = writer_engine(parse_database_url(postgresql_url))

        def record() -> None:
            inside.store.write(lambda c: record_packed_hour(c, HOUR, ()))

        recording = threading.Thread(target=record)
        try:
            with engine.begin() as connection:
                mark_rollups(connection, HOUR)
                recording.start()
                recording.join(1)
                assert recording.is_alive()
            recording.join(30)
        finally:
            engine.dispose()
        assert packed_hours(inside) == []


class KilledError(Exception):
    """The process ends here."""


@pytest.mark.parametrize("after", [0, 1, 3])
def test_killed_half_way_no_half_is_read(
    database_url: str, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    written = Rollups._write_blocks

    def killed(self: Rollups, packed: Packed | None) -> None:
        nonlocal after
        after -= 1
        if after < 0:
            raise KilledError
        written(self, packed)

    with house(database_url, rules(), rows_at_once=1) as first:
        deliver(first, *points(), request_id="1")
        with monkeypatch.context() as patch:
            patch.setattr(Rollups, "_write_blocks", killed)
            with pytest.raises(KilledError):
                first.rollups.run_once()
        check_grids(first)
        assert packed_hours(first) == []
    with house(database_url, rules()) as second:
        check_grids(second)
        second.rollups.run_once()
        assert packed_hours(second) == [HOUR, HOUR + 60]
        check_grids(second)


def test_a_query_sees_no_mixture_while_an_hour_is_packed_again(
    inside: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A snapshot from before and one after each commit of the rollup."""
    write_of_rollups = Rollups._write
    commits = 0

    def watched(self: Rollups, job: Job[object], *, epoch: int | None = None) -> object:
        nonlocal commits
        commits += 1
        with inside.store.read() as before:
            # The snapshot begins with the first query.
            before.exec_driver_sql("SELECT 1 FROM packed_hour").first()
            result = write_of_rollups(self, job, epoch=epoch)
            check_grids_of(before)
        check_grids(inside)
        return result

    deliver(
        inside,
        *(replace(point, sum=point.sum * 3, count=9) for point in points()[:9]),
        capacity(4, 1.0, table="new"),
        request_id="2",
    )
    monkeypatch.setattr(Rollups, "_write", watched)
    inside.rollups.run_once()
    assert commits > 10
    assert packed_hours(inside) == [HOUR, HOUR + 60]


def test_blocks_of_a_process_that_lost_the_lease_are_refused(
    inside: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one packs the hour, with data that the first has not read."""
    deliver(inside, capacity(3, 8.0, count=9), request_id="late")
    written = Rollups._write_blocks

    def overtaken(self: Rollups, packed: Packed | None) -> None:
        if self is inside.rollups and packed is not None:
            with house(inside.store.description, rules(), holder=Holder.this_process()) as other:
                deliver(other, capacity(9, 64.0, count=9), request_id="meanwhile")
                assert other.rollups.run_once() == 2
        written(self, packed)

    monkeypatch.setattr(Rollups, "_write_blocks", overtaken)
    with pytest.raises(LeaseLost):
        inside.rollups.run_once()
    assert packed_hours(inside) == [HOUR, HOUR + 60]
    check_grids(inside)


def test_hours_that_are_not_kept_are_not_packed_any_more(inside: House) -> None:
    inside.store.write(lambda c: expire(c, {Tier.MINUTE: HOUR + 60}))
    assert packed_hours(inside) == [HOUR + 60]
    check_grids(inside)
    forever = dict.fromkeys(Tier, 0)
    deleted = Maintenance(
        inside.store, inside.clock, inside.lease, Retention(48, 30, forever)
    ).run_once()
    assert deleted["packed_value"] > 0
    assert deleted["packed_point"] > 0
    for table in ("packed_value", "packed_point", "metric_value"):
        assert inside.rows(f"SELECT DISTINCT minute - minute % 60 FROM {table}") == [(HOUR + 60,)]
    check_grids(inside)


def test_a_database_of_0007_is_read_by_its_rows_until_it_is_packed(database_url: str) -> None:
    with house(database_url, rules()) as made:
        deliver(made, *points(), request_id="1")
        made.rollups.run_once()
    engine = writer_engine(parse_database_url(database_url))
    try:
        downgrade(engine, "0007")
        migrate(engine)
    finally:
        engine.dispose()
    with house(database_url, rules()) as upgraded:
        assert packed_hours(upgraded) == []
        check_grids(upgraded)
        deliver(upgraded, capacity(3, 8.0, count=9), request_id="late")
        upgraded.rollups.run_once()
        assert packed_hours(upgraded) == [HOUR]
        check_grids(upgraded)


def test_values_whose_rule_is_gone_are_packed_too(database_url: str) -> None:
    with house(database_url, rules()) as first:
        deliver(first, *points(), request_id="1")
    with house(database_url, []) as second:
        second.rollups.run_once()
        assert packed_hours(second) == [HOUR, HOUR + 60]
        assert second.rows("SELECT * FROM metric_value_1h") == []
        write(second, "DELETE FROM metric_value")
        with pytest.raises(AssertionError):
            check_grids(second)


@pytest.mark.parametrize("rows_at_once", [6_000, 40_000])
def test_many_series_of_every_shape(database_url: str, rows_at_once: int) -> None:
    """More than a block of each; sub-minute offsets, longer periods, several points a minute."""
    generator = np.random.default_rng(3)
    with house(database_url, [], rows_at_once=rows_at_once) as inside:
        inside.store.write(lambda c: write_rows(c, generator))
        inside.rollups.run_once()
        assert packed_hours(inside) == [HOUR, HOUR + 60]
        check_grids(inside)
        blocks = inside.rows("SELECT COUNT(*) FROM packed_value WHERE metric_id = 1")
        assert blocks[0][0] >= 6  # type: ignore[operator]
        with inside.store.read() as connection:
            packed = [grid_of(connection, 1, some) for some in ([5], [1, 700], [2, 3, 650], [900])]
        write(inside, "DELETE FROM packed_hour")
        with inside.store.read() as connection:
            plain = [grid_of(connection, 1, some) for some in ([5], [1, 700], [2, 3, 650], [900])]
        assert packed == plain


def write_rows(connection: sa.Connection, generator: np.random.Generator) -> None:
    """Rows of two hours, a few in each minute, and marks of both."""
    connection.execute(
        sa.insert(series),
        [
            {
                "digest": number.to_bytes(16),
                "account": "1",
                "region": "r",
                "namespace": "N",
                "metric": f"m{number % 2}",
                "dimensions": "{}",
                "unit": "Count",
                "kind": "summary",
            }
            for number in range(1, 751)
        ],
    )
    kinds = np.array([(0, 60_000), (0, 60_000), (15_000, 15_000), (777, 300_000), (0, 3_600_000)])
    for minute in (*range(0, 60, 9), *range(60, 120, 13)):
        entity = np.unique(generator.integers(1, 750, 600))
        size = len(entity)
        key = [np.full(size, HOUR + minute), np.full(size, 1 + minute % 2), entity]
        labels = generator.integers(1, 4, size)
        value = np.where(entity % 3, generator.integers(-9, 9, size) / 2, generator.random(size))
        absent = np.full(size, np.nan)
        bulk_upsert(connection, UPSERT_VALUES, [*key, labels, value, absent, absent])
        kind = kinds[entity % len(kinds)]
        count = generator.integers(0, 5, size).astype(np.float64)
        minimum = np.where(entity % 2, value, np.nan)
        point_key = [key[0], entity, kind[:, 0]]
        columns = [*point_key, kind[:, 1], count, value * count, minimum, value]
        bulk_upsert(connection, UPSERT_POINTS, columns)
        same = np.where(entity % 7, count, 99.0)
        bulk_upsert(connection, UPSERT_EXTRAS, [*point_key, ["p99"] * size, value, same])
    mark_rollups(connection, HOUR)
    mark_rollups(connection, HOUR + 60)
