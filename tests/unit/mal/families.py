"""Sample families given by hand, and expressions evaluated over them."""

from collections.abc import Mapping, Sequence

import numpy as np

from app.arrays import FloatArray
from app.mal import (
    Combine,
    CompiledExpression,
    Downsampling,
    Frame,
    Labels,
    Source,
    Surroundings,
    ast,
    compile_expression,
    parse_expression,
)
from app.mal.nodes import Evaluation, Mark

Samples = Sequence[tuple[Mapping[str, str], float]]
Values = dict[tuple[str, ...], float]


class Families:
    """Families by name; each sample is (labels, value)."""

    def __init__(
        self,
        families: Mapping[str, Samples],
        combine: Combine = Combine.AVERAGE,
        weights: Mapping[str, Sequence[float]] | None = None,
        *,
        plain: bool = False,
    ) -> None:
        self._plain = plain
        self._samples = families
        self._combine = combine
        self._weights = weights or {}
        self._sources: dict[str, Source] = {}
        self.faults: list[Exception] = []

    def compiled(self, text: str) -> CompiledExpression:
        """Compile an expression and push all labels through it."""
        around = Surroundings(self._resolve, self.faults.append)
        compiled = compile_expression(parse_expression(text), around)
        for name, source in self._sources.items():
            for labels, _ in self._samples.get(name, ()):
                source.add(labels, Mark(level=1 if labels.get("part") else 0))
        return compiled

    def evaluate(self, text: str) -> Values:
        """Values by (service, endpoint, label values…)."""
        compiled = self.compiled(text)
        frames = {source: self._frame(name) for name, source in self._sources.items()}
        outputs = compiled.emission.evaluate(Evaluation(frames))
        self._sources = {}
        found: Values = {}
        for row, value in zip(outputs.row.tolist(), outputs.value.tolist(), strict=True):
            entity, labels = compiled.emission.targets[row]
            key = entity.service, entity.endpoint, *(text for pair in labels for text in pair)
            found[tuple(part for part in key if part)] = value
        return found

    def _resolve(self, metric: ast.Metric, _: Downsampling | None, __: bool) -> Source:
        return self._sources.setdefault(
            metric.name, Source(metric.name, self._combine, plain=self._plain)
        )

    def _frame(self, name: str) -> Frame:
        value: FloatArray = np.array(
            [value for _, value in self._samples.get(name, ())], np.float64
        )
        if name in self._weights:
            weight = np.array(self._weights[name], np.float64)
            return Frame(value, value * weight, weight)
        return Frame(value)


def labelled(**labels: str) -> Labels:
    """Labels with an entity: svc is s unless given."""
    return {"svc": "s", **labels}
