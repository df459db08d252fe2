"""Rates over stored minutes, on both engines: whatever comes late corrects them."""

from collections.abc import Iterator, Sequence
from itertools import permutations

import pytest

from app.pipeline import Evaluator
from app.pipeline.hot_minutes import HotMinutes
from app.pipeline.minutes_read import MinutesRead
from app.rules import MinutePoints
from app.rules.files import parse_rule_file
from app.simulator import Format, Point, Series, encode_records
from app.storage import Connection
from tests.fixtures.house import NOW_MS, House, house

MINUTE_MS = NOW_MS // 60_000 * 60_000
RULES = """
metricPrefix: t
expSuffix: service(['cloud_account_id'], Layer.L)
metricsRules:
  - name: total
    exp: amazonaws_com_N_Total_max
  - name: increase
    exp: amazonaws_com_N_Total_max.sum(['cloud_account_id']).increase('PT2M')
  - name: step
    exp: amazonaws_com_N_Total_max.sum(['cloud_account_id']).increase('PT1M')
"""
COUNTER = (10.0, 15.0, 25.0, 45.0)
SERIES = Series("1", "eu-west-1", "N", "Total", (), "Count")


@pytest.fixture
def new_house(database_url: str) -> Iterator[House]:
    with house(database_url, [parse_rule_file(RULES, "t.yaml")]) as made:
        yield made


def deliver(inside: House, minute: int) -> None:
    start_ms, number = MINUTE_MS + minute * 60_000, COUNTER[minute]
    point = Point(SERIES, start_ms, 1, number, number, number)
    inside.post(encode_records([point], Format.OPENTELEMETRY_1_0), str(minute))


def restate(inside: House, minute: int, count: int, number: float) -> None:
    point = Point(SERIES, MINUTE_MS + minute * 60_000, count, count * number, number, number)
    inside.post(encode_records([point], Format.OPENTELEMETRY_1_0), f"{minute} {count}")


def increases(inside: House, metric: str = "increase") -> list[object]:
    inside.evaluator.evaluate_dirty()
    query = f"SELECT start_ms, value FROM v_values WHERE metric = 't_{metric}'"
    return [value for _, value in inside.rows(query)]


def test_an_increase_sees_the_minutes_before(new_house: House) -> None:
    for minute in range(4):
        deliver(new_house, minute)
    assert increases(new_house) == [0.0, 5.0, 15.0, 30.0]


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
def test_late_points_correct_the_minutes_after_them(
    new_house: House, order: tuple[int, ...]
) -> None:
    for minute in order:
        deliver(new_house, minute)
        new_house.evaluator.evaluate_dirty()
    assert increases(new_house) == [0.0, 5.0, 15.0, 30.0]
    # A restated point, with more samples, changes what looks back at it.
    point = Point(SERIES, MINUTE_MS + 60_000, 2, 20.0, 12.0, 12.0)
    new_house.post(encode_records([point], Format.OPENTELEMETRY_1_0), "restated")
    assert increases(new_house) == [0.0, 2.0, 15.0, 33.0]


def test_what_comes_while_minutes_are_evaluated_is_not_overlooked(
    new_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for minute in range(4):
        deliver(new_house, minute)
    evaluate = Evaluator._evaluate

    def overtaken(self: Evaluator, minute: int, marks: Sequence[int], read: MinutesRead) -> None:
        if minute == MINUTE_MS // 60_000 + 2:
            point = Point(SERIES, MINUTE_MS + 60_000, 2, 20.0, 12.0, 12.0)
            new_house.post(encode_records([point], Format.OPENTELEMETRY_1_0), "restated")
        evaluate(self, minute, marks, read)

    with monkeypatch.context() as patch:
        patch.setattr(Evaluator, "_evaluate", overtaken)
        new_house.evaluator.evaluate_dirty()
    assert increases(new_house) == [0.0, 2.0, 15.0, 33.0]


def test_what_comes_for_the_last_minute_changes_what_looks_back_at_it(
    new_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for minute in range(4):
        deliver(new_house, minute)
    assert increases(new_house, "step") == [0.0, 5.0, 10.0, 20.0]
    restate(new_house, 0, 2, 11.0)
    restate(new_house, 1, 2, 16.0)
    evaluate = Evaluator._evaluate

    def overtaken(self: Evaluator, minute: int, marks: Sequence[int], read: MinutesRead) -> None:
        # By now the minute after the next has been evaluated, as it looks back at this one.
        if minute == MINUTE_MS // 60_000:
            restate(new_house, 1, 3, 12.0)
        evaluate(self, minute, marks, read)

    with monkeypatch.context() as patch:
        patch.setattr(Evaluator, "_evaluate", overtaken)
        new_house.evaluator.evaluate_dirty()
    assert increases(new_house, "step") == [0.0, 1.0, 13.0, 20.0]


def test_minutes_that_late_points_bring_with_them_are_read_once(
    new_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for minute in range(4):
        deliver(new_house, minute)
    read: list[int] = []

    points = HotMinutes.points

    def counted(
        hot: HotMinutes, connection: Connection, minute: int, *, epoch: int
    ) -> MinutePoints:
        read.append(minute)
        return points(hot, connection, minute, epoch=epoch)

    monkeypatch.setattr(HotMinutes, "points", counted)
    assert increases(new_house) == [0.0, 5.0, 15.0, 30.0]
    assert len(read) == len(set(read)) == 4
