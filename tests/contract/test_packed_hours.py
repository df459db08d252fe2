"""Packed hours: the only place of settled minutes; whatever happens to them, the same is read."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import sqlalchemy as sa

from app.errors import LeaseLost
from app.pipeline import Holder, Maintenance, Retention, Rollups
from app.simulator import Format, Point, encode_records
from app.storage import (
    HourMarks,
    Job,
    Tier,
    expire,
    finish_hour,
    lock_minute,
    mark_dirty,
    read_hour_marks,
    read_packed_hours,
    read_value_grid,
    value_columns,
    write_minute,
)
from app.storage.engine import parse_database_url, writer_engine
from app.storage.point_batches import write_batches
from app.storage.rollup_marks import mark_rollups
from app.storage.stored_points import StoredExtras, StoredPoints
from app.storage.tables import VIEWS, series
from tests.fixtures.grids import check_grids, check_grids_of, packed_hours
from tests.fixtures.house import House, house
from tests.fixtures.rewriting import forget_values, mark_hour, rewrite_points
from tests.fixtures.rollups import START_MS, capacity, deliver, latency, rules

HOUR = START_MS // 60_000
ROWS = ("point_batch", "point", "metric_value")
BLOCKS = ("packed_point", "packed_value")


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


def shown(inside: House) -> dict[str, list[tuple[object, ...]]]:
    """What the views show of minutes, as it is now."""
    return {view: inside.rows(f"SELECT * FROM {view}") for view in VIEWS if view[-1] not in "mh"}


def sizes(inside: House, *tables: str) -> list[object]:
    return [inside.rows(f"SELECT COUNT(*) FROM {table}")[0][0] for table in tables]


def grid_of(connection: sa.Connection, metric: int, entities: list[int] | None = None) -> object:
    grid = read_value_grid(connection, metric, entities, 0, 2**42, take=lambda _: None)
    return grid.minutes.tolist(), grid.entity_id.tolist(), repr(grid.values.tolist())


def test_packing_changes_no_answer_and_leaves_no_rows(database_url: str) -> None:
    with house(database_url, rules()) as made:
        deliver(made, *points(), request_id="1")
        check_grids(made)
        before = shown(made)
        assert all(before.values())
        made.rollups.run_once()
        assert packed_hours(made) == [HOUR, HOUR + 60]
        assert shown(made) == before
        check_grids(made)
        assert sizes(made, *ROWS) == [0, 0, 0]
        assert all(sizes(made, *BLOCKS))


def test_late_restated_and_vanished_data_is_read_at_every_step(inside: House) -> None:
    deliver(inside, capacity(3, 8.0, count=9), request_id="late")
    check_grids(inside)
    inside.rollups.run_once()
    check_grids(inside)
    deliver(inside, latency(5, 99.0, count=7), request_id="restated")
    check_grids(inside)
    inside.rollups.run_once()
    check_grids(inside)
    assert sizes(inside, *ROWS) == [0, 0, 0]
    inside.store.write(lambda c: rewrite_points(c, HOUR, lambda p: p.take(np.arange(0))))
    inside.store.write(lambda c: forget_values(c, HOUR))
    check_grids(inside)
    inside.rollups.run_once()
    check_grids(inside)
    assert packed_hours(inside) == [HOUR, HOUR + 60]
    for table in BLOCKS:
        assert inside.rows(f"SELECT * FROM {table} WHERE minute = {HOUR}") == []


def test_a_late_point_lies_over_its_hour_until_that_is_packed_again(inside: House) -> None:
    inside.post(encode_records([capacity(3, 8.0, count=9)], Format.JSON), "late")
    assert sizes(inside, *ROWS) == [1, 0, 0]
    late = "SELECT sum FROM v_points WHERE metric = 'ConsumedReadCapacityUnits' AND minute = "
    assert inside.rows(f"{late}{HOUR + 3} AND sample_count = 9") == [(8.0,)]
    inside.evaluator.evaluate_dirty()
    # Every metric of the minute, and of other minutes none.
    assert inside.rows(f"SELECT DISTINCT minute - {HOUR} FROM metric_value") == [(3,)]
    assert packed_hours(inside) == [HOUR, HOUR + 60]
    before = shown(inside)
    inside.rollups.run_once()
    assert shown(inside) == before
    assert sizes(inside, *ROWS) == [0, 0, 0]


def test_values_that_are_gone_leave_an_empty_row_over_their_hour(inside: House) -> None:
    """Or those of the packed hour would be back."""

    def only_latency(points: StoredPoints) -> StoredPoints:
        latency_of = inside.rows("SELECT series_id FROM series WHERE metric LIKE '%Latency'")
        return points.take(np.flatnonzero(np.isin(points.series_id, np.array(latency_of))))

    inside.store.write(lambda c: rewrite_points(c, HOUR, only_latency))
    inside.evaluator.evaluate_dirty()
    gone = f"SELECT value FROM v_values WHERE metric = 't_sum' AND minute < {HOUR + 60}"
    assert inside.rows(gone) == []
    check_grids(inside)
    inside.rollups.run_once()
    assert inside.rows(gone) == []
    assert sizes(inside, *ROWS) == [0, 0, 0]
    check_grids(inside)


def test_blocks_go_with_values_of_which_nothing_is_left(inside: House) -> None:
    """A rollup that was killed had deleted the hour's row already."""
    inside.store.write(lambda c: forget_values(c, HOUR))
    inside.store.write(
        lambda c: c.exec_driver_sql(f"DELETE FROM metric_value_1h WHERE minute = {HOUR}")
    )
    inside.rollups.run_once()
    assert packed_hours(inside) == [HOUR, HOUR + 60]
    assert inside.rows(f"SELECT * FROM packed_value WHERE minute = {HOUR}") == []
    check_grids(inside)


def test_an_hour_that_is_marked_is_packed_all_the_same(inside: House) -> None:
    """There is no other place."""
    inside.post(encode_records([capacity(4, 5.0, count=77)], Format.JSON), "late")
    with inside.store.read() as connection:
        assert read_packed_hours(connection, HOUR, HOUR + 120) == [HOUR, HOUR + 60]
    check_grids(inside)


def test_an_hour_that_changes_meanwhile_is_not_finished(
    inside: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its marks stay, and so do its rows."""
    deliver(inside, capacity(3, 8.0, count=9), request_id="late")
    write = Rollups._write
    written = 0

    def overtaken(self: Rollups, job: Job[object], *, epoch: int | None = None) -> object:
        nonlocal written
        written += 1
        result = write(self, job, epoch=epoch)
        deliver(inside, capacity(7, 16.0 + written, count=9), request_id=f"later {written}")
        return result

    with monkeypatch.context() as patch:
        patch.setattr(Rollups, "_write", overtaken)
        inside.rollups.run_once()
    assert inside.rows("SELECT DISTINCT minute FROM dirty_rollup WHERE tier = 60") == [(HOUR,)]
    assert sizes(inside, "metric_value") != [0]
    check_grids(inside)
    expected = shown(inside)
    inside.rollups.run_once()
    assert inside.rows("SELECT * FROM dirty_rollup") == []
    assert sizes(inside, *ROWS) == [0, 0, 0]
    assert shown(inside) == expected


@pytest.mark.parametrize("of_hour", [False, True])
def test_any_mark_that_was_not_there_before_keeps_an_hour_as_it_is(
    inside: House, *, of_hour: bool
) -> None:
    deliver(inside, capacity(3, 8.0, count=9), request_id="late")
    with inside.store.read() as connection:
        seen = read_hour_marks(connection, HOUR)
    if of_hour:
        inside.store.write(lambda c: mark_rollups(c, HOUR + 59))
    else:
        inside.store.write(lambda c: mark_dirty(c, [HOUR + 59]))
    before = shown(inside), sizes(inside, *ROWS, *BLOCKS, "dirty_rollup", "dirty_minute")
    assert not inside.store.write(lambda c: finish_hour(c, HOUR, seen, value_minutes=0))
    assert before == (
        shown(inside),
        sizes(inside, *ROWS, *BLOCKS, "dirty_rollup", "dirty_minute"),
    )


def test_an_hour_is_not_finished_beside_an_evaluation(postgresql_url: str) -> None:
    """Neither has been committed when the other looks: one of them waits."""
    with house(postgresql_url, []) as inside:
        engine = writer_engine(parse_database_url(postgresql_url))
        none = HourMarks(frozenset(), frozenset())
        finished: list[bool] = []

        def finish() -> None:
            job: Job[bool] = lambda c: finish_hour(c, HOUR, none, value_minutes=0)  # noqa: E731
            finished.append(inside.store.write(job))

        finishing = threading.Thread(target=finish)
        try:
            with engine.begin() as connection:
                lock_minute(connection, HOUR + 30)
                mark_rollups(connection, HOUR + 30)
                finishing.start()
                finishing.join(1)
                assert finishing.is_alive()
            finishing.join(30)
        finally:
            engine.dispose()
        assert finished == [False]
        assert packed_hours(inside) == []


def test_a_delivery_that_is_committed_meanwhile_is_not_lost(postgresql_url: str) -> None:
    """Its points and its mark come after the finish has looked."""
    with house(postgresql_url, rules()) as inside:
        deliver(inside, *points(), request_id="1")
        engine = writer_engine(parse_database_url(postgresql_url))
        ids = (np.array([number]) for number in (HOUR + 3, 1, 0, 60_000))
        numbers = (np.array([number]) for number in (99.0, 7.0, 7.0, 7.0))
        late = StoredPoints(*ids, *numbers, np.array([False]))  # type: ignore[arg-type, call-arg]
        try:
            with engine.begin() as connection:
                write_batches(connection, late)
                inside.rollups.run_once()
                assert packed_hours(inside) == [HOUR, HOUR + 60]
        finally:
            engine.dispose()
        assert sizes(inside, *ROWS) == [1, 0, 0]
        inside.evaluator.evaluate_dirty()
        inside.rollups.run_once()
        assert sizes(inside, *ROWS) == [0, 0, 0]
        assert inside.rows("SELECT sum FROM v_points WHERE sample_count = 99") == [(7.0,)]
        check_grids(inside)


class KilledError(Exception):
    """The process ends here."""


def test_killed_between_any_two_transactions_nothing_is_lost(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With each start it comes one transaction further than the last time."""
    monkeypatch.setattr("app.pipeline.value_rollups._BYTES_PER_JOB", 0)
    write = Rollups._write
    left = 0

    def killed(self: Rollups, job: Job[object], *, epoch: int | None = None) -> object:
        nonlocal left
        left -= 1
        if left < 0:
            raise KilledError
        return write(self, job, epoch=epoch)

    monkeypatch.setattr(Rollups, "_write", killed)
    expected = None
    for start in range(200):
        with house(database_url, rules(), rows_at_once=60) as inside:
            if expected is None:
                deliver(inside, *points(), request_id="1")
                expected = shown(inside)
            left = start % 7
            try:
                inside.rollups.run_once()
            except KilledError:
                assert shown(inside) == expected
                continue
            break
    assert start > 3
    with house(database_url, rules()) as inside:
        assert packed_hours(inside) == [HOUR, HOUR + 60]
        assert shown(inside) == expected
        assert sizes(inside, *ROWS) == [0, 0, 0]
        check_grids(inside)


def test_a_query_sees_no_mixture_while_an_hour_is_packed_again(
    inside: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A snapshot from before and one after each commit of the rollup."""
    monkeypatch.setattr("app.pipeline.value_rollups._BYTES_PER_JOB", 0)
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
        assert shown(inside) == expected
        return result

    deliver(
        inside,
        *(replace(point, sum=point.sum * 3, count=9) for point in points()[:9]),
        capacity(4, 1.0, table="new"),
        request_id="2",
    )
    expected = shown(inside)
    monkeypatch.setattr(Rollups, "_write", watched)
    inside.rollups.run_once()
    assert commits > 10
    assert packed_hours(inside) == [HOUR, HOUR + 60]
    assert sizes(inside, *ROWS) == [0, 0, 0]


def test_what_a_process_writes_that_lost_the_lease_is_refused(
    inside: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one packs the hour, with data that the first has not read."""
    deliver(inside, capacity(3, 8.0, count=9), request_id="late")
    write = Rollups._write
    written = 0

    def overtaken(self: Rollups, job: Job[object], *, epoch: int | None = None) -> object:
        nonlocal written
        if self is inside.rollups:
            written += 1
            if written == 3:
                with house(
                    inside.store.description, rules(), holder=Holder.this_process()
                ) as other:
                    deliver(other, capacity(9, 64.0, count=9), request_id="meanwhile")
                    assert other.rollups.run_once() >= 1
        return write(self, job, epoch=epoch)

    monkeypatch.setattr(Rollups, "_write", overtaken)
    with pytest.raises(LeaseLost):
        inside.rollups.run_once()
    assert packed_hours(inside) == [HOUR, HOUR + 60]
    assert sizes(inside, *ROWS) == [0, 0, 0]
    assert inside.rows("SELECT sum FROM v_points WHERE sum = 64") == [(64.0,)]
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
    for table in BLOCKS:
        assert inside.rows(f"SELECT DISTINCT minute FROM {table}") == [(HOUR + 60,)]
    check_grids(inside)


def test_values_whose_rule_is_gone_are_packed_too(database_url: str) -> None:
    with house(database_url, rules()) as first:
        deliver(first, *points(), request_id="1")
        expected = shown(first)
    with house(database_url, []) as second:
        second.rollups.run_once()
        assert packed_hours(second) == [HOUR, HOUR + 60]
        assert second.rows("SELECT * FROM metric_value_1h") == []
        assert sizes(second, *ROWS) == [0, 0, 0]
        assert shown(second) == expected
        check_grids(second)


def test_many_series_of_every_shape(database_url: str) -> None:
    """More than a block of each; sub-minute offsets, longer periods, several points a minute."""
    generator = np.random.default_rng(3)
    chosen = ([5], [1, 700], [2, 3, 650], [900])
    with house(database_url, [], rows_at_once=6_000) as inside:
        inside.store.write(lambda c: write_rows(c, generator))
        expected = shown(inside)
        with inside.store.read() as connection:
            plain = [grid_of(connection, 1, some) for some in chosen]
        inside.rollups.run_once()
        assert packed_hours(inside) == [HOUR, HOUR + 60]
        check_grids(inside)
        assert shown(inside) == expected
        blocks = inside.rows("SELECT COUNT(*) FROM packed_value WHERE metric_id = 1")
        assert blocks[0][0] >= 6  # type: ignore[operator]
        with inside.store.read() as connection:
            assert [grid_of(connection, 1, some) for some in chosen] == plain
        # Once more, with other parts; nothing is written.
        before = sizes(inside, *BLOCKS)
        inside.store.write(lambda c: mark_hour(c, HOUR))
        inside.rollups.run_once()
        assert sizes(inside, *BLOCKS) == before
        assert shown(inside) == expected


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
        labels = generator.integers(1, 4, size)
        value = np.where(entity % 3, generator.integers(-9, 9, size) / 2, generator.random(size))
        metric = 1 + minute % 2
        rows = [
            (HOUR + minute, metric, *ids, number, None, None)
            for *ids, number in zip(entity.tolist(), labels.tolist(), value.tolist(), strict=True)
        ]
        write_minute(connection, HOUR + minute, value_columns(rows), metrics=[metric], marks=())
        kind = kinds[entity % len(kinds)]
        count = generator.integers(0, 5, size).astype(np.float64)
        same = np.where(entity % 7, count, 99.0)
        key = [np.full(size, HOUR + minute), entity, kind[:, 0]]
        absent = np.zeros(size, np.bool_)
        minimum = np.where(entity % 2, value, np.nan)
        of_point = StoredExtras(
            minute=key[0],
            series_id=key[1],
            offset_ms=key[2],
            statistic=np.zeros(size, np.int64),
            value=value,
            count=same,
            backfilled=absent,
            names=("p99",),
        )
        points = StoredPoints(
            minute=key[0],
            series_id=key[1],
            offset_ms=key[2],
            period_ms=kind[:, 1],
            count=count,
            total=value * count,
            minimum=minimum,
            maximum=value,
            backfilled=absent,
            extras=of_point,
        )
        write_batches(connection, points)
    connection.exec_driver_sql("DELETE FROM dirty_minute")
