"""Test files of alarm rules: series as they come in, and the transitions that must follow.

``X.test.yaml`` tests the rule file ``X.yaml`` beside it. The format is in docs/alarm-rules.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from app.alarms import rule_values as read
from app.alarms.given import (
    RECORD_KEYS,
    SERIES_KEYS,
    GivenRecords,
    GivenSeries,
    given_records,
    given_series,
    moment_ms,
)
from app.alarms.rules import Severity
from app.alarms.states import AlarmState
from app.clock import MILLISECONDS_PER_MINUTE
from app.errors import AlarmRuleError, RuleError
from app.labels import LabelSet, label_set
from app.rules.documents import Item, merged, read_document

_FILE_KEYS = ("rules", "defaults", "tests")
_DEFAULT_KEYS = ("series", "quarantined", "entity", "start")
_CASE_KEYS = ("name", "start", "until", "series", "quarantined", "expect", "quiet")
_EXPECT_KEYS = ("alarm", "entity", "transitions")
_TRANSITION_KEYS = ("at", "state", "message", "severity", "value")

_Members = dict[str, Item]


@dataclass(frozen=True, slots=True)
class ExpectedTransition:
    """A transition that must be; None where a test does not say."""

    at_ms: int
    state: AlarmState
    message: str | None
    severity: Severity | None
    value: float | None
    line: int


@dataclass(frozen=True, slots=True)
class Expectation:
    """All transitions of an alarm's entity."""

    alarm: str
    entity: LabelSet
    transitions: tuple[ExpectedTransition, ...]
    line: int


@dataclass(frozen=True, slots=True)
class AlarmCase:
    """One test: datapoints end after ``start_ms`` and not after ``until_ms``.

    ``quiet`` are names of alarms that nothing may be expected of and that no entity may have.
    """

    name: str
    line: int
    start_ms: int
    until_ms: int
    series: tuple[GivenSeries, ...]
    records: tuple[GivenRecords, ...]
    expected: tuple[Expectation, ...]
    quiet: tuple[str, ...]

    @property
    def alarms(self) -> tuple[str, ...]:
        """The alarms that the test is about, each once."""
        return tuple(dict.fromkeys([*(each.alarm for each in self.expected), *self.quiet]))


@dataclass(frozen=True, slots=True)
class AlarmCaseFile:
    """A test file; ``rules`` are the paths of the rule files under test."""

    path: Path
    rules: tuple[Path, ...]
    cases: tuple[AlarmCase, ...]


def load_alarm_cases(path: Path) -> AlarmCaseFile:
    """Read a test file. Raises ``AlarmRuleError`` with file, line and column."""
    text = ""
    try:
        document, text = read_document(path, str(path))
        members = document.mapping(_FILE_KEYS)
        if "rules" in members:
            rules = tuple(path.parent / item.text() for item in members["rules"].items())
        else:
            rules = (path.with_name(path.stem.removesuffix(".test") + path.suffix),)
        if "tests" not in members:
            raise document.fault("tests, a list of tests, is missing")
        defaults = members["defaults"].mapping(_DEFAULT_KEYS) if "defaults" in members else {}
        cases = tuple(_case(item, defaults) for item in members["tests"].items())
    except RuleError as error:
        fault = AlarmRuleError(error.reason, line=error.line, column=error.column)
        raise fault.in_file(str(path), text) from error
    return AlarmCaseFile(path, rules, cases)


def _case(item: Item, defaults: Mapping[str, Item]) -> AlarmCase:
    members = item.mapping(_CASE_KEYS)
    if "name" not in members:
        raise item.fault("name is missing")
    start = members.get("start") or defaults.get("start")
    if start is None:
        raise item.fault("start, the time of the first value, is missing")
    start_ms = start.time_ms()
    if start_ms % MILLISECONDS_PER_MINUTE:
        raise start.fault("start is a whole minute")
    series = tuple(
        given_series(each, _members(defaults, "series", SERIES_KEYS), start_ms)
        for each in _list(members, "series")
    )
    records = tuple(
        given_records(each, _members(defaults, "quarantined", RECORD_KEYS), start_ms)
        for each in _list(members, "quarantined")
    )
    if "until" in members:
        until_ms = moment_ms(members["until"], start_ms)
    else:
        ends = [each.end_ms for each in series] + [each.end_ms for each in records]
        until_ms = max(ends, default=start_ms)
    if until_ms <= start_ms:
        place = members.get("until", item)
        raise place.fault("the test ends before its first datapoint; give series, or until")
    expected = tuple(
        _expectation(each, _members(defaults, "entity"), start_ms)
        for each in _list(members, "expect")
    )
    quiet = read.texts(members["quiet"], "alarm") if "quiet" in members else ()
    if not expected and not quiet:
        raise item.fault("the test names no alarm: give expect, or names alone under quiet")
    _check_once(expected, quiet, item)
    name = members["name"].text()
    return AlarmCase(name, item.line, start_ms, until_ms, series, records, expected, quiet)


def _check_once(expected: tuple[Expectation, ...], quiet: tuple[str, ...], item: Item) -> None:
    seen: set[tuple[str, LabelSet]] = set()
    for each in expected:
        if (each.alarm, each.entity) in seen:
            raise item.fault(f"an entity of {each.alarm} is expected twice (line {each.line})")
        seen.add((each.alarm, each.entity))
        if each.alarm in quiet:
            raise item.fault(f"{each.alarm} is both expected and quiet")


def _expectation(item: Item, of_entity: _Members, start_ms: int) -> Expectation:
    members = item.mapping(_EXPECT_KEYS)
    for key in ("alarm", "transitions"):
        if key not in members:
            raise item.fault(f"{key} is missing")
    own = members["entity"].mapping() if "entity" in members else {}
    labels = {name: value.text() for name, value in merged(of_entity, own).items()}
    transitions = members["transitions"]
    if transitions.is_list:
        found = [_transition(each, start_ms) for each in transitions.items()]
    else:
        found = _transitions(transitions, start_ms)
    for earlier, later in pairwise(found):
        if later.at_ms <= earlier.at_ms:
            raise transitions.fault("transitions are given in the order of their times")
    return Expectation(members["alarm"].text(), label_set(labels), tuple(found), item.line)


def _transitions(item: Item, start_ms: int) -> list[ExpectedTransition]:
    """``1m OK, 4m ALARM``."""
    found = []
    for part in item.text().split(","):
        if not part.strip():
            continue
        words = part.split()
        if len(words) != 2:  # noqa: PLR2004 - a time and a state
            raise item.fault(f"{part.strip()!r} is not a time and a state such as 4m ALARM")
        at_ms = start_ms + read.duration_of(item, words[0])
        found.append(ExpectedTransition(at_ms, _state(item, words[1]), None, None, None, item.line))
    return found


def _transition(item: Item, start_ms: int) -> ExpectedTransition:
    members = item.mapping(_TRANSITION_KEYS)
    for key in ("at", "state"):
        if key not in members:
            raise item.fault(f"{key} is missing")
    return ExpectedTransition(
        at_ms=moment_ms(members["at"], start_ms),
        state=_state(members["state"], members["state"].text()),
        message=members["message"].text() if "message" in members else None,
        severity=read.word(members["severity"], Severity) if "severity" in members else None,
        value=members["value"].number() if "value" in members else None,
        line=item.line,
    )


def _state(item: Item, text: str) -> AlarmState:
    if text not in AlarmState.__members__:
        raise item.fault(f"{text!r} is none of {', '.join(AlarmState.__members__)}")
    return AlarmState[text]


def _list(members: _Members, key: str) -> list[Item]:
    return members[key].items() if key in members else []


def _members(defaults: Mapping[str, Item], key: str, known: Sequence[str] = ()) -> _Members:
    return defaults[key].mapping(known) if key in defaults else {}
