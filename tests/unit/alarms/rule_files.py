"""Directories of alarm rules for tests."""

from pathlib import Path

from app.alarms.files import load_alarm_rules
from app.alarms.rules import AlarmRule

THROTTLED = """\
alarms:
  - name: ReadThrottled
    description: Reads of a table are throttled.
    severity: warning
    runbook: docs/alarms.md
    metric:
      namespace: AWS/DynamoDB
      name: ReadThrottleEvents
      statistic: Sum
    for_each: [TableName]
    exclude: {TableName: ["*-test"]}
    comparison: ">="
    threshold: 4
    recovery_threshold: 2
    period: 1m
    evaluation_periods: 3
    datapoints_to_alarm: 2
    missing_data: ignore
    stale_after: 1h
    labels: {team: storage}
    message: "{TableName}: {value} in a minute"
    channels: [ops]
    overrides:
      - match: {TableName: orders}
        threshold: 100
        recovery_threshold: 50
      - match: {TableName: ["o*", "p*"]}
        severity: critical
"""


def write(directory: Path, text: str, name: str = "x.yaml") -> Path:
    """A file of the directory, which is made if need be."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name
    path.write_text(text)
    return path


def rule_of(directory: Path, text: str) -> AlarmRule:
    """The one rule of a text."""
    write(directory, text)
    (rule,) = load_alarm_rules(directory).rules
    return rule
