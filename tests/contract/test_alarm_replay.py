"""``hydrant alarms replay``: what it finds is what the worker found, and it changes nothing."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from typer.testing import CliRunner, Result

from app.alarms.replaying import Replay
from app.cli import application
from app.clock import ManualClock
from app.query.prometheus import PrometheusData
from tests.fixtures.alarms import (
    START_MS,
    THROTTLED,
    alarm_rules,
    at,
    deliver,
    heartbeat,
    standing,
    throttled,
    transitions,
)
from tests.fixtures.house import House, house
from tests.property.test_alarm_invariance import RULES, points_of


@pytest.fixture
def filled(database_url: str) -> Iterator[House]:
    with house(database_url, files=[], alarm_rules=alarm_rules()) as inside:
        for minute in range(10):
            total = 7.0 if minute in {3, 4, 8, 9} else 0.0
            deliver(inside, throttled(minute, total), throttled(minute, 0.0, table="carts"))
        deliver(inside, heartbeat(10))
        yield inside


def replay(url: str, rules: Path, *arguments: object) -> Result:
    options = ["--database", url, "--rules", rules, *arguments]
    return CliRunner().invoke(application, ["alarms", "replay", *map(str, options)])


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    directory = tmp_path / "rules"
    directory.mkdir()
    (directory / "a.yaml").write_text(THROTTLED)
    return directory


def test_times_in_alarm_as_rows(filled: House, database_url: str, rules: Path) -> None:
    counts = "SELECT count(*) FROM alarm_transition"
    before = filled.rows(counts)
    result = replay(database_url, rules, "--since", START_MS, "--format", "json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    rows = [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]
    assert [row["minutes"] for row in rows] == [2, 2]
    assert [row["ended"] is None for row in rows] == [False, False]
    assert rows[0]["summary"] == "orders had 7 throttled reads"
    assert rows[0]["severity"] == "warning"
    assert json.loads(rows[0]["entity"])["TableName"] == "orders"
    assert filled.rows(counts) == before
    short = replay(database_url, rules, "--since", START_MS, "--until", at(10), "--format", "csv")
    assert short.stdout.splitlines()[2].split(",")[1:3] == ["", "1"]


@pytest.mark.usefixtures("filled")
def test_transitions_of_some_entities(database_url: str, rules: Path) -> None:
    options = ["--show", "transitions", "--entity", "TableName=c*", "--rule", "Throttled"]
    result = replay(database_url, rules, "--since", START_MS, *options)
    assert result.exit_code == 0, result.output
    header, row = result.stdout.splitlines()
    assert header.split() == ["time", "rule", "entity", "from", "to", "value", "reason"]
    assert "carts" in row
    assert "INSUFFICIENT_DATA  OK" in row


@pytest.mark.usefixtures("filled")
def test_what_cannot_be_replayed_says_why(database_url: str, rules: Path) -> None:
    later = replay(database_url, rules, "--since", at(60))
    assert later.exit_code == 1
    assert "nothing to evaluate" in str(later.exception)
    wrong = replay(database_url, rules, "--since", START_MS, "--entity", "orders")
    assert "'orders' is not LABEL=PATTERN" in str(wrong.exception)
    unknown = replay(database_url, rules, "--since", START_MS, "--rule", "Throtled")
    assert "Throttled" in str(unknown.exception)


@pytest.mark.usefixtures("filled")
def test_what_nobody_is_shown_of_is_said(database_url: str, rules: Path) -> None:
    until = at(10)
    options = ("--until", until, "--entity", "Tablename=orders")
    result = replay(database_url, rules, "--since", f"{(until - START_MS) // 60_000}m", *options)
    assert result.exit_code == 0, result.output
    assert "none of the 2 entities that have changed is wanted" in result.stderr


@pytest.mark.usefixtures("filled")
def test_a_rule_at_fault_is_named_and_the_others_are_replayed(
    database_url: str, rules: Path
) -> None:
    bad = THROTTLED.replace("Throttled", "Bad").replace(
        "metric: {namespace: AWS/DynamoDB, name: ReadThrottleEvents, statistic: Sum}",
        "expression: 'label_replace(aws_dynamodb_ReadThrottleEvents_sum,"
        ' "TableName", "same", "TableName", ".*")\'',
    )
    (rules / "b.yaml").write_text(bad.replace("    for_each: [TableName]\n", ""))
    result = replay(database_url, rules, "--since", START_MS)
    assert result.exit_code == 1
    assert "Bad cannot be evaluated" in result.stderr
    assert "Throttled" in result.stdout


def test_a_replay_finds_what_the_worker_found(sqlite_url: str) -> None:
    loaded = alarm_rules(RULES)
    with house(sqlite_url, files=[], alarm_rules=loaded) as inside:
        points = points_of(Random(3))
        for begin in range(0, len(points), 20):
            deliver(inside, *points[begin : begin + 20])
        for minute in range(30, 60, 5):
            deliver(inside, heartbeat(minute))
        prometheus = PrometheusData(inside.store, dict)
        clock = ManualClock(inside.clock.now_ms())
        found = Replay(prometheus, loaded, clock).run(START_MS - 600_000, at(40))
        rows = sorted(
            (
                rule.name,
                each.entity,
                each.at_ms,
                each.before.name,
                each.after.name,
                each.reason,
                each.datapoints,
            )
            for rule, each in found.found
        )
        expected = standing([each for each in transitions(inside) if each.at_ms <= at(40)])
        assert rows == expected
        assert len(rows) > 20
