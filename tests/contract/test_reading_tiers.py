"""Statistics and metrics over REST when minutes are gone: the right tier, nothing missing."""

from collections.abc import Iterator

import pytest

from app.pipeline import Maintenance, Retention
from app.simulator import Format, encode_records
from app.storage import Tier, expire
from tests.fixtures.databases import Copy
from tests.fixtures.house import House, house
from tests.fixtures.rest import get
from tests.fixtures.rollups import START_MS, capacity, deliver, rules, seven_minutes

MINUTE = START_MS // 60_000
START = START_MS // 1000
CAPACITY = "/api/v1/statistics?metric=ConsumedReadCapacityUnits"


@pytest.fixture
def inside(database_copy: Copy) -> Iterator[House]:
    """Seven minutes' data of two hours, rolled up, of which nothing has been deleted."""
    with house(database_copy(seven_minutes), rules()) as made:
        yield made


def series(inside: House, url: str) -> list[tuple[list[int], list[float | None]]]:
    """Timestamps from the start, in minutes, and values of table orders."""
    status, answer = get(inside, url)
    assert status == 200, answer
    found = []
    for item in answer["series"]:
        values = item.get("values") or next(iter(item["statistics"].values()))
        found.append(([stamp // 60_000 - MINUTE for stamp in item["timestamps"]], values))
    return found


def cut(inside: House, **first: int) -> None:
    """Delete what is older than these minutes, which count from the start."""
    names = {"minutes": Tier.MINUTE, "five": Tier.FIVE_MINUTES, "hours": Tier.HOUR}
    wanted = {names[name]: MINUTE + minute for name, minute in first.items()}
    inside.store.write(lambda connection: expire(connection, wanted))
    forever = dict.fromkeys(Tier, 0)
    Maintenance(inside.store, inside.clock, inside.lease, Retention(48, 30, forever)).run_once()


def statistics(start: int | None, period: int, statistic: str = "Sum") -> str:
    begin = "" if start is None else f"&start={START + start * 60}"
    wanted = f"&statistic={statistic}&dimension=TableName:orders"
    return f"{CAPACITY}&period={period}{begin}{wanted}"


def metric(name: str, start: int | None, step: int) -> str:
    begin = "" if start is None else f"&start={START + start * 60}"
    return f"/api/v1/metrics/t_{name}?endpoint=orders&step={step}{begin}"


QUESTIONS = [
    *(statistics(0, 300, name) for name in ("Sum", "SampleCount", "Minimum", "Maximum", "Average")),
    *(statistics(0, period) for period in (3_600, 7_200, 600)),
    *(metric("sum", 0, step) for step in (300, 900, 3_600, 7_200)),
    *(metric(name, 0, 300) for name in ("average", "largest", "smallest", "latest", "plain")),
    *(metric(name, 0, 3_600) for name in ("average", "largest", "smallest", "latest", "plain")),
    *(metric(name, 0, 7_200) for name in ("average", "latest", "plain")),
]


def test_the_answers_are_the_same_when_the_minutes_are_gone(inside: House) -> None:
    before = [series(inside, url) for url in QUESTIONS]
    assert all(before)
    cut(inside, minutes=60)
    assert inside.rows(f"SELECT minute FROM point WHERE minute < {MINUTE + 60}") == []
    assert [series(inside, url) for url in QUESTIONS] == before
    cut(inside, minutes=120)
    assert inside.rows("SELECT * FROM point") == []
    assert [series(inside, url) for url in QUESTIONS] == before
    assert series(inside, statistics(0, 300)) == [([0, 5, 55, 60, 70], [3.0, 4.0, 8.0, 48.0, 64.0])]


def test_hours_answer_when_5_minutes_are_gone_too(inside: House) -> None:
    questions = [url for url in QUESTIONS if "3600" in url or "7200" in url]
    before = [series(inside, url) for url in questions]
    cut(inside, minutes=120, five=120)
    assert inside.rows("SELECT * FROM point_5m") == []
    assert [series(inside, url) for url in questions] == before
    assert series(inside, metric("sum", 0, 3_600)) == [([0, 60], [15.0, 112.0])]


def test_an_average_of_two_hours_is_that_of_its_minutes(inside: House) -> None:
    cut(inside, minutes=120, five=120)
    assert series(inside, metric("plain", -6_000, 86_400))[0][1] == [127.0 / 7]
    assert series(inside, metric("average", -6_000, 86_400))[0][1] == [3.0]


def test_what_has_not_been_rolled_up_is_not_missing(inside: House) -> None:
    cut(inside, minutes=60)
    # One in a bucket that was rolled up before, one in a new bucket, one not even evaluated.
    deliver(inside, capacity(62, 0.5), capacity(90, 0.25), request_id="2")
    inside.post(encode_records([capacity(95, 0.125)], Format.JSON), "3")
    expected = [([0, 5, 55, 60, 70, 90, 95], [3.0, 4.0, 8.0, 48.5, 64.0, 0.25, 0.125])]
    assert series(inside, statistics(0, 300)) == expected
    inside.evaluator.evaluate_dirty()
    assert series(inside, statistics(0, 300)) == expected
    assert series(inside, metric("sum", 0, 300)) == expected
    inside.rollups.run_once()
    assert series(inside, statistics(0, 300)) == expected
    assert series(inside, metric("sum", 0, 300)) == expected
    assert series(inside, metric("sum", 0, 3_600)) == [([0, 60], [15.0, 112.875])]


def test_what_came_too_late_does_not_replace_what_is_whole(inside: House) -> None:
    cut(inside, minutes=60)
    deliver(inside, capacity(2, 1_000.0), request_id="late")
    expected = [([0, 5, 55, 60, 70], [3.0, 4.0, 8.0, 48.0, 64.0])]
    for _ in range(2):
        assert series(inside, statistics(0, 300)) == expected
        assert series(inside, metric("sum", 0, 300)) == expected
        inside.rollups.run_once()


@pytest.mark.parametrize(("start", "period"), [(0, 60), (59, 420), (-60, 300)])
def test_a_period_that_is_too_fine_is_refused(inside: House, start: int, period: int) -> None:
    cut(inside, minutes=60, five=0)
    for url, parameter in (
        (statistics(start, period), "period"),
        (metric("sum", start, period), "step"),
    ):
        status, answer = get(inside, url)
        assert (status, answer["kind"]) == (400, "invalid_parameter")
        assert answer["parameter"] == parameter
        assert f"{period} seconds are too fine" in answer["message"]


def test_without_a_start_the_oldest_data_of_the_period_is_answered(inside: House) -> None:
    cut(inside, minutes=60, five=0, hours=-120)
    assert series(inside, statistics(None, 60)) == [([60, 61, 70], [16.0, 32.0, 64.0])]
    assert series(inside, statistics(None, 300))[0][0] == [0, 5, 55, 60, 70]
    assert series(inside, statistics(None, 3_600)) == [([0, 60], [15.0, 112.0])]
    assert series(inside, metric("sum", None, 60)) == [([60, 61, 70], [16.0, 32.0, 64.0])]
    assert series(inside, metric("sum", None, 300))[0][0] == [0, 5, 55, 60, 70]


def test_a_start_before_everything_is_answered_by_hours(inside: House) -> None:
    cut(inside, minutes=120, five=120, hours=60)
    assert series(
        inside, f"{CAPACITY}&period=3600&start=1&statistic=Sum&dimension=TableName:orders"
    ) == [([60], [112.0])]


def test_percentiles_come_from_minutes_alone(inside: House) -> None:
    url = f"{CAPACITY}&dimension=TableName:users&period=300&start={START}&statistic=p99"
    assert series(inside, url) == [([0], [5.0])]
    cut(inside, minutes=60)
    assert series(inside, url) == [([0], [None])]


def test_minutes_answer_as_long_as_they_are_there(inside: House) -> None:
    cut(inside, minutes=60)
    assert series(inside, statistics(60, 60)) == [([60, 61, 70], [16.0, 32.0, 64.0])]


def test_the_limit_counts_the_rows_of_tiers(inside: House) -> None:
    made = [capacity(61 + n % 2, 1.0, table=f"t{n}") for n in range(1_100)]
    deliver(inside, *made, request_id="many")
    inside.rollups.run_once()
    cut(inside, minutes=60)
    for url in (
        f"{CAPACITY}&period=300&start={START}",
        f"/api/v1/metrics/t_sum?step=300&start={START}",
    ):
        status, answer = get(inside, url)
        assert (status, answer["kind"]) == (422, "result_too_large")
