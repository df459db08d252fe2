"""Figures of cost as JSON and as cells; money is text, as JSON's numbers would lose its digits."""

from collections.abc import Collection, Mapping
from dataclasses import fields

from app.dynamodb.cost import TableCost
from app.dynamodb.cost_advice import CostAdvice
from app.dynamodb.cost_figures import Amounts, Figures, Quantities
from app.dynamodb.money import shown
from app.dynamodb.prices import Prices

AMOUNTS = ("cost", *(field.name for field in fields(Amounts)))
"""Names of money."""
QUANTITIES = tuple(field.name for field in fields(Quantities))
"""Names of units, unit-hours and minutes."""
CELLS = (*AMOUNTS, "unused_percent", *QUANTITIES)
"""All figures, in order."""


def figures_content(figures: Figures) -> dict[str, object]:
    """All figures by name, as JSON and as the cells of a row."""
    amounts, quantities = figures.amounts, figures.quantities
    unused_percent = None
    if amounts.unused is not None and amounts.provisioned:
        unused_percent = float(100 * amounts.unused / amounts.provisioned)
    return {
        **{name: shown(getattr(amounts, name)) for name in AMOUNTS},
        "unused_percent": unused_percent,
        **{name: getattr(quantities, name) for name in QUANTITIES},
    }


def prices_content(prices: Prices, regions: Collection[str]) -> Mapping[str, object]:
    """Where the prices come from, those of some regions apart; what has none is left out."""
    return {
        "file": prices.file,
        "date": prices.dated.isoformat(),
        "currency": prices.currency,
        "source": prices.source,
        "regions": {
            name: {"date": region.dated.isoformat(), "source": region.source}
            for name, region in sorted(prices.regions.items())
            if name in regions
        },
    }


def runs_content(table: TableCost) -> list[Mapping[str, object]]:
    """The capacity modes of a table, one after the other."""
    return [
        {"start": run.start_ms, "end": run.end_ms, "mode": run.mode.name.lower()}
        for run in table.modes
    ]


def advice_content(advice: CostAdvice | None) -> Mapping[str, object] | None:
    """Advice with its numbers; null where there is none."""
    if advice is None:
        return None
    return {
        "action": advice.action,
        "text": advice.text,
        "hours": advice.hours,
        "cost": shown(advice.cost),
        "cost_then": shown(advice.cost_then),
        "saving_percent": advice.saving_percent,
        "saving_a_month": shown(advice.saving_a_month),
    }
