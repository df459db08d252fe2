"""How much of what they may consume tables and indexes do consume.

A period's utilisation is its consumed units over the units that the limit allows in its seconds.
The limit is what is provisioned at that time. In on-demand mode it is the on-demand maximum where
one is set, else the account's limit for one table or index. Limits are samples of every fifth
minute and count until the next one (``app.dynamodb.scope.carry_ms``). A period without a point of
consumption, or without a limit that is known, has no utilisation.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from app.arrays import FloatArray, IntArray
from app.dynamodb.reader import MetricSeries
from app.dynamodb.resources import Resource, resource_of
from app.dynamodb.scope import Reading, carry_ms
from app.summation import exact_sum

HIGH, CRITICAL = 70.0, 80.0
"""Percent: the shares of time above these are told."""

DIRECTIONS = ("Read", "Write")
METRICS = tuple(
    name.format(direction)
    for direction in DIRECTIONS
    for name in (
        "Consumed{}CapacityUnits",
        "Provisioned{}CapacityUnits",
        "OnDemandMax{}RequestUnits",
        "AccountMaxTableLevel{}s",
    )
)


class Limit(IntEnum):
    """What limits a table or index."""

    NONE = 0
    PROVISIONED = 1
    ON_DEMAND_MAXIMUM = 2
    ACCOUNT_TABLE_LIMIT = 3


@dataclass(frozen=True, slots=True)
class Utilization:
    """Reads or writes of a table or index over a range; percent, and units per second.

    ``limit``, ``consumed`` and ``current`` are of the newest period that has a limit, which begins
    at ``current_ms``. ``average`` is all that was consumed over all that the limits allowed in the
    same periods, ``peak`` the highest period. ``above_70`` and ``above_80`` are percent of
    ``seconds``, the time that has a utilisation. Without any time, values are None.
    """

    resource: Resource
    direction: str
    limited_by: Limit
    limit: float | None
    consumed: float | None
    current: float | None
    current_ms: int | None
    average: float | None
    peak: float | None
    peak_ms: int | None
    above_70: float | None
    above_80: float | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Levels:
    """A setting or limit over time: it is ``values`` from ``starts_ms`` on; ascending."""

    starts_ms: IntArray
    values: FloatArray

    def at(self, times_ms: IntArray, keep_ms: int) -> FloatArray:
        """The newest value at each time, at most ``keep_ms`` old; NaN where there is none."""
        if not len(self.starts_ms):
            return np.full(len(times_ms), np.nan)
        place = np.searchsorted(self.starts_ms, times_ms, side="right") - 1
        fresh = (place >= 0) & (times_ms - self.starts_ms[place] < keep_ms)
        return np.where(fresh, self.values[place], np.nan)


NO_LEVELS = Levels(np.empty(0, np.int64), np.empty(0))


def levels_of(series: MetricSeries | None) -> Levels:
    """The averages of a setting's samples, those above 0; a setting of 0 or less is none."""
    if series is None:
        return NO_LEVELS
    with np.errstate(divide="ignore", invalid="ignore"):
        values = series.total / series.count
    rows = values > 0
    return Levels(series.starts_ms[rows], values[rows])


def utilization(reading: Reading) -> list[Utilization]:
    """Reads and writes of every table and index of a reading of ``METRICS``, highest peak first."""
    found = []
    for direction in DIRECTIONS:
        consumed = by_resource(reading.of(f"Consumed{direction}CapacityUnits"))
        limits = limits_of(reading, direction, consumed)
        for resource, series in consumed.items():
            found.append(_utilization(resource, direction.lower(), series, limits[resource]))
    return sorted(
        found,
        key=lambda each: (
            np.inf if each.peak is None else -each.peak,
            each.resource,
            each.direction,
        ),
    )


@dataclass(frozen=True, slots=True)
class Limits:
    """All that may limit one table or index; each value counts for ``keep_ms``."""

    provisioned: Levels
    on_demand_maximum: Levels
    account_table_limit: Levels
    keep_ms: int

    def at(self, times_ms: IntArray) -> tuple[FloatArray, IntArray]:
        """The limit at each time in units per second, NaN where unknown, and its ``Limit``."""
        limit = self.provisioned.at(times_ms, self.keep_ms)
        kind = np.where(np.isnan(limit), Limit.NONE, Limit.PROVISIONED)
        # Before a sample of what is provisioned the table is not taken to be on-demand.
        ends_ms = self.provisioned.starts_ms[-1:]
        on_demand = np.ones(len(times_ms), np.bool_)
        if len(ends_ms):
            on_demand = times_ms >= ends_ms[0] + self.keep_ms
        for levels, name in (
            (self.on_demand_maximum, Limit.ON_DEMAND_MAXIMUM),
            (self.account_table_limit, Limit.ACCOUNT_TABLE_LIMIT),
        ):
            value = levels.at(times_ms, self.keep_ms)
            used = on_demand & np.isnan(limit) & ~np.isnan(value)
            limit = np.where(used, value, limit)
            kind = np.where(used, name, kind)
        return limit, kind


def limits_of(
    reading: Reading, direction: str, resources: Iterable[Resource]
) -> dict[Resource, Limits]:
    """What limits the reads or writes of tables and indexes."""
    provisioned = by_resource(reading.of(f"Provisioned{direction}CapacityUnits"))
    maximum = by_resource(reading.of(f"OnDemandMax{direction}RequestUnits"))
    of_account = {
        (each.identity.account, each.identity.region): levels_of(each)
        for each in reading.of(f"AccountMaxTableLevel{direction}s")
    }
    return {
        resource: Limits(
            levels_of(provisioned.get(resource)),
            levels_of(maximum.get(resource)),
            of_account.get((resource.account, resource.region), NO_LEVELS),
            carry_ms(reading.tier),
        )
        for resource in resources
    }


def by_resource(series: Iterable[MetricSeries]) -> dict[Resource, MetricSeries]:
    """The series of tables and indexes themselves, neither by operation nor by ``Source``."""
    keys = ((resource_of(each.identity), each) for each in series)
    return {key: each for key, each in keys if key is not None}


def _utilization(
    resource: Resource, direction: str, series: MetricSeries, limits: Limits
) -> Utilization:
    limit, kind = limits.at(series.starts_ms)
    rows = np.flatnonzero(~np.isnan(limit) & ~np.isnan(series.total))
    if not len(rows):
        none = None, None, None, None, None, None, None, None, None
        return Utilization(resource, direction, Limit.NONE, *none, seconds=0.0)
    limit, seconds = limit[rows], series.period_ms[rows] / 1000
    total, starts_ms = series.total[rows], series.starts_ms[rows]
    allowed = limit * seconds
    percent = 100 * total / allowed
    peak = int(np.argmax(percent))
    covered = float(seconds.sum())
    return Utilization(
        resource,
        direction,
        Limit(int(kind[rows[-1]])),
        float(limit[-1]),
        float(total[-1] / seconds[-1]),
        float(percent[-1]),
        int(starts_ms[-1]),
        100 * exact_sum(total) / exact_sum(allowed),
        float(percent[peak]),
        int(starts_ms[peak]),
        100 * float(seconds[percent > HIGH].sum()) / covered,
        100 * float(seconds[percent > CRITICAL].sum()) / covered,
        covered,
    )
