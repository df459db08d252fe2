"""The points of the calm account and of the one thing that happens in it.

The numbers of a minute belong together: the operations' requests are those that consumed the
capacity, an index takes the writes of its table, and the throttled requests of the operations
are the throttle events of the table and its indexes.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from app.simulator.account import DEFAULT_PERCENTILES, fractions_of
from app.simulator.draws import key_of, uniforms
from app.simulator.emitters import (
    DRAWS,
    FIVE_MINUTES,
    Levels,
    Occasional,
    items,
    latencies,
    level,
    tally,
)
from app.simulator.points import PERIOD_MS, Point, Series
from app.simulator.quotas import DYNAMODB, limits, usage
from app.simulator.scenarios.answer import Answer
from app.simulator.scenarios.disturbances import KEY_RANGE
from app.simulator.scenarios.scenario import Scenario
from app.simulator.scenarios.tables import READ, TABLES, WRITE, CalmTable, Index
from app.simulator.scenarios.traffic import Traffic, steady, usual_traffic
from app.simulator.topology import REGIONS, account_id

_CAUSE_METRICS = {KEY_RANGE: "KeyRangeThroughput", "provisioned": "ProvisionedThroughput"}
# Latencies of a calm account have no long tail.
_TAIL = 0.5


class ScenarioModel:
    """One account in one region, in which a scenario takes place after `start_ms` (Unix).

    As with `AccountModel`, a point depends on the seed, the series and the minute, and here on
    the scenario's place in time.
    """

    def __init__(
        self,
        scenario: Scenario,
        start_ms: int,
        seed: int = 0,
        *,
        percentiles: tuple[str, ...] = DEFAULT_PERCENTILES,
    ) -> None:
        self.scenario = scenario
        self.accounts = (account_id(seed, 0),)
        self.regions = REGIONS[:1]
        self._seed = seed
        self._percentiles = fractions_of(percentiles)
        self._usual = usual_traffic(seed)
        self._disturbance = scenario.happens(self._usual, scenario.during(start_ms))
        capacities = [t.read_capacity for t in TABLES], [t.write_capacity for t in TABLES]
        place = (self.accounts[0], self.regions[0])
        self._account = (limits(0, *place, *capacities), usage(0, *place, *capacities))

    @property
    def detours(self) -> Mapping[int, int | None]:
        """Return when what would arrive in a minute does, None for never."""
        return self._disturbance.detours

    def answer(self, *, inferred: bool = False) -> Answer:
        """Return the answer; `inferred` where the metrics of causes are not streamed."""
        return self.scenario.answer(
            self._disturbance, self.accounts[0], self.regions[0], inferred=inferred
        )

    def points(self, start_ms: int) -> list[Point]:
        """Return the points of the minute that starts at `start_ms`."""
        return self.points_in(self.regions[0], start_ms)

    def points_in(self, region: str, start_ms: int) -> list[Point]:
        """Return the points of the account in its region, none in another one."""
        return list(self._points(start_ms // PERIOD_MS)) if region in self.regions else []

    def _points(self, minute: int) -> Iterator[Point]:
        for levels in self._account:
            yield from levels.points(minute, ())
        errors = Occasional(0, self._series("UserErrors"), 0.7, 2.0)
        yield from errors.points(minute, self._draws("UserErrors", minute=minute))
        for table in TABLES:
            if minute % FIVE_MINUTES == 0:
                yield from self._settings(table).points(minute, ())
            traffic = {way: self._traffic(table, way, minute) for way in (READ, WRITE)}
            yield from self._capacity(table, traffic, minute)
            for way, each in traffic.items():
                for operation, _ in table.operations_of(way):
                    yield from self._operation(table, operation, each, minute)

    def _traffic(self, table: CalmTable, direction: str, minute: int) -> Traffic:
        happening = self._disturbance
        if (table.name, direction) == (happening.table, happening.direction):
            disturbed = happening.traffic.get(minute)
            if disturbed is not None:
                return disturbed
        return Traffic(self._usual(table, direction, minute))

    def _settings(self, table: CalmTable) -> Levels:
        found = []
        owners: tuple[CalmTable | Index, ...] = (table, *table.indexes)
        for owner in owners:
            dimensions = _dimensions(table, "" if owner is table else owner.name)
            for metric, value in (
                ("ProvisionedReadCapacityUnits", owner.read_capacity),
                ("ProvisionedWriteCapacityUnits", owner.write_capacity),
            ):
                if value:
                    found.append((self._series(metric, **dimensions), value))
        for metric, value in (
            ("OnDemandMaxReadRequestUnits", table.read_maximum),
            ("OnDemandMaxWriteRequestUnits", table.write_maximum),
        ):
            if value:
                found.append((self._series(metric, TableName=table.name), value))
        return Levels(0, tuple(found))

    def _capacity(
        self, table: CalmTable, traffic: Mapping[str, Traffic], minute: int
    ) -> Iterator[Point]:
        for way, each in traffic.items():
            accepted = sum(self._answered(table, o, n, minute) for o, n in each.accepted.items())
            yield self._consumed(table, "", way, accepted, minute)
            for index in table.indexes:
                units = accepted if way == WRITE else self._index_reads(table, index, minute)
                yield self._consumed(table, index.name, way, units, minute)
            refused = sum(each.refused.values())
            if refused:
                dimensions = _dimensions(table, self._disturbance.index)
                cause = _CAUSE_METRICS[self._disturbance.cause]
                for metric in (f"{way}ThrottleEvents", f"{way}{cause}ThrottleEvents"):
                    yield tally(self._series(metric, **dimensions), minute, refused)

    def _consumed(
        self, table: CalmTable, index: str, direction: str, requests: int, minute: int
    ) -> Point:
        series = self._series(f"Consumed{direction}CapacityUnits", **_dimensions(table, index))
        if not requests:
            return level(series, minute, 0.0)
        # Requests take a unit on average, small ones a half.
        units = float(requests)
        if requests == 1:
            return level(series, minute, units)
        largest = 1.5 + int(6 * self._draws(table.name, index, direction, minute=minute)[0]) / 2
        return Point(series, minute * PERIOD_MS, requests, units, 0.5, largest)

    def _index_reads(self, table: CalmTable, index: Index, minute: int) -> int:
        return steady(index.reads, self._seed, table.name, index.name, minute)

    def _operation(
        self, table: CalmTable, operation: str, traffic: Traffic, minute: int
    ) -> Iterator[Point]:
        def series(metric: str, unit: str = "Count") -> Series:
            return self._series(metric, unit, TableName=table.name, Operation=operation)

        requests = traffic.accepted[operation]
        if operation == "Query":
            # Indexes are read by queries.
            requests += sum(self._index_reads(table, index, minute) for index in table.indexes)
        answered = self._answered(table, operation, requests, minute)
        draws = self._draws(table.name, operation, minute=minute)
        if answered:
            slow = self._at(table, operation, minute)
            base_ms = table.latency_ms * (self._disturbance.slower if slow else 1.0)
            tame = (*draws[:3], draws[3] * _TAIL, *draws[4:])
            latency = series("SuccessfulRequestLatency", "Milliseconds")
            yield latencies(
                latency, minute, answered, tame, base_ms=base_ms, percentiles=self._percentiles
            )
            if operation == "Query":
                yield items(series("ReturnedItemCount"), minute, answered, draws[5])
        if requests > answered:
            yield tally(series("SystemErrors"), minute, requests - answered)
        refused = traffic.refused.get(operation, 0)
        if refused:
            yield tally(series("ThrottledRequests"), minute, refused)

    def _answered(self, table: CalmTable, operation: str, requests: int, minute: int) -> int:
        """Return how many requests do not fail."""
        if not self._at(table, operation, minute):
            return requests
        return requests - round(requests * self._disturbance.failing)

    def _at(self, table: CalmTable, operation: str, minute: int) -> bool:
        happening = self._disturbance
        return (
            minute in happening.minutes
            and table.name == happening.table
            and operation == happening.operation
        )

    def _draws(self, *parts: object, minute: int) -> Sequence[float]:
        key = key_of(self._seed, "scenario", *parts)
        draws: list[float] = uniforms(np.array([key], dtype=np.uint64), minute, DRAWS)[0].tolist()
        return draws

    def _series(self, metric: str, unit: str = "Count", **dimensions: str) -> Series:
        in_order = tuple(sorted(dimensions.items()))
        return Series(self.accounts[0], self.regions[0], DYNAMODB, metric, in_order, unit)


def _dimensions(table: CalmTable, index: str) -> dict[str, str]:
    dimensions = {"TableName": table.name}
    if index:
        dimensions["GlobalSecondaryIndexName"] = index
    return dimensions
