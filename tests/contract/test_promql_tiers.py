"""Which tier PromQL reads: minutes while they are there, then what says the same or says so."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.pipeline import Maintenance, Retention
from app.promql.reader import Selection
from app.query.prometheus import PrometheusData
from app.storage import Tier, expire
from tests.fixtures.databases import Copy
from tests.fixtures.house import House, house
from tests.fixtures.rollups import START_MS, capacity, deliver, rules, seven_minutes
from tests.fixtures.selecting import read, selection

MINUTE_MS = 60_000
FIVE_MS = 5 * MINUTE_MS
HOUR_MS = 60 * MINUTE_MS
CAPACITY = "aws_dynamodb_ConsumedReadCapacityUnits"
LATENCY = "aws_dynamodb_SuccessfulRequestLatency"


@pytest.fixture
def inside(database_copy: Copy) -> Iterator[House]:
    """Seven minutes' data of two hours, rolled up, of which nothing has been deleted."""
    with house(database_copy(seven_minutes), rules()) as made:
        yield made


def cut(inside: House, **first: int) -> None:
    """Delete what is older than these minutes, which count from the start."""
    names = {"minutes": Tier.MINUTE, "five": Tier.FIVE_MINUTES, "hours": Tier.HOUR}
    minute = START_MS // MINUTE_MS
    wanted = {names[name]: minute + number for name, number in first.items()}
    inside.store.write(lambda connection: expire(connection, wanted))
    forever = dict.fromkeys(Tier, 0)
    Maintenance(inside.store, inside.clock, inside.lease, Retention(48, 30, forever)).run_once()


def samples(inside: House, wanted: Selection) -> tuple[dict[float, float], tuple[str, ...]]:
    """Samples of table orders by minutes from the start, and infos."""
    data = PrometheusData(inside.store, lambda: inside.rules.current().definitions)
    found, infos = read(data, wanted)
    merged: dict[float, float] = {}
    for each in found.values():
        merged |= {(time - START_MS) / MINUTE_MS: value for time, value in each.items()}
    return merged, infos


def ordered(name: str) -> str:
    label = "TableName" if name.startswith("aws_") else "endpoint"
    return f'{name}{{{label}="orders"}}'


STATISTICS = {
    f"{CAPACITY}_sum": [3.0, 4.0, 8.0, 48.0, 64.0],
    f"{CAPACITY}_samplecount": [2.0, 1.0, 1.0, 2.0, 1.0],
    f"{CAPACITY}_average": [1.5, 4.0, 8.0, 24.0, 64.0],
    f"{CAPACITY}_minimum": [0.75, 3.75, 7.75, 15.75, 63.75],
    f"{CAPACITY}_maximum": [2.5, 4.5, 8.5, 32.5, 64.5],
    "t_sum": [3.0, 4.0, 8.0, 48.0, 64.0],
    "t_latest": [2.0, 4.0, 8.0, 32.0, 64.0],
    "t_plain": [1.5, 4.0, 8.0, 24.0, 64.0],
}


def test_buckets_answer_when_minutes_are_gone(inside: House) -> None:
    wanted = {
        name: selection(ordered(name), START_MS, START_MS + 2 * HOUR_MS) for name in STATISTICS
    }
    assert not any(samples(inside, each)[1] for each in wanted.values())
    cut(inside, minutes=60)
    for name, each in wanted.items():
        found, infos = samples(inside, each)
        assert found == dict(zip((5, 10, 60, 65, 75), STATISTICS[name], strict=True))
        (info,) = infos
        assert "a sample stands for the 5 minutes before it" in info
        assert "minutes are kept since 2026-11-18T" in info
        # Minutes answer as long as they are there, and one selector reads one tier.
        late = selection(ordered(name), START_MS + HOUR_MS, START_MS + 2 * HOUR_MS)
        found, infos = samples(inside, late)
        assert (list(found), infos) == ([61, 62, 71], ())


def test_an_average_is_that_of_its_points(inside: House) -> None:
    cut(inside, minutes=120, five=120)
    for name in (f"{LATENCY}_average", "t_average"):
        wanted = selection(ordered(name), START_MS, START_MS + 2 * HOUR_MS)
        found, infos = samples(inside, wanted)
        # 3 of one observation and 6 of two; 9 of three.
        assert found == {60: 3.0, 120: 3.0}
        assert "1 hour" in infos[0]


def test_a_bucket_stands_until_the_next_one(inside: House) -> None:
    cut(inside, minutes=120, five=120)
    at = START_MS + 100 * MINUTE_MS
    wanted = replace(selection(ordered("t_sum"), at - FIVE_MS, at), first_ms=at)
    data = PrometheusData(inside.store, lambda: inside.rules.current().definitions)
    found, _ = read(data, wanted)
    (of_orders,) = found.values()
    assert of_orders == {START_MS + HOUR_MS: 15.0}


def test_percentiles_are_of_minutes_alone(inside: House) -> None:
    wanted = selection(f"{CAPACITY}_p99", START_MS, START_MS + HOUR_MS)
    assert samples(inside, wanted)[0] == {4: 5.0}
    cut(inside, minutes=60)
    found, infos = samples(inside, wanted)
    assert found == {}
    assert any("is kept for minutes alone" in info for info in infos)


def test_buckets_that_have_changed_are_combined_anew(inside: House) -> None:
    cut(inside, minutes=60)
    deliver(inside, capacity(62, 0.5), request_id="2")
    for name in (f"{CAPACITY}_sum", "t_sum"):
        wanted = selection(ordered(name), START_MS, START_MS + 2 * HOUR_MS)
        assert samples(inside, wanted)[0] == {5: 3.0, 10: 4.0, 60: 8.0, 65: 48.5, 75: 64.0}


def test_hours_answer_what_lies_before_everything(inside: House) -> None:
    cut(inside, minutes=120, five=120, hours=60)
    wanted = selection(ordered("t_sum"), START_MS - 24 * HOUR_MS, START_MS + 2 * HOUR_MS)
    found, infos = samples(inside, wanted)
    assert found == {120: 112.0}
    assert "1 hour" in infos[0]


QUESTIONS = [
    (f"{CAPACITY}_sum", "sum_over_time", HOUR_MS, [60, 120]),
    (f"{CAPACITY}_sum", "sum_over_time", FIVE_MS, [5, 10, 60, 65, 75]),
    # Several rounded sums could differ in the last bit.
    (f"{CAPACITY}_sum", "sum_over_time", 2 * HOUR_MS, [1, 2, 8, 60, 61, 62, 71]),
    (f"{CAPACITY}_samplecount", "sum_over_time", 2 * HOUR_MS, [1, 2, 8, 60, 61, 62, 71]),
    (f"{CAPACITY}_samplecount", "sum_over_time", HOUR_MS, [60, 120]),
    (f"{CAPACITY}_minimum", "min_over_time", 2 * HOUR_MS, [60, 120]),
    (f"{CAPACITY}_maximum", "max_over_time", 10 * MINUTE_MS, [5, 10, 60, 65, 75]),
    (f"{CAPACITY}_maximum", "min_over_time", HOUR_MS, [1, 2, 8, 60, 61, 62, 71]),
    (f"{CAPACITY}_sum", "count_over_time", HOUR_MS, [1, 2, 8, 60, 61, 62, 71]),
    (f"{CAPACITY}_average", "avg_over_time", HOUR_MS, [1, 2, 8, 60, 61, 62, 71]),
    (f"{CAPACITY}_sum", "sum_over_time", 7 * MINUTE_MS, [1, 2, 8, 60, 61, 62, 71]),
    ("t_sum", "sum_over_time", HOUR_MS, [60, 120]),
    ("t_sum", "max_over_time", HOUR_MS, [1, 2, 8, 60, 61, 62, 71]),
    ("t_latest", "sum_over_time", HOUR_MS, [1, 2, 8, 60, 61, 62, 71]),
    ("t_largest", "max_over_time", HOUR_MS, [60, 120]),
]


def test_a_longer_tier_is_read_where_it_says_the_same(inside: House) -> None:
    for name, function, window, times in QUESTIONS:
        wanted = selection(
            ordered(name), START_MS, START_MS + 2 * HOUR_MS, window_ms=window, function=function
        )
        found, infos = samples(inside, wanted)
        assert (name, function, sorted(found), infos) == (name, function, times, ())
        # A step, or a first time, that cuts buckets asks for minutes.
        for other in (
            replace(wanted, step_ms=MINUTE_MS),
            replace(wanted, first_ms=wanted.first_ms + MINUTE_MS),
        ):
            assert set(samples(inside, other)[0]) <= {1, 2, 8, 60, 61, 62, 71}


def test_no_info_where_the_answer_is_that_of_minutes(inside: House) -> None:
    cut(inside, minutes=60)
    for name in (f"{CAPACITY}_sum", "t_sum"):
        wanted = selection(
            ordered(name),
            START_MS,
            START_MS + 2 * HOUR_MS,
            window_ms=HOUR_MS,
            function="sum_over_time",
        )
        assert samples(inside, wanted) == ({60: 15.0, 120: 112.0}, ())
        assert samples(inside, replace(wanted, function="count_over_time"))[1]
