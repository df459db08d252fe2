"""Input and output of ``hydrant mal eval``: families from YAML or JSON, results as plain data."""

import math
import re
from collections.abc import Mapping
from typing import Any

import yaml

from app.errors import RuleError
from app.mal import Entity, Scope
from app.rules.sandbox import MetricResult, Sample
from app.rules.yaml_nodes import MAX_DEPTH

_MOST_CHARACTERS = 16 * 1024 * 1024
_YAML_SPECIAL = re.compile(r"([-+]?)\.(inf|nan)", re.IGNORECASE)
# Ten thousand years are fifteen digits.
_WHOLE = re.compile(r"-?[0-9]{1,15}")
_SHOWN = 60
_SAMPLE_KEYS = {"labels", "value", "timestamp"}
_NULL = "tag:yaml.org,2002:null"


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads what is not quoted as the text that it is: ``1.10`` and ``on`` may be labels."""


_Loader.yaml_implicit_resolvers = {
    sign: [(tag, pattern) for tag, pattern in resolvers if tag == _NULL]
    for sign, resolvers in _Loader.yaml_implicit_resolvers.items()
}


_PARTS = {
    Scope.SERVICE: ("service",),
    Scope.SERVICE_INSTANCE: ("service", "instance"),
    Scope.ENDPOINT: ("service", "endpoint"),
    Scope.PROCESS: ("service", "instance", "process"),
    Scope.SERVICE_RELATION: ("service", "dest_service"),
    Scope.SERVICE_INSTANCE_RELATION: ("service", "instance", "dest_service", "dest_instance"),
    Scope.PROCESS_RELATION: ("service", "instance", "process", "dest_process"),
}
"""The parts that an entity has by its scope, be they empty."""


def parse_families(text: str, name: str, now_ms: int) -> dict[str, list[Sample]]:
    """Families of ``{family: [{labels: {…}, value: n, timestamp?: ms}]}``, in YAML or JSON.

    A sample without a timestamp is of ``now_ms``. Raises ``RuleError`` naming family and sample.
    """
    if len(text) > _MOST_CHARACTERS:
        raise _fault(name, f"more than {_MOST_CHARACTERS} characters are not read")
    try:
        _check_depth(text, name)
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe one
    except (yaml.YAMLError, ValueError) as error:
        raise _fault(name, f"not valid YAML or JSON: {error}") from error
    if not isinstance(content, dict):
        raise _fault(name, "a mapping of families to lists of samples is expected")
    return {
        _family_name(name, family): [
            _sample(sample, f"{name}: {family}, sample {number}", now_ms)
            for number, sample in enumerate(_list_of(samples, name, family), start=1)
        ]
        for family, samples in content.items()
    }


def result_json(result: MetricResult) -> dict[str, object]:
    """A metric's result as ``hydrant mal eval`` prints it.

    Regions, which tell our entities apart and SkyWalking's not, are left out. Infinities, which
    JSON does not have, are texts.
    """
    entities = [_entity_json(entity, attributes) for entity, attributes in result.entities.items()]
    return {
        "scope": result.scope.name,
        "entities": [e for number, e in enumerate(entities) if e not in entities[:number]],
        "samples": [
            {"labels": dict(labels), "value": _number_json(value)}
            for labels, value in result.samples
        ],
    }


def _entity_json(entity: Entity, attributes: Mapping[str, str]) -> dict[str, object]:
    parts = {
        "service": entity.service,
        "instance": entity.instance,
        "endpoint": entity.endpoint,
        "process": entity.process,
        "dest_service": entity.dest_service,
        "dest_instance": entity.dest_instance,
        "dest_process": entity.dest_process,
        "detect_point": entity.detect_point,
        "component": entity.component,
        "layer": entity.layer,
    }
    own = _PARTS[entity.scope]
    return {
        **{name: part for name, part in parts.items() if part or name in own},
        **attributes,
    }


def _number_json(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "Infinity" if value > 0 else "-Infinity"


def _check_depth(text: str, name: str) -> None:
    """Raise ``RuleError`` before the reader recurses deeper than its stack, or grows by aliases."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH or isinstance(event, yaml.AliasEvent):
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise _fault(name, f"line {line} is nested too deep, or names an alias")


def _family_name(name: str, family: object) -> str:
    if not isinstance(family, str):
        raise _fault(name, f"{family!r} is not the name of a family; write it in quotes")
    return family


def _list_of(samples: object, name: str, family: object) -> list[Any]:
    if not isinstance(samples, list):
        raise _fault(name, f"{family} is not a list of samples")
    return samples


def _sample(sample: object, where: str, now_ms: int) -> Sample:
    if not isinstance(sample, dict) or not sample.keys() <= _SAMPLE_KEYS or "value" not in sample:
        raise RuleError(f"{where}: a sample has labels, a value, and perhaps a timestamp")
    labels = sample.get("labels") or {}
    if not isinstance(labels, dict) or not all(isinstance(key, str) for key in labels):
        raise RuleError(f"{where}: labels are a mapping of names to texts")
    timestamp = sample.get("timestamp")
    return Sample(
        {key: _text(text, where) for key, text in labels.items()},
        _number(sample["value"], where),
        now_ms if timestamp is None else _milliseconds(timestamp, where),
    )


def _text(label: object, where: str) -> str:
    if label is None:
        return ""
    if not isinstance(label, str):
        raise RuleError(f"{where}: labels are a mapping of names to texts")
    return label


def _number(value: object, where: str) -> float:
    """A number, as YAML, JSON or Java spell it: ``1e-05``, ``.inf``, ``Infinity``, ``NaN``."""
    text = str(value)
    try:
        return float(_YAML_SPECIAL.sub(r"\1\2", text))
    except ValueError:
        raise RuleError(f"{where}: the value {text[:_SHOWN]!r} is not a number") from None


def _milliseconds(timestamp: object, where: str) -> int:
    text = str(timestamp)
    if not _WHOLE.fullmatch(text):
        raise RuleError(f"{where}: the timestamp {text[:_SHOWN]!r} is not whole milliseconds")
    return int(text)


def _fault(name: str, message: str) -> RuleError:
    return RuleError(f"{name}: {message}")
