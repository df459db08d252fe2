"""Values that are points to the last bit lie with these; whatever happens, they are the same.

They do so on SQLite alone.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import sqlalchemy as sa

from app.arrays import FloatArray
from app.pipeline import Holder, Maintenance, Retention, Rollups
from app.simulator import Point
from app.storage import Job, SourceIndex, Tier, ValueMatrix, expire, pack_values
from app.storage.packed_points import read_packed_points
from app.storage.packed_sources import Source
from app.storage.packed_values import read_packed_values
from app.storage.series_groups import groups_of
from tests.fixtures.grids import check_grids, packed_hours
from tests.fixtures.house import House, house
from tests.fixtures.rollups import START_MS, capacity, deliver, latency, rules

HOUR = START_MS // 60_000
BLOCKS = (
    f"SELECT metric_id, value, numerator, weight, sources FROM packed_value WHERE minute = {HOUR}"
)
PLACED = f"{BLOCKS} AND sources IS NOT NULL"


def points() -> list[Point]:
    """An hour of three tables, and a little of the next."""
    return [
        point
        for minute in (*range(0, 60, 2), 61)
        for point in (
            capacity(minute, minute + 0.5, count=2),
            capacity(minute, minute / 7, count=3, table="users"),
            # Idle: it costs nothing where it is.
            capacity(minute, 0.0, table="idle"),
            latency(minute, 1 / (minute + 1), count=4),
        )
    ]


@pytest.fixture
def inside(sqlite_url: str) -> Iterator[House]:
    """The points, packed."""
    with house(sqlite_url, rules()) as made:
        deliver(made, *points(), request_id="1")
        before = shown(made)
        made.rollups.run_once()
        assert packed_hours(made) == [HOUR, HOUR + 60]
        assert shown(made) == before
        yield made


def shown(inside: House) -> tuple[object, ...]:
    """What the view shows, and the grids, which must be the same."""
    check_grids(inside)
    return tuple(inside.rows("SELECT * FROM v_values"))


def test_values_that_are_points_are_not_stored_again(inside: House) -> None:
    placed = inside.rows(PLACED)
    assert len(placed) == len(inside.rows(BLOCKS)) == 6
    # Blocks of capacity have the row of the idle table themselves, and averages the weight 4.
    assert sorted(row[1:4].count(None) for row in placed) == [2, 2, 2, 2, 3, 3]


def test_postgresql_has_all_values_where_its_views_look(postgresql_url: str) -> None:
    with house(postgresql_url, rules()) as inside:
        deliver(inside, *points(), request_id="1")
        before = shown(inside)
        inside.rollups.run_once()
        assert packed_hours(inside) == [HOUR, HOUR + 60]
        assert shown(inside) == before
        assert inside.rows(PLACED) == []


def test_values_whose_rule_is_gone_stay_when_their_points_change(inside: House) -> None:
    """Nobody computes them again, so they are what they were."""
    before = shown(inside)
    with house(inside.store.description, [], holder=Holder.this_process()) as without:
        deliver(without, latency(2, 77.0, count=9), request_id="late")
        deliver(without, capacity(4, 55.0, count=9), request_id="late too")
        assert shown(without) == before
        without.rollups.run_once()
        assert without.rows("SELECT sum FROM v_points WHERE sum = 77") == [(77.0,)]
        assert shown(without) == before
        # Latencies are no points any more; capacities of the other table still are.
        assert len(without.rows(PLACED)) == 3


class KilledError(Exception):
    """The process ends here."""


@pytest.mark.parametrize("with_rules", [True, False])
def test_killed_while_an_hour_is_packed_again(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, *, with_rules: bool
) -> None:
    """With each start it comes one transaction further than the last time."""
    monkeypatch.setattr("app.pipeline.value_rollups._BYTES_PER_JOB", 0)
    write = Rollups._write
    left = 1_000

    def killed(self: Rollups, job: Job[object], *, epoch: int | None = None) -> object:
        nonlocal left
        left -= 1
        if left < 0:
            raise KilledError
        return write(self, job, epoch=epoch)

    monkeypatch.setattr(Rollups, "_write", killed)
    with house(sqlite_url, rules()) as inside:
        deliver(inside, *points(), request_id="1")
        inside.rollups.run_once()
        assert len(inside.rows(PLACED)) == 6
    expected = None
    for start in range(60):
        with house(sqlite_url, rules() if with_rules else []) as inside:
            if expected is None:
                late = latency(2, 77.0, count=9), replace(points()[9], sum=0.125, count=9)
                deliver(inside, *late, request_id="late")
                expected = shown(inside)
            left = start
            try:
                inside.rollups.run_once()
            except KilledError:
                assert shown(inside) == expected
                continue
            assert shown(inside) == expected
            assert len(inside.rows(PLACED)) == (6 if with_rules else 3)
            assert inside.rows("SELECT * FROM dirty_rollup") == []
            break
    assert start >= 3


def test_points_change_in_the_transaction_in_which_values_leave_them(
    inside: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In each snapshot every value that was not computed again is what it was."""
    deliver(inside, latency(2, 77.0, count=9), request_id="late")
    before = shown(inside)
    places = {repr(inside.rows(PLACED))}
    write = Rollups._write

    def watched(self: Rollups, job: Job[object], *, epoch: int | None = None) -> object:
        result = write(self, job, epoch=epoch)
        assert shown(inside) == before
        places.add(repr(inside.rows(PLACED)))
        return result

    monkeypatch.setattr(Rollups, "_write", watched)
    inside.rollups.run_once()
    # As they were, without those whose points were about to change, and as they are now.
    assert len(places) == 3


def test_nothing_is_written_when_nothing_has_changed(inside: House) -> None:
    before = inside.rows(BLOCKS)
    inside.store.write(
        lambda c: c.exec_driver_sql(f"INSERT INTO dirty_rollup (tier, minute) VALUES (60, {HOUR})")
    )
    assert inside.rollups.run_once() == 1
    assert inside.rows(BLOCKS) == before


def test_points_and_values_go_together(inside: House) -> None:
    """Between the two deletions nobody reads what is left of the hour."""
    inside.store.write(lambda c: expire(c, {Tier.MINUTE: HOUR + 60}))
    left = inside.rows(f"SELECT * FROM v_values WHERE minute >= {HOUR + 60}")
    inside.store.write(
        lambda c: c.exec_driver_sql(f"DELETE FROM packed_point WHERE minute = {HOUR}")
    )
    assert list(shown(inside)) == left
    forever = dict.fromkeys(Tier, 0)
    retention = Retention(48, 30, forever)
    deleted = Maintenance(inside.store, inside.clock, inside.lease, retention).run_once()
    assert deleted["packed_value"] > 0
    assert inside.rows(BLOCKS) == []
    assert list(shown(inside)) == left


def test_points_that_are_gone_are_an_error_and_not_other_numbers(inside: House) -> None:
    """Nobody does this but by hand."""
    (metric,) = inside.rows("SELECT metric_id FROM metric WHERE name = 't_average'")[0]
    inside.store.write(
        lambda c: c.exec_driver_sql("DELETE FROM packed_point WHERE statistic = 'Sum'")
    )
    with inside.store.read() as connection:
        with pytest.raises(ValueError, match=f"packed hour {HOUR} lie among points that are gone"):
            list(read_packed_values(connection, metric, [HOUR], None))  # type: ignore[arg-type]
        query = f"SELECT value FROM v_values WHERE metric = 't_average' AND minute = {HOUR}"
        with pytest.raises(sa.exc.OperationalError):
            connection.exec_driver_sql(query).all()


def test_few_entities_are_read_without_the_others(inside: House) -> None:
    (metric,) = inside.rows("SELECT metric_id FROM metric WHERE name = 't_sum'")[0]
    ids = [row[0] for row in inside.rows("SELECT DISTINCT entity_id FROM value_rows")]
    assert len(ids) == 3
    with inside.store.read() as connection:
        (whole,) = read_packed_values(connection, metric, [HOUR], None)  # type: ignore[arg-type]
        for entity in ids:
            wanted = np.array([entity])
            (found,) = read_packed_values(connection, metric, [HOUR], wanted)  # type: ignore[arg-type]
            row = whole.value[whole.entity_id == entity]
            assert found.value[found.entity_id == entity].tobytes() == row.tobytes()


def test_equal_hashes_are_not_equal_numbers(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a hash says, values are compared with what is there."""
    monkeypatch.setattr("app.storage.packed_sources._MIXING", np.zeros(60, np.uint64))
    with house(sqlite_url, rules()) as inside:
        deliver(inside, *points(), request_id="1")
        before = shown(inside)
        inside.rollups.run_once()
        assert shown(inside) == before


def test_random_values_come_back_bit_for_bit(inside: House) -> None:
    """Rows of points, rows that differ from them in one bit, and others, in any mixture."""
    generator = np.random.default_rng(40)
    index, known = _sources(inside)
    metric = max(int(row[0]) for row in inside.rows("SELECT metric_id FROM metric")) + 1  # type: ignore[call-overload]
    for trial in range(12):
        parts = [_mixture(generator, known, trial % 4) for _ in range(3)]
        if trial % 3 == 0:
            with np.errstate(all="ignore"):
                parts[0] = parts[1] / parts[2]
        entities = np.sort(generator.choice(1_000, len(parts[0]), replace=False))
        there = ~np.isnan(parts[0]).all(axis=1)
        value, numerator, weight = (part[there] for part in parts)
        size = len(value)
        ids = np.full(size, metric), entities[there], np.ones(size, np.int64)
        matrix = ValueMatrix(*ids, value.T, numerator.T, weight.T)
        with inside.store.read() as connection:
            for packed in list(
                pack_values(connection, HOUR, [metric], matrix, None, sources=index)
            ):
                inside.store.write(packed.write)
        with inside.store.read() as connection:
            blocks = list(read_packed_values(connection, metric, [HOUR], None, parts=True))
        found = {name: np.concatenate([getattr(b, name) for b in blocks]) for name in NUMBERS}
        assert np.concatenate([b.entity_id for b in blocks]).tolist() == ids[1].tolist()
        present = ~np.isnan(value)
        assert (np.isnan(found["value"]) == ~present).all()
        for name, part in zip(NUMBERS, (value, numerator, weight), strict=True):
            assert _bits(found[name][present]) == _bits(part[present])
        sources = inside.rows(f"{PLACED} AND metric_id = {metric}")
        assert sources


NUMBERS = ("value", "numerator", "weight")


def _sources(inside: House) -> tuple[SourceIndex, FloatArray]:
    """Where the hour's points lie, and their rows."""
    index = SourceIndex()
    rows = []
    with inside.store.read() as connection:
        for block in read_packed_points(connection, [HOUR]):
            group = int(groups_of(connection, block.series_id)[0])
            for statistic, values in block.values.items():
                assert block.row is None
                index.add(Source(group, statistic, int(block.series_id[0])), values)
                rows.append(values.reshape(-1, 60))
    return index, np.concatenate(rows)


def _mixture(generator: np.random.Generator, known: FloatArray, different: int) -> FloatArray:
    size = 300
    rows = known[generator.integers(len(known), size=size)].copy()
    others = np.flatnonzero(generator.random(size) < 0.2 * different)
    rows.view(np.int64)[others, generator.integers(60, size=len(others))] ^= 1
    rows[generator.random(size) < 0.1] = np.nan
    rows[generator.random(size) < 0.1] = -0.0
    return rows


def _bits(values: FloatArray) -> bytes:
    """All NaN are the same; so are zeros, which may lose their sign."""
    return np.where(np.isnan(values), np.nan, values + 0.0).tobytes()
