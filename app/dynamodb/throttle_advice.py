"""What helps against throttling, by its cause and pattern.

Sources, of the Amazon DynamoDB Developer Guide: "Resolving throttling issues" with a page for each
cause, "Managing throughput capacity with auto scaling" (target utilisation 20 to 90 %, by default
70 %; capacity rises after two minutes above the target), "Designing partition keys to distribute
your workload", "Using write sharding", "Error retries and exponential backoff", and "Using global
secondary indexes: provisioned throughput considerations" (an index needs at least the write
capacity of its table).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from app.dynamodb.episodes import Pattern
from app.dynamodb.resources import Resource
from app.dynamodb.throttle_causes import Cause
from app.dynamodb.utilization import Limit

TARGET = 0.7
"""The utilisation at which auto scaling aims by default, and which leaves room for a burst."""

LEAST_RAISE = 0.25
"""Of the capacity there is: a step smaller than this is not worth taking."""

PARTITION_READS, PARTITION_WRITES = 3_000, 1_000
"""Units per second that one partition serves at most."""

_RAISED = {
    Cause.PROVISIONED: Limit.PROVISIONED,
    Cause.ON_DEMAND_MAXIMUM: Limit.ON_DEMAND_MAXIMUM,
}


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to do: a name that stays, a sentence, and the capacity that it speaks of, if any.

    ``capacity`` is in units per second.
    """

    action: str
    text: str
    capacity: float | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """What advice depends on; fields as those of ``Finding``.

    ``wanted`` is the most units per second that were asked for in a throttled period, throttled
    requests included.
    """

    resource: Resource
    direction: str
    cause: Cause
    pattern: Pattern | None
    interval_ms: int | None
    limited_by: Limit
    limit: float | None
    wanted: float | None
    holds_back_table: bool | None

    @property
    def what(self) -> str:
        """The table or index, as a sentence names it."""
        name = self.resource.index or self.resource.table
        return f"index {name}" if self.resource.index else f"table {name}"

    @property
    def units(self) -> str:
        """The units of its capacity."""
        return "read units" if self.direction == "Read" else "write units"

    @property
    def needed(self) -> float | None:
        """Units per second that would have been enough at the target utilisation, rounded up.

        At least ``LEAST_RAISE`` more than there is: where the average of a throttled minute is
        below the limit, its seconds were not, and how far they went beyond is not delivered. None
        where the limit that would be raised is not known, such as an on-demand maximum that is not
        streamed: a number might be less than there is.
        """
        raised = Limit.PROVISIONED if self.holds_back_table else _RAISED.get(self.cause)
        if self.wanted is None or self.limited_by is not raised:
            return None
        wanted = math.ceil(self.wanted / TARGET)
        return float(max(wanted, math.ceil((self.limit or 0) * (1 + LEAST_RAISE))))


def advice_for(situation: Situation) -> tuple[Advice, ...]:
    """What to do, the most useful first."""
    return tuple(_advice(situation))


def _advice(given: Situation) -> Iterator[Advice]:
    if given.holds_back_table:
        yield Advice(
            "raise_index_capacity",
            f"Writes to table {given.resource.table} are throttled because {given.what} cannot"
            " follow: give the index at least the write capacity that the table uses"
            f"{_number(given)}, or index fewer items and attributes.",
            given.needed,
        )
    match given.cause:
        case Cause.PROVISIONED:
            yield from _of_provisioned(given)
        case Cause.KEY_RANGE:
            yield from _of_key_range(given)
        case Cause.ON_DEMAND_MAXIMUM:
            yield Advice(
                "raise_on_demand_maximum",
                f"Raise or remove the on-demand maximum of {given.what}{_number(given)}; it was"
                " set to bound the cost, so look at that as well.",
                given.needed,
            )
        case Cause.ACCOUNT_LIMIT:
            yield Advice(
                "raise_account_limit",
                "Ask for a higher quota of table-level or account-level throughput in Service"
                " Quotas; until then spread the load over time.",
            )
        case _:
            yield Advice(
                "stream_causes",
                "Add the metrics of throttle causes, capacity and limits to the metric stream:"
                " with them the cause is known instead of guessed.",
            )
    if given.pattern is Pattern.SINGLE_BURST and given.cause is not Cause.KEY_RANGE:
        yield Advice(
            "back_off",
            "If this happens rarely, retries with exponential back-off and jitter, as the AWS SDKs"
            " have them, carry clients over it.",
        )


def _of_provisioned(given: Situation) -> Iterator[Advice]:
    if not given.holds_back_table:
        yield Advice(
            "raise_capacity",
            f"Raise the provisioned {given.units} of {given.what}{_number(given)}.",
            given.needed,
        )
    if given.pattern is Pattern.SUSTAINED:
        yield Advice(
            "auto_scaling",
            f"Let auto scaling follow the load of {given.what}, with a target of"
            f" {100 * TARGET:.0f} % and a maximum above what is needed; if it is on, its maximum"
            " holds it back.",
        )
    elif given.pattern is Pattern.RECURRING_BURST:
        every = "" if given.interval_ms is None else f", every {_duration(given.interval_ms)}"
        yield Advice(
            "scheduled_scaling",
            f"The load comes back{every}: raise the capacity by schedule before it comes. Auto"
            " scaling alone is too slow, as it waits for minutes above its target.",
        )
        yield Advice(
            "on_demand",
            f"On-demand mode takes such bursts, up to twice the previous peak: compare its price"
            f" with `hydrant dynamodb cost --table {given.resource.table}`.",
        )
    elif given.pattern is not None:
        yield Advice(
            "headroom",
            "Auto scaling is too slow for a burst of minutes: a lower target utilisation leaves"
            " room for it, and on-demand mode takes up to twice the previous peak.",
        )


def _of_key_range(given: Situation) -> Iterator[Advice]:
    most = PARTITION_READS if given.direction == "Read" else PARTITION_WRITES
    remedy = (
        "cache hot items, and spread reads over more keys"
        if given.direction == "Read"
        else "spread hot keys by a suffix (write sharding), and avoid keys that grow with time"
    )
    yield Advice(
        "key_design",
        f"Some keys of {given.what} are hot. One partition serves at most {most:,} {given.units} a"
        f" second whatever is provisioned, so more capacity does not help: {remedy}.",
    )
    yield Advice(
        "contributor_insights",
        f"Turn on CloudWatch Contributor Insights for throttled keys of {given.what}: it names"
        " the keys, which metrics do not.",
    )


def _number(given: Situation) -> str:
    if given.needed is None:
        return ""
    before = "" if given.limit is None else f" from {given.limit:,.0f}"
    return f"{before} to about {given.needed:,.0f} {given.units} a second"


def _duration(milliseconds: int) -> str:
    minutes = round(milliseconds / 60_000)
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{minutes} minutes"
    return f"{hours} h {rest} min" if rest else f"{hours} h"
