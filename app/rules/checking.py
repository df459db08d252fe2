"""Checks rule files without data: every error of every file, and what looks like a mistake."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.catalog import StatisticCatalog
from app.errors import RuleError
from app.rules.engine import RuleEngine
from app.rules.files import RuleFile, read_rule_file, rule_paths
from app.rules.suspicions import suspicions

_MOST_ERRORS = 100


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What was read, what is wrong, and what works but is probably not meant.

    After 100 errors a check ends, and ``is_complete`` is false.
    """

    files: int
    rules: int
    metrics: int
    errors: tuple[RuleError, ...]
    warnings: tuple[RuleError, ...]
    is_complete: bool = True


def find_rule_files(paths: Iterable[Path]) -> list[Path]:
    """The rule files among ``paths`` and below those that are directories, each once.

    Raises ``RuleError`` for a path that does not exist.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found.update(dict.fromkeys(rule_paths(path).values()))
        elif path.is_file():
            found[path] = None
        else:
            raise RuleError(f"{path} does not exist")
    return list(found)


def check_rule_files(paths: Sequence[Path], catalog: StatisticCatalog) -> CheckReport:
    """Check rule files by themselves and together, as the server would load them."""
    errors: list[RuleError] = []
    files: list[RuleFile] = []
    for path in paths:
        file, faults = read_rule_file(path, str(path))
        errors += faults
        files += [file] if file else []
    rules = sum(len(file.rules) for file in files)
    sound: list[RuleFile] = []
    for file in files:
        faults, rest = _compiled(file, catalog)
        errors += faults
        sound.append(rest)
    metrics, faults = _together(sound, catalog)
    errors += faults
    warnings = suspicions(files, catalog)
    complete = len(errors) < _MOST_ERRORS
    return CheckReport(len(paths), rules, metrics, tuple(errors), tuple(warnings), complete)


def _compiled(file: RuleFile, catalog: StatisticCatalog) -> tuple[list[RuleError], RuleFile]:
    """The errors of a file's rules each by itself, and the file without those rules."""
    try:
        RuleEngine([file], catalog, on_contradiction=lambda _: None)
    except RuleError as error:
        whole = error
    else:
        return [], file
    errors: list[RuleError] = []
    sound = []
    for rule in file.rules:
        try:
            RuleEngine([replace(file, rules=(rule,))], catalog, on_contradiction=lambda _: None)
        except RuleError as error:
            # A faulty filter or suffix is reported by each rule, at one place.
            if str(error) not in map(str, errors):
                errors.append(error)
            if len(errors) >= _MOST_ERRORS:
                break
        else:
            sound.append(rule)
    if not errors and not file.rules:
        errors.append(whole)
    return errors, replace(file, rules=tuple(sound))


def _together(files: Sequence[RuleFile], catalog: StatisticCatalog) -> tuple[int, list[RuleError]]:
    """How many metrics the files define, and the rules that contradict earlier ones."""
    errors: list[RuleError] = []
    try:
        engine = RuleEngine(
            [file for file in files if file.rules], catalog, on_contradiction=_until_most(errors)
        )
    except _TooMany:
        return 0, errors
    return len(engine.definitions), errors


class _TooMany(Exception):
    """A check has found as many errors as it tells."""


def _until_most(errors: list[RuleError]) -> Callable[[RuleError], None]:
    def add(error: RuleError) -> None:
        errors.append(error)
        if len(errors) >= _MOST_ERRORS:
            raise _TooMany

    return add
