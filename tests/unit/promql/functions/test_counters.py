"""Rates and changes, computed by hand."""

import math

import pytest

from tests.unit.promql.functions.made import of_windows, windows

MINUTE = 60_000


def one(
    name: str, samples: dict[int, float], end: int, width: int, metric: str = "x_total"
) -> float:
    """The function over one window, with times in seconds."""
    over = windows(
        {metric: list(samples.values())}, [at * 1000 for at in samples], [end * 1000], width * 1000
    )
    (value,) = of_windows(name, over).only
    assert value is not None
    return value


def test_samples_near_the_edges_stand_for_the_whole_window() -> None:
    # 30 seconds counted between 15 and 45 s, so 60 in the minute; 1.1 distances are 33 s.
    samples = {15: 100.0, 45: 130.0}
    assert one("increase", samples, 60, 60) == 60.0
    assert one("rate", samples, 60, 60) == 1.0
    assert one("delta", samples, 60, 60) == 60.0


def test_far_from_an_edge_half_a_distance_is_added() -> None:
    # 11 s are 1.1 distances: from there on the series is taken to begin half a distance before.
    samples = {11: 100.0, 21: 110.0, 31: 120.0}
    assert one("delta", samples, 32, 32) == 20.0 * (20 + 5 + 1) / 20
    samples = {10: 100.0, 20: 110.0, 30: 120.0}
    assert one("delta", samples, 31, 31) == 20.0 * (20 + 10 + 1) / 20
    assert one("delta", samples, 41, 41 - 5) == 20.0 * (20 + 5 + 5) / 20


def test_a_counter_did_not_begin_below_zero() -> None:
    # At one a second it was 0 five seconds before the first sample; a gauge may be negative.
    samples = {15: 5.0, 45: 35.0}
    assert one("increase", samples, 60, 60) == pytest.approx(30 * (30 + 5 + 15) / 30)
    assert one("delta", samples, 60, 60) == 60.0
    assert one("increase", {15: -5.0, 45: 25.0}, 60, 60) == 60.0


def test_counters_count_on_after_a_reset() -> None:
    samples = {0: 100.0, 10: 130.0, 20: 5.0, 30: 25.0, 40: 1.0}
    over = windows(
        {"x_total": list(samples.values())}, [at * 1000 for at in samples], [40_000], 41_000
    )
    increase = (1 - 100) + 130 + 25
    assert of_windows("resets", over).only == [2.0]
    assert of_windows("increase", over).only == [pytest.approx(increase * 41 / 40)]
    # A reset right before the window is no business of it.
    assert one("increase", samples, 35, 20) == pytest.approx(20 * (10 + 2.5 + 5) / 10)


def test_instant_rates_take_the_last_two_samples() -> None:
    samples = {0: 1000.0, 10: 20.0, 30: 50.0}
    assert one("irate", samples, 60, 61) == 1.5
    assert one("idelta", samples, 60, 61) == 30.0
    assert one("irate", {10: 20.0, 30: 4.0}, 60, 61) == 0.2
    assert one("idelta", {10: 20.0, 30: 4.0}, 60, 61) == -16.0


@pytest.mark.parametrize("name", ["rate", "increase", "delta", "irate", "idelta", "deriv"])
def test_one_sample_is_not_enough(name: str) -> None:
    over = windows({"x_total": [1.0, None, 2.0]}, [0, 1000, 2000], [0, 1000, 2000], 1_500)
    assert of_windows(name, over).only == [None, None, None]


def test_changes_and_resets_of_one_sample_are_none() -> None:
    over = windows({"x": [1.0, None, None]}, [0, 1000, 2000], [0, 1000, 2000], 1_500)
    assert of_windows("changes", over).only == [0.0, 0.0, None]
    assert of_windows("resets", over).only == [0.0, 0.0, None]


def test_nan_after_nan_is_no_change() -> None:
    over = windows({"x": [math.nan, math.nan, 1.0, 1.0, 0.0]}, range(5), [4], 10)
    assert of_windows("changes", over).only == [2.0]


@pytest.mark.parametrize("name", ["rate", "increase"])
@pytest.mark.parametrize("metric", ["up", "x_avg", "sum", "total_x"])
def test_names_that_are_no_counters_are_remarked_on(name: str, metric: str) -> None:
    found = of_windows(name, windows({metric: [1.0]}, [0], [0], 1000))
    assert found.infos == [
        (
            "PromQL info: metric might not be a counter, name does not end in"
            f' _total/_sum/_count/_bucket: "{metric}"'
        )
    ]


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("rate", "x_total"),
        ("increase", "x_sum"),
        ("rate", "x_count"),
        ("rate", "x_bucket"),
        ("rate", "{a=1}"),
        ("irate", "up"),
        ("delta", "up"),
        ("resets", "up"),
        ("delta", "aws_sqs_Sent_sum"),
        ("rate", "aws_reader_total"),
    ],
)
def test_nothing_is_said_of_what_may_be_a_counter(name: str, metric: str) -> None:
    assert of_windows(name, windows({metric: [1.0]}, [0], [0], 1000)).infos == []


def test_nothing_is_said_of_series_without_samples() -> None:
    assert of_windows("rate", windows({"up": [None]}, [0], [0], 1000)).infos == []


@pytest.mark.parametrize("name", ["rate", "increase", "irate"])
@pytest.mark.parametrize(
    "statistic",
    ["sum", "samplecount", "minimum", "maximum", "average", "p99", "p99_9", "tm_25_75_"],
)
def test_values_of_periods_are_no_counters(name: str, statistic: str) -> None:
    metric = f"aws_dynamodb_ConsumedReadCapacityUnits_{statistic}"
    rows: dict[str, list[float | None]] = {f"{metric}{{a=1}}": [1.0], f"{metric}{{a=2}}": [1.0]}
    assert of_windows(name, windows(rows, [0], [0], 1000)).infos == [
        (
            f'PromQL info: "{metric}" has a value for each period and is no counter: the rate per'
            " second is sum_over_time(...) divided by the seconds of the window"
        )
    ]
