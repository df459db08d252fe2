"""What goes wrong, or only unusually, between CloudWatch and the endpoint (sections A.3, B.3).

Late points and held-back consumption act on points before they enter the Firehose; duplicates and
shuffling act on its requests. Every choice is drawn from the seed.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeVar

from app.simulator.draws import key_of, uniform
from app.simulator.points import PERIOD_MS, Point, Series

MAX_LATE_MINUTES = 10
_HELD_MINUTES = 5
_HELD_SHARE = 3
_SHUFFLE_WINDOW = 4
_HELD_METRICS = {"ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"}

_Item = TypeVar("_Item")


class Arrivals:
    """Points on their way into the metric stream, by the minute in which they arrive.

    Minutes count from 1970. A point of minute m arrives in minute m unless it is late, or belongs
    to the third of the series whose consumption arrives for five minutes at once. `detours` leads
    all that would arrive in a minute to another one, or nowhere (None).
    """

    def __init__(
        self, seed: int, late: float, detours: Mapping[int, int | None] = MappingProxyType({})
    ) -> None:
        self._seed = seed
        self._late = late
        self._detours = detours
        self._held: dict[Series, bool] = {}
        self._waiting: dict[int, list[Point]] = {}
        self._minutes: list[int] = []

    def add(self, points: Iterable[Point]) -> None:
        """Take the points of a minute."""
        for point in points:
            usual = point.start_ms // PERIOD_MS + self.delay_minutes(point)
            minute = self._detours.get(usual, usual)
            if minute is None:
                continue
            if minute not in self._waiting:
                self._waiting[minute] = []
                heapq.heappush(self._minutes, minute)
            self._waiting[minute].append(point)

    def take(self, minute: int) -> list[Point]:
        """Return what arrives in this minute, and what should have before."""
        points: list[Point] = []
        while self._minutes and self._minutes[0] <= minute:
            points += self._waiting.pop(heapq.heappop(self._minutes))
        return points

    def next_minute(self) -> int | None:
        """Return when the next points arrive, None if there are no more."""
        return self._minutes[0] if self._minutes else None

    def delay_minutes(self, point: Point) -> int:
        """Return by how many minutes a point is later than it could be."""
        minute = point.start_ms // PERIOD_MS
        delay = _HELD_MINUTES - 1 - minute % _HELD_MINUTES if self._is_held(point.series) else 0
        if self._late:
            series = point.series
            parts = (series.account, series.region, series.metric, series.dimensions, minute)
            if uniform(self._seed, "late", *parts) < self._late:
                delay += 1 + int(MAX_LATE_MINUTES * uniform(self._seed, "later", *parts))
        return delay

    def _is_held(self, series: Series) -> bool:
        held = self._held.get(series)
        if held is None:
            key = key_of(self._seed, "held", series.account, series.region, series.dimensions)
            held = series.metric in _HELD_METRICS and key % _HELD_SHARE == 0
            self._held[series] = held
        return held


def duplicated(
    items: Iterable[_Item],
    share: float,
    seed: int,
    again: Callable[[_Item, bool], _Item],
) -> Iterator[_Item]:
    """Repeat a share of the items: at once, or after the following one.

    `again(item, renamed)` makes the repetition, a third of them under a new request id.
    """
    held: list[_Item] = []
    for position, item in enumerate(items):
        yield item
        yield from held
        held.clear()
        if uniform(seed, "duplicate", position) < share:
            kind = uniform(seed, "kind of duplicate", position)
            copy = again(item, kind < 1 / 3)
            if key_of(seed, "at once", position) % 2:
                yield copy
            else:
                held.append(copy)
    yield from held


def shuffled(items: Iterable[_Item], seed: int) -> Iterator[_Item]:
    """Reorder items within a window that is always full until the end."""
    window: list[_Item] = []
    for position, item in enumerate(items):
        window.append(item)
        if len(window) > _SHUFFLE_WINDOW:
            yield window.pop(key_of(seed, "shuffle", position) % len(window))
    while window:
        yield window.pop(key_of(seed, "shuffle end", len(window)) % len(window))
