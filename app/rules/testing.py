"""Runs test files of rules: what the rules make of the points, against what is expected."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.catalog import StatisticCatalog
from app.errors import RuleError
from app.rules.cases import Case, CaseFile, Pairs, Target, load_case_file, target_of
from app.rules.engine import RuleEngine
from app.rules.files import load_rule_file
from app.rules.given import decode_points

_Values = dict[tuple[str, Target], float]


@dataclass(frozen=True, slots=True)
class CaseResult:
    """A test and what is wrong with it, one text per difference; none: it passed."""

    case: Case
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaseFileResult:
    """The tests of a file, and the metrics that its rules define."""

    path: Path
    cases: tuple[CaseResult, ...]
    metrics: frozenset[str]

    @property
    def failed(self) -> int:
        """How many tests have differences."""
        return sum(1 for result in self.cases if result.differences)

    @property
    def covered(self) -> frozenset[str]:
        """Metrics of which at least one value is expected."""
        return frozenset(value.metric for result in self.cases for value in result.case.values)


def run_case_file(path: Path, catalog: StatisticCatalog) -> CaseFileResult:
    """Run the tests of a file, each with rules that have seen nothing before.

    Raises ``RuleError`` for a test file or a rule file that cannot be read.
    """
    file = load_case_file(path)
    rules = [load_rule_file(path, str(path)) for path in file.rules]
    metrics = RuleEngine(rules, catalog).definitions
    results = tuple(_run(file, case, RuleEngine(rules, catalog)) for case in file.cases)
    return CaseFileResult(path, results, frozenset(metrics))


def _run(file: CaseFile, case: Case, engine: RuleEngine) -> CaseResult:
    unknown = sorted(case.metrics - engine.definitions.keys())
    if unknown:
        names = ", ".join(path.name for path in file.rules)
        return CaseResult(case, tuple(f"{name} is not a metric of {names}" for name in unknown))
    try:
        given = decode_points(case.points)
    except RuleError as error:
        raise error.in_file(str(file.path), file.text) from error
    found: _Values = {}
    faults: list[str] = []
    for minute in given.minutes:
        of_minute, failed = engine.evaluate(minute, given.identities)
        for fault in failed:
            name, place = fault.definition.name, fault.definition.place
            faults.append(f"{name} failed at {_time(minute.minute)} ({place}): {fault.error}")
        for of_metric in of_minute:
            name = of_metric.definition.name
            if name not in case.metrics:
                continue
            rows = of_metric.outputs.row.tolist()
            for row, value in zip(rows, of_metric.outputs.value.tolist(), strict=True):
                entity, labels = of_metric.targets[row]
                # Where two rules feed one metric, the later one's value stands, as in storage.
                found[name, target_of(minute.minute, entity, dict(labels))] = value
    return CaseResult(case, (*faults, *_differences(case, found)))


def _differences(case: Case, found: _Values) -> Iterator[str]:
    expected = {(value.metric, value.target): value for value in case.values}
    for key in sorted(expected.keys() | found.keys()):
        wanted, got = expected.get(key), found.get(key)
        if wanted is None:
            yield f"{_where(key)}: expected nothing, got {got!r}"
        elif got is None or not _equal(wanted.value, got, case.tolerance):
            answer = "nothing" if got is None else repr(got)
            yield f"{_where(key)}: expected {wanted.value!r} (line {wanted.line}), got {answer}"


def _equal(wanted: float, got: float, tolerance: float) -> bool:
    return wanted == got or math.isclose(wanted, got, rel_tol=tolerance, abs_tol=0.0)


def _where(key: tuple[str, Target]) -> str:
    metric, (minute, entity, labels) = key
    return f"{metric}{_text(entity)}{_text(labels)} at {_time(minute)}"


def _text(pairs: Pairs) -> str:
    return f" {{{', '.join(f'{name}: {value}' for name, value in pairs)}}}" if pairs else ""


def _time(minute: int) -> str:
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%dT%H:%MZ")
