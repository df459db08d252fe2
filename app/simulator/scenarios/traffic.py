"""Requests of a minute by operation: those of every day, and what DynamoDB made of more of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from app.simulator.draws import uniform
from app.simulator.scenarios.capacity import PARTITION_CAPACITY, served, shared
from app.simulator.scenarios.tables import CalmTable


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests of one direction of a table in a minute, by operation, each of a unit on average."""

    accepted: Mapping[str, int]
    refused: Mapping[str, int] = field(default_factory=dict)


# (table, direction, minute since 1970) -> requests by operation.
Usual = Callable[[CalmTable, str, int], dict[str, int]]


def usual_traffic(seed: int) -> Usual:
    """Return the everyday traffic: steady, with noise of 5 % up and down."""

    def usual(table: CalmTable, direction: str, minute: int) -> dict[str, int]:
        return {
            operation: steady(rate, seed, table.name, operation, minute)
            for operation, rate in table.operations_of(direction)
        }

    return usual


def steady(units_per_second: float, *parts: object) -> int:
    """Return the units of a minute around a rate, drawn from the parts."""
    return round(60 * units_per_second * (0.95 + 0.1 * uniform("traffic", *parts)))


def over_capacity(
    wanted: Mapping[int, Mapping[str, int]], units_per_second: float
) -> dict[int, Traffic]:
    """Return what becomes of requests that share one provisioned capacity, by minute.

    All operations are refused alike, in proportion to what they ask for.
    """
    totals = [sum(each.values()) for each in wanted.values()]
    found = {}
    for (minute, each), units in zip(wanted.items(), served(totals, units_per_second), strict=True):
        accepted = shared(units, each)
        found[minute] = Traffic(accepted, {name: each[name] - accepted[name] for name in each})
    return found


def on_one_partition(
    usual: Mapping[int, Mapping[str, int]], direction: str, operation: str, extra: Mapping[int, int]
) -> dict[int, Traffic]:
    """Return what becomes of `extra` requests for one key, beside traffic on all other keys."""
    found = {}
    for minute, each in usual.items():
        taken = min(extra[minute], int(60 * PARTITION_CAPACITY[direction]))
        accepted = {**each, operation: each[operation] + taken}
        found[minute] = Traffic(accepted, {operation: extra[minute] - taken})
    return found
