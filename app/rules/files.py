"""Rule files: YAML of metric prefix, filter, expression prefix and suffix, and rules.

The format is SkyWalking's (``metricPrefix``, ``filter``, ``expPrefix``, ``expSuffix``,
``metricsRules`` of ``name`` and ``exp``), with ``unit`` and ``description`` of a rule as additions.
Unknown keys are errors, so that a misspelt one cannot be ignored.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import yaml

from app.errors import RuleError
from app.mal import ast, parse_chain, parse_closure, parse_expression

MAX_FILE_BYTES = 1024 * 1024

Parsed = TypeVar("Parsed")

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
    filter: ast.Closure | None
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class _Text:
    """A scalar of the file and where it stands."""

    value: str
    line: int
    column: int


def load_rule_directory(directory: Path) -> list[RuleFile]:
    """All ``*.yaml`` and ``*.yml`` files below ``directory``, in the order of their paths."""
    if not directory.is_dir():
        raise RuleError(f"the directory of rules {directory} does not exist")
    paths = sorted(p for p in directory.rglob("*") if p.suffix in (".yaml", ".yml"))
    return [load_rule_file(path, str(path.relative_to(directory))) for path in paths]


def load_rule_file(path: Path, name: str) -> RuleFile:
    """Read and parse one file. Raises ``RuleError`` with file, line and column."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise RuleError(f"the file is larger than {MAX_FILE_BYTES} bytes", file=name)
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RuleError(f"the file cannot be read: {error}", file=name) from error
    return parse_rule_file(text, name)


def parse_rule_file(text: str, name: str) -> RuleFile:
    """Parse the text of a file called ``name``."""
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        reason = f"not valid YAML: {error.problem}"
        raise RuleError(reason, file=name, line=line, column=column) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise RuleError(f"not valid YAML: {error}", file=name) from error
    keys = _mapping(root, _FILE_KEYS, name)
    prefix = _scalar(keys, "metricPrefix", name, required=root)
    if not prefix.value:
        raise RuleError("metricPrefix is empty", file=name, line=prefix.line, column=prefix.column)
    closure = exp_prefix = exp_suffix = None
    if "filter" in keys:
        closure = _located(_scalar(keys, "filter", name), name, parse_closure)
    if "expPrefix" in keys:
        exp_prefix = _located(_scalar(keys, "expPrefix", name), name, parse_chain)
    if "expSuffix" in keys:
        exp_suffix = _located(_scalar(keys, "expSuffix", name), name, parse_chain)
    rules_node = keys.get("metricsRules")
    if not isinstance(rules_node, yaml.SequenceNode):
        raise RuleError("metricsRules, a list of rules, is missing", file=name, line=1, column=1)
    rules = [_rule(node, prefix.value, exp_prefix, exp_suffix, name) for node in rules_node.value]
    return RuleFile(name, closure, tuple(rules))


def _rule(
    node: yaml.Node,
    metric_prefix: str,
    exp_prefix: Callable[[ast.Expression], ast.Expression] | None,
    exp_suffix: Callable[[ast.Expression], ast.Expression] | None,
    file: str,
) -> Rule:
    keys = _mapping(node, _RULE_KEYS, file)
    name = _scalar(keys, "name", file, required=node)
    text = _scalar(keys, "exp", file, required=node)
    expression = _located(text, file, parse_expression)
    if exp_prefix is not None:
        expression = _prefixed(expression, exp_prefix)
    if exp_suffix is not None:
        expression = exp_suffix(expression)
    unit = _scalar(keys, "unit", file).value if "unit" in keys else ""
    description = _scalar(keys, "description", file).value if "description" in keys else ""
    full_name = f"{metric_prefix}_{name.value}"
    return Rule(full_name, expression, text.value, name.line, unit, description)


def _prefixed(
    node: ast.Expression, apply: Callable[[ast.Expression], ast.Expression]
) -> ast.Expression:
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


def _mapping(node: yaml.Node | None, known: tuple[str, ...], file: str) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        line = node.start_mark.line + 1 if node else 1
        raise RuleError(
            f"a mapping with the keys {', '.join(known)} is expected",
            file=file,
            line=line,
            column=1,
        )
    keys: dict[str, yaml.Node] = {}
    for key, value in node.value:
        line, column = key.start_mark.line + 1, key.start_mark.column + 1
        if key.value not in known:
            reason = f"unknown key {key.value!r}; known are {', '.join(known)}"
            raise RuleError(reason, file=file, line=line, column=column)
        if key.value in keys:
            raise RuleError(f"{key.value} is given twice", file=file, line=line, column=column)
        keys[key.value] = value
    return keys


def _scalar(
    keys: dict[str, yaml.Node], key: str, file: str, *, required: yaml.Node | None = None
) -> _Text:
    node = keys.get(key)
    if node is None:
        line = required.start_mark.line + 1 if required else 1
        raise RuleError(f"{key} is missing", file=file, line=line, column=1)
    mark = node.start_mark
    if not isinstance(node, yaml.ScalarNode):
        raise RuleError(f"{key} is a text", file=file, line=mark.line + 1, column=mark.column + 1)
    shift = 1 if node.style in ("'", '"') else 0
    first_line = mark.line + 1 + (1 if node.style in ("|", ">") else 0)
    return _Text(str(node.value), first_line, mark.column + 1 + shift)


def _located(text: _Text, file: str, parse: Callable[[str], Parsed]) -> Parsed:
    try:
        return parse(text.value)
    except RuleError as error:
        raise RuleError(
            error.reason,
            file=file,
            line=text.line + max(error.line, 1) - 1,
            column=error.column,
            source=error.source,
        ) from error
