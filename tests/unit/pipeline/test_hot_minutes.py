"""Hot minutes: what is read piece by piece is what a reading of everything gives."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.arrays import IntArray
from app.pipeline.hot_minutes import HotMinutes
from app.rules import MinutePoints
from app.storage import Connection, StoredExtras, StoredPoints, minute_points

MINUTE = 100
NO_CONNECTION = cast("Connection", None)


class Memory:
    """Batches and merged points of minutes, kept in memory; says what was read."""

    def __init__(self) -> None:
        self.batches: dict[int, dict[int, StoredPoints]] = {}
        self.base: dict[int, StoredPoints] = {}
        self.read: list[list[int] | None] = []

    def deliver(self, batch_id: int, points: StoredPoints, minute: int = MINUTE) -> None:
        self.batches.setdefault(minute, {})[batch_id] = points

    def merge(self, minute: int = MINUTE) -> None:
        batches = self.batches.pop(minute, {})
        parts = [self._of_base(minute), *(batches[number] for number in sorted(batches))]
        self.base[minute] = StoredPoints.standing(parts)

    def read_batch_ids(self, _: Connection, minute: int) -> IntArray:
        return np.array(sorted(self.batches.get(minute, {})), np.int64)

    def read_batches(self, _: Connection, minute: int, batch_ids: IntArray) -> StoredPoints:
        self.read.append(batch_ids.tolist())
        return StoredPoints.standing([self.batches[minute][n] for n in batch_ids.tolist()])

    def read_base(self, _: Connection, minute: int) -> StoredPoints:
        self.read.append(None)
        return self._of_base(minute)

    def everything(self, minute: int = MINUTE) -> MinutePoints:
        batches = self.batches.get(minute, {})
        parts = [self._of_base(minute), *(batches[number] for number in sorted(batches))]
        return minute_points(minute, StoredPoints.standing(parts))

    def _of_base(self, minute: int) -> StoredPoints:
        return self.base.get(minute, StoredPoints.empty())


Row = tuple[int, int, int, float, bool, bool]


def stored(rows: Sequence[Row]) -> StoredPoints:
    """Points of rows (series, offset, count, sum, has a percentile, backfilled)."""
    whole = StoredPoints(
        np.full(len(rows), MINUTE),
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.int64),
        np.full(len(rows), 60_000),
        np.array([row[2] for row in rows], np.float64),
        np.array([row[3] for row in rows], np.float64),
        np.zeros(len(rows)),
        np.ones(len(rows)),
        np.array([row[5] for row in rows], np.bool_),
        StoredExtras.empty(),
    )
    having = np.flatnonzero([row[4] for row in rows])
    extras = StoredExtras(
        whole.minute[having],
        whole.series_id[having],
        whole.offset_ms[having],
        having % 2,
        whole.total[having] + 0.5,
        whole.count[having],
        whole.backfilled[having],
        ("p99", "p50"),
    )
    return StoredPoints.standing([whole.with_extras(extras)])


def points_of(*series: int, count: int = 1, total: float = 1.0) -> StoredPoints:
    return stored([(number, 0, count, total, False, False) for number in series])


def contents(points: MinutePoints) -> list[object]:
    """Everything, to the last bit; extra statistics are in no particular order."""
    names = [each.name for each in fields(points) if not each.name.startswith("extra")]
    columns = [np.asarray(getattr(points, name)).tolist() for name in names]
    extras = zip(
        points.extra_row.tolist(), points.extra_name, points.extra_value.tolist(), strict=True
    )
    return [*columns, sorted(extras)]


ROW = st.tuples(
    st.integers(1, 5),
    st.sampled_from([0, 30_000]),
    st.integers(1, 3),
    st.floats(0, 9),
    st.booleans(),
    st.booleans(),
)
STEP: st.SearchStrategy[tuple[str, list[Row]]] = st.one_of(
    st.tuples(st.just("deliver"), st.lists(ROW, min_size=1, max_size=5)),
    st.tuples(st.just("deliver late"), st.lists(ROW, min_size=1, max_size=5)),
    st.tuples(st.sampled_from(["merge", "look", "forget"]), st.just([])),
)


@given(steps=st.lists(STEP, max_size=20))
def test_pieces_give_what_everything_gives(steps: list[tuple[str, list[Row]]]) -> None:
    memory, next_id = Memory(), 1
    hot = HotMinutes(memory)
    for what, rows in steps:
        match what:
            case "deliver":
                memory.deliver(next_id + 1, stored(rows))
                next_id += 2
            case "deliver late":  # of a transaction that took its id before the last one
                memory.deliver(next_id - 2, stored(rows))
                next_id += 2
            case "merge":
                memory.merge()
            case "forget":
                hot.forget()
        if what != "deliver":
            found = hot.points(NO_CONNECTION, MINUTE, epoch=1)
            assert contents(found) == contents(memory.everything())


def test_only_new_batches_are_read() -> None:
    memory = Memory()
    hot = HotMinutes(memory)
    memory.deliver(1, points_of(1, 2))
    hot.points(NO_CONNECTION, MINUTE, epoch=1)
    memory.deliver(2, points_of(2, 3, count=5))
    hot.points(NO_CONNECTION, MINUTE, epoch=1)
    same = hot.points(NO_CONNECTION, MINUTE, epoch=1)
    assert memory.read == [[1], None, [2]]
    assert same.count.tolist() == [1.0, 5.0, 5.0]
    assert hot.points(NO_CONNECTION, MINUTE, epoch=1) is same


def _merged(memory: Memory, hot: HotMinutes) -> int:  # noqa: ARG001 - one of several
    memory.merge()
    memory.deliver(9, points_of(9))
    return 1


def _another_database(memory: Memory, hot: HotMinutes) -> int:  # noqa: ARG001 - one of several
    return 2


def _lost_lease(memory: Memory, hot: HotMinutes) -> int:  # noqa: ARG001 - one of several
    hot.forget()
    return 1


def _earlier_batch(memory: Memory, hot: HotMinutes) -> int:  # noqa: ARG001 - one of several
    memory.deliver(3, points_of(1, total=7.0))
    return 1


@pytest.mark.parametrize("happens", [_merged, _another_database, _lost_lease, _earlier_batch])
def test_in_any_doubt_everything_is_read_anew(happens: Callable[[Memory, HotMinutes], int]) -> None:
    memory = Memory()
    hot = HotMinutes(memory)
    memory.deliver(5, points_of(1, 2))
    hot.points(NO_CONNECTION, MINUTE, epoch=1)
    memory.read.clear()
    epoch = happens(memory, hot)
    found = hot.points(NO_CONNECTION, MINUTE, epoch=epoch)
    assert None in memory.read
    assert contents(found) == contents(memory.everything())


def test_a_minute_without_batches_is_never_remembered() -> None:
    memory = Memory()
    hot = HotMinutes(memory)
    memory.deliver(1, points_of(1))
    memory.merge()
    assert len(hot.points(NO_CONNECTION, MINUTE, epoch=1).series_id) == 1
    memory.deliver(2, points_of(2))
    memory.merge()
    assert len(hot.points(NO_CONNECTION, MINUTE, epoch=1).series_id) == 2


@pytest.mark.parametrize(("most_minutes", "most_bytes"), [(2, 10**9), (100, 300)])
def test_the_oldest_minutes_go_first(most_minutes: int, most_bytes: int) -> None:
    memory = Memory()
    hot = HotMinutes(memory, most_minutes=most_minutes, most_bytes=most_bytes)
    for minute in (1, 2, 3):
        memory.deliver(1, points_of(1, 2), minute)
        hot.points(NO_CONNECTION, minute, epoch=1)
    memory.read.clear()
    for minute in (3, 2, 1):
        hot.points(NO_CONNECTION, minute, epoch=1)
    assert memory.read == [[1], None]
