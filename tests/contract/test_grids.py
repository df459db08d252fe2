"""Matrices of stored values and points, held against the rows that SQL shows; on both engines."""

import random
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from app.errors import HydrantError
from app.otlp.batch import BatchBuilder
from app.storage import (
    Connection,
    PointGrid,
    ValueGrid,
    read_point_grids,
    read_value_grid,
    value_columns,
    write_minute,
)
from app.storage.delivered_points import point_columns
from app.storage.point_batches import write_batches
from tests.fixtures.house import House, house

MINUTE = 29_916_600
"""The first minute of an hour that has settled."""
START_MS = MINUTE * 60_000
NAN = float("nan")


@pytest.fixture
def inside(database_url: str) -> Iterator[House]:
    with house(database_url, []) as made:
        yield made


def write_values(inside: House, *rows: tuple[int, int, int, int, float]) -> None:
    """Rows (minute from the start, metric, entity, label set, value)."""
    inside.store.write(lambda c: _values(c, rows))


def _values(connection: Connection, rows: Sequence[tuple[int, int, int, int, float]]) -> None:
    columns = value_columns([(row[0] + MINUTE, *row[1:], None, None) for row in rows])
    metrics = np.unique(columns.metric_id).tolist()
    for minute in np.unique(columns.minute).tolist():
        of_minute = columns.take(np.flatnonzero(columns.minute == minute))
        write_minute(connection, minute, of_minute, metrics=metrics, marks=())


def write_points(
    inside: House,
    *rows: tuple[int, int, int, int, float, float, float],
    extras: Sequence[tuple[int, int, str, float]] = (),
) -> None:
    """Rows (minute from the start, series, offset, period, SampleCount, Sum, Minimum).

    ``extras`` are (minute from the start, series, statistic, value) of points without offset.
    """

    def write(connection: Connection) -> None:
        builder = BatchBuilder()
        for minute, series, offset, period, *values in rows:
            start_ms = (MINUTE + minute) * 60_000 + offset
            count, total, minimum = values
            of_point = [extra[2:] for extra in extras if extra[:2] == (minute, series)]
            builder.add(series, start_ms, period, (count, total, minimum, 7.0), of_point)
        batch = builder.build()
        write_batches(connection, point_columns(batch, batch.slot))

    inside.store.write(write)


def value_grid(
    inside: House, entities: Sequence[int] | None = None, first: int = 0, last: int = 180
) -> ValueGrid:
    """Values of metric 1 in minutes from the start."""
    with inside.store.read() as connection:
        return read_value_grid(
            connection,
            1,
            entities,
            START_MS + first * 60_000,
            START_MS + last * 60_000,
            take=lambda _: None,
        )


def cells(grid: ValueGrid) -> dict[tuple[int, int, int], float]:
    """Values by (minute from the start, entity, label set)."""
    found = {}
    for entity, labels, row in zip(grid.entity_id, grid.label_set_id, grid.values, strict=True):
        for minute, value in zip(grid.minutes, row, strict=True):
            if not np.isnan(value):
                found[int(minute) - MINUTE, int(entity), int(labels)] = float(value)
    return found


def point_grids(
    inside: House, series: Sequence[int], statistic: str, first_ms: int = 0, last_ms: int = 10**7
) -> list[PointGrid]:
    """Grids of points that end within milliseconds from the start."""
    with inside.store.read() as connection:
        return read_point_grids(
            connection,
            series,
            statistic,
            START_MS + first_ms,
            START_MS + last_ms,
            take=lambda _: None,
        )


def point_cells(grids: Sequence[PointGrid]) -> dict[tuple[int, int, int], float]:
    """Values by (series, period, end in ms from the start); none may be in two grids."""
    found = {}
    for grid in grids:
        assert (np.diff(grid.series_id) > 0).all()
        assert (np.diff(grid.ends_ms) > 0).all()
        for series, row in zip(grid.series_id, grid.values, strict=True):
            for end, value in zip(grid.ends_ms, row, strict=True):
                key = int(series), grid.period_ms, int(end) - START_MS
                assert key not in found
                if not np.isnan(value):
                    found[key] = float(value)
    return found


def test_values_are_those_of_the_rows(inside: House) -> None:
    """Series that come and go, label sets, other metrics, an hour without anything."""
    chosen = random.Random(5)
    rows = {
        (minute, metric, entity, labels): chosen.uniform(-1e9, 1e9)
        for minute in (*range(65), *range(170, 180))
        for metric in (1, 2)
        for entity in (3, 9, 70_000)
        for labels in (1, 4)
        if chosen.random() < 0.8
    }
    write_values(inside, *((*key, value) for key, value in rows.items()))

    def expected(entities: Sequence[int], first: int, last: int) -> dict[object, float]:
        return {
            (minute, entity, labels): value
            for (minute, metric, entity, labels), value in rows.items()
            if metric == 1 and entity in entities and first <= minute < last
        }

    assert cells(value_grid(inside)) == expected((3, 9, 70_000), 0, 180)
    for entities in ([3], [70_000, 3], [9, 10, 11], [8], []):
        assert cells(value_grid(inside, entities)) == expected(entities, 0, 180)
    for first, last in ((0, 0), (5, 6), (64, 171), (66, 169), (-500, 100_000)):
        grid = value_grid(inside, first=first, last=last)
        assert cells(grid) == expected((3, 9, 70_000), first, last)
        assert grid.values.shape == (len(grid.entity_id), len(grid.minutes))
        assert (np.diff(grid.minutes) > 0).all()
        assert (np.diff(grid.entity_id * 10 + grid.label_set_id) > 0).all()


def test_the_range_is_that_of_starts_of_minutes(inside: House) -> None:
    write_values(inside, *((minute, 1, 1, 1, float(minute)) for minute in range(3)))
    with inside.store.read() as connection:
        for first_ms, last_ms, minutes in ((0, 60_001, [0, 1]), (1, 120_000, [1]), (1, 1, [])):
            grid = read_value_grid(
                connection, 1, None, START_MS + first_ms, START_MS + last_ms, take=lambda _: None
            )
            assert (grid.minutes - MINUTE).tolist() == minutes


def test_any_range_of_time_is_answered_soon(inside: House) -> None:
    write_values(inside, (0, 1, 1, 1, 2.0))
    write_points(inside, (0, 1, 0, 60_000, 1, 2, 1))
    with inside.store.read() as connection:
        values = read_value_grid(connection, 1, None, -(2**50), 2**50, take=lambda _: None)
        points = read_point_grids(connection, [1], "Sum", -(2**50), 2**50, take=lambda _: None)
    assert values.values.tolist() == points[0].values.tolist() == [[2.0]]


def test_the_statistics_of_points(inside: House) -> None:
    write_points(
        inside,
        (0, 1, 0, 60_000, 4, 10.0, 1.5),
        (0, 2, 0, 60_000, 0, 3.0, NAN),
        (1, 1, 0, 60_000, 3, 1.0, NAN),
        (1, 5, 0, 60_000, 1e-300, 1e300, 0.5),
    )
    keys = [(1, 60_000, 60_000), (2, 60_000, 60_000), (1, 60_000, 120_000)]
    expected: dict[str, list[float | None]] = {
        "SampleCount": [4.0, 0.0, 3.0],
        "Sum": [10.0, 3.0, 1.0],
        "Minimum": [1.5, None, None],
        "Maximum": [7.0, 7.0, 7.0],
        "Average": [2.5, None, 1.0 / 3.0],
        "p99": [None, None, None],
    }
    for statistic, values in expected.items():
        wanted = {key: value for key, value in zip(keys, values, strict=True) if value is not None}
        assert point_cells(point_grids(inside, [2, 1], statistic)) == wanted
    assert point_cells(point_grids(inside, [5], "Average")) == {(5, 60_000, 120_000): np.inf}
    assert point_grids(inside, [], "Sum") == point_grids(inside, [3], "Sum") == []


def test_extra_statistics_of_restated_points_do_not_count(inside: House) -> None:
    write_points(
        inside,
        (0, 1, 0, 60_000, 4, 10.0, 1.5),
        (1, 1, 0, 60_000, 4, 10.0, 1.5),
        extras=[(0, 1, "p99", 1.25), (0, 1, "TM(10%:90%)", 1.75), (1, 1, "p99", 2.25)],
    )
    write_points(inside, (1, 1, 0, 60_000, 5, 10.0, 1.5))
    assert point_cells(point_grids(inside, [1, 2], "p99")) == {(1, 60_000, 60_000): 1.25}
    assert point_cells(point_grids(inside, [1], "TM(10%:90%)")) == {(1, 60_000, 60_000): 1.75}


def test_points_are_found_by_the_end_of_their_period(inside: House) -> None:
    rows = [
        (minute, 1, offset, period, 1, float(minute * 1000 + offset), 0.0)
        for minute in (-61, -60, -5, -1, 0, 1, 60)
        for offset, period in ((0, 60_000), (30_000, 15_000), (45_000, 300_000), (100, 3_600_000))
    ]
    write_points(inside, *rows, (-70, 1, 0, 3_600_001, 1, 5.0, 0.0), (0, 1, 7, 0, 1, 0.5, 0.0))
    ends = {
        (1, period, minute * 60_000 + offset + period): total
        for minute, _, offset, period, _, total, _ in rows
    }
    ends[1, 0, 7] = 0.5
    for first_ms, last_ms in ((0, 60_000), (59_999, 60_000), (60_000, 60_001), (-1, 10**7), (7, 7)):
        expected = {key: value for key, value in ends.items() if first_ms < key[2] <= last_ms}
        assert point_cells(point_grids(inside, [1], "Sum", first_ms, last_ms)) == expected


def test_series_of_the_same_times_share_a_grid(inside: House) -> None:
    """Regular series are few grids; one that begins anywhere does not spread the others."""
    regular = [
        (minute, series, offset, 15_000, 1, 1.0, 0.0)
        for minute in range(3)
        for series in (1, 2)
        for offset in (0, 15_000, 30_000, 45_000)
    ]
    stray = [(minute, 3, minute * 777 + 1, 15_000, 1, 2.0, 0.0) for minute in range(3)]
    write_points(inside, *regular, *stray)
    grids = point_grids(inside, [1, 2, 3], "Sum")
    assert [(grid.series_id.tolist(), grid.values.shape) for grid in grids] == [
        ([1, 2], (2, 12)),
        ([3], (1, 3)),
    ]


class TooManyError(HydrantError):
    """What ``take`` raises here."""


def test_cells_are_told_before_there_are_too_many(inside: House) -> None:
    """As rows are read, and once more for the cells between them."""
    write_values(inside, *((minute, 1, minute, 1, 1.0) for minute in range(10)))
    write_points(inside, *((minute, minute, 0, 60_000, 1, 1.0, 0.0) for minute in range(10)))
    for limit in (9, 99, 100):
        left = limit

        def take(count: int) -> None:
            nonlocal left
            left -= count
            if left < 0:
                raise TooManyError("too many")

        def read(limit: int = limit) -> None:
            nonlocal left
            with inside.store.read() as connection:
                left = limit
                read_value_grid(connection, 1, None, START_MS, START_MS + 10**7, take=take)
                left = limit
                ids = list(range(10))
                read_point_grids(connection, ids, "Sum", START_MS, START_MS + 10**7, take=take)

        if limit == 100:
            read()
            assert left == 0
        else:
            with pytest.raises(TooManyError):
                read()
