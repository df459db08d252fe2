"""Values as columns: whatever is written, packed and left half done is read as a dictionary's."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from app.arrays import IntArray
from app.mal import Combine
from app.pipeline.value_rollups import BucketValues, Jobs
from app.storage import (
    EncodedIds,
    Job,
    MetricColumns,
    Store,
    Tier,
    finish_hour,
    newest_minute,
    newest_minute_of_metric,
    read_hour_marks,
    read_value_grid,
    read_values,
    values_at,
    write_values,
)
from app.storage.occurrence import Place

HOUR = 29_000_040
HOURS = (HOUR, HOUR + 60, HOUR + 180)
METRICS = (1, 2, 3)
Key = tuple[int, int]
Numbers = tuple[float, float | None, float | None]
Ids = tuple[IntArray, IntArray]


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    made = Store(database_url, readers=2)
    made.migrate()
    yield made
    made.close()


class KilledError(Exception):
    """The process ends here."""


@dataclass
class Model:
    """What is written, and what the database must answer."""

    store: Store
    random: random.Random
    values: dict[tuple[int, int], dict[Key, Numbers]] = field(default_factory=dict)
    packed: set[int] = field(default_factory=set)
    encoded: EncodedIds = field(default_factory=EncodedIds)
    ids: dict[tuple[Key, ...], Ids] = field(default_factory=dict)

    def write(self) -> None:
        """Evaluate a minute anew: some metrics other than before, some gone, some as they were."""
        minute = self.random.choice(HOURS) + self.random.choice((0, 1, 17, 30, 59))
        given, unchanged, written, gone = [], set(), 0, 0
        for metric in METRICS:
            before = self.values.get((metric, minute), {})
            match self.random.choice(("new", "same", "unchanged", "none", "one")):
                case "new":
                    now = self._numbers(metric)
                case "none":
                    now = {}
                case "one":
                    now = {**before, (5, 1): (1.5, 3.0, 2.0) if metric == 1 else (7.0, None, None)}
                case kind:
                    now = before
                    if kind == "unchanged":
                        unchanged.add(metric)
            if metric not in unchanged:
                given.append(self._columns(metric, now))
            self.values[metric, minute] = now
            if now != before:
                written += len(now)
                gone += len(before.keys() - now.keys())

        def write(connection: sa.Connection) -> int:
            return write_values(
                connection,
                minute,
                given,
                metrics=METRICS,
                marks=(),
                unchanged=unchanged,
                encoded_ids=self.encoded,
            )

        count = self.store.write(write)
        if minute - minute % 60 in self.packed:
            # What it has is not looked at before it is written again.
            assert count >= written
        else:
            assert count == written + gone

    def _columns(self, metric: int, values: dict[Key, Numbers]) -> MetricColumns:
        """Columns whose ids are the same arrays as before where they are the same ids."""
        keys = tuple(sorted(values))
        numbers = np.array([values[key] for key in keys], np.float64).reshape(-1, 3)
        ids = np.array(keys, np.int64).reshape(-1, 2)
        entity_id, label_set_id = self.ids.setdefault(keys, (ids[:, 0], ids[:, 1]))
        return MetricColumns(metric, entity_id, label_set_id, *numbers.T)

    def pack(self, values: int, *, killed: bool) -> bool:
        """What a rollup does to an hour; perhaps it is killed before it ends."""
        hour = self.random.choice(HOURS)
        left = self.random.randint(0, 5) if killed else -1

        def write(job: Job[None]) -> None:
            nonlocal left
            if left == 0:
                raise KilledError
            left -= 1
            self.store.write(job)
            if self.random.random() < 0.2:
                self.check()

        with self.store.read() as connection:
            marks = read_hour_marks(connection, hour)
        combines = {1: Combine.AVERAGE, 2: Combine.SUM}
        bucket = BucketValues(self.store, Tier.HOUR, hour, combines, values_at_once=values)
        try:
            assert bucket.roll_up(Jobs(write), lambda: False)
        except KilledError:
            return False
        minutes = [
            minute - hour
            for (_, minute), of_minute in self.values.items()
            if of_minute and hour <= minute < hour + 60
        ]
        assert bucket.minutes == sum(1 << minute for minute in set(minutes))
        self.packed.add(hour)
        return self.store.write(lambda c: finish_hour(c, hour, marks, value_minutes=bucket.minutes))

    def check(self) -> None:
        """Everything that is read is what was written."""
        with self.store.read() as connection:
            for metric in METRICS:
                found = read_values(connection, metric, None, 0, 2**42, limit=None)
                assert rows(found) == self.rows(metric)
                few = self.random.sample(range(1, 400), 3)
                found = read_values(connection, metric, few, 0, 2**42, limit=None)
                assert rows(found) == [row for row in self.rows(metric) if row[0] in few]
                grid = read_value_grid(connection, metric, None, 0, 2**42, take=lambda _: None)
                assert grid_rows(grid) == sorted(row[:4] for row in self.rows(metric))
                first, last = HOUR + 17, HOUR + 90
                grid = read_value_grid(
                    connection, metric, few, first * 60_000, last * 60_000, take=lambda _: None
                )
                assert grid_rows(grid) == sorted(
                    row[:4] for row in self.rows(metric) if row[0] in few and first <= row[2] < last
                )
                minutes = [row[2] for row in self.rows(metric) if row[0] in few]
                newest = newest_minute_of_metric(connection, metric, few, HOUR, HOUR + 300)
                assert newest == max(minutes, default=None)
                places = [Place(Tier.MINUTE, HOUR + 17), Place(Tier.MINUTE, HOUR + 59)]
                pairs = values_at(connection, places, metric)
                assert set(zip(*(ids.tolist() for ids in pairs), strict=True)) == {
                    row[:2] for row in self.rows(metric) if row[2] in (HOUR + 17, HOUR + 59)
                }
            every = [minute for (_, minute), of_minute in self.values.items() if of_minute]
            assert (newest_minute(connection, "metric_value") or 0) >= max(every, default=0)

    def rows(self, metric: int) -> list[tuple[Any, ...]]:
        """What ``read_values`` has to give."""
        return sorted(
            (*key, minute, *(repr(number) for number in numbers))
            for (one, minute), of_minute in self.values.items()
            if one == metric
            for key, numbers in of_minute.items()
        )

    def _numbers(self, metric: int) -> dict[Key, Numbers]:
        size = self.random.choice((1, 30, 300))
        made: dict[Key, Numbers] = {}
        for entity in self.random.sample(range(1, 400), size):
            for label in self.random.choice(((1,), (1, 2))):
                number = self.random.choice((self.random.random(), float(entity)))
                weight = float(self.random.randint(1, 9))
                match metric:
                    case 1:
                        made[entity, label] = number / weight, number, weight
                    case 2:
                        made[entity, label] = number, None, None
                    case _ if entity % 2:
                        made[entity, label] = number, None, None
                    case _:
                        made[entity, label] = number, number * weight, weight
        return made


def rows(found: object) -> list[tuple[object, ...]]:
    names = ("entity_id", "label_set_id", "minute", "value", "numerator", "weight")
    each = zip(*(getattr(found, name).tolist() for name in names), strict=True)
    return [
        (*row[:3], *(repr(None if np.isnan(number) else number) for number in row[3:]))
        for row in each
    ]


def grid_rows(grid: object) -> list[tuple[object, ...]]:
    entity, labels, minutes = grid.entity_id, grid.label_set_id, grid.minutes  # type: ignore[attr-defined]
    values = grid.values  # type: ignore[attr-defined]
    present = ~np.isnan(values)
    assert present.any(axis=0).all()
    assert present.any(axis=1).all()
    return sorted(
        (int(entity[row]), int(labels[row]), int(minutes[column]), repr(float(values[row, column])))
        for row, column in np.argwhere(present).tolist()
    )


@pytest.mark.parametrize("seed", range(4))
def test_what_is_written_packed_and_left_half_done_is_read_back(
    store: Store, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each metric in a transaction of its own.
    monkeypatch.setattr("app.pipeline.value_rollups._BYTES_PER_JOB", 0)
    model = Model(store, random.Random(seed))
    for _ in range(20):
        if model.random.random() < 0.7:
            model.write()
        else:
            values = model.random.choice((600, 6_000, 10**9))
            model.pack(values, killed=model.random.random() < 0.3)
        model.check()
    assert model.pack(600, killed=False)
    model.check()
