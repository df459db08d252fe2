"""Why requests were throttled: as DynamoDB says, or as the capacity suggests.

Since 2025 CloudWatch has throttle events by cause: provisioned throughput, key range throughput,
account limit, and maximum on-demand throughput. A table whose stream leaves these out is judged by
how much of its limit was consumed in the throttled periods, and the judgement is marked as
inferred. Sources: "Diagnosing throttling" and "Burst and adaptive capacity" of the Amazon DynamoDB
Developer Guide.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from app.arrays import FloatArray, IntArray
from app.dynamodb.utilization import Limit
from app.summation import exact_sum


class Cause(StrEnum):
    """What a request ran into."""

    PROVISIONED = "provisioned"
    """The provisioned throughput of the table or index."""
    KEY_RANGE = "key_range"
    """The throughput of one partition: some keys are hot."""
    ACCOUNT_LIMIT = "account_limit"
    """The account's limit for one table or index, or for all of them."""
    ON_DEMAND_MAXIMUM = "on_demand_maximum"
    """The maximum that was set for a table or index in on-demand mode."""
    UNKNOWN = "unknown"


CAUSE_METRICS = {
    Cause.PROVISIONED: "{}ProvisionedThroughputThrottleEvents",
    Cause.KEY_RANGE: "{}KeyRangeThroughputThrottleEvents",
    Cause.ACCOUNT_LIMIT: "{}AccountLimitThrottleEvents",
    Cause.ON_DEMAND_MAXIMUM: "{}MaxOnDemandThroughputThrottleEvents",
}
"""CloudWatch's metric of each cause; the braces are Read or Write."""

AT_LIMIT = 0.8
"""Of the limit, on average over a minute. A minute whose seconds differ has throttled seconds well
before its average reaches the limit."""

FAR_BELOW = 0.5
"""Of the limit. So far below it, and with a reserve of 300 seconds of what was not consumed, the
table or index as a whole had capacity left; a single partition had not."""

_MOST = 0.5

_OF_LIMIT = {
    Limit.PROVISIONED: (Cause.PROVISIONED, "what is provisioned"),
    Limit.ON_DEMAND_MAXIMUM: (Cause.ON_DEMAND_MAXIMUM, "the on-demand maximum"),
    Limit.ACCOUNT_TABLE_LIMIT: (Cause.ACCOUNT_LIMIT, "the account's limit for one table"),
}


@dataclass(frozen=True, slots=True)
class CauseShare:
    """Throttle events of one cause, and their share of all that have a cause, in percent."""

    cause: Cause
    events: float
    percent: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """The main cause, how it is known, and the shares of all causes where these were delivered."""

    cause: Cause
    inferred: bool
    reasoning: str
    shares: tuple[CauseShare, ...] = ()


def delivered_cause(events: dict[Cause, float]) -> Judgement | None:
    """The cause with most events, of the causes that CloudWatch delivered; None without any.

    Of causes with the same number of events the first in the order of ``Cause`` is named.
    """
    named = {cause: events[cause] for cause in Cause if events.get(cause, 0.0) > 0}
    if not named:
        return None
    total = exact_sum(np.array(list(named.values())))
    shares = tuple(
        sorted(
            (CauseShare(cause, count, 100 * count / total) for cause, count in named.items()),
            key=lambda share: -share.events,
        )
    )
    main = shares[0]
    return Judgement(
        main.cause,
        inferred=False,
        reasoning=f"CloudWatch reports {main.events:,.0f} throttle events of this cause,"
        f" {main.percent:.0f} % of those with a cause",
        shares=shares,
    )


def inferred_cause(events: FloatArray, used: FloatArray, limits: IntArray) -> Judgement:
    """The cause that the consumed share of the limit suggests in the throttled periods.

    ``events`` weigh the periods; ``used`` is consumed over allowed units, NaN where unknown, and
    ``limits`` are the kinds of limit (``Limit``). What is neither near the limit nor far below it
    is not judged.
    """
    known = ~np.isnan(used) & (limits != Limit.NONE)
    total = exact_sum(events)
    if exact_sum(events[known]) < _MOST * total:
        return Judgement(
            Cause.UNKNOWN,
            inferred=True,
            reasoning="neither causes nor both consumption and its limit have been delivered"
            " for most of the throttled time",
        )
    of_known = exact_sum(events[known])
    for limit, (cause, name) in _OF_LIMIT.items():
        at_limit = known & (limits == limit) & (used >= AT_LIMIT)
        if exact_sum(events[at_limit]) >= _MOST * of_known:
            return Judgement(
                cause,
                inferred=True,
                reasoning=f"throttled while {_percent(events[at_limit], used[at_limit])} of {name}"
                " was consumed",
            )
    below = known & (used < FAR_BELOW)
    if exact_sum(events[below]) >= _MOST * of_known:
        return Judgement(
            Cause.KEY_RANGE,
            inferred=True,
            reasoning=f"throttled while only {_percent(events[below], used[below])} of the limit"
            " was consumed: there was capacity left, but not in the partition of some keys",
        )
    return Judgement(
        Cause.UNKNOWN,
        inferred=True,
        reasoning=f"throttled while {_percent(events[known], used[known])} of the limit was"
        " consumed: too little for the limit itself, too much for a hot partition alone",
    )


def cause_of_means(minutes: int) -> Judgement:
    """What points of several minutes say without a delivered cause: nothing.

    A mean over minutes that were not throttled looks like capacity that was left.
    """
    return Judgement(
        Cause.UNKNOWN,
        inferred=True,
        reasoning=f"no cause has been delivered, and means of {minutes} minutes do not tell what"
        " was consumed in the throttled ones; ask for a shorter range, of which minutes are kept",
    )


def _percent(events: FloatArray, used: FloatArray) -> str:
    """The mean of the used share by events, as text."""
    return f"{100 * exact_sum(events * used) / exact_sum(events):.0f} %"
