"""``rate`` and its like over stored minutes, whatever of them has been evaluated before."""

import pytest

from app.otlp.points import GAUGE, SUM_CUMULATIVE
from tests.unit.rules.points import Minutes, engine, otlp, value

MINUTE = 60_000
FIRST = 1_000 * MINUTE
COUNTER = otlp("requests", SUM_CUMULATIVE, svc="s", host="a")
OTHER = otlp("requests", SUM_CUMULATIVE, svc="s", host="b")


def test_rate_and_increase_over_minutes() -> None:
    points = Minutes([value(COUNTER, FIRST + n * MINUTE, 60.0 * n * n) for n in range(4)])
    rules = engine("requests.rate('PT1M')", "requests.increase('PT2M')", "requests.irate()")
    assert points.evaluate(rules, 1_003) == {
        "p_0": {("s",): 5.0},
        "p_1": {("s",): 480.0},
        "p_2": {("s",): 5.0},
    }


def test_a_minute_does_not_depend_on_what_was_evaluated_before() -> None:
    points = Minutes([value(COUNTER, FIRST + n * MINUTE, 60.0 * n) for n in range(6)])
    in_order, backwards = (engine("requests.increase('PT3M')") for _ in range(2))
    forth = [points.evaluate(in_order, 1_000 + n) for n in range(6)]
    back = [points.evaluate(backwards, 1_000 + n) for n in reversed(range(6))]
    assert forth == back[::-1]
    assert [result["p_0"]["s",] for result in forth] == [0.0, 60.0, 120.0, 180.0, 180.0, 180.0]


def test_the_last_sample_of_a_minute_counts() -> None:
    seconds = [5, 20, 35, 50, 65, 80, 95, 110]
    points = Minutes([value(COUNTER, FIRST + s * 1_000, float(s)) for s in seconds])
    rules = engine("requests.rate('PT1M')", "requests.downsampling(MAX).increase('PT1M')")
    assert points.evaluate(rules, 1_001) == {"p_0": {("s",): 1.0}, "p_1": {("s",): 60.0}}


def test_ranges_shorter_than_a_minute_see_within_it() -> None:
    seconds = [5, 20, 35, 50]
    points = Minutes([value(COUNTER, FIRST + s * 1_000, float(s * s)) for s in seconds])
    rules = engine("requests.increase('PT15S')", "requests.increase('PT30S')")
    assert points.evaluate(rules, 1_000) == {
        "p_0": {("s",): 50.0**2 - 35.0**2},
        "p_1": {("s",): 50.0**2 - 20.0**2},
    }


def test_windows_of_sums_and_of_different_rules_stand_apart() -> None:
    points = Minutes(
        [value(COUNTER, FIRST + n * MINUTE, 10.0 * n) for n in range(3)]
        + [value(OTHER, FIRST + n * MINUTE + 7_000, 1.0 * n) for n in range(3)]
    )
    rules = engine(
        "requests.sum(['svc']).increase('PT1M')",
        "requests.tagEqual('host', 'a').sum(['svc']).increase('PT1M')",
        "requests.sum(['svc']).rate('PT1M').sum(['svc'])",
    )
    assert points.evaluate(rules, 1_002) == {
        "p_0": {("s",): 11.0},
        "p_1": {("s",): 10.0},
        "p_2": {("s",): 11.0 / 60.0},
    }


def test_a_series_that_has_no_point_now_has_no_rate() -> None:
    points = Minutes([value(COUNTER, FIRST, 1.0), value(OTHER, FIRST + MINUTE, 1.0)])
    assert points.evaluate(engine("requests.tagEqual('host', 'a').irate()"), 1_001) == {"p_0": {}}


def test_what_other_rules_look_at_makes_no_difference() -> None:
    gaps = (0, 3, 4, 7, 9, 16)
    points = Minutes([value(COUNTER, FIRST + n * MINUTE, 2.0**n) for n in gaps])
    own = "requests.increase('PT1M')", "requests.rate('PT1M').increase('PT1M')"
    others = "requests.increase('PT10M')", "requests.rate('PT5M').rate('PT5M')"
    for gap in gaps:
        alone = points.evaluate(engine(*own), 1_000 + gap)
        beside = points.evaluate(engine(*own, *others), 1_000 + gap)
        assert {name: beside[name] for name in alone} == alone
    # Beyond twice the range nothing is nearer to its start than the sample itself.
    assert points.evaluate(engine(*own, *others), 1_003)["p_0"] == {("s",): 0.0}
    assert points.evaluate(engine(*own, *others), 1_009)["p_0"] == {("s",): 2.0**9 - 2.0**7}


@pytest.mark.parametrize(
    ("expressions", "minutes"),
    [
        (["m"], 0),
        (["m.rate('PT1M')"], 2),
        (["m.rate('PT15S')"], 1),
        (["m.increase('PT5M').rate('PT1M')", "m"], 12),
        (["m.irate()"], 10),
    ],
)
def test_how_far_rules_look_back(expressions: list[str], minutes: int) -> None:
    assert engine(*expressions).lookback_minutes == minutes


def test_time_is_the_end_of_the_minute() -> None:
    points = Minutes([value(otlp("up", GAUGE, svc="s"), FIRST, 60_000.0)])
    assert points.evaluate(engine("time() - up"), 1_000) == {"p_0": {("s",): 60.0}}
