"""Figures of cost: quantities and amounts of some hours, which add up. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from decimal import Decimal

import numpy as np

from app.arrays import BoolArray, FloatArray
from app.dynamodb.cost_hours import ResourceHours, Usage
from app.dynamodb.money import amount_of_hours, known_total
from app.dynamodb.prices import CapacityPrices
from app.summation import exact_sum

_HOUR_MINUTES = 60
_HOUR_SECONDS = 3600
_MILLION = 1_000_000
_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Quantities:
    """What was provisioned and consumed; units and unit-hours."""

    provisioned_read_unit_hours: float
    provisioned_write_unit_hours: float
    unused_read_unit_hours: float
    unused_write_unit_hours: float
    consumed_read_units: float
    consumed_write_units: float
    on_demand_read_units: float
    on_demand_write_units: float
    covered_minutes: int
    missing_minutes: int


_UNITS = [field.name for field in fields(Quantities) if not field.name.endswith("minutes")]


@dataclass(frozen=True, slots=True)
class Amounts:
    """Money; None where a price that it takes is not known.

    ``provisioned`` and ``on_demand`` make up ``cost``. ``unused`` is the part of ``provisioned``
    that was not consumed in its minute. ``if_on_demand`` and ``if_auto_scaled`` are what the same
    traffic would have cost, in on-demand mode and with capacity that follows it hour by hour.
    """

    provisioned: Decimal | None
    on_demand: Decimal | None
    unused: Decimal | None
    if_on_demand: Decimal | None
    if_auto_scaled: Decimal | None

    @property
    def cost(self) -> Decimal | None:
        """What it cost."""
        return known_total((self.provisioned, self.on_demand))


@dataclass(frozen=True, slots=True)
class Figures:
    """Of a table, an index or all of them, and of a day or a whole range."""

    quantities: Quantities
    amounts: Amounts

    @staticmethod
    def together(parts: Sequence["Figures"]) -> "Figures":
        """The sums; an amount that is not known of any part is not known of all."""
        every = [part.quantities for part in parts]
        units = {name: _exact([getattr(one, name) for one in every]) for name in _UNITS}
        quantities = Quantities(
            **units,
            covered_minutes=sum(one.covered_minutes for one in every),
            missing_minutes=sum(one.missing_minutes for one in every),
        )
        amounts = {
            field.name: known_total(getattr(part.amounts, field.name) for part in parts)
            for field in fields(Amounts)
        }
        return Figures(quantities, Amounts(**amounts))


@dataclass(frozen=True, slots=True)
class Flat:
    """Capacity that is the same at all times and as much as the highest minute took."""

    read_units: int
    write_units: int
    cost: Decimal | None


@dataclass(frozen=True, slots=True)
class PricedHours:
    """The hours of a table or index and what they cost; ``prices`` None is not known.

    ``target_percent`` is the utilisation that auto scaling would aim at.
    """

    hours: ResourceHours
    prices: CapacityPrices | None
    target_percent: int

    def figures(self, some: slice) -> Figures:
        """Of some of the hours."""
        reads, writes = self.hours.reads, self.hours.writes
        unit_hour, million = self._unit_hour(), self._million()
        kinds = (reads, writes)

        def both(
            quantities: Sequence[FloatArray], prices: Sequence[list[Decimal | None]], per: int
        ) -> Decimal | None:
            return known_total(
                amount_of_hours(quantity[some], price[some], per)
                for quantity, price in zip(quantities, prices, strict=True)
            )

        return Figures(
            Quantities(
                _exact(reads.provisioned[some]) / _HOUR_MINUTES,
                _exact(writes.provisioned[some]) / _HOUR_MINUTES,
                _exact(reads.unused[some]) / _HOUR_SECONDS,
                _exact(writes.unused[some]) / _HOUR_SECONDS,
                _exact(reads.consumed[some]),
                _exact(writes.consumed[some]),
                _exact(reads.on_demand[some]),
                _exact(writes.on_demand[some]),
                int(reads.covered[some].sum() + writes.covered[some].sum()),
                int(reads.missing[some].sum() + writes.missing[some].sum()),
            ),
            Amounts(
                provisioned=both([one.provisioned for one in kinds], unit_hour, _HOUR_MINUTES),
                on_demand=both([one.on_demand for one in kinds], million, _MILLION),
                unused=both([one.unused for one in kinds], unit_hour, _HOUR_SECONDS),
                if_on_demand=both([one.consumed for one in kinds], million, _MILLION),
                if_auto_scaled=both([self._scaled(one) for one in kinds], unit_hour, 1),
            ),
        )

    def flat(self) -> Flat:
        """Over all hours."""
        kinds = (self.hours.reads, self.hours.writes)
        units = [max(1, _needed(float(one.peak.max(initial=0.0)), _PERCENT)) for one in kinds]
        alive = self._alive()
        cost = known_total(
            amount_of_hours(np.where(alive, float(unit), 0.0), prices, 1)
            for unit, prices in zip(units, self._unit_hour(), strict=True)
        )
        return Flat(units[0], units[1], cost)

    def _alive(self) -> BoolArray:
        """The hours in which the table or index was there, as far as can be told."""
        reads, writes = self.hours.reads, self.hours.writes
        return reads.reported | writes.reported | (reads.covered + writes.covered > 0)

    def _scaled(self, usage: Usage) -> FloatArray:
        """Units in each hour so that its highest minute is at the target; 1 at least."""
        units = np.ceil(usage.peak * _PERCENT / (60.0 * self.target_percent))
        return np.where(self._alive(), np.maximum(units, 1.0), 0.0)

    def _unit_hour(self) -> list[list[Decimal | None]]:
        prices = self.prices or CapacityPrices()
        return [
            [prices.read_capacity_unit_hour] * len(self.hours.reads.peak),
            self._of_writes(
                prices.write_capacity_unit_hour, prices.replicated_write_capacity_unit_hour
            ),
        ]

    def _million(self) -> list[list[Decimal | None]]:
        prices = self.prices or CapacityPrices()
        return [
            [prices.million_read_request_units] * len(self.hours.reads.peak),
            self._of_writes(
                prices.million_write_request_units, prices.million_replicated_write_request_units
            ),
        ]

    def _of_writes(self, usual: Decimal | None, replicated: Decimal | None) -> list[Decimal | None]:
        """All writes of a table of a global table are replicated ones, those of indexes are not."""
        if self.hours.resource.index:
            return [usual] * len(self.hours.writes.peak)
        return [replicated if is_one else usual for is_one in self.hours.writes.replicated.tolist()]


def _needed(peak: float, percent: int) -> int:
    return int(np.ceil(peak * _PERCENT / (60.0 * percent)))


def _exact(values: FloatArray | Sequence[float]) -> float:
    return exact_sum(np.asarray(values, np.float64))
