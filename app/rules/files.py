"""Rule files: YAML of metric prefix, filter, expression prefix and suffix, layers and rules.

The format is SkyWalking's, with ``unit`` and ``description`` of a rule as additions. Unknown keys
are errors, so that a misspelt one cannot be ignored.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from app.errors import RuleError
from app.mal import Chain, ast, parse_chain, parse_closure, parse_expression
from app.mal.places import Locate, fault
from app.rules.prefixes import composed
from app.rules.yaml_nodes import Mapping, Node, Scalar, Sequence, read_yaml

MAX_FILE_BYTES = 1024 * 1024
MOST_ERRORS = 100
"""Errors of one file that are told one by one."""

_METRIC_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
_MOST_SHOWN = 100
_LAYER_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_ORDINAL = re.compile(r"[0-9]{1,9}")
_WITHOUT_EFFECT = ("initExp", "entities", "requiredZabbixItemKeys")
_FILE_KEYS = (
    "metricPrefix",
    "filter",
    "expPrefix",
    "expSuffix",
    "layerDefinitions",
    "metricsRules",
    "metrics",
)
_RULE_KEYS = ("name", "exp", "unit", "description")
_LAYER_KEYS = ("name", "ordinal", "normal")
_BOOLEANS = {"true": True, "false": False}

_Read = TypeVar("_Read")


class _Keys(NamedTuple):
    """The keys of a mapping, and where it begins."""

    nodes: dict[str, Node]
    place: ast.Place


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
class LayerDefinition:
    """A layer that a file brings along. ``normal`` is false for one of uninstrumented peers."""

    name: str
    ordinal: int
    normal: bool
    line: int


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A file that has been read and parsed; ``path`` is relative to the directory of rules."""

    path: str
    text: str
    filter: ast.Closure | None
    rules: tuple[Rule, ...]
    layers: tuple[LayerDefinition, ...] = ()


def load_rule_directory(directory: Path) -> list[RuleFile]:
    """The files of ``read_rule_directory``; raises the first ``RuleError`` if there is one."""
    files, errors = read_rule_directory(directory)
    if errors:
        raise errors[0]
    return files


def read_rule_directory(directory: Path) -> tuple[list[RuleFile], list[RuleError]]:
    """All files of ``rule_paths``, in their order, and all that is wrong.

    A file with errors is not among the files. Raises ``RuleError`` if there is no such directory.
    """
    files: list[RuleFile] = []
    errors: list[RuleError] = []
    for name, path in rule_paths(directory).items():
        file, faults = read_rule_file(path, name)
        errors += faults
        files += [file] if file else []
    return files, errors


def rule_paths(directory: Path) -> dict[str, Path]:
    """All ``*.yaml`` and ``*.yml`` files below ``directory`` by name, in the order of their paths.

    ``*.test.yaml`` and ``*.test.yml`` are the tests beside them. Hidden files and directories are
    passed over: editors lock files with them, and a mounted Kubernetes ConfigMap keeps its
    versions in them.
    """
    if not directory.is_dir():
        raise RuleError(f"the directory of rules {directory} does not exist")
    found = sorted(p for p in directory.rglob("*") if p.suffix in (".yaml", ".yml"))
    names = {path: path.relative_to(directory) for path in found}
    return {
        str(name): path
        for path, name in names.items()
        if not any(part.startswith(".") for part in name.parts) and not name.stem.endswith(".test")
    }


def load_rule_file(path: Path, name: str) -> RuleFile:
    """Read and parse one file. Raises ``RuleError`` with file, line and column."""
    return _first(*read_rule_file(path, name))


def read_rule_text(path: Path, name: str) -> str:
    """The text of a file, which is UTF-8 of at most ``MAX_FILE_BYTES``. Raises ``RuleError``."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise RuleError(f"the file is larger than {MAX_FILE_BYTES} bytes", file=name)
        return content.decode("utf-8-sig")
    except OSError as error:
        raise RuleError(f"the file cannot be read: {error.strerror}", file=name) from error
    except UnicodeDecodeError as error:
        raise RuleError(f"the file cannot be read: {error}", file=name) from error


def parse_rule_file(text: str, name: str) -> RuleFile:
    """Parse the text of a file called ``name``. Raises ``RuleError``, as ``load_rule_file``."""
    return _first(*_parse_file(text, name))


def _first(file: RuleFile | None, errors: list[RuleError]) -> RuleFile:
    if file is None:
        raise errors[0]
    return file


def read_rule_file(path: Path, name: str) -> tuple[RuleFile | None, list[RuleError]]:
    """One file, or None, and all that is wrong with it."""
    try:
        text = read_rule_text(path, name)
    except RuleError as error:
        return None, [error]
    return _parse_file(text, name)


def _parse_file(text: str, name: str) -> tuple[RuleFile | None, list[RuleError]]:
    reader = _Reader()
    file = reader.read(text, name)
    errors = sorted(reader.errors, key=lambda error: error.line)
    if len(errors) > MOST_ERRORS:
        more = RuleError(f"more than {MOST_ERRORS} errors in this file; the others are not told")
        errors = [*errors[:MOST_ERRORS], more]
    return (None if errors else file), [error.in_file(name, text) for error in errors]


class _Reader:
    """Reads one file, and goes on after an error to find them all."""

    def __init__(self) -> None:
        self.errors: list[RuleError] = []

    def read(self, text: str, name: str) -> RuleFile | None:
        """The file; what is wrong is left out of it and in ``errors``."""
        keys = self._attempt(lambda: self._keys(read_yaml(text), _FILE_KEYS, _WITHOUT_EFFECT))
        if keys is None:
            return None
        metric_prefix = self._attempt(lambda: _required(keys, "metricPrefix"))
        closure = self._attempt(lambda: _parsed(keys, "filter", parse_closure))
        chains = [
            self._attempt(lambda key=key: _parsed(keys, key, parse_chain))  # type: ignore[misc]
            for key in ("expPrefix", "expSuffix")
        ]
        layers = self._each(keys, "layerDefinitions", self._layer)
        rules_key = self._attempt(lambda: _rules_key(keys))
        rules = []
        if rules_key is not None:
            prefix = metric_prefix.value if metric_prefix else ""
            rules = self._each(keys, rules_key, lambda node: self._rule(node, prefix, *chains))
        self._attempt(lambda: _check_layers(layers))
        return RuleFile(name, text, closure, tuple(rules), tuple(layers))

    def _attempt(self, read: Callable[[], _Read]) -> _Read | None:
        try:
            return read()
        except RuleError as error:
            self.errors.append(error)
            return None

    def _each(self, keys: _Keys, key: str, read: Callable[[Node], _Read]) -> list[_Read]:
        found: list[_Read] = []
        for item in self._attempt(lambda: _items(keys, key)) or []:
            if len(self.errors) > MOST_ERRORS:
                break
            node = self._attempt(lambda item=item: read(item))  # type: ignore[misc]
            if node is not None:
                found.append(node)
        return found

    def _rule(
        self, node: Node, metric_prefix: str, prefix: Chain | None, suffix: Chain | None
    ) -> Rule:
        keys = self._keys(node, _RULE_KEYS)
        name, text = _required(keys, "name"), _required(keys, "exp")
        expression = composed(parse_expression(text.value, text.locate), prefix, suffix)
        unit, description = (_text(keys, key) for key in ("unit", "description"))
        full_name = f"{metric_prefix}_{name.value}"
        if not _METRIC_NAME.fullmatch(full_name):
            shown = full_name if len(full_name) <= _MOST_SHOWN else f"{full_name[:_MOST_SHOWN]}…"
            message = (
                f"{shown!r} is not a metric name: letters, digits and _, no digit first,"
                " at most 255 characters, so that it can be asked for in PromQL"
            )
            raise fault(name.place, message)
        return Rule(full_name, expression, text.value, name.place.line, unit, description)

    def _layer(self, node: Node) -> LayerDefinition:
        keys = self._keys(node, _LAYER_KEYS)
        name, ordinal = _required(keys, "name"), _required(keys, "ordinal")
        if not _LAYER_NAME.fullmatch(name.value):
            raise fault(name.place, f"{name.value!r} is not a layer: capitals, digits and _")
        if not _ORDINAL.fullmatch(ordinal.value):
            raise fault(ordinal.place, f"{ordinal.value!r} is not the ordinal of a layer, a number")
        normal = _scalar(keys, "normal")
        if normal and normal.value.lower() not in _BOOLEANS:
            raise fault(normal.place, "normal is true or false")
        return LayerDefinition(
            name.value,
            int(ordinal.value),
            _BOOLEANS[normal.value.lower()] if normal else True,
            name.place.line,
        )

    def _keys(
        self, node: Node, known: tuple[str, ...], without_effect: tuple[str, ...] = ()
    ) -> _Keys:
        if not isinstance(node, Mapping):
            raise fault(node.place, f"a mapping with the keys {', '.join(known)} is expected")
        nodes: dict[str, Node] = {}
        for key, value in node.pairs:
            if key.value not in known and key.value not in without_effect:
                message = f"unknown key {key.value!r}; known are {', '.join(known)}"
                self.errors.append(fault(key.place, message))
            elif key.value in nodes:
                self.errors.append(fault(key.place, f"{key.value} is given twice"))
            nodes[key.value] = value
        return _Keys(nodes, node.place)


def _check_layers(layers: list[LayerDefinition]) -> None:
    """Raise ``RuleError`` where two layers of a file share a name or an ordinal."""
    seen: dict[str | int, LayerDefinition] = {}
    for layer in layers:
        for key in (layer.name, layer.ordinal):
            other = seen.setdefault(key, layer)
            if other is not layer:
                raise fault(
                    ast.Place(layer.line, 1),
                    f"the layer {key} is also defined in line {other.line}",
                )


def _rules_key(keys: _Keys) -> str:
    present = [key for key in ("metricsRules", "metrics") if key in keys.nodes]
    if not present:
        raise fault(keys.place, "metricsRules, a list of rules, is missing")
    if len(present) > 1:
        raise fault(keys.nodes["metrics"].place, "metrics and metricsRules mean the same; give one")
    return present[0]


def _items(keys: _Keys, key: str) -> list[Node]:
    node = keys.nodes.get(key)
    if node is None or (isinstance(node, Scalar) and node.is_null and key == "layerDefinitions"):
        return []
    if not isinstance(node, Sequence):
        raise fault(node.place, f"{key} is a list")
    return node.items


def _scalar(keys: _Keys, key: str) -> Scalar | None:
    """The text of a key; None where it is missing or says nothing."""
    node = keys.nodes.get(key)
    if node is None:
        return None
    if not isinstance(node, Scalar):
        raise fault(node.place, f"{key} is a text")
    return None if node.is_null or not node.value.strip() else node


def _required(keys: _Keys, key: str) -> Scalar:
    scalar = _scalar(keys, key)
    if scalar is None:
        node = keys.nodes.get(key)
        raise fault(
            node.place if node else keys.place, f"{key} is {'empty' if node else 'missing'}"
        )
    return scalar


def _text(keys: _Keys, key: str) -> str:
    scalar = _scalar(keys, key)
    return scalar.value if scalar else ""


def _parsed(keys: _Keys, key: str, parse: Callable[[str, Locate], _Read]) -> _Read | None:
    scalar = _scalar(keys, key)
    return parse(scalar.value, scalar.locate) if scalar else None
