"""Calls of GetMetricData: limits, and what AWS counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog import SeriesIdentity
from app.cloudwatch import MOST_DATA_POINTS, MOST_QUERIES, STATISTICS, SeriesQuery
from app.pipeline.gap_calls import Wanted, plan_calls


def wanted(number: int, first: int, last: int, *extra: str, region: str = "eu-west-1") -> Wanted:
    dimensions = (("TableName", f"table-{number}"),)
    identity = SeriesIdentity("1", region, "AWS/DynamoDB", "M", dimensions, "Count")
    query = SeriesQuery("AWS/DynamoDB", "M", dimensions, (*STATISTICS, *extra))
    return Wanted(identity, query, first, last)


def test_series_of_one_gap_share_calls_of_five_hundred_queries() -> None:
    calls = plan_calls([wanted(number, 100, 140) for number in range(251)])
    assert [len(call.wanted) for call in calls] == [125, 125, 1]
    assert {(call.first, call.last) for call in calls} == {(100, 140)}
    assert sum(call.charged for call in calls) == 251


def test_an_answer_fits_on_a_page() -> None:
    day = 1440
    calls = plan_calls([wanted(number, 0, day) for number in range(40)])
    # 17 series of four statistics over a day are 97,920 data points, 18 would be 103,680.
    assert [len(call.wanted) for call in calls] == [17, 17, 6]


def test_a_range_too_long_for_a_page_is_cut() -> None:
    ranges = [(call.first, call.last) for call in plan_calls([wanted(0, 0, 21_000, "p99")])]
    assert ranges == [(0, 20_160), (20_160, 21_000)]


def test_ranges_far_apart_and_other_regions_are_calls_of_their_own() -> None:
    calls = plan_calls(
        [
            wanted(0, 0, 10),
            wanted(1, 5, 30),
            wanted(2, 500, 510),
            wanted(3, 0, 10, region="us-east-1"),
        ]
    )
    assert [(call.region, len(call.wanted), call.first, call.last) for call in calls] == [
        ("eu-west-1", 2, 0, 30),
        ("eu-west-1", 1, 500, 510),
        ("us-east-1", 1, 0, 10),
    ]


@pytest.mark.parametrize(("extra", "charged"), [(0, 1), (1, 1), (2, 2), (6, 2), (7, 3)])
def test_five_statistics_of_a_metric_are_charged_as_one(extra: int, charged: int) -> None:
    assert wanted(0, 0, 1, *(f"p{n}" for n in range(extra))).charged == charged


@given(
    st.lists(
        st.tuples(st.integers(0, 3000), st.integers(1, 21_600), st.integers(0, 6)), max_size=150
    )
)
def test_no_call_is_beyond_a_limit_and_nothing_is_left_out(
    ranges: list[tuple[int, int, int]],
) -> None:
    every = [
        wanted(number, first, first + length, *(f"p{n}" for n in range(extra)))
        for number, (first, length, extra) in enumerate(ranges)
    ]
    minutes: dict[SeriesIdentity, int] = {}
    for call in plan_calls(every):
        queries = sum(len(each.query.statistics) for each in call.wanted)
        assert queries <= MOST_QUERIES
        assert queries * (call.last - call.first) <= MOST_DATA_POINTS
        for each in call.wanted:
            assert call.first <= each.first < each.last <= call.last
            minutes[each.identity] = minutes.get(each.identity, 0) + each.last - each.first
    assert minutes == {each.identity: each.last - each.first for each in every}
