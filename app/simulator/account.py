"""A seeded DynamoDB account, or several, minute by minute as CloudWatch reports it (section C).

The value of a point depends on the seed, the series and the minute; neither on the size of the
account nor on what was asked before.
"""

import re
from collections.abc import Iterator

import numpy as np

from app.simulator import topology
from app.simulator.draws import key_of, uniform, uniforms
from app.simulator.emitters import (
    DRAWS,
    Consumption,
    Emitter,
    Levels,
    Occasional,
    OperationCalls,
    Throttling,
)
from app.simulator.points import PERIOD_MS, Point, Series
from app.simulator.quotas import DYNAMODB, limits, usage
from app.simulator.topology import Activity, Table

DEFAULT_PERCENTILES = ("p50", "p90", "p99")


class AccountModel:
    """All points of `accounts` × `regions` × `tables`, by stream minute.

    `percentiles` names the extra statistics of latencies (pNN or pNN.N).
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        tables: int = 20,
        accounts: int = 1,
        regions: int = 1,
        indexes_per_table: int = 1,
        percentiles: tuple[str, ...] = DEFAULT_PERCENTILES,
    ) -> None:
        fractions = fractions_of(percentiles)
        self.accounts = tuple(topology.account_id(seed, i) for i in range(accounts))
        self.regions = topology.REGIONS[:regions]
        self.tables = tuple(topology.table(i, indexes_per_table) for i in range(tables))
        self._emitters: dict[str, list[Emitter]] = {}
        for region in self.regions:
            self._emitters[region] = [
                emitter
                for account in self.accounts
                for emitter in _Account(seed, account, region, fractions).emitters(self.tables)
            ]
        self._keys = {
            region: np.array([emitter.key for emitter in emitters], dtype=np.uint64)
            for region, emitters in self._emitters.items()
        }

    def points(self, start_ms: int) -> list[Point]:
        """Return the points of all regions for the minute that starts at `start_ms`."""
        return [point for region in self.regions for point in self.points_in(region, start_ms)]

    def points_in(self, region: str, start_ms: int) -> list[Point]:
        """Return one region's points, account by account."""
        minute = start_ms // PERIOD_MS
        draws = uniforms(self._keys[region], minute, DRAWS).tolist()
        return [
            point
            for emitter, row in zip(self._emitters[region], draws, strict=True)
            for point in emitter.points(minute, row)
        ]


def fractions_of(percentiles: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    """Return percentiles with their fractions: p99 with 0.99."""
    return tuple((name, _fraction(name)) for name in percentiles)


def _fraction(percentile: str) -> float:
    if re.fullmatch(r"p\d{1,2}(\.\d+)?", percentile) is None:
        raise ValueError(f"not a percentile: {percentile}")
    return float(percentile[1:]) / 100


class _Account:
    """Builds the emitters of one account in one region."""

    def __init__(
        self, seed: int, account: str, region: str, percentiles: tuple[tuple[str, float], ...]
    ) -> None:
        self._seed = seed
        self._account = account
        self._region = region
        self._percentiles = percentiles

    def emitters(self, tables: tuple[Table, ...]) -> Iterator[Emitter]:
        capacities = [t.read_capacity for t in tables], [t.write_capacity for t in tables]
        yield limits(self._key("limits"), self._account, self._region, *capacities)
        user_errors = self._series("UserErrors")
        yield Occasional(self._key("UserErrors"), user_errors, 0.7, 12.0)
        yield usage(self._key("usage"), self._account, self._region, *capacities)
        for table in tables:
            yield from self._table(table)

    def _table(self, table: Table) -> Iterator[Emitter]:
        for index in (None, *table.indexes):
            for direction in ("Read", "Write"):
                yield from self._capacity(table, index, direction)
        if table.activity in (Activity.BUSY, Activity.HOT):
            for metric, probability, mean in (
                ("ConditionalCheckFailedRequests", 0.5, 6.0),
                ("TransactionConflict", 0.2, 2.0),
            ):
                series = self._series(metric, "Count", TableName=table.name)
                yield Occasional(self._key(metric, table.name), series, probability, mean)
        if table.expires_items:
            series = self._series("TimeToLiveDeletedItemCount", "Count", TableName=table.name)
            yield Occasional(self._key("ttl", table.name), series, 0.4, 80.0)
        if table.activity is not Activity.IDLE:
            for operation in table.operations:
                yield from self._operation(table, operation)

    def _capacity(self, table: Table, index: str | None, direction: str) -> Iterator[Emitter]:
        dimensions = {"TableName": table.name}
        if index is not None:
            dimensions["GlobalSecondaryIndexName"] = index
        share = 1.0 if index is None else 0.4
        capacity = table.read_capacity if direction == "Read" else table.write_capacity
        consumed = f"Consumed{direction}CapacityUnits"
        sources = None
        if table.is_global and index is None and direction == "Write":
            sources = (
                self._series(consumed, "Count", **dimensions, Source="Customer"),
                self._series(consumed, "Count", **dimensions, Source="GlobalTable"),
            )
        yield Consumption(
            self._key(consumed, table.name, index),
            self._series(consumed, "Count", **dimensions),
            table.activity.value * share * 2,
            sources,
        )
        if not table.on_demand:
            provisioned = self._series(
                f"Provisioned{direction}CapacityUnits", "Count", **dimensions
            )
            key = self._key("provisioned", direction, table.name, index)
            yield Levels(key, ((provisioned, capacity),))
        if table.activity is Activity.HOT:
            yield self._throttling(table, index, direction, dimensions)

    def _throttling(
        self, table: Table, index: str | None, direction: str, dimensions: dict[str, str]
    ) -> Throttling:
        limit = "MaxOnDemandThroughput" if table.on_demand else "ProvisionedThroughput"
        causes = (limit, "KeyRangeThroughput", "AccountLimit")
        return Throttling(
            self._key("throttling", direction, table.name, index),
            self._series(f"{direction}ThrottleEvents", "Count", **dimensions),
            tuple(
                self._series(f"{direction}{cause}ThrottleEvents", "Count", **dimensions)
                for cause in causes
            ),
            (0.6, 0.3, 0.1),
        )

    def _operation(self, table: Table, operation: str) -> Iterator[Emitter]:
        def series(metric: str, unit: str) -> Series:
            return self._series(metric, unit, TableName=table.name, Operation=operation)

        returns_items = operation in ("Query", "Scan")
        throttled = table.activity is Activity.HOT
        rare = 0.05 if operation == "Scan" else 1.0
        key = self._key("calls", table.name, operation)
        yield OperationCalls(
            key,
            series("SuccessfulRequestLatency", "Milliseconds"),
            series("ReturnedItemCount", "Count") if returns_items else None,
            series("ThrottledRequests", "Count") if throttled else None,
            table.activity.value * rare,
            2.0 + 6.0 * uniform(key, "base latency"),
            self._percentiles,
        )
        system_errors = series("SystemErrors", "Count")
        yield Occasional(self._key("errors", table.name, operation), system_errors, 0.01, 1.0)

    def _series(self, metric: str, unit: str = "Count", **dimensions: str) -> Series:
        # CloudWatch sends dimensions by name.
        in_order = tuple(sorted(dimensions.items()))
        return Series(self._account, self._region, DYNAMODB, metric, in_order, unit)

    def _key(self, *parts: object) -> int:
        return key_of(self._seed, self._account, self._region, *parts)
