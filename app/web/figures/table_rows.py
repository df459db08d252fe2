"""Tables as the pages list them, a row each with what an operator looks for first."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from app.arrays import FloatArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.dynamodb.figure_kinds import ACCOUNT_FIGURES, FIGURES
from app.dynamodb.latency import LATENCY, OperationLatency, latency_by_operation
from app.dynamodb.report import AccountReport, report_of_accounts, report_of_resources
from app.dynamodb.resources import Resource
from app.dynamodb.scope import Reading
from app.dynamodb.utilization import CRITICAL, DIRECTIONS, Limit, by_resource, utilization
from app.dynamodb.utilization import METRICS as CAPACITY_METRICS
from app.web.figures.spark_line import step_means

KINDS = tuple(
    FIGURES[name]
    for name in (
        "consumed_read_capacity",
        "consumed_write_capacity",
        "read_throttle_events",
        "write_throttle_events",
        "system_errors",
    )
)
METRICS = tuple(
    dict.fromkeys(
        (
            *(kind.metric for kind in KINDS),
            LATENCY,
            *CAPACITY_METRICS,
            *(kind.metric for kind in ACCOUNT_FIGURES),
        )
    )
)
RECENT_MS = 15 * MILLISECONDS_PER_MINUTE
"""What was throttled so shortly before the end of the range is throttled now."""

FAILING = 0.001
"""The share of requests that fail with HTTP 500 from which on it is told."""


class Condition(StrEnum):
    """How a table is, worst first; the value is what people read."""

    THROTTLED = "Throttled"
    WAS_THROTTLED = "Was throttled"
    ERRORS = "System errors"
    FULL = "Near its limit"
    CALM = "Calm"

    @property
    def state(self) -> str:
        """The class of states that it is shown as."""
        match self:
            case Condition.THROTTLED:
                return "critical"
            case Condition.CALM:
                return "good"
            case _:
                return "warning"

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return list(Condition).index(self)


@dataclass(frozen=True, slots=True)
class TableRow:
    """A table over a range; None is what was not delivered.

    Capacity is units per second, ``utilization_peak`` percent of the limit in the highest period,
    of reads or writes. ``throttles`` are the table's own events, ``index_throttles`` those of its
    indexes. ``slowest`` is the operation with the highest average latency. ``spark`` are units
    that an average period of each step consumed.
    """

    resource: Resource
    provisioned: bool
    consumed_read: float | None
    consumed_write: float | None
    utilization_peak: float | None
    throttles: float
    index_throttles: float
    throttled_until_ms: int | None
    slowest: OperationLatency | None
    system_errors: float | None
    indexes: int
    condition: Condition
    spark: FloatArray

    @property
    def all_throttles(self) -> float:
        """Events of the table and its indexes."""
        return self.throttles + self.index_throttles

    @property
    def latency(self) -> float | None:
        """Milliseconds, the average of the slowest operation."""
        return None if self.slowest is None else self.slowest.average

    @property
    def consumed(self) -> float | None:
        """Units per second, reads and writes together."""
        known = [each for each in (self.consumed_read, self.consumed_write) if each is not None]
        return sum(known) if known else None


@dataclass(frozen=True, slots=True)
class TableFigures:
    """All tables and accounts over a range; ``resolution_ms`` is the length of what was read."""

    start_ms: int
    end_ms: int
    resolution_ms: int
    rows: Sequence[TableRow]
    accounts: Sequence[AccountReport]


def table_figures(reading: Reading) -> TableFigures:
    """The rows, by account, region and name, of a reading of ``METRICS``."""
    figures = {
        each.resource: {name: figure.value for name, figure in each.figures.items()}
        for each in report_of_resources(reading, KINDS)
    }
    peaks, provisioned = _capacity(reading)
    slowest: dict[Resource, OperationLatency] = {}
    requests: dict[Resource, float] = {}
    for each in latency_by_operation(reading):
        if each.average is not None:
            slowest.setdefault(each.table, each)
        requests[each.table] = requests.get(each.table, 0.0) + (each.requests or 0.0)
    until = _throttled_until(reading)
    consumed = [by_resource(reading.of(f"Consumed{each}CapacityUnits")) for each in DIRECTIONS]
    indexes: dict[Resource, list[Resource]] = {}
    for resource in figures:
        of_table = indexes.setdefault(resource.of_table, [])
        if resource.index:
            of_table.append(resource)
    rows = []
    for table in sorted({*indexes, *slowest}):
        own = figures.get(table, {})
        of_indexes = indexes.get(table, [])
        last = [until[each] for each in (table, *of_indexes) if each in until]
        series = [of[table] for of in consumed if table in of]
        peak, errors = peaks.get(table), own.get("system_errors")
        rows.append(
            TableRow(
                table,
                table in provisioned,
                own.get("consumed_read_capacity"),
                own.get("consumed_write_capacity"),
                peak,
                _throttles(own),
                sum(_throttles(figures[each]) for each in of_indexes),
                max(last, default=None),
                slowest.get(table),
                errors,
                len(of_indexes),
                _condition(
                    max(last, default=None),
                    reading.scope.end_ms,
                    peak,
                    _share(errors, requests.get(table, 0.0)),
                ),
                step_means(
                    series, reading.scope.start_ms, reading.scope.end_ms, reading.tier.length_ms
                ),
            )
        )
    return TableFigures(
        reading.start_ms, reading.end_ms, reading.tier.length_ms, rows, report_of_accounts(reading)
    )


def _throttles(figures: dict[str, float]) -> float:
    return figures.get("read_throttle_events", 0.0) + figures.get("write_throttle_events", 0.0)


def _capacity(reading: Reading) -> tuple[dict[Resource, float], set[Resource]]:
    """The highest utilisation of reads or writes, and what is provisioned at the end."""
    peaks: dict[Resource, float] = {}
    provisioned = set()
    # The highest peak comes first.
    for each in utilization(reading):
        if each.peak is not None:
            peaks.setdefault(each.resource, each.peak)
        if each.limited_by is Limit.PROVISIONED:
            provisioned.add(each.resource)
    return peaks, provisioned


def _throttled_until(reading: Reading) -> dict[Resource, int]:
    """The end of the last throttled period of tables and indexes."""
    found: dict[Resource, int] = {}
    for direction in DIRECTIONS:
        for resource, series in by_resource(reading.of(f"{direction}ThrottleEvents")).items():
            rows = np.flatnonzero(series.total > 0)
            if len(rows):
                end_ms = int(series.starts_ms[rows[-1]] + series.period_ms[rows[-1]])
                found[resource] = max(end_ms, found.get(resource, 0))
    return found


def _share(errors: float | None, requests: float) -> float:
    return errors / (errors + requests) if errors else 0.0


def _condition(until_ms: int | None, end_ms: int, peak: float | None, failing: float) -> Condition:
    if until_ms is not None:
        now = until_ms >= end_ms - RECENT_MS
        return Condition.THROTTLED if now else Condition.WAS_THROTTLED
    if failing >= FAILING:
        return Condition.ERRORS
    return Condition.FULL if peak is not None and peak >= CRITICAL else Condition.CALM
