"""What tables cost, what the other capacity mode would have cost, and when to change it. Pure.

All of it is an estimate from list prices and from what CloudWatch says of capacity; see
``ASSUMPTIONS``, which every answer carries.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal

import numpy as np

from app.arrays import IntArray
from app.dynamodb.cost_figures import Figures, Flat, PricedHours
from app.dynamodb.cost_hours import HOUR_MS, Mode, Span, TableHours
from app.dynamodb.days import Day
from app.dynamodb.money import known_total
from app.dynamodb.prices import CapacityPrices, Prices
from app.dynamodb.resources import Resource

DEFAULT_TARGET_PERCENT = 70
"""The utilisation that auto scaling of DynamoDB aims at unless another one is set."""

ASSUMPTIONS = (
    (
        "An estimate from list prices: without free tier, reserved capacity, savings plans, tax,"
        " storage, backups, streams and data transfer."
    ),
    (
        "Provisioned capacity is paid as it was reported, each value for its five minutes; minutes"
        " whose capacity is not known (missing_minutes) are not paid."
    ),
    (
        "A table is on-demand in an hour that reports consumption and no provisioned capacity; a"
        " stream that leaves out the Provisioned... metrics makes every table look on-demand."
    ),
    (
        "if_auto_scaled takes in each hour the capacity at which the highest minute of that hour"
        " is at the target utilisation; real auto scaling follows with a delay and can throttle."
    ),
    (
        "if_flat is the capacity of the highest minute at all times; bursts within a minute can"
        " throttle it."
    ),
    (
        "if_on_demand pays for the units that were consumed; requests that were throttled are not"
        " among them."
    ),
)


@dataclass(frozen=True, slots=True)
class ModeRun:
    """Hours one after the other in which a table was in one mode."""

    start_ms: int
    end_ms: int
    mode: Mode


@dataclass(frozen=True, slots=True)
class ResourceCost:
    """A table without its indexes, or one index."""

    resource: Resource
    total: Figures
    days: tuple[Figures, ...]
    flat: Flat


@dataclass(frozen=True, slots=True)
class TableCost:
    """A table; ``total`` and ``days`` are with its indexes.

    ``missing_prices`` are names of prices that its region and class lack, of those it may take.
    """

    table: Resource
    table_class: str
    missing_prices: tuple[str, ...]
    modes: tuple[ModeRun, ...]
    hours: dict[Mode, int]
    total: Figures
    days: tuple[Figures, ...]
    resources: tuple[ResourceCost, ...]

    @property
    def flat_cost(self) -> Decimal | None:
        """With flat capacity for the table and each index."""
        return known_total(one.flat.cost for one in self.resources)


def cost_of_table(
    hours: TableHours,
    prices: Prices,
    span: Span,
    days: Sequence[Day],
    target_percent: int = DEFAULT_TARGET_PERCENT,
) -> TableCost:
    """The cost of a table in a span, which consists of the ``days``."""
    account, region, table = hours.table.account, hours.table.region, hours.table.table
    of_class = prices.of_table(account, region, table)
    resources = []
    for one in hours.resources:
        priced = PricedHours(one, of_class, target_percent)
        of_days = tuple(priced.figures(day.hours) for day in days)
        resources.append(
            ResourceCost(one.resource, Figures.together(of_days), of_days, priced.flat())
        )
    of_days = tuple(
        Figures.together([one.days[number] for one in resources]) for number in range(len(days))
    )
    return TableCost(
        hours.table,
        prices.table_class(account, region, table),
        _missing(of_class, hours),
        tuple(_runs(hours.modes, span)),
        {mode: int((hours.modes == mode).sum()) for mode in Mode},
        Figures.together([one.total for one in resources]),
        of_days,
        tuple(resources),
    )


def _missing(prices: CapacityPrices | None, hours: TableHours) -> tuple[str, ...]:
    replicated = any(one.writes.replicated.any() for one in hours.resources)
    return tuple(
        field.name
        for field in fields(CapacityPrices)
        if (replicated or not field.name.startswith(("replicated", "million_replicated")))
        and (prices is None or getattr(prices, field.name) is None)
    )


def _runs(modes: IntArray, span: Span) -> Iterator[ModeRun]:
    begins = np.flatnonzero(np.diff(modes, prepend=-1)).tolist()
    for begin, end in zip(begins, [*begins[1:], len(modes)], strict=True):
        yield ModeRun(
            span.start_ms + begin * HOUR_MS, span.start_ms + end * HOUR_MS, Mode(int(modes[begin]))
        )


@dataclass(frozen=True, slots=True)
class BreakEven:
    """The utilisation in percent above which provisioned capacity costs less than on-demand."""

    reads: float | None
    writes: float | None


def break_even(prices: CapacityPrices) -> BreakEven:
    """Of a table class in a region; None where a price of the two is not known."""
    return BreakEven(
        _share(prices.read_capacity_unit_hour, prices.million_read_request_units),
        _share(prices.write_capacity_unit_hour, prices.million_write_request_units),
    )


def _share(unit_hour: Decimal | None, million: Decimal | None) -> float | None:
    """A unit for an hour serves 3,600 request units at most."""
    if unit_hour is None or not million:
        return None
    return float(100 * unit_hour * 1_000_000 / (3600 * million))
