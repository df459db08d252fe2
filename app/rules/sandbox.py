"""A rule file over sample families given by hand, without points, catalogues or storage.

This is the language as the specification has it: families are what they are called, samples carry
the labels they are given, and the result is the family that the rule ends in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from app.arrays import FloatArray
from app.mal import Combine, Downsampling, Entity, Frame, Labels, Node, Scope, Source
from app.mal.nodes import Evaluation
from app.rules.compilation import CompiledRule, compile_rules
from app.rules.files import RuleFile


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample of a family; ``timestamp_ms`` is milliseconds since the epoch."""

    labels: Labels
    value: float
    timestamp_ms: int


@dataclass(slots=True)
class MetricResult:
    """What rules of one metric gave: entities with their attributes, and the final samples."""

    scope: Scope
    entities: dict[Entity, Mapping[str, str]] = field(default_factory=dict)
    samples: list[tuple[Labels, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SandboxResult:
    """Results by metric, and what went wrong, in words."""

    metrics: dict[str, MetricResult]
    faults: list[str]


def evaluate_families(
    file: RuleFile,
    families: Mapping[str, Sequence[Sample]],
    now_ms: int,
    *,
    with_filter: bool = True,
) -> SandboxResult:
    """Evaluate a rule file's rules over these families at a time.

    Of samples with the same labels the newest counts; the others are its history, for ``rate`` and
    its like. Raises ``RuleError`` when a rule cannot be compiled.
    """
    sandbox = _Sandbox(families, now_ms)
    rules = compile_rules(
        file, sandbox.open_family, on_fault=sandbox.add_fault, with_filter=with_filter
    )
    recorders = [_Recorder(rule) for rule in rules]
    sandbox.push_labels()
    evaluation = sandbox.evaluation()
    metrics: dict[str, MetricResult] = {}
    for rule, recorder in zip(rules, recorders, strict=True):
        definition = rule.definition
        result = metrics.setdefault(definition.name, MetricResult(definition.scope))
        try:
            recorder.add_to(result, evaluation)
        except Exception as error:  # noqa: BLE001 - one rule must not stop the others
            sandbox.faults.append(f"{definition.place}: {definition.name}: {error}")
    return SandboxResult(metrics, sandbox.faults)


class _Recorder:
    """Keeps the labels of the family in which a rule ends."""

    def __init__(self, rule: CompiledRule) -> None:
        self._emission = rule.expression.emission
        self._labels: list[Labels] = []
        self._emission.source.feed(lambda _, labels: self._labels.append(labels))

    def add_to(self, result: MetricResult, evaluation: Evaluation) -> None:
        outputs = self._emission.evaluate(evaluation)
        for row in outputs.row.tolist():
            entity, _ = self._emission.targets[row]
            result.entities[entity] = self._emission.attributes.get(entity, {})
        values = evaluation.frame(self._emission.source).value
        result.samples += [
            (self._labels[row], float(values[row]))
            for row in np.flatnonzero(~np.isnan(values)).tolist()
        ]


class _Sandbox:
    """The given families as sources: a row for each set of labels, an instant for each time."""

    def __init__(self, families: Mapping[str, Sequence[Sample]], now_ms: int) -> None:
        self.faults: list[str] = []
        self._now_ms = now_ms
        self._families = {name: _Rows(samples) for name, samples in families.items()}
        self._sources: dict[str, Source] = {}

    def open_family(self, name: str, _: Downsampling | None, __: bool) -> Node:  # noqa: FBT001 - OpenFamily
        """The family of a name; one that is not given is EMPTY."""
        if name not in self._sources:
            self._sources[name] = Source(name, Combine.AVERAGE, plain=True)
        return self._sources[name]

    def add_fault(self, error: Exception) -> None:
        """Keep what a closure or a filter had to say of a series."""
        self.faults.append(str(error))

    def push_labels(self) -> None:
        """Push the labels of all samples through the rules."""
        for name, source in self._sources.items():
            for labels in self._rows(name).labels:
                source.add(labels)

    def evaluation(self) -> Evaluation:
        """The newest samples, with the older ones as history."""
        times = sorted({t for name in self._sources for t in self._rows(name).older_times})
        older: list[Evaluation] = []
        for time_ms in times:
            of_time = {name: self._rows(name).at(time_ms) for name in self._sources}
            older.append(self._at(of_time, time_ms, tuple(older)))
        newest = {name: self._rows(name).newest() for name in self._sources}
        return self._at(newest, self._now_ms, older)

    def _at(
        self,
        samples: Mapping[str, tuple[FloatArray, FloatArray]],
        now_ms: int,
        older: Sequence[Evaluation],
    ) -> Evaluation:
        frames, times = {}, {}
        for name, source in self._sources.items():
            value, time = samples[name]
            frames[source], times[source] = Frame(value), time
        return Evaluation(frames, now_ms=now_ms, times=times, history=lambda _: older)

    def _rows(self, name: str) -> "_Rows":
        return self._families.get(name) or _NO_ROWS


class _Rows:
    """The samples of a family by row. Samples that agree in labels and time are rows apart."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.labels: list[Labels] = []
        self._samples: list[dict[int, float]] = []
        rows: dict[tuple[object, int], int] = {}
        seen: dict[tuple[object, int], int] = {}
        for sample in samples:
            key = tuple(sorted(sample.labels.items()))
            repeated = seen[key, sample.timestamp_ms] = seen.get((key, sample.timestamp_ms), -1) + 1
            row = rows.setdefault((key, repeated), len(rows))
            if row == len(self.labels):
                self.labels.append(sample.labels)
                self._samples.append({})
            self._samples[row][sample.timestamp_ms] = sample.value

    @property
    def older_times(self) -> set[int]:
        """Times of all samples but the newest of each row."""
        return {
            time_ms
            for samples, newest in zip(self._samples, map(max, self._samples), strict=True)
            for time_ms in samples
            if time_ms < newest
        }

    def newest(self) -> tuple[FloatArray, FloatArray]:
        """Values and times of the newest sample of each row."""
        times = list(map(max, self._samples))
        values = [samples[t] for samples, t in zip(self._samples, times, strict=True)]
        return np.array(values, np.float64), np.array(times, np.float64)

    def at(self, time_ms: int) -> tuple[FloatArray, FloatArray]:
        """Values and times of the samples of a time; NaN where a row has none."""
        values = [samples.get(time_ms, np.nan) for samples in self._samples]
        times = [time_ms if time_ms in samples else np.nan for samples in self._samples]
        return np.array(values, np.float64), np.array(times, np.float64)


_NO_ROWS = _Rows(())
