"""When another capacity mode, or other capacity, would cost considerably less. Pure.

Silent unless the saving is a fifth of the cost and some money, over at least a day of which nearly
all is known. It never says that a change is without risk.
"""

from dataclasses import dataclass
from decimal import Decimal

from app.dynamodb.cost import TableCost
from app.dynamodb.cost_hours import Mode

LEAST_SHARE_PERCENT = 20
"""Of the cost, for a saving to be considerable."""
LEAST_SAVING_A_MONTH = 5
"""In the currency of the prices, for a saving to be considerable."""
LEAST_HOURS = 24
"""Of known hours in one mode, for any advice."""
LEAST_KNOWN_PERCENT = 95
"""Of the minutes of provisioned mode, for any advice."""
COARSEST_MS = 300_000
"""Of points, for advice that rests on the highest minute."""
MONTH_HOURS = 730
"""Hours of a month, as AWS counts them."""

_TEXTS = {
    "switch_to_on_demand": (
        "On-demand would have cost less for this traffic. It has limits of its own: a table's"
        " maximum, and what a partition can serve."
    ),
    "switch_to_provisioned": (
        "Provisioned capacity with auto scaling would have cost less for this traffic. It follows"
        " traffic with a delay: bursts that on-demand serves can be throttled."
    ),
    "lower_capacity": (
        "Less provisioned capacity, as auto scaling would set it, would have served this traffic."
        " It follows traffic with a delay: bursts that today's capacity serves can be throttled."
    ),
}


@dataclass(frozen=True, slots=True)
class CostAdvice:
    """What to change, and the numbers it rests on; amounts are of ``hours`` hours."""

    action: str
    text: str
    hours: int
    cost: Decimal
    cost_then: Decimal
    saving_percent: float
    saving_a_month: Decimal


def advice_of(table: TableCost, resolution_ms: int) -> CostAdvice | None:
    """Advice for a table with its indexes; None unless the difference is considerable.

    From points of more than five minutes none that rests on the highest minute.
    """
    mode, hours = _mode_and_hours(table)
    amounts = table.total.amounts
    if mode is None or amounts.cost is None or not amounts.cost:
        return None
    choices = {}
    if mode is Mode.PROVISIONED:
        choices["switch_to_on_demand"] = amounts.if_on_demand
    if resolution_ms <= COARSEST_MS:
        scaled = "lower_capacity" if mode is Mode.PROVISIONED else "switch_to_provisioned"
        choices[scaled] = amounts.if_auto_scaled
    known = {action: then for action, then in choices.items() if then is not None}
    if not known:
        return None
    # At the same cost the smaller change.
    action, then = min(known.items(), key=lambda choice: (choice[1], choice[0]))
    saving = amounts.cost - then
    a_month = saving * MONTH_HOURS / hours
    if saving * 100 < amounts.cost * LEAST_SHARE_PERCENT or a_month < LEAST_SAVING_A_MONTH:
        return None
    return CostAdvice(
        action,
        _TEXTS[action],
        hours,
        amounts.cost,
        then,
        float(100 * saving / amounts.cost),
        a_month.quantize(Decimal("0.01")),
    )


def _mode_and_hours(table: TableCost) -> tuple[Mode | None, int]:
    """The mode a table was in all the time, and how many hours of it are known."""
    seen = [mode for mode, hours in table.hours.items() if hours and mode is not Mode.UNKNOWN]
    if len(seen) != 1 or seen[0] is Mode.SWITCHED:
        return None, 0
    mode, hours = seen[0], table.hours[seen[0]]
    quantities = table.total.quantities
    known, missing = quantities.covered_minutes, quantities.missing_minutes
    if hours < LEAST_HOURS or known * (100 - LEAST_KNOWN_PERCENT) < missing * LEAST_KNOWN_PERCENT:
        return None, 0
    return mode, hours
