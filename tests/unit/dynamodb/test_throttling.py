"""The diagnosis of throttling, against situations worked out by hand."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.dynamodb.episodes import Pattern
from app.dynamodb.reader import MetricSeries
from app.dynamodb.throttle_causes import Cause
from app.dynamodb.throttling import Finding, throttling
from app.dynamodb.utilization import Limit
from app.storage import Tier
from tests.fixtures.dynamodb_series import START_MS, reading, series, sums

INDEX = {"GlobalSecondaryIndexName": "by-date", "TableName": "orders"}
TABLE = {"TableName": "orders"}


def at(minute: int) -> int:
    return START_MS + minute * 60_000


def found(*given: MetricSeries) -> Finding:
    (only,) = throttling(reading(*given, minutes=600))
    return only


def throttled(
    minutes: range | list[int], events: float = 10.0, *, index: bool = False
) -> MetricSeries:
    return sums(
        "WriteThrottleEvents", dict.fromkeys(minutes, events), **(INDEX if index else TABLE)
    )


def consumed(minutes: range, per_second: float, *, index: bool = False) -> MetricSeries:
    used = dict.fromkeys(minutes, 60 * per_second)
    return sums("ConsumedWriteCapacityUnits", used, **(INDEX if index else TABLE))


def provisioned(units: float, *, index: bool = False) -> MetricSeries:
    samples = dict.fromkeys(range(0, 600, 5), units)
    return sums("ProvisionedWriteCapacityUnits", samples, **(INDEX if index else TABLE))


@pytest.mark.parametrize(
    ("metric", "cause", "pattern"),
    [
        ("WriteProvisionedThroughputThrottleEvents", Cause.PROVISIONED, Pattern.SINGLE_BURST),
        ("WriteKeyRangeThroughputThrottleEvents", Cause.KEY_RANGE, Pattern.HOT_PARTITION),
        ("WriteAccountLimitThrottleEvents", Cause.ACCOUNT_LIMIT, Pattern.SINGLE_BURST),
        ("WriteMaxOnDemandThroughputThrottleEvents", Cause.ON_DEMAND_MAXIMUM, Pattern.SINGLE_BURST),
    ],
)
def test_causes_that_are_delivered_are_taken(metric: str, cause: Cause, pattern: Pattern) -> None:
    # Consumption alone would say provisioned.
    one = found(
        throttled([3, 4], 10.0),
        sums(metric, {3: 8.0, 4: 4.0}, **TABLE),
        consumed(range(10), 100.0),
        provisioned(100.0),
    )
    assert (one.judgement.cause, one.judgement.inferred, one.pattern) == (cause, False, pattern)
    assert (one.events, one.start_ms, one.end_ms) == (20.0, at(3), at(5))
    assert [(share.events, share.percent) for share in one.judgement.shares] == [(12.0, 100.0)]


def test_the_cause_with_most_events_is_the_main_one() -> None:
    one = found(
        throttled([0, 1], 10.0),
        sums("WriteProvisionedThroughputThrottleEvents", {0: 3.0}, **TABLE),
        sums("WriteKeyRangeThroughputThrottleEvents", {0: 4.0, 1: 5.0}, **TABLE),
    )
    assert [(share.cause, share.events) for share in one.judgement.shares] == [
        (Cause.KEY_RANGE, 9.0),
        (Cause.PROVISIONED, 3.0),
    ]
    assert one.judgement.cause is Cause.KEY_RANGE


def test_causes_count_where_their_sum_was_not_delivered() -> None:
    one = found(sums("WriteKeyRangeThroughputThrottleEvents", {0: 4.0, 1: 5.0}, **TABLE))
    assert one.events == 9.0


@pytest.mark.parametrize(
    ("used", "cause"),
    [
        (80.0, Cause.PROVISIONED),
        (79.9, Cause.UNKNOWN),
        (50.0, Cause.UNKNOWN),
        (49.9, Cause.KEY_RANGE),
    ],
)
def test_without_causes_the_used_share_of_the_capacity_tells(used: float, cause: Cause) -> None:
    one = found(throttled([3, 4]), consumed(range(10), used), provisioned(100.0))
    assert (one.judgement.cause, one.judgement.inferred) == (cause, True)
    assert one.used_average == pytest.approx(used)
    assert one.limited_by is Limit.PROVISIONED


def test_means_of_hours_do_not_tell_a_hot_partition_from_a_burst() -> None:
    def of_hours(metric: str, value: float) -> MetricSeries:
        return series(
            metric, [(0, 60.0, value, value, value)], period_ms=3_600_000, extra=None, **TABLE
        )

    # Ten minutes at the limit of 100 units a second, and nothing else in the hour.
    burst = (
        of_hours("WriteThrottleEvents", 500.0),
        of_hours("ConsumedWriteCapacityUnits", 60_000.0),
        of_hours("ProvisionedWriteCapacityUnits", 6_000.0),
    )
    (one,) = throttling(reading(*burst, tier=Tier.HOUR))
    assert one.used_peak == pytest.approx(100 / 6)
    assert (one.judgement.cause, one.judgement.inferred) == (Cause.UNKNOWN, True)
    assert "means of 60 minutes" in one.judgement.reasoning
    assert (one.pattern, one.interval_ms) == (None, None)
    delivered = of_hours("WriteProvisionedThroughputThrottleEvents", 500.0)
    (one,) = throttling(reading(*burst, delivered, tier=Tier.HOUR))
    assert (one.judgement.cause, one.judgement.inferred) == (Cause.PROVISIONED, False)
    assert [each.action for each in one.advice] == ["raise_capacity"]


def test_hours_do_not_tell_whether_an_index_holds_back_its_table() -> None:
    events = series(
        "WriteThrottleEvents",
        [(0, 60.0, 500.0, 500.0, 500.0)],
        period_ms=3_600_000,
        extra=None,
        **TABLE,
        GlobalSecondaryIndexName="by-status",
    )
    (one,) = throttling(reading(events, tier=Tier.HOUR))
    assert one.resource.index == "by-status"
    assert one.holds_back_table is None
    assert "raise_index_capacity" not in [each.action for each in one.advice]


def test_minutes_weigh_by_their_events() -> None:
    used = {0: 6_000.0, 1: 600.0}
    capacity = provisioned(100.0), sums("ConsumedWriteCapacityUnits", used, **TABLE)
    most_at_limit = sums("WriteThrottleEvents", {0: 60.0, 1: 40.0}, **TABLE)
    assert found(most_at_limit, *capacity).judgement.cause is Cause.PROVISIONED
    most_below = sums("WriteThrottleEvents", {0: 40.0, 1: 60.0}, **TABLE)
    assert found(most_below, *capacity).judgement.cause is Cause.KEY_RANGE


def test_on_demand_tables_are_held_against_their_maximum_or_the_accounts() -> None:
    most = sums("OnDemandMaxWriteRequestUnits", {0: 100.0}, **TABLE)
    one = found(throttled([3]), consumed(range(5), 99.0), most)
    assert one.judgement.cause is Cause.ON_DEMAND_MAXIMUM
    assert one.advice[0].action == "raise_on_demand_maximum"
    of_account = sums("AccountMaxTableLevelWrites", {0: 100.0})
    one = found(throttled([3]), consumed(range(5), 99.0), of_account)
    assert one.judgement.cause is Cause.ACCOUNT_LIMIT
    assert one.advice[0].action == "raise_account_limit"


def test_nothing_is_claimed_of_a_table_whose_limit_is_unknown() -> None:
    one = found(throttled([3]), consumed(range(5), 99.0))
    assert (one.judgement.cause, one.limited_by, one.limit) == (Cause.UNKNOWN, Limit.NONE, None)
    assert [advice.action for advice in one.advice] == ["stream_causes", "back_off"]


@pytest.mark.parametrize(
    ("minutes", "pattern", "episodes", "interval"),
    [
        ([0], Pattern.SINGLE_BURST, 1, None),
        # Four minutes without are less than five: the same episode.
        ([0, 5], Pattern.SINGLE_BURST, 1, None),
        ([0, 6], Pattern.RECURRING_BURST, 2, None),
        ([0, 1, 60, 61, 120, 121], Pattern.RECURRING_BURST, 3, 3_600_000),
        # 60 and 72 minutes: both six from the median of 66, within a fifth of it.
        ([0, 60, 132], Pattern.RECURRING_BURST, 3, 66 * 60_000),
        ([0, 60, 160], Pattern.RECURRING_BURST, 3, None),
        (list(range(9)), Pattern.SINGLE_BURST, 1, None),
        (list(range(10)), Pattern.SUSTAINED, 1, None),
        # Nine throttled minutes in twelve do not make ten.
        ([0, 1, 2, 4, 5, 6, 8, 9, 10], Pattern.SINGLE_BURST, 1, None),
    ],
)
def test_patterns(
    minutes: list[int], pattern: Pattern, episodes: int, interval: int | None
) -> None:
    one = found(throttled(minutes))
    assert (one.pattern, len(one.episodes), one.interval_ms) == (pattern, episodes, interval)


def test_an_episode_knows_its_worst_minute() -> None:
    events = {7: 1.0, 8: 30.0, 9: 2.0}
    (episode,) = found(sums("WriteThrottleEvents", events, **TABLE)).episodes
    assert (episode.start_ms, episode.end_ms, episode.throttled_ms) == (at(7), at(10), 180_000)
    assert (episode.events, episode.peak_ms, episode.peak_events) == (33.0, at(8), 30.0)


def test_an_index_holds_back_the_writes_of_its_table() -> None:
    one = found(
        throttled(range(20), index=True),
        consumed(range(20), 100.0, index=True),
        provisioned(100.0, index=True),
        consumed(range(20), 100.0),
        provisioned(400.0),
    )
    assert one.resource.index == "by-date"
    assert (one.holds_back_table, one.used_peak, one.table_used_peak) == (True, 100.0, 25.0)
    # 100 units a second at 70 %.
    assert (one.advice[0].action, one.advice[0].capacity) == ("raise_index_capacity", 143.0)
    assert "raise_capacity" not in [advice.action for advice in one.advice]


def test_an_index_does_not_hold_back_a_table_that_is_at_its_limit_itself() -> None:
    one = found(
        throttled(range(20), index=True),
        consumed(range(20), 100.0, index=True),
        provisioned(100.0, index=True),
        consumed(range(20), 100.0),
        provisioned(100.0),
    )
    assert not one.holds_back_table


def test_the_capacity_that_is_needed_counts_what_was_throttled() -> None:
    latency = [(minute, 6_000.0, 1.0, 1.0, 1.0) for minute in range(10)]
    one = found(
        throttled([3, 4], 2_000.0),
        consumed(range(10), 100.0),
        provisioned(100.0),
        series("SuccessfulRequestLatency", latency, TableName="orders", Operation="PutItem"),
        sums(
            "ThrottledRequests", {3: 1_000.0, 4: 2_000.0}, TableName="orders", Operation="PutItem"
        ),
        # What is not throttled, and reads, say nothing of it.
        series("SuccessfulRequestLatency", latency, TableName="orders", Operation="UpdateItem"),
        sums("ThrottledRequests", {3: 9_000.0}, TableName="orders", Operation="Query"),
    )
    assert [(each.operation, each.throttled, each.successful) for each in one.operations] == [
        ("PutItem", 3_000.0, 12_000.0)
    ]
    # In the fifth minute 8,000 requests were made and 6,000 served: 133.3 units, at 70 % 190.5.
    assert one.wanted_peak == pytest.approx(100 * 8_000 / 6_000)
    assert (one.advice[0].action, one.advice[0].capacity) == ("raise_capacity", 191.0)


def test_capacity_is_raised_by_a_quarter_where_a_minute_hides_its_seconds() -> None:
    one = found(throttled([3, 4], 50.0), consumed(range(10), 81.0), provisioned(100.0))
    raised = [each for each in one.advice if each.capacity is not None]
    assert [each.capacity for each in raised] == [125.0]
    assert "from 100 to about 125" in raised[0].text


@pytest.mark.parametrize(
    ("metric", "action"),
    [
        ("WriteMaxOnDemandThroughputThrottleEvents", "raise_on_demand_maximum"),
        ("WriteProvisionedThroughputThrottleEvents", "raise_capacity"),
    ],
)
def test_the_accounts_limit_is_not_taken_for_what_is_to_be_raised(metric: str, action: str) -> None:
    causes = sums(metric, {3: 50.0}, **TABLE)
    of_account = sums("AccountMaxTableLevelWrites", {0: 40_000.0})
    one = found(throttled([3], 50.0), causes, consumed(range(5), 81.0), of_account)
    assert (one.limited_by, one.limit) == (Limit.ACCOUNT_TABLE_LIMIT, 40_000.0)
    assert (one.advice[0].action, one.advice[0].capacity) == (action, None)
    assert "40,000" not in one.advice[0].text
    # Where it is delivered, it is what is raised.
    most = sums("OnDemandMaxWriteRequestUnits", {0: 100.0}, **TABLE)
    capacity = provisioned(100.0) if action == "raise_capacity" else most
    one = found(throttled([3], 50.0), causes, consumed(range(5), 81.0), of_account, capacity)
    assert (one.advice[0].action, one.advice[0].capacity) == (action, 125.0)
    assert "from 100 to about 125" in one.advice[0].text


def test_bursts_that_come_back_are_met_by_schedule() -> None:
    minutes = [*range(3), *range(60, 63), *range(120, 123)]
    one = found(throttled(minutes), consumed(range(130), 100.0), provisioned(100.0))
    by_action = {advice.action: advice.text for advice in one.advice}
    assert list(by_action) == ["raise_capacity", "scheduled_scaling", "on_demand"]
    assert "every 1 h:" in by_action["scheduled_scaling"]


def test_tables_indexes_directions_and_regions_are_apart() -> None:
    here = reading(
        throttled([0], 5.0),
        throttled([0], 6.0, index=True),
        sums("ReadThrottleEvents", {0: 7.0}, **TABLE),
        sums("WriteThrottleEvents", {0: 8.0}, region="us-east-1", **TABLE),
        # By operation, or of nothing: no finding.
        sums("WriteThrottleEvents", {0: 9.0}, TableName="orders", Operation="PutItem"),
        sums("WriteThrottleEvents", {0: 0.0}, TableName="calm"),
    )
    assert [
        (each.resource.region, each.resource.index, each.direction, each.events)
        for each in throttling(here)
    ] == [
        ("us-east-1", "", "Write", 8.0),
        ("eu-west-1", "", "Read", 7.0),
        ("eu-west-1", "by-date", "Write", 6.0),
        ("eu-west-1", "", "Write", 5.0),
    ]


_EVENTS = st.dictionaries(st.integers(0, 200), st.integers(0, 1_000), min_size=1, max_size=40)


@given(_EVENTS, st.sets(st.integers(0, 200)), st.randoms(use_true_random=False))
def test_every_throttled_minute_is_in_one_episode_and_order_does_not_matter(
    events: dict[int, int], used: set[int], draws: random.Random
) -> None:
    ordered = {minute: float(events[minute]) for minute in sorted(events)}
    given = [
        sums("WriteThrottleEvents", ordered, **TABLE),
        provisioned(100.0),
        sums("ConsumedWriteCapacityUnits", dict.fromkeys(sorted(used | {0}), 3_000.0), **TABLE),
    ]
    first = throttling(reading(*given, minutes=600))
    draws.shuffle(given)
    assert throttling(reading(*given, minutes=600)) == first
    minutes = [minute for minute, count in ordered.items() if count]
    assert bool(first) == bool(minutes)
    for one in first:
        inside = [
            [minute for minute in minutes if each.start_ms <= at(minute) < each.end_ms]
            for each in one.episodes
        ]
        assert [minute for each in inside for minute in each] == minutes
        assert one.events == sum(ordered.values()) == sum(each.events for each in one.episodes)
        assert [60_000 * len(each) for each in inside] == [
            each.throttled_ms for each in one.episodes
        ]
