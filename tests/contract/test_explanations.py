"""Explanations against what is stored, on both engines."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa

from app.api.explained import answer_content
from app.catalog import load_statistic_catalog
from app.commands.explanation_text import explanation_lines
from app.errors import NotFound, ResultTooLarge
from app.query import Answer, Question, explain_metric
from app.query.verdicts import Verdict
from app.rules import RuleFile, Wanted, load_rule_directory
from app.rules.files import parse_rule_file
from app.settings import DEFAULT_RULES
from app.simulator import AccountModel, Format, Point, encode_records
from app.storage import Tier, delete_before, expire, tables_of
from tests.contract.test_evaluation import MINUTE_MS, RULES, deliver, point
from tests.fixtures.house import House, house

MINUTE = MINUTE_MS // 60_000
FILES = [parse_rule_file(RULES, "t.yaml")]


@pytest.fixture
def inside(database_url: str) -> Iterator[House]:
    with house(database_url, FILES) as made:
        yield made


def ask(
    of: House,
    metric: str = "t_consumed",
    wanted: Wanted | None = None,
    *,
    minute: int | None = MINUTE,
    files: Sequence[RuleFile] = FILES,
    limit: int = 1_000,
    most_points: int = 1_000_000,
) -> Answer:
    question = Question(metric, wanted or Wanted(), minute, limit, most_points)
    with of.store.read() as connection:
        return explain_metric(connection, files, load_statistic_catalog(), question)


def consumed(total: float, minutes: int = 0, **dimensions: str) -> Point:
    made = point("ConsumedReadCapacityUnits", 2, total, **dimensions)
    return replace(made, start_ms=MINUTE_MS + minutes * 60_000)


def test_a_value_is_explained_down_to_its_points_and_agrees(inside: House) -> None:
    deliver(inside, "1", consumed(10.5), consumed(4.0, Source="Customer"))
    inside.evaluator.evaluate_dirty()
    answer = ask(inside)
    (value,) = answer.explanation.values
    assert value.value == 10.5
    assert answer.verdicts == (Verdict.AGREES,)
    whole, part = value.series
    assert (whole.left_out, bool(part.left_out)) == ("", True)
    (stored,) = answer.points.of_series(whole.series_id)
    assert (stored.start_ms, stored.period_ms, stored.count, stored.total) == (
        MINUTE_MS,
        60_000,
        2.0,
        10.5,
    )


def test_points_that_came_since_make_the_value_wait(inside: House) -> None:
    deliver(inside, "1", consumed(10.5))
    inside.evaluator.evaluate_dirty()
    deliver(inside, "2", consumed(4.0, GlobalSecondaryIndexName="i"), consumed(1.0, TableName="b"))
    answer = ask(inside)
    assert [value.value for value in answer.explanation.values] == [1.0, 10.5]
    assert answer.verdicts == (Verdict.WAITING, Verdict.AGREES)


def test_a_rule_that_has_changed_differs(inside: House) -> None:
    deliver(inside, "1", consumed(10.5))
    inside.evaluator.evaluate_dirty()
    changed = RULES.replace(
        "exp: amazonaws_com_AWS_DynamoDB_Consumed", "exp: 2 * amazonaws_com_AWS_DynamoDB_Consumed"
    )
    answer = ask(inside, files=[parse_rule_file(changed, "t.yaml")])
    assert answer.explanation.values[0].value == 21.0
    assert answer.stored[0] is not None
    assert answer.stored[0].value == 10.5
    assert answer.verdicts == (Verdict.DIFFERS,)


def test_a_rule_that_is_newer_than_the_minute_is_not_stored(inside: House) -> None:
    deliver(inside, "1", consumed(10.5))
    inside.evaluator.evaluate_dirty()
    newer = parse_rule_file(RULES.replace("metricPrefix: t", "metricPrefix: new"), "new.yaml")
    answer = ask(inside, "new_consumed", files=[newer])
    assert answer.explanation.values[0].value == 10.5
    assert answer.verdicts == (Verdict.NOT_STORED,)


def test_a_metric_whose_rule_is_gone_is_still_told(inside: House) -> None:
    deliver(inside, "1", consumed(10.5))
    inside.evaluator.evaluate_dirty()
    answer = ask(inside, files=[])
    assert answer.explanation.rules == ()
    assert [(item.stored.value, item.verdict) for item in answer.stored_only] == [
        (10.5, Verdict.STORED_ONLY)
    ]
    assert answer.reasons[0].startswith("no rule of this name is in force any more")


def test_a_metric_that_nobody_knows_gets_near_names(inside: House) -> None:
    with pytest.raises(NotFound, match="there is no metric t_consumd; similar: t_consumed"):
        ask(inside, "t_consumd")


def test_a_minute_that_is_no_longer_kept_is_told(inside: House) -> None:
    deliver(inside, "1", consumed(10.5))
    inside.contents()
    first = inside.store.write(lambda c: expire(c, {Tier.MINUTE: MINUTE + 60}))[Tier.MINUTE]
    assert MINUTE < first <= MINUTE + 60
    for table in tables_of(Tier.MINUTE):
        inside.store.write(lambda c, t=table: delete_before(c, t, first, after=0, rows=100))  # type: ignore[misc]
    (reason, *_) = ask(inside).reasons
    start = datetime.fromtimestamp(first * 60, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert reason.startswith(f"minutes before {start} have been deleted")


def test_an_empty_database_has_nothing_to_explain(inside: House) -> None:
    with pytest.raises(NotFound, match="no points yet"):
        ask(inside, minute=None)


def test_without_a_time_the_newest_minute_with_a_value_is_explained(inside: House) -> None:
    deliver(inside, "1", consumed(1.0), consumed(2.0, 3), consumed(9.0, 5, TableName="b"))
    inside.evaluator.evaluate_dirty()
    answer = ask(inside, wanted=Wanted(endpoint="orders"), minute=None)
    assert answer.minute == MINUTE + 3
    assert answer.searched == (MINUTE + 5 - 1_439, MINUTE + 5)
    assert [value.value for value in answer.explanation.values] == [2.0]
    assert ask(inside, minute=None).minute == MINUTE + 5


def test_without_any_value_the_newest_points_are_looked_at(inside: House) -> None:
    deliver(inside, "1", consumed(1.0))
    answer = ask(inside, "t_latency", minute=None)
    assert answer.minute == MINUTE
    (family,) = answer.families
    assert (family.series, family.newest) == (0, None)
    assert "no series gives the family" in answer.reasons[0]


def test_missing_points_are_told_with_the_newest_there_were(inside: House) -> None:
    deliver(inside, "1", consumed(1.0), consumed(2.0, 4, TableName="users"))
    inside.evaluator.evaluate_dirty()
    answer = ask(inside, wanted=Wanted(endpoint="orders"), minute=MINUTE + 4)
    assert answer.explanation.values == ()
    (family,) = answer.families
    assert (family.series, family.with_points, family.naming, family.naming_with_points) == (
        2,
        1,
        1,
        0,
    )
    assert family.newest == MINUTE
    assert "none of the 1 series of what was asked for has a point" in answer.reasons[0]


def test_a_misspelt_entity_gets_near_names(inside: House) -> None:
    deliver(inside, "1", consumed(1.0))
    inside.evaluator.evaluate_dirty()
    answer = ask(inside, wanted=Wanted(endpoint="order"))
    assert "no endpoint is called 'order'; similar: orders" in answer.reasons


def test_filtered_points_are_told(inside: House) -> None:
    other = replace(point("ConsumedReadCapacityUnits", 1, 1.0))
    deliver(inside, "1", other)
    rules = RULES.replace("tags.Namespace == 'AWS/DynamoDB'", "tags.Namespace == 'Mine'")
    answer = ask(inside, wanted=Wanted(endpoint="orders"), files=[parse_rule_file(rules, "t.yaml")])
    (loss,) = answer.explanation.losses
    assert (loss.step, loss.total) == ("filter", 1)
    assert any(
        "1 sample that seems to belong to it ends at filter (t.yaml:" in reason
        for reason in answer.reasons
    )


def test_windows_show_the_points_of_earlier_minutes(inside: House) -> None:
    rules = RULES + (
        "  - name: more\n"
        "    exp: amazonaws_com_AWS_DynamoDB_ConsumedReadCapacityUnits_sum.increase('PT2M')\n"
    )
    deliver(inside, "1", consumed(10.0, -2), consumed(15.0, -1), consumed(40.0))
    answer = ask(inside, "t_more", files=[parse_rule_file(rules, "t.yaml")])
    (value,) = answer.explanation.values
    assert value.value == 30.0
    earlier = answer.points.earlier_of_series(value.series[0].series_id)
    assert [(p.start_ms - MINUTE_MS, p.total) for p in earlier] == [
        (-120_000, 10.0),
        (-60_000, 15.0),
    ]


def test_points_that_a_window_sees_make_the_value_wait(database_url: str) -> None:
    rules = RULES + (
        "  - name: more\n"
        "    exp: amazonaws_com_AWS_DynamoDB_ConsumedReadCapacityUnits_sum.increase('PT2M')\n"
    )
    files = [parse_rule_file(rules, "t.yaml")]
    with house(database_url, files) as windowed:
        deliver(windowed, "1", consumed(10.0, -2), consumed(40.0))
        windowed.evaluator.evaluate_dirty()
        assert ask(windowed, "t_more", files=files).verdicts == (Verdict.AGREES,)
        restated = replace(consumed(12.0, -2), count=9)
        deliver(windowed, "2", restated)
        assert ask(windowed, "t_more", files=files).verdicts == (Verdict.WAITING,)
        windowed.evaluator.evaluate_dirty()
        assert ask(windowed, "t_more", files=files).verdicts == (Verdict.AGREES,)


def test_too_many_points_are_refused(inside: House) -> None:
    deliver(inside, "1", *(consumed(1.0, TableName=f"t{number}") for number in range(5)))
    with pytest.raises(ResultTooLarge):
        ask(inside, most_points=4)


def test_text_and_json_tell_the_same(inside: House) -> None:
    deliver(inside, "1", consumed(10.5), consumed(4.0, Source="Customer"))
    inside.evaluator.evaluate_dirty()
    content = orjson.loads(orjson.dumps(answer_content(ask(inside))))
    assert content["values"][0]["series"][0]["points"][0]["Sum"] == 10.5
    text = "\n".join(explanation_lines(content))
    assert "1 / orders / eu-west-1: 10.5" in text
    assert "rule t.yaml:6" in text
    assert "SampleCount 2.0, Sum 10.5" in text
    assert "LEFT OUT: part of what another sample says as a whole" in text


@pytest.fixture(scope="module")
def shipped() -> list[RuleFile]:
    return load_rule_directory(DEFAULT_RULES)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory, shipped: list[RuleFile]) -> Iterator[House]:
    """A minute of a simulated account under the shipped rules, evaluated and stored."""
    path: Path = tmp_path_factory.mktemp("explained") / "hydrant.db"
    with house(f"sqlite:///{path}", shipped) as made:
        points = AccountModel(seed=5, tables=8).points(MINUTE_MS)
        made.post(encode_records(list(points), Format.JSON))
        made.evaluator.evaluate_dirty()
        yield made


def test_every_shipped_value_is_explained_to_the_last_bit(
    account: House, shipped: list[RuleFile]
) -> None:
    with account.store.read() as connection:
        rows = connection.execute(
            sa.text("SELECT metric, service, endpoint, region, labels, value FROM v_values")
        )
        stored: dict[str, dict[tuple[str, ...], float]] = {}
        for metric, service, endpoint, region, labels, value in rows:
            stored.setdefault(metric, {})[service, endpoint, region, labels] = value
    assert len(stored) > 40
    for metric, values in stored.items():
        answer = ask(account, metric, files=shipped)
        found = {
            (
                value.entity.service,
                value.entity.endpoint,
                value.entity.region,
                orjson.dumps(dict(value.labels)).decode(),
            ): value.value
            for value in answer.explanation.values
        }
        assert found == values, metric
        # Several rules may feed one metric; of those the last one's value is stored.
        in_force = [verdict for verdict in answer.verdicts if verdict is not Verdict.OVERRULED]
        assert in_force == [Verdict.AGREES] * len(values), metric
        for value in answer.explanation.values:
            assert value.series, metric
            assert all(step.counted for step in value.steps), metric


@pytest.mark.parametrize(
    ("metric", "statistic"),
    [
        ("aws_dynamodb_consumed_read_capacity_units", "total"),
        ("aws_dynamodb_consumed_write_capacity_units", "total"),
        ("aws_dynamodb_successful_requests", "count"),
    ],
)
def test_a_sum_by_hand_of_the_points_is_the_value(
    account: House, shipped: list[RuleFile], metric: str, statistic: str
) -> None:
    answer = ask(account, metric, files=shipped)
    (value,) = answer.explanation.values
    points = [
        point
        for series in value.series
        if not series.left_out
        for point in answer.points.of_series(series.series_id)
    ]
    assert len(points) > 4
    assert value.value == math.fsum(getattr(point, statistic) for point in points)


def test_an_average_by_hand_of_the_points_is_the_value(
    account: House, shipped: list[RuleFile]
) -> None:
    answer = ask(account, "aws_dynamodb_get_successful_request_latency", files=shipped)
    (value,) = answer.explanation.values
    points = [p for series in value.series for p in answer.points.of_series(series.series_id)]
    assert len(points) > 2
    total, count = (math.fsum(getattr(p, name) for p in points) for name in ("total", "count"))
    assert (value.numerator, value.weight, value.value) == (total, count, total / count)
