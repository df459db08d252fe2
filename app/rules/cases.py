"""Test files of rules: points as they come in, and the values that rules must make of them.

``X.test.yaml`` tests the rule file ``X.yaml`` beside it. The format is in docs/rule-tests.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from app.clock import MILLISECONDS_PER_MINUTE
from app.errors import RuleError
from app.mal.entities import Entity
from app.rules.documents import Item, merged, read_document
from app.rules.given import GivenPoint, given_point

_SUFFIXES = (".test.yaml", ".test.yml")
_FILE_KEYS = ("rules", "defaults", "tests")
_CASE_KEYS = ("name", "defaults", "points", "values", "only", "approx")
_NOT_IN_VALUES = ("scope", "layer", "detect_point", "component")
_ENTITY_KEYS = tuple(field.name for field in fields(Entity) if field.name not in _NOT_IN_VALUES)
_VALUE_KEYS = ("metric", *_ENTITY_KEYS, "labels", "time", "value")

_Members = dict[str, Item]
Pairs = tuple[tuple[str, str], ...]
Target = tuple[int, Pairs, Pairs]
"""Minute since the epoch, the parts of the entity that are not empty, labels."""


@dataclass(frozen=True, slots=True)
class ExpectedValue:
    """A value that a metric must have in a minute."""

    metric: str
    target: Target
    value: float
    line: int


@dataclass(frozen=True, slots=True)
class Case:
    """One test. ``metrics`` are those whose values must be exactly ``values``.

    ``tolerance`` is relative; 0 compares to the last bit.
    """

    name: str
    line: int
    points: tuple[GivenPoint, ...]
    values: tuple[ExpectedValue, ...]
    metrics: frozenset[str]
    tolerance: float


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A test file and its text; ``rules`` are the paths of the rule files under test."""

    path: Path
    text: str
    rules: tuple[Path, ...]
    cases: tuple[Case, ...]


def find_case_files(path: Path) -> list[Path]:
    """Test files of ``path``: itself, the one beside a rule file, or all below a directory.

    Hidden files and directories are passed over, as with rules. Raises ``RuleError`` for a path
    that does not exist, and for a rule file without tests.
    """
    if not path.exists():
        raise RuleError(f"{path} does not exist")
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if p.name.endswith(_SUFFIXES))
        return [p for p in found if not any(x.startswith(".") for x in p.relative_to(path).parts)]
    if path.name.endswith(_SUFFIXES):
        return [path]
    beside = path.with_name(f"{path.stem}.test{path.suffix}")
    if not beside.is_file():
        raise RuleError(f"{path} has no tests: there is no {beside.name} beside it")
    return [beside]


def load_case_file(path: Path) -> CaseFile:
    """Read a test file. Raises ``RuleError`` with file, line and column."""
    document, text = read_document(path, str(path))
    try:
        members = document.mapping(_FILE_KEYS)
        defaults = _defaults(members, {}, {})
        if "rules" in members:
            rules = tuple(path.parent / item.text() for item in members["rules"].items())
        else:
            rules = (path.with_name(path.stem.removesuffix(".test") + path.suffix),)
        if "tests" not in members:
            raise document.fault("tests, a list of tests, is missing")
        cases = tuple(_case(item, *defaults) for item in members["tests"].items())
    except RuleError as error:
        raise error.in_file(str(path), text) from error
    return CaseFile(path, text, rules, cases)


def target_of(minute: int, entity: Entity, labels: Mapping[str, str]) -> Target:
    """The target under which a value of ``entity`` is expected."""
    return minute, _pairs({key: getattr(entity, key) for key in _ENTITY_KEYS}), _pairs(labels)


def _case(item: Item, of_points: _Members, of_values: _Members) -> Case:
    members = item.mapping(_CASE_KEYS)
    if "name" not in members:
        raise item.fault("name is missing")
    of_points, of_values = _defaults(members, of_points, of_values)
    points = tuple(given_point(entry, of_points) for entry in _list(members, "points"))
    minutes = {point.start_ms // MILLISECONDS_PER_MINUTE for point in points}
    minute = minutes.pop() if len(minutes) == 1 else None
    values: dict[tuple[str, Target], ExpectedValue] = {}
    for entry in _list(members, "values"):
        value = _value(entry, of_values, minute)
        key = value.metric, value.target
        if key in values:
            raise entry.fault(f"this value of {value.metric} is given twice")
        values[key] = value
    metrics = {metric for metric, _ in values}
    metrics.update(entry.text() for entry in _list(members, "only"))
    if not metrics:
        raise item.fault("the test names no metric: give values, or the metrics alone under only")
    tolerance = members["approx"].number() if "approx" in members else 0.0
    if not 0 <= tolerance < 1:
        raise members["approx"].fault("approx is a relative tolerance, from 0 to below 1")
    name = members["name"].text()
    return Case(name, item.line, points, tuple(values.values()), frozenset(metrics), tolerance)


def _value(item: Item, defaults: _Members, minute: int | None) -> ExpectedValue:
    members = merged(defaults, item.mapping(_VALUE_KEYS))
    for key in ("metric", "value"):
        if key not in members:
            raise item.fault(f"{key} is missing")
    if "time" in members:
        minute = members["time"].time_ms() // MILLISECONDS_PER_MINUTE
    if minute is None:
        raise item.fault("time is missing, and the points are not of one minute")
    entity = {key: members[key].text() for key in _ENTITY_KEYS if key in members}
    labels = members["labels"].texts() if "labels" in members else {}
    target = minute, _pairs(entity), _pairs(labels)
    return ExpectedValue(members["metric"].text(), target, members["value"].number(), item.line)


def _defaults(
    members: _Members, of_points: _Members, of_values: _Members
) -> tuple[_Members, _Members]:
    """The defaults of points and values, those given here over those of the file."""
    if "defaults" in members:
        own = members["defaults"].mapping(("points", "values"))
        if "points" in own:
            of_points = merged(of_points, own["points"].mapping())
        if "values" in own:
            of_values = merged(of_values, own["values"].mapping(_VALUE_KEYS))
    return of_points, of_values


def _list(members: _Members, key: str) -> list[Item]:
    return members[key].items() if key in members else []


def _pairs(texts: Mapping[str, str]) -> Pairs:
    return tuple(sorted((key, value) for key, value in texts.items() if value))
