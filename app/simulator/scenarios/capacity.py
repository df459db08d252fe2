"""What DynamoDB serves of what is asked for: provisioned capacity with its reserve, and partitions.

Minutes are served in the order of the list; within a minute the demand is even.
"""

from collections.abc import Mapping, Sequence

# Unused capacity of the last five minutes is kept for bursts.
RESERVE_SECONDS = 300.0
# What one partition serves, whatever the table has: units per second.
PARTITION_CAPACITY = {"Read": 3000.0, "Write": 1000.0}
_SECONDS = 60.0


def served(demands: Sequence[int], units_per_second: float) -> list[int]:
    """Return the units served of each minute's demand; the reserve is full before the first.

    The reserve is used once a minute asks for more than its own capacity, and fills up again
    with what a minute leaves over.
    """
    full = RESERVE_SECONDS * units_per_second
    reserve = full
    found = []
    for demand in demands:
        available = _SECONDS * units_per_second + reserve
        used = min(demand, int(available))
        reserve = min(full, available - used)
        found.append(used)
    return found


def shared(total: int, wanted: Mapping[str, int]) -> dict[str, int]:
    """Return `total` divided in proportion to what is wanted, in whole numbers that add up to it.

    The largest remainders are rounded up, in the order of the names where they are equal. Nobody
    gets more than wanted, if `total` is at most all that is wanted.
    """
    everything = sum(wanted.values())
    if not everything:
        return dict.fromkeys(wanted, 0)
    parts = {name: total * amount // everything for name, amount in wanted.items()}
    remainders = sorted(wanted, key=lambda name: (-(total * wanted[name] % everything), name))
    for name in remainders[: total - sum(parts.values())]:
        parts[name] += 1
    return parts
