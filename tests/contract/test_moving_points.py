"""Points are merged and packed while they come; whoever reads sees what stands, whatever is where.

The rule of what stands is told a second time here, point by point.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.catalog import SeriesIdentity
from app.otlp import BatchBuilder
from app.storage import (
    Connection,
    Place,
    Store,
    Tier,
    finish_hour,
    merge_points,
    minutes_to_merge,
    newest_minute,
    newest_minute_of_series,
    newest_minutes,
    point_merging,
    point_packing,
    point_parts,
    point_tiers,
    read_extra_statistics,
    read_hour_marks,
    read_minute_points,
    read_point_grids,
    read_points,
    roll_up_points,
    series_at,
    series_of_minutes,
    statistics_of_minutes,
    write_backfilled,
)
from app.storage.delivered_points import point_columns
from app.storage.dirty import delete_marks
from app.storage.point_batches import write_batches
from app.storage.series import register_series

HOUR = 29_000_040
MINUTES = (HOUR, HOUR + 1, HOUR + 7, HOUR + 59)
IDENTITIES = [
    SeriesIdentity(
        "1", "eu-west-1", "N", f"M{number % 2}", (("D", str(number)),), "Count", "summary"
    )
    for number in range(7)
]
STATISTICS = ("SampleCount", "Sum", "Minimum", "Maximum", "Average", "p99", "Sum2", "=Sum")


class Given(NamedTuple):
    """A point as it was delivered."""

    series: int
    minute: int
    offset_ms: int
    period_ms: int
    samples: float
    total: float
    minimum: float
    maximum: float
    extras: tuple[tuple[str, float], ...]
    backfilled: bool


POINT = st.builds(
    Given,
    st.integers(1, len(IDENTITIES)),
    st.sampled_from(MINUTES),
    st.sampled_from([0, 0, 0, 30_000]),
    st.sampled_from([60_000, 60_000, 60_000, 300_000, 0]),
    st.sampled_from([1.0, 2.0, 3.0]),
    st.sampled_from([0.0, 1.0, 0.1, -2.5]),
    st.sampled_from([0.0, 1.0, math.nan]),
    st.sampled_from([1.0, 0.1, math.nan]),
    st.lists(
        st.tuples(st.sampled_from(STATISTICS[5:]), st.sampled_from([1.0, 0.25])),
        max_size=2,
        unique_by=lambda pair: pair[0],
    ).map(tuple),
    st.booleans(),
)
DELIVERY = st.lists(POINT, min_size=1, max_size=12)
EVENT = st.one_of(
    DELIVERY,
    st.sampled_from(["merge", "five minutes", "hour"]),
    # So many jobs of an hour are done before the process is killed.
    st.integers(0, 6),
)


@pytest.fixture(scope="module")
def stores() -> Iterator[dict[str, Store]]:
    """One of each engine for all examples, which begin by emptying it."""
    made: dict[str, Store] = {}
    yield made
    for store in made.values():
        store.close()


@contextmanager
def small_blocks() -> Iterator[None]:
    """Blocks and parts of a few series each."""
    with pytest.MonkeyPatch.context() as patch:
        for module, size in ((point_merging, 2), (point_tiers, 3), (point_packing, 2)):
            patch.setattr(module, "SERIES_OF_A_BLOCK", size)
        yield


def a_point(series: int, minute: int, count: float, *extras: tuple[str, float]) -> Given:
    return Given(series, minute, 0, 60_000, count, 0.1, 0.1, 1.0, extras, backfilled=False)


EVERYTHING = [
    [a_point(n, minute, 1.0, ("p99", 1.0)) for n in range(1, 6) for minute in MINUTES],
    "merge",
    [a_point(n, MINUTES[0], 2.0) for n in (2, 6, 7)],
    "five minutes",
    2,
    "hour",
    [a_point(3, MINUTES[1], 1.0, ("Sum2", 2.0)), a_point(7, MINUTES[3], 2.0)],
    [a_point(3, MINUTES[1], 1.0)._replace(offset_ms=30_000, backfilled=True)],
    "five minutes",
    1,
    [a_point(3, MINUTES[1], 3.0)],
    "hour",
]


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(events=EVERYTHING)
@given(events=st.lists(EVENT, max_size=7))
def test_what_stands_is_the_same_wherever_it_lies(
    stores: dict[str, Store], sqlite_url: str, events: list[Any]
) -> None:
    play(stores, sqlite_url, events)


def test_what_stands_is_the_same_on_postgresql(
    stores: dict[str, Store], postgresql_url: str
) -> None:
    play(stores, postgresql_url, EVERYTHING)


def play(stores: dict[str, Store], url: str, events: list[Any]) -> None:
    """Let all of it happen to an empty database."""
    engine = url.partition(":")[0]
    if engine not in stores:
        stores[engine] = Store(url)
        # One after another: the ids of those that come together are not in their order.
        for identity in IDENTITIES:
            stores[engine].write(partial(register_series, identities=[identity]))
    house = House(stores[engine])
    with small_blocks():
        for event in events:
            house.handle(event)
            house.check()


class House:
    """A database with points, and what ought to be there."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._points: dict[tuple[int, int, int], Given] = {}
        self._extras: dict[tuple[int, int, int, str], tuple[Given, float]] = {}

        def clear(connection: Connection) -> None:
            for table in (
                "point_batch",
                "point",
                "point_5m",
                "point_1h",
                "packed_point",
                "packed_hour",
                "dirty_minute",
                "dirty_rollup",
            ):
                connection.execute(sa.text(f"DELETE FROM {table}"))

        store.write(clear)

    def handle(self, event: list[Given] | str | int) -> None:
        match event:
            case list():
                self._deliver(event)
            case "merge":
                self._merge(HOUR, HOUR + 60)
            case "five minutes":
                self._merge(HOUR, HOUR + 5)
                self._roll_up(Tier.FIVE_MINUTES, HOUR)
                self._check_tier(Tier.FIVE_MINUTES)
            case "hour":
                self._pack(None)
                self._check_tier(Tier.HOUR)
            case int():
                self._pack(event)

    def _deliver(self, points: list[Given]) -> None:
        for backfilled in (False, True):
            some = [point for point in points if point.backfilled is backfilled]
            builder = BatchBuilder()
            for point in some:
                builder.add(
                    point.series - 1,
                    point.minute * 60_000 + point.offset_ms,
                    point.period_ms,
                    (point.samples, point.total, point.minimum, point.maximum),
                    list(point.extras),
                )
            batch = builder.build()
            if backfilled:
                self._store.write(partial(write_backfilled, batch=batch, identities=IDENTITIES))
            else:
                columns = point_columns(batch, batch.slot + 1)
                self._store.write(partial(write_batches, points=columns))
            for point in some:
                self._learn(point)

    def _learn(self, new: Given) -> None:
        key = new.minute, new.series, new.offset_ms
        old = self._points.get(key)
        if old is None or _rank(new) >= _rank(old):
            self._points[key] = new
        for name, value in new.extras:
            before = self._extras.get((*key, name))
            if before is None or _rank(new) >= _rank(before[0]):
                self._extras[*key, name] = new, value

    def _merge(self, first: int, last: int) -> None:
        with self._store.read() as connection:
            minutes = minutes_to_merge(connection, first, last)
        for minute in minutes:
            with self._store.read() as connection:
                job = merge_points(connection, minute)
            assert job is not None
            self._store.write(job)
            self.check()

    def _roll_up(self, tier: Tier, bucket: int, most: int | None = None) -> None:
        with self._store.read() as connection:
            parts = point_parts(connection, tier, bucket)
        for part in parts[:most]:
            with self._store.read() as connection:
                packed = roll_up_points(connection, tier, bucket, part)
            if packed is not None:
                self._store.write(packed.write)
                self.check()
        for part in parts[:most]:
            with self._store.read() as connection:
                assert roll_up_points(connection, tier, bucket, part) is None

    def _pack(self, most: int | None) -> None:
        self._merge(HOUR, HOUR + 60)
        with self._store.read() as connection:
            marks = read_hour_marks(connection, HOUR)
        self._roll_up(Tier.HOUR, HOUR, most)
        if most is not None:
            return

        def finish(connection: Connection) -> bool:
            delete_marks(connection, sorted(marks.minutes))
            return finish_hour(connection, HOUR, marks, value_minutes=0)

        assert self._store.write(finish)
        with self._store.read() as connection:
            left = connection.execute(sa.text("SELECT COUNT(*) FROM point")).scalar_one()
            left += connection.execute(sa.text("SELECT COUNT(*) FROM point_batch")).scalar_one()
        assert left == 0

    def _standing(self) -> dict[tuple[int, int, int, str], float]:
        """Extra statistics that count, of points that stand."""
        return {
            key: value
            for key, (carrier, value) in self._extras.items()
            if _rank(carrier) == _rank(self._points[key[:3]])
        }

    def check(self) -> None:
        """Every reader tells what ought to be there."""
        extras = self._standing()
        with self._store.read() as connection:
            for minute in MINUTES:
                self._check_minute(connection, minute, extras)
            self._check_range(connection, extras)
            self._check_presence(connection)
            for statistic in STATISTICS:
                self._check_grids(connection, statistic, extras)

    def _check_minute(
        self, connection: Connection, minute: int, extras: dict[tuple[int, int, int, str], float]
    ) -> None:
        found = read_minute_points(connection, minute)
        expected = sorted(
            (p.series, p.offset_ms, p.samples, p.total, repr(p.minimum), repr(p.maximum))
            for p in self._points.values()
            if p.minute == minute
        )
        columns = (found.series_id, found.offset_ms, found.count, found.total)
        texts = (map(repr, column.tolist()) for column in (found.minimum, found.maximum))
        assert list(zip(*(c.tolist() for c in columns), *texts, strict=True)) == expected
        of_point = zip(
            found.series_id[found.extra_row].tolist(),
            found.offset_ms[found.extra_row].tolist(),
            found.extra_name,
            found.extra_value.tolist(),
            strict=True,
        )
        assert list(of_point) == sorted(
            (series, offset, name, value)
            for (of_minute, series, offset, name), value in extras.items()
            if of_minute == minute
        )

    def _check_range(
        self, connection: Connection, extras: dict[tuple[int, int, int, str], float]
    ) -> None:
        start_ms, end_ms = HOUR * 60_000, (HOUR + 60) * 60_000
        for series in ([3], [1, 4], list(range(1, len(IDENTITIES) + 1))):
            found = read_points(connection, series, start_ms, end_ms, limit=None)
            wanted = sorted(
                (p for p in self._points.values() if p.series in series),
                key=lambda p: (p.series, p.minute, p.offset_ms),
            )
            assert found.series_id.tolist() == [p.series for p in wanted]
            assert found.start_ms.tolist() == [p.minute * 60_000 + p.offset_ms for p in wanted]
            assert found.period_ms.tolist() == [p.period_ms for p in wanted]
            assert found.total.tolist() == [p.total for p in wanted]
            rows = {(p.minute, p.series, p.offset_ms): row for row, p in enumerate(wanted)}
            assert sorted(found.extra) == sorted(
                (rows[key[:3]], key[3], value) for key, value in extras.items() if key[1] in series
            )

    def _check_presence(self, connection: Connection) -> None:
        by_minute: dict[int, set[int]] = {}
        for point in self._points.values():
            by_minute.setdefault(point.minute, set()).add(point.series)
        found = series_of_minutes(connection, HOUR, HOUR + 60)
        assert {minute: set(ids.tolist()) for minute, ids in found.items()} == by_minute
        newest = sorted(by_minute, reverse=True)
        assert newest_minutes(connection, 9, HOUR + 60) == newest
        assert newest_minute(connection, "point") == (newest[0] if newest else None)
        of_one = [minute for minute in newest if 2 in by_minute[minute]]
        last = newest_minute_of_series(connection, [2], HOUR, HOUR + 59)
        assert last == (of_one[0] if of_one else None)
        for minute in MINUTES:
            ids = series_at(connection, Place(Tier.MINUTE, minute), [2, 3, 5])
            assert set(ids.tolist()) == by_minute.get(minute, set()) & {2, 3, 5}
        if self._standing():
            named = {key[3] for key in self._standing()}
            assert named <= {name for _, name in statistics_of_minutes(connection, HOUR, HOUR + 60)}
            sorts = read_extra_statistics(connection, list(MINUTES))
            assert named <= {statistic for *_, statistic in sorts}

    def _check_grids(
        self,
        connection: Connection,
        statistic: str,
        extras: dict[tuple[int, int, int, str], float],
    ) -> None:
        start_ms, end_ms = (HOUR + 1) * 60_000, (HOUR + 60) * 60_000
        expected = {}
        for key, point in self._points.items():
            end = point.minute * 60_000 + point.offset_ms + point.period_ms
            value = {
                "SampleCount": point.samples,
                "Sum": point.total,
                "Minimum": point.minimum,
                "Maximum": point.maximum,
                "Average": point.total / point.samples,
            }.get(statistic, extras.get((*key, statistic), math.nan))
            if start_ms < end <= end_ms and not math.isnan(value):
                expected[point.series, point.period_ms, end] = value
        ids = list(range(1, len(IDENTITIES) + 1))
        found = {}
        for grid in read_point_grids(
            connection, ids, statistic, start_ms, end_ms, take=lambda _: None
        ):
            for row, column in np.argwhere(~np.isnan(grid.values)).tolist():
                place = int(grid.series_id[row]), grid.period_ms, int(grid.ends_ms[column])
                assert place not in found
                found[place] = float(grid.values[row, column])
        assert found == expected

    def _check_tier(self, tier: Tier) -> None:
        start_ms = HOUR * 60_000
        ids = list(range(1, len(IDENTITIES) + 1))
        self._store.write(lambda c: c.execute(sa.text("DELETE FROM dirty_minute")).rowcount)
        with self._store.read() as connection:
            found = read_points(
                connection, ids, start_ms, start_ms + tier.length_ms, limit=None, tier=tier
            )
        by_series: dict[int, list[Given]] = {}
        for point in self._points.values():
            if point.minute < HOUR + tier:
                by_series.setdefault(point.series, []).append(point)
        assert found.series_id.tolist() == sorted(by_series)
        for row, series in enumerate(sorted(by_series)):
            points = by_series[series]
            least = [p.minimum for p in points if not math.isnan(p.minimum)]
            most = [p.maximum for p in points if not math.isnan(p.maximum)]
            assert found.total[row] == math.fsum(p.total for p in points)
            assert found.count[row] == math.fsum(p.samples for p in points)
            assert repr(float(found.minimum[row])) == repr(min(least, default=math.nan))
            assert repr(float(found.maximum[row])) == repr(max(most, default=math.nan))
            assert found.period_ms[row] == tier.length_ms


def _rank(point: Given) -> tuple[bool, float]:
    return not point.backfilled, point.samples
