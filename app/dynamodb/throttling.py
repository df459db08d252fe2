"""Who throttles, when, why, and what helps.

Sources: {Read,Write}ThrottleEvents and their causes by {TableName} and {TableName,
GlobalSecondaryIndexName}, ThrottledRequests by {TableName, Operation}, and the utilisation of the
throttled table or index in the same periods.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from app.arrays import FloatArray, IntArray
from app.dynamodb.episodes import Episode, Pattern, episodes, interval_ms, pattern_of
from app.dynamodb.resources import Resource
from app.dynamodb.scope import Reading
from app.dynamodb.throttle_advice import Advice, Situation, advice_for
from app.dynamodb.throttle_causes import (
    AT_LIMIT,
    CAUSE_METRICS,
    Cause,
    Judgement,
    cause_of_means,
    delivered_cause,
    inferred_cause,
)
from app.dynamodb.throttled_operations import (
    OPERATION_METRICS,
    Operations,
    ThrottledOperation,
    values_at,
)
from app.dynamodb.utilization import (
    DIRECTIONS,
    Limit,
    Limits,
    by_resource,
    limits_of,
)
from app.dynamodb.utilization import METRICS as CAPACITY_METRICS
from app.storage import Tier
from app.summation import exact_sum

METRICS = (
    *(f"{direction}ThrottleEvents" for direction in DIRECTIONS),
    *(metric.format(direction) for metric in CAUSE_METRICS.values() for direction in DIRECTIONS),
    *CAPACITY_METRICS,
    *OPERATION_METRICS,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Throttled reads or writes of one table or index over a range.

    ``direction`` is Read or Write. ``interval_ms`` is how far the starts of regular episodes are
    apart. ``used_average`` and ``used_peak`` are percent of the limit in the throttled periods,
    ``limit`` is the newest one in units per second, ``consumed_peak`` the most units per second in
    a throttled period and ``wanted_peak`` the same with what was throttled; None is what was not
    delivered. ``holds_back_table``: an index whose writes are throttled throttles the writes of its
    table, and the table itself has capacity left. Periods of more than a minute tell neither that
    nor a ``pattern`` in time: these are None then.
    """

    resource: Resource
    direction: str
    episodes: tuple[Episode, ...]
    events: float
    judgement: Judgement
    pattern: Pattern | None
    interval_ms: int | None
    operations: tuple[ThrottledOperation, ...]
    limited_by: Limit
    limit: float | None
    used_average: float | None
    used_peak: float | None
    consumed_peak: float | None
    wanted_peak: float | None
    holds_back_table: bool | None
    table_used_peak: float | None
    advice: tuple[Advice, ...]

    @property
    def start_ms(self) -> int:
        """When the first throttled period begins."""
        return self.episodes[0].start_ms

    @property
    def end_ms(self) -> int:
        """When the last throttled period ends."""
        return self.episodes[-1].end_ms


@dataclass(frozen=True, slots=True)
class _Events:
    """Throttle events by period, in the order of time; ``by_cause`` have their columns."""

    starts_ms: IntArray
    period_ms: IntArray
    total: FloatArray
    by_cause: Mapping[Cause, FloatArray]


def throttling(reading: Reading) -> list[Finding]:
    """What throttles, by the number of events; of a reading of ``METRICS``."""
    operations = Operations.of(reading)
    found = [
        finding
        for direction in DIRECTIONS
        for finding in _Direction(reading, direction).findings(operations)
    ]
    return sorted(found, key=lambda each: (-each.events, each.resource, each.direction))


class _Direction:
    """Reads or writes of all tables and indexes of a reading."""

    def __init__(self, reading: Reading, direction: str) -> None:
        self._direction = direction
        self._tier = reading.tier
        self._totals = by_resource(reading.of(f"{direction}ThrottleEvents"))
        self._causes = {
            cause: by_resource(reading.of(metric.format(direction)))
            for cause, metric in CAUSE_METRICS.items()
        }
        self._consumed = by_resource(reading.of(f"Consumed{direction}CapacityUnits"))
        throttled = set(self._totals).union(*self._causes.values())
        tables = {resource.of_table for resource in throttled}
        self._throttled = sorted(throttled)
        self._limits = limits_of(reading, direction, throttled | tables)

    def findings(self, operations: Operations) -> Iterator[Finding]:
        for resource in self._throttled:
            events = self._events(resource)
            found = episodes(events.starts_ms, events.period_ms, events.total)
            if found:
                yield self._finding(resource, events, found, operations)

    def _events(self, resource: Resource) -> _Events:
        total = self._totals.get(resource)
        causes = {
            cause: series[resource] for cause, series in self._causes.items() if resource in series
        }
        every = [series for series in (total, *causes.values()) if series is not None]
        starts_ms = np.unique(np.concatenate([series.starts_ms for series in every]))
        period_ms = np.zeros(len(starts_ms), np.int64)
        for series in every:
            place = np.searchsorted(starts_ms, series.starts_ms)
            period_ms[place] = np.maximum(period_ms[place], series.period_ms)
        by_cause = {
            cause: values_at(starts_ms, series.starts_ms, series.total)
            for cause, series in causes.items()
        }
        # The events without causes may have been left out of the stream, or be late.
        events = np.zeros(len(starts_ms)) + sum(by_cause.values())
        if total is not None:
            events = np.maximum(events, values_at(starts_ms, total.starts_ms, total.total))
        return _Events(starts_ms, period_ms, events, by_cause)

    def _finding(
        self, resource: Resource, events: _Events, found: list[Episode], operations: Operations
    ) -> Finding:
        rows = np.flatnonzero(events.total > 0)
        starts_ms = events.starts_ms[rows]
        rate, limit, kinds = self._rates(resource, starts_ms)
        used = rate / limit
        by_cause = {cause: exact_sum(column) for cause, column in events.by_cause.items()}
        judgement = delivered_cause(by_cause)
        if judgement is None and self._tier is Tier.MINUTE:
            judgement = inferred_cause(events.total[rows], used, kinds)
        if judgement is None:
            judgement = cause_of_means(self._tier)
        by_minute = self._tier is Tier.MINUTE
        pattern = pattern_of(found) if by_minute else None
        if judgement.cause is Cause.KEY_RANGE:
            pattern = Pattern.HOT_PARTITION
        of_table = operations.during(resource.of_table, self._direction, starts_ms)
        table_rate, table_limit, _ = self._rates(resource.of_table, starts_ms)
        table_peak = _highest(100 * table_rate / table_limit)
        holds_back: bool | None = bool(resource.index) and self._direction == "Write"
        if holds_back:
            # The mean of an hour is below the limit whatever its minutes were.
            below = table_peak is None or table_peak < 100 * AT_LIMIT
            holds_back = below if by_minute else None
        newest_limit = float(limit[-1]) if len(limit) and not np.isnan(limit[-1]) else None
        situation = Situation(
            resource=resource,
            direction=self._direction,
            cause=judgement.cause,
            pattern=pattern,
            interval_ms=interval_ms(found) if by_minute else None,
            limited_by=Limit(int(kinds[-1])),
            limit=newest_limit,
            wanted=_highest(rate * of_table.demand),
            holds_back_table=holds_back,
        )
        average = None if np.isnan(used).all() else 100 * float(np.nanmean(used))
        return Finding(
            resource,
            self._direction,
            tuple(found),
            exact_sum(events.total[rows]),
            judgement,
            pattern,
            situation.interval_ms,
            of_table.throttled,
            situation.limited_by,
            newest_limit,
            average,
            _highest(100 * used),
            _highest(rate),
            situation.wanted,
            holds_back,
            table_peak if resource.index else None,
            advice_for(situation),
        )

    def _rates(
        self, resource: Resource, starts_ms: IntArray
    ) -> tuple[FloatArray, FloatArray, IntArray]:
        """Consumed and allowed units per second, NaN where unknown, and the kinds of limit."""
        limits: Limits = self._limits[resource]
        limit, kinds = limits.at(starts_ms)
        series = self._consumed.get(resource)
        if series is None:
            return np.full(len(starts_ms), np.nan), limit, kinds
        rates = series.total * 1000 / series.period_ms
        return values_at(starts_ms, series.starts_ms, rates, absent=np.nan), limit, kinds


def _highest(values: FloatArray) -> float | None:
    """The highest value; None where none is known."""
    return None if np.isnan(values).all() else float(np.nanmax(values))
