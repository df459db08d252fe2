"""What each part of a DynamoDB account says about one minute (section C).

An emitter turns a minute and its uniform draws into points. It keeps no state: the same minute
and draws give the same points, in whichever order minutes are asked for.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from app.simulator.points import PERIOD_MS, Point, Series

DRAWS = 8
_MINUTES_PER_DAY = 1440
FIVE_MINUTES = 5


class Emitter(Protocol):
    """One part of the account; `key` selects its draws."""

    @property
    def key(self) -> int:
        """64 bits that are this emitter's own."""
        ...

    def points(self, minute: int, draws: Sequence[float]) -> Iterator[Point]:
        """Yield the points of a minute since 1970 from DRAWS numbers in [0, 1)."""
        ...


def demand(mean: float, minute: int, phase: float, noise: float) -> int:
    """Return whole requests in a minute: a daily wave of 40 % and noise of a half."""
    angle = 2 * math.pi * (minute / _MINUTES_PER_DAY + phase)
    return int(mean * (1 + 0.4 * math.sin(angle)) * (0.5 + noise) + noise)


def level(series: Series, minute: int, value: float) -> Point:
    """Return a setting or gauge: one sample, all statistics alike."""
    return Point(series, minute * PERIOD_MS, 1, value, value, value)


def tally(series: Series, minute: int, events: int) -> Point:
    """Return `events` samples of 1 each, as DynamoDB counts errors and throttles."""
    return Point(series, minute * PERIOD_MS, events, float(events), 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Levels:
    """Settings and limits: the 5-minute metrics, sent once in five minutes with a 60 s period."""

    key: int
    values: tuple[tuple[Series, float], ...]

    def points(self, minute: int, draws: Sequence[float]) -> Iterator[Point]:
        """Yield all levels in every fifth minute; they do not vary."""
        del draws
        if minute % FIVE_MINUTES == 0:
            for series, value in self.values:
                yield level(series, minute, value)


@dataclass(frozen=True, slots=True)
class Consumption:
    """Consumed capacity of a table or index; a multiple of 0.5 units, zeros while idle.

    With `sources`, the two series by Source (Customer, GlobalTable) that add up to `series`.
    """

    key: int
    series: Series
    requests: float
    sources: tuple[Series, Series] | None = None

    def points(self, minute: int, draws: Sequence[float]) -> Iterator[Point]:
        """Yield one point, or three for a global table: the total and its two parts."""
        phase = self.key / 2**64
        requests = demand(self.requests, minute, phase, draws[0]) if self.requests else 0
        if not requests:
            yield level(self.series, minute, 0.0)
            return
        total = _half_units(requests, draws[1])
        largest = max(math.ceil(2 * total / requests) / 2, 0.5 * (1 + int(16 * draws[2])))
        if requests == 1:
            yield level(self.series, minute, total)
        else:
            yield Point(self.series, minute * PERIOD_MS, requests, total, 0.5, largest)
        if self.sources is not None:
            customers = max(1, int(requests * (0.4 + 0.4 * draws[3])))
            own = min(total, _half_units(customers, draws[1]))
            customer, replicated = self.sources
            yield Point(customer, minute * PERIOD_MS, customers, own, 0.5, largest)
            if requests > customers and total > own:
                rest = requests - customers
                yield Point(replicated, minute * PERIOD_MS, rest, total - own, 0.5, largest)


def _half_units(requests: int, draw: float) -> float:
    return max(requests, round(requests * (1 + 3 * draw))) / 2


@dataclass(frozen=True, slots=True)
class Throttling:
    """Throttle events of a hot table or index and their causes of 2025, which add up to them.

    `shares` gives each cause's part of the events, in the order of `causes`.
    """

    key: int
    series: Series
    causes: tuple[Series, ...]
    shares: tuple[float, ...]

    def points(self, minute: int, draws: Sequence[float]) -> Iterator[Point]:
        """Yield the events and the causes that have any; nothing in a quiet minute."""
        events = int(max(0.0, draws[0] - 0.35) * 400 * draws[1])
        if not events:
            return
        yield tally(self.series, minute, events)
        left = events
        for cause, share in zip(self.causes[1:], self.shares[1:], strict=True):
            part = min(left, int(events * share))
            left -= part
            if part:
                yield tally(cause, minute, part)
        if left:
            yield tally(self.causes[0], minute, left)


@dataclass(frozen=True, slots=True)
class Occasional:
    """Events that happen in some minutes only, `mean` of them when they do."""

    key: int
    series: Series
    probability: float
    mean: float

    def points(self, minute: int, draws: Sequence[float]) -> Iterator[Point]:
        """Yield a tally with the given probability, else nothing."""
        if draws[0] < self.probability:
            yield tally(self.series, minute, 1 + int(2 * self.mean * draws[1]))


@dataclass(frozen=True, slots=True)
class OperationCalls:
    """Latency with percentiles, returned items and throttled requests of one operation.

    Nothing is sent for a minute without requests. Latencies are milliseconds.
    """

    key: int
    latency: Series
    returned: Series | None
    throttled: Series | None
    requests: float
    base_ms: float
    percentiles: tuple[tuple[str, float], ...]

    def points(self, minute: int, draws: Sequence[float]) -> Iterator[Point]:
        """Yield the points of the operation's requests in this minute."""
        requests = demand(self.requests, minute, self.key / 2**64, draws[0])
        if requests:
            yield latencies(
                self.latency,
                minute,
                requests,
                draws,
                base_ms=self.base_ms,
                percentiles=self.percentiles,
            )
            if self.returned is not None:
                yield items(self.returned, minute, requests, draws[5])
        if self.throttled is not None and draws[6] > 0.4:  # noqa: PLR2004
            yield tally(self.throttled, minute, 1 + int(60 * draws[7]))


def latencies(
    series: Series,
    minute: int,
    requests: int,
    draws: Sequence[float],
    *,
    base_ms: float,
    percentiles: Sequence[tuple[str, float]],
) -> Point:
    """Return the latencies of at least one request in milliseconds, around twice `base_ms`.

    `percentiles` are names with their fractions; the first five draws are used.
    """
    low = base_ms * (0.35 + 0.2 * draws[1])
    if requests == 1:
        same = tuple((name, low) for name, _ in percentiles)
        return Point(series, minute * PERIOD_MS, 1, low, low, low, same)
    body = low + base_ms * (0.8 + draws[2])
    high = body + base_ms * 25 * draws[3] ** 3
    # The mean of the quantile function below over all fractions, plus a little noise.
    mean = low + (body - low) / 2 + (high - body) / 41 * (0.9 + 0.2 * draws[4])
    quantiles = tuple(
        (name, low + (body - low) * fraction + (high - body) * fraction**40)
        for name, fraction in percentiles
    )
    return Point(series, minute * PERIOD_MS, requests, mean * requests, low, high, quantiles)


def items(series: Series, minute: int, requests: int, draw: float) -> Point:
    """Return the items that at least one request returned."""
    largest = 1 + int(99 * draw)
    total = float(requests - 1) * (largest // 2) + largest
    smallest = float(largest if requests == 1 else min(largest // 2, int(total / requests)))
    return Point(series, minute * PERIOD_MS, requests, total, smallest, float(largest))
