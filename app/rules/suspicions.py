"""What loads but is probably not meant.

Metrics, suffixes and layers that nothing else knows, and families called like a metric.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from difflib import get_close_matches

from app.catalog import StatisticCatalog
from app.errors import RuleError
from app.mal import ast
from app.rules.families import CLOUDWATCH_PREFIX, FamilyNames, Shape, base_name
from app.rules.files import RuleFile

KNOWN_LAYERS = (
    "AWS_DYNAMODB",
    "AWS_EKS",
    "AWS_FIREHOSE",
    "AWS_GATEWAY",
    "AWS_METRIC_STREAM",
    "AWS_S3",
)
"""Layers of the shipped rules."""

_SUFFIXES = "_sum, _count, _min, _max, _avg and extra statistics such as _p99"
# Above this two names differ by a slip; AWS_ECS and AWS_EKS, which do not, are at 0.86.
_SLIP = 0.9


def suspicions(files: Sequence[RuleFile], catalog: StatisticCatalog) -> list[RuleError]:
    """Warnings about rules, in the form of errors with their place, each place once."""
    families = _KnownFamilies(catalog)
    metrics = {r.name: f"{file.path}:{r.line}" for file in files for r in file.rules}
    found: dict[str, RuleError] = {}
    for file in files:
        for rule in file.rules:
            for node in _nodes(rule.expression):
                match node:
                    case ast.Metric(name, place) if name in metrics:
                        reason = (
                            f"{name} is called like the metric of {metrics[name]}; rules read"
                            " sample families, never metrics"
                        )
                    case ast.Metric(name, place):
                        reason = families.doubt(name)
                    case ast.EnumRef("Layer", name, place):
                        reason = _doubt_layer(name)
                    case _:
                        continue
                if reason:
                    warning = RuleError(reason, line=place.line, column=place.column)
                    warning = warning.in_file(file.path, file.text)
                    found[str(warning)] = warning
    return list(found.values())


def _nodes(node: object) -> Iterator[object]:
    """A node of a syntax tree and all below it, but for the types that ``downsampling`` takes."""
    if isinstance(node, tuple | list):
        for member in node:
            yield from _nodes(member)
    elif is_dataclass(node):
        yield node
        for field in fields(node):
            if not (isinstance(node, ast.MethodCall) and node.method == "downsampling") or (
                field.name == "receiver"
            ):
                yield from _nodes(getattr(node, field.name))


@dataclass(frozen=True, slots=True)
class _Names:
    """The bare families of a namespace, with CloudWatch's name of each metric."""

    namespace: str
    metrics: dict[str, str]

    def nearest(self, name: str) -> str:
        """CloudWatch's name of the metric that a family's name, less its namespace, is like."""
        prefix = len(base_name(self.namespace, ""))
        by_name = {base[prefix:]: metric for base, metric in self.metrics.items()}
        near = get_close_matches(_without_suffix(name), by_name, 1)
        return by_name[near[0]] if near else ""


class _KnownFamilies:
    def __init__(self, catalog: StatisticCatalog) -> None:
        self._names = FamilyNames(catalog)
        self._namespaces: dict[str, _Names] = {}
        self._bases: set[str] = set()
        for namespace, metric in catalog.natural:
            if namespace:
                names = self._namespaces.setdefault(base_name(namespace, ""), _Names(namespace, {}))
                base = base_name(namespace, metric)
                names.metrics[base] = metric
                self._bases.add(base)

    def doubt(self, family: str) -> str:
        """Why a family is probably not meant; empty if it is known, or of an unknown namespace."""
        if not family.startswith(CLOUDWATCH_PREFIX) or family in self._bases:
            return ""
        cuts = (i for i, sign in enumerate(family) if sign == "_")
        bases = [family[:cut] for cut in cuts if family[:cut] in self._bases]
        if any(self._names.selection(family, base, Shape.CLOUDWATCH) is not None for base in bases):
            return ""
        prefix = max(filter(family.startswith, self._namespaces), key=len, default="")
        if not prefix:
            return ""
        names = self._namespaces[prefix]
        if bases:
            metric = names.metrics.get(bases[-1], bases[-1])
            suffix = family[len(bases[-1]) :]
            return f"{metric} has no family with the suffix {suffix}; there are {_SUFFIXES}"
        name = family[len(prefix) :]
        doubt = f"{names.namespace} has no metric {name} that Hydrant knows"
        nearest = names.nearest(name)
        return f"{doubt}; the nearest is {nearest}" if nearest else doubt


def _without_suffix(family: str) -> str:
    stem, _, suffix = family.rpartition("_")
    return stem if suffix in ("sum", "count", "min", "max", "avg") else family


def _doubt_layer(name: str) -> str:
    if name in KNOWN_LAYERS:
        return ""
    near = get_close_matches(name.upper(), KNOWN_LAYERS, 1, _SLIP)
    return (
        f"the layer {name} is none of the shipped rules'; the nearest is {near[0]}" if near else ""
    )
