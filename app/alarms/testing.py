"""Runs test files of alarm rules: the transitions that points lead to, against those expected.

Points go through ingest into a database of the test's own, and datapoints and states are found by
the code that does so while serving.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.alarms.cases import AlarmCase, Expectation, ExpectedTransition, load_alarm_cases
from app.alarms.datapoints import read_datapoints
from app.alarms.files import read_alarm_files
from app.alarms.judging import Transition, judge
from app.alarms.reasons import end_text
from app.alarms.rules import AlarmRule, AlarmRules
from app.alarms.sandbox import Sandbox
from app.alarms.states import AlarmState
from app.errors import AlarmRuleError, HydrantError, NotFound
from app.labels import LabelSet
from app.query.prometheus import PrometheusData

_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class AlarmCaseResult:
    """A test and what is wrong with it, one text per difference; none: it passed."""

    case: AlarmCase
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AlarmCaseFileResult:
    """The tests of a file, and the names of the alarms that its rules define."""

    path: Path
    cases: tuple[AlarmCaseResult, ...]
    alarms: frozenset[str]

    @property
    def failed(self) -> int:
        """How many tests have differences."""
        return sum(1 for result in self.cases if result.differences)

    @property
    def fired(self) -> frozenset[str]:
        """Alarms that a test expects to fire."""
        return frozenset(
            expected.alarm
            for result in self.cases
            for expected in result.case.expected
            if any(each.state is AlarmState.ALARM for each in expected.transitions)
        )


def run_alarm_cases(path: Path) -> AlarmCaseFileResult:
    """Run the tests of a file, each on a database of its own.

    Raises ``AlarmRuleError`` for a test file or a rule file that cannot be read.
    """
    file = load_alarm_cases(path)
    found = read_alarm_files({str(rules): rules for rules in file.rules})
    if found.errors:
        raise found.errors[0]
    with Sandbox() as sandbox:
        results = []
        for case in file.cases:
            try:
                results.append(AlarmCaseResult(case, _run(case, found.rules, sandbox)))
            except AlarmRuleError as error:
                raise error.in_file(str(path), path.read_text("utf-8-sig")) from error
    names = frozenset(rule.name for rule in found.rules.rules)
    return AlarmCaseFileResult(path, tuple(results), names)


def _run(case: AlarmCase, rules: AlarmRules, sandbox: Sandbox) -> tuple[str, ...]:
    named: list[AlarmRule] = []
    differences: list[str] = []
    for name in case.alarms:
        try:
            named.append(rules.named(name))
        except NotFound as error:
            differences.append(error.message)
    with sandbox.filled(case) as database:
        for rule in named:
            try:
                transitions = _transitions(case, rule, database)
            except HydrantError as error:
                differences.append(f"{rule.name} ({rule.place}) cannot be evaluated: {error}")
            else:
                differences += _differences(case, rule, transitions)
    return tuple(differences)


def _transitions(case: AlarmCase, rule: AlarmRule, database: PrometheusData) -> list[Transition]:
    period_ms, warm_up = rule.condition.period_ms, rule.warm_up
    first_ms = (case.start_ms // period_ms + 1) * period_ms
    last_ms = case.until_ms // period_ms * period_ms
    if last_ms < first_ms:
        return []
    with database.open() as opened:
        found = read_datapoints(
            opened.connection, opened, rule, first_ms - warm_up * period_ms, last_ms
        )
    initial = np.full(len(found.entities), AlarmState.INSUFFICIENT_DATA, np.int8)
    _, transitions = judge(
        rule, found.entities, found.times_ms, found.values, initial, first=warm_up
    )
    return transitions


def _differences(
    case: AlarmCase, rule: AlarmRule, transitions: Sequence[Transition]
) -> Iterator[str]:
    expected = {each.entity: each for each in case.expected if each.alarm == rule.name}
    for expectation in expected.values():
        own = [each for each in transitions if each.entity == expectation.entity]
        yield from _of_entity(case, rule, expectation, own)
    for each in transitions:
        if each.entity not in expected and each.after is AlarmState.ALARM:
            yield (
                f"{rule.name}{_labels(each.entity)}: expected no alarm, got ALARM"
                f" at {_time(case, each.at_ms)}: {each.reason}"
            )


def _of_entity(
    case: AlarmCase, rule: AlarmRule, expectation: Expectation, found: Sequence[Transition]
) -> Iterator[str]:
    subject = f"{rule.name}{_labels(expectation.entity)}"
    wanted = {each.at_ms: each for each in expectation.transitions}
    got = {each.at_ms: each for each in found}
    for at_ms in sorted(wanted.keys() | got.keys()):
        one, other = wanted.get(at_ms), got.get(at_ms)
        where = f"{subject} at {_time(case, at_ms)}"
        if one is None and other is not None:
            yield f"{where}: expected nothing, got {other.after.name}: {other.reason}"
        elif one is not None and other is None:
            yield f"{where}: expected {one.state.name} (line {one.line}), got nothing"
        elif one is not None and other is not None:
            yield from (f"{where}: {text}" for text in _of_transition(rule, one, other))


def _of_transition(rule: AlarmRule, wanted: ExpectedTransition, got: Transition) -> Iterator[str]:
    if got.after is not wanted.state:
        yield (
            f"expected {wanted.state.name} (line {wanted.line}), got {got.after.name}: {got.reason}"
        )
        return
    if wanted.message is not None:
        message = rule.render(got.entity, got.value, got.after)
        if message != wanted.message:
            yield f"expected the message {wanted.message!r} (line {wanted.line}), got {message!r}"
    if wanted.severity is not None:
        effective = rule.for_entity(got.entity)
        severity = effective.severity if effective else None
        if severity is not wanted.severity:
            yield f"expected {wanted.severity} (line {wanted.line}), got {severity}"
    if wanted.value is not None and not _equal(wanted.value, got.value):
        yield f"expected the value {wanted.value!r} (line {wanted.line}), got {got.value!r}"


def _equal(wanted: float, got: float | None) -> bool:
    return got is not None and math.isclose(wanted, got, rel_tol=_TOLERANCE, abs_tol=0.0)


def _labels(entity: LabelSet) -> str:
    return f" {{{', '.join(f'{name}: {value}' for name, value in entity)}}}"


def _time(case: AlarmCase, at_ms: int) -> str:
    """``4m (2026-01-31T12:04Z)``."""
    minutes = (at_ms - case.start_ms) // 60_000
    return f"{minutes}m ({end_text(at_ms)})"
