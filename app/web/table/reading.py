"""What is read for the parts of a table's page, with the functions that REST answers from."""

from dataclasses import dataclass

from app.api import ApiContext
from app.dynamodb.cost_hours import HOUR_MS
from app.dynamodb.cost_report import (
    LONGEST_DAYS,
    CostQuestion,
    CostReport,
    cost_span,
    read_costs,
)
from app.dynamodb.latency import EXTRAS, OperationLatency, latency_by_operation
from app.dynamodb.latency import METRICS as LATENCY_METRICS
from app.dynamodb.limits import DEFAULT_MS, TIER, TimeToLimit, time_to_limits
from app.dynamodb.limits import METRICS as LIMIT_METRICS
from app.dynamodb.prices import load_prices
from app.dynamodb.report import TABLE_METRICS, ResourceReport, report_of_resources
from app.dynamodb.resources import Resource
from app.dynamodb.scope import Reading, Scope, read_scope
from app.dynamodb.throttling import METRICS as THROTTLE_METRICS
from app.dynamodb.throttling import Finding, throttling
from app.dynamodb.utilization import METRICS as CAPACITY_METRICS
from app.dynamodb.utilization import Utilization, utilization
from app.storage import Tier
from app.web.time_range import PageRange

_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Insight:
    """What the diagnosis rests on; ``resolution_ms`` is the longest period that was read."""

    findings: list[Finding]
    use: list[Utilization]
    operations: list[OperationLatency]
    resolution_ms: int


class TableReader:
    """Reads of one table over the range of a page."""

    def __init__(self, context: ApiContext, table: Resource, shown: PageRange) -> None:
        self._context = context
        self._table = table
        self._scope = Scope(table.account, table.region, table.table, shown.start_ms, shown.end_ms)
        self._shown = shown

    def _read(self, metrics: tuple[str, ...], extras: tuple[str, ...] = ()) -> Reading:
        with self._context.store.read() as connection:
            return read_scope(
                connection,
                self._scope,
                metrics,
                most_points=self._context.query_max_points,
                extras=extras,
            )

    def insight(self) -> Insight:
        """Throttling, use and latency."""
        metrics = tuple(dict.fromkeys((*THROTTLE_METRICS, *CAPACITY_METRICS, *LATENCY_METRICS)))
        throttled = capacity = latency = self._read(metrics, EXTRAS)
        if throttled.tier is not Tier.MINUTE:
            # REST reads each apart, and less may be read in shorter periods.
            throttled = self._read(THROTTLE_METRICS)
            capacity = self._read(CAPACITY_METRICS)
            latency = self._read(LATENCY_METRICS, EXTRAS)
        return Insight(
            throttling(throttled),
            utilization(capacity),
            latency_by_operation(latency),
            max(each.tier.length_ms for each in (throttled, capacity, latency)),
        )

    def operations(self) -> list[OperationLatency]:
        """Operations, slowest first."""
        return latency_by_operation(self._read(LATENCY_METRICS, EXTRAS))

    def reports(self) -> list[ResourceReport]:
        """Figures of the table and of each index, the table first."""
        return report_of_resources(self._read(TABLE_METRICS))

    def costs(self) -> CostReport:
        """What the table cost in the range: at least the week before its end, at most 400 days."""
        now_ms = self._context.clock.now_ms()
        start_ms = min(self._shown.start_ms, max(0, self._shown.end_ms - 7 * _DAY_MS))
        # Whole hours may be an hour more.
        start_ms = max(start_ms, self._shown.end_ms - LONGEST_DAYS * _DAY_MS + HOUR_MS)
        span = cost_span(now_ms, start_ms, self._shown.end_ms, 0)
        place = self._table
        asked = CostQuestion(place.account, place.region, place.table, span)
        prices = load_prices(self._context.price_file)
        with self._context.store.read() as connection:
            return read_costs(connection, asked, prices, most_points=self._context.query_max_points)

    def limits(self) -> list[TimeToLimit]:
        """When the table and its indexes reach their limits, by the last four weeks."""
        scope = Scope(
            self._table.account,
            self._table.region,
            self._table.table,
            max(0, self._shown.end_ms - DEFAULT_MS),
            self._shown.end_ms,
        )
        with self._context.store.read() as connection:
            reading = read_scope(
                connection,
                scope,
                LIMIT_METRICS,
                most_points=self._context.query_max_points,
                finest=TIER,
            )
        return [each for each in time_to_limits(reading) if each.resource.table]
