"""Files of alarm rules: ``*.yaml`` below a directory, tests beside them left out.

All errors of all files are found at once; rules are loaded only if there is none.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.alarms.reading import Faulty, read_rule
from app.alarms.rule_values import Members
from app.alarms.rules import AlarmRule, AlarmRules
from app.errors import AlarmRuleError, RuleError
from app.rules.documents import Item
from app.rules.files import MOST_ERRORS, read_rule_text, rule_paths
from app.rules.yaml_nodes import read_yaml

_FILE_KEYS = ("alarms",)


@dataclass(frozen=True, slots=True)
class ReadFiles:
    """What files hold, and all that is wrong with them; faulty rules are left out."""

    files: int
    rules: AlarmRules
    errors: tuple[AlarmRuleError, ...]


def load_alarm_rules(directory: Path) -> AlarmRules:
    """The rules of a directory. Raises ``AlarmRuleError``, that of the first fault."""
    found = read_alarm_files(alarm_rule_paths(directory))
    if found.errors:
        raise found.errors[0]
    return found.rules


def alarm_rule_paths(directory: Path) -> dict[str, Path]:
    """The files of rules below a directory by name, as ``rules.rule_paths`` has them."""
    try:
        return rule_paths(directory)
    except RuleError as error:
        raise AlarmRuleError(f"the directory of alarm rules {directory} does not exist") from error


def find_alarm_files(paths: Iterable[Path]) -> dict[str, Path]:
    """The files among ``paths`` and below those that are directories, each under its path.

    Raises ``AlarmRuleError`` for a path that does not exist.
    """
    found: dict[str, Path] = {}
    for path in paths:
        if path.is_dir():
            found.update({str(file): file for file in rule_paths(path).values()})
        elif path.is_file():
            found[str(path)] = path
        else:
            raise AlarmRuleError(f"{path} does not exist")
    return found


def read_alarm_files(paths: Mapping[str, Path]) -> ReadFiles:
    """Read files by name; a name given twice is an error of the second rule."""
    rules: list[AlarmRule] = []
    errors: list[AlarmRuleError] = []
    places: dict[str, str] = {}
    digest = hashlib.sha256()
    for name, path in paths.items():
        text = ""
        found: list[AlarmRule] = []
        faults: list[RuleError] = []
        try:
            text = read_rule_text(path, name)
            found = _read_file(text, name, places, faults)
        except RuleError as error:
            faults.append(error)
        digest.update(f"{len(name)} {len(text)} {name} {text}".encode())
        rules += found
        errors += _told(faults, name, text)
    return ReadFiles(len(paths), AlarmRules(tuple(rules), digest.hexdigest()), tuple(errors))


def _read_file(
    text: str, name: str, places: dict[str, str], faults: list[RuleError]
) -> list[AlarmRule]:
    """The sound rules of a file. ``places`` are those of all names so far."""
    members = Members(Item(read_yaml(text)), _FILE_KEYS, faults)
    rules: list[AlarmRule] = []
    for item in members["alarms"].items():
        rule = read_rule(item, name)
        if isinstance(rule, Faulty):
            faults += rule.errors
        elif rule.name in places:
            faults.append(
                item.fault(f"the alarm {rule.name} is also defined at {places[rule.name]}")
            )
        else:
            places[rule.name] = rule.place
            rules.append(rule)
        if len(faults) > MOST_ERRORS:
            break
    return rules


def _told(faults: list[RuleError], name: str, text: str) -> list[AlarmRuleError]:
    """Errors in the order of their places, each with file, line and the line's text."""
    distinct = {(error.line, error.column, error.reason): error for error in faults}
    ordered = [error for _, error in sorted(distinct.items(), key=lambda pair: pair[0][:2])]
    told = [
        AlarmRuleError(error.reason, line=error.line, column=error.column).in_file(name, text)
        for error in ordered[:MOST_ERRORS]
    ]
    if len(ordered) > MOST_ERRORS:
        more = f"more than {MOST_ERRORS} errors in this file; the others are not told"
        told.append(AlarmRuleError(more, file=name))
    return told
