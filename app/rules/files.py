"""Rule files: YAML of metric prefix, filter, expression prefix and suffix, and rules.

The format is SkyWalking's (``metricPrefix``, ``filter``, ``expPrefix``, ``expSuffix``,
``metricsRules`` of ``name`` and ``exp``), with ``unit`` and ``description`` of a rule as additions.
Unknown keys are errors, so that a misspelt one cannot be ignored.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import yaml

from app.errors import RuleError
from app.mal import ast, parse_chain, parse_closure, parse_expression

MAX_FILE_BYTES = 1024 * 1024

_METRIC_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
_FILE_KEYS = ("metricPrefix", "filter", "expPrefix", "expSuffix", "metricsRules")
_RULE_KEYS = ("name", "exp", "unit", "description")


@dataclass(frozen=True, slots=True)
class Rule:
    """One metric of a file. ``expression`` includes the file's prefix and suffix."""

    name: str
    expression: ast.Expression
    text: str
    line: int
    unit: str
    description: str


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A file that has been read and parsed; ``path`` is relative to the directory of rules."""

    path: str
    text: str
    filter: ast.Closure | None
    rules: tuple[Rule, ...]


class _Text(NamedTuple):
    """A scalar of the file and where it stands."""

    value: str
    place: ast.Place


_Chain = Callable[[ast.Expression], ast.Expression]


def load_rule_directory(directory: Path) -> list[RuleFile]:
    """All files of ``rule_paths``, in their order."""
    return [load_rule_file(path, name) for name, path in rule_paths(directory).items()]


def rule_paths(directory: Path) -> dict[str, Path]:
    """All ``*.yaml`` and ``*.yml`` files below ``directory`` by name, in the order of their paths.

    Hidden files and directories are passed over: editors lock files with them, and a mounted
    Kubernetes ConfigMap keeps its versions in them.
    """
    if not directory.is_dir():
        raise RuleError(f"the directory of rules {directory} does not exist")
    found = sorted(p for p in directory.rglob("*") if p.suffix in (".yaml", ".yml"))
    names = {path: path.relative_to(directory) for path in found}
    return {
        str(name): path
        for path, name in names.items()
        if not any(part.startswith(".") for part in name.parts)
    }


def load_rule_file(path: Path, name: str) -> RuleFile:
    """Read and parse one file. Raises ``RuleError`` with file, line and column."""
    return parse_rule_file(read_rule_text(path, name), name)


def read_rule_text(path: Path, name: str) -> str:
    """The text of a file, which is UTF-8 of at most ``MAX_FILE_BYTES``. Raises ``RuleError``."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise RuleError(f"the file is larger than {MAX_FILE_BYTES} bytes", file=name)
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RuleError(f"the file cannot be read: {error}", file=name) from error


def parse_rule_file(text: str, name: str) -> RuleFile:
    """Parse the text of a file called ``name``. Raises ``RuleError``, as ``load_rule_file``."""
    try:
        closure, rules = _parse(text)
    except RuleError as error:
        raise error.in_file(name, text) from error
    return RuleFile(name, text, closure, rules)


def _parse(text: str) -> tuple[ast.Closure | None, tuple[Rule, ...]]:
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise RuleError(f"not valid YAML: {error.problem}", line=line, column=column) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise RuleError(f"not valid YAML: {error}") from error
    keys = _mapping(root, _FILE_KEYS)
    prefix = _scalar(keys, "metricPrefix", root)
    if not prefix.value:
        raise RuleError("metricPrefix is empty", line=prefix.place.line, column=prefix.place.column)
    closure = None
    if "filter" in keys:
        closure = parse_closure(*_scalar(keys, "filter", root))
    chains = [
        parse_chain(*_scalar(keys, key, root)) if key in keys else _unchanged
        for key in ("expPrefix", "expSuffix")
    ]
    rules = keys.get("metricsRules")
    if not isinstance(rules, yaml.SequenceNode):
        raise RuleError("metricsRules, a list of rules, is missing", line=1, column=1)
    return closure, tuple(_rule(node, prefix.value, *chains) for node in rules.value)


def _rule(node: yaml.Node, metric_prefix: str, exp_prefix: _Chain, exp_suffix: _Chain) -> Rule:
    keys = _mapping(node, _RULE_KEYS)
    name = _scalar(keys, "name", node)
    text = _scalar(keys, "exp", node)
    expression = exp_suffix(_prefixed(parse_expression(*text), exp_prefix))
    unit, description = (
        _scalar(keys, key, node).value if key in keys else "" for key in ("unit", "description")
    )
    full_name = f"{metric_prefix}_{name.value}"
    if not _METRIC_NAME.fullmatch(full_name):
        reason = f"{full_name!r} is not a metric name: letters, digits and _, no digit first"
        raise RuleError(reason, line=name.place.line, column=name.place.column)
    return Rule(full_name, expression, text.value, name.place.line, unit, description)


def _unchanged(expression: ast.Expression) -> ast.Expression:
    return expression


def _prefixed(node: ast.Expression, apply: _Chain) -> ast.Expression:
    """The expression with the prefix after every metric; downsampling types are not metrics."""
    match node:
        case ast.Metric():
            return apply(node)
        case ast.MethodCall(receiver, method, arguments, place):
            return ast.MethodCall(_prefixed(receiver, apply), method, arguments, place)
        case ast.Binary(operator, left, right, place):
            return ast.Binary(operator, _prefixed(left, apply), _prefixed(right, apply), place)
        case ast.Negate(operand, place):
            return ast.Negate(_prefixed(operand, apply), place)
        case _:
            return node


def _mapping(node: yaml.Node | None, known: tuple[str, ...]) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        line = node.start_mark.line + 1 if node else 1
        expected = f"a mapping with the keys {', '.join(known)} is expected"
        raise RuleError(expected, line=line, column=1)
    keys: dict[str, yaml.Node] = {}
    for key, value in node.value:
        place = _place(key)
        if key.value not in known:
            reason = f"unknown key {key.value!r}; known are {', '.join(known)}"
            raise RuleError(reason, line=place.line, column=place.column)
        if key.value in keys:
            reason = f"{key.value} is given twice"
            raise RuleError(reason, line=place.line, column=place.column)
        keys[key.value] = value
    return keys


def _scalar(keys: dict[str, yaml.Node], key: str, parent: yaml.Node | None) -> _Text:
    node = keys.get(key)
    if node is None:
        line = parent.start_mark.line + 1 if parent else 1
        raise RuleError(f"{key} is missing", line=line, column=1)
    place = _place(node)
    if not isinstance(node, yaml.ScalarNode):
        raise RuleError(f"{key} is a text", line=place.line, column=place.column)
    if node.style in ("|", ">"):
        place = ast.Place(place.line + 1, 1)
    elif node.style in ("'", '"'):
        place = ast.Place(place.line, place.column + 1)
    return _Text(str(node.value), place)


def _place(node: yaml.Node) -> ast.Place:
    return ast.Place(node.start_mark.line + 1, node.start_mark.column + 1)
