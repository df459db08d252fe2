"""What happens in each scenario, minute by minute: one thing, at one place.

Minutes count from 1970. Each function takes the everyday traffic and the minutes of the
disturbance, and returns what differs from every day.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from app.simulator.scenarios.tables import (
    CARTS,
    CUSTOMERS,
    EVENTS,
    LEDGER,
    ORDERS,
    READ,
    SESSIONS,
    WRITE,
    CalmTable,
)
from app.simulator.scenarios.traffic import Traffic, Usual, on_one_partition, over_capacity

PROVISIONED = "provisioned"
KEY_RANGE = "key_range"
LATE_MINUTES = 10


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What differs from every day; what does not apply is empty.

    `traffic` replaces that of one direction of the table, by minute; what it refuses is counted
    as throttle events of the index, or of the table where there is none. In `minutes` requests of
    the operation take `slower` times as long, and the share `failing` of them fails. `detours`
    leads what would arrive in a minute to the minute in which it does, None for never.
    """

    minutes: range
    table: str = ""
    index: str = ""
    direction: str = ""
    operation: str = ""
    cause: str = ""
    traffic: Mapping[int, Traffic] = field(default_factory=dict)
    slower: float = 1.0
    failing: float = 0.0
    detours: Mapping[int, int | None] = field(default_factory=dict)

    @property
    def visible(self) -> range:
        """The minutes whose points show it: those with refused requests, or all."""
        refused = [m for m, traffic in self.traffic.items() if any(traffic.refused.values())]
        return range(min(refused), max(refused) + 1) if refused else self.minutes

    @property
    def throttled(self) -> int:
        """Return how many requests are refused in all."""
        return sum(sum(traffic.refused.values()) for traffic in self.traffic.values())


def calm(usual: Usual, minutes: range) -> Disturbance:
    """Nothing happens."""
    del usual
    return Disturbance(minutes)


def burst(usual: Usual, minutes: range) -> Disturbance:
    """Queries come in at four times the provisioned capacity, longer than the reserve lasts."""
    return _too_many(usual, minutes, ORDERS, READ, operation="Query", extra=400)


def sustained(usual: Usual, minutes: range) -> Disturbance:
    """Updates ask for twice the provisioned capacity and do not stop."""
    return _too_many(usual, minutes, CARTS, WRITE, operation="UpdateItem", extra=90)


def late_minute(usual: Usual, minutes: range) -> Disturbance:
    """Reads use up the reserve in a single minute, and its points are ten minutes late."""
    found = _too_many(usual, minutes, CARTS, READ, operation="GetItem", extra=780)
    return replace(found, detours={minute: minute + LATE_MINUTES for minute in minutes})


def hot_partition(usual: Usual, minutes: range) -> Disturbance:
    """One key is written more often than a partition can bear; the table has plenty left."""
    extra = dict.fromkeys(minutes, 1600 * 60)
    return Disturbance(
        minutes,
        EVENTS.name,
        direction=WRITE,
        operation="PutItem",
        cause=KEY_RANGE,
        traffic=on_one_partition(
            {minute: usual(EVENTS, WRITE, minute) for minute in minutes}, WRITE, "PutItem", extra
        ),
    )


def index_bottleneck(usual: Usual, minutes: range) -> Disturbance:
    """More writes than the index takes, and half of what the table would take without it."""
    return _too_many(
        usual, minutes, LEDGER, WRITE, operation="PutItem", extra=160, index="by-status"
    )


def latency_step(usual: Usual, minutes: range) -> Disturbance:
    """Queries take forty times as long; there are not more of them."""
    del usual
    return Disturbance(minutes, CUSTOMERS.name, operation="Query", slower=40.0)


def error_spike(usual: Usual, minutes: range) -> Disturbance:
    """DynamoDB answers one put in twenty with HTTP 500."""
    del usual
    return Disturbance(minutes, SESSIONS.name, operation="PutItem", failing=0.05)


def silence(usual: Usual, minutes: range) -> Disturbance:
    """Firehose delivers nothing, and afterwards everything at once."""
    del usual
    return Disturbance(minutes, detours=dict.fromkeys(minutes, minutes.stop))


def silence_lost(usual: Usual, minutes: range) -> Disturbance:
    """Firehose delivers nothing, and what it had is lost."""
    del usual
    return Disturbance(minutes, detours=dict.fromkeys(minutes))


def _too_many(
    usual: Usual,
    minutes: range,
    table: CalmTable,
    direction: str,
    *,
    operation: str,
    extra: int,
    index: str = "",
) -> Disturbance:
    # `extra` is requests per second. Every write to the table is one to the index as well, so that
    # the one with less capacity decides for both.
    wanted = {}
    for minute in minutes:
        requests = usual(table, direction, minute)
        requests[operation] += 60 * extra
        wanted[minute] = requests
    traffic = over_capacity(wanted, table.capacity(direction, index))
    return Disturbance(
        minutes, table.name, index, direction, operation, PROVISIONED, traffic=traffic
    )
