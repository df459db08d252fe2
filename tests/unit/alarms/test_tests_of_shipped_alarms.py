"""The tests beside the shipped alarms pass, and each alarm has tests that could fail."""

from functools import cache
from itertools import pairwise

import pytest

from app.alarms.conditions import MissingData
from app.alarms.files import load_alarm_rules
from app.alarms.rules import AlarmRule
from app.alarms.states import AlarmState
from app.alarms.suspicions import suspicions
from app.alarms.testing import AlarmCaseFileResult, run_alarm_cases
from app.catalog import load_statistic_catalog
from app.settings import DEFAULT_ALARM_RULES

RULES = load_alarm_rules(DEFAULT_ALARM_RULES).rules


def file_of(rule: AlarmRule) -> str:
    return rule.place.rpartition(":")[0].removesuffix(".yaml")


every_rule = pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
every_file = pytest.mark.parametrize("file", sorted({file_of(rule) for rule in RULES}))


@cache
def results_of(file: str) -> AlarmCaseFileResult:
    return run_alarm_cases(DEFAULT_ALARM_RULES / f"{file}.test.yaml")


def test_nothing_about_the_rules_is_suspicious() -> None:
    assert suspicions(RULES, load_statistic_catalog()) == []


@every_file
def test_the_tests_pass(file: str) -> None:
    assert [each for each in results_of(file).cases if each.differences] == []


@every_rule
def test_tests_see_it_fire_not_fire_and_end(rule: AlarmRule) -> None:
    results = results_of(file_of(rule))
    courses = [
        [transition.state for transition in expected.transitions]
        for result in results.cases
        for expected in result.case.expected
        if expected.alarm == rule.name
    ]
    assert rule.name in results.fired
    assert any(AlarmState.ALARM not in course for course in courses) or any(
        rule.name in result.case.quiet for result in results.cases
    )
    ends = {
        after
        for course in courses
        for before, after in pairwise(course)
        if before is AlarmState.ALARM
    }
    assert AlarmState.OK in ends
    if rule.condition.missing_data is MissingData.MISSING:
        assert AlarmState.INSUFFICIENT_DATA in ends
