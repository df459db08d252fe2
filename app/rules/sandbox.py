"""A rule file over sample families given by hand, without points, catalogues or storage.

This is the language as the specification has it: families are what they are called, samples carry
the labels they are given, and the result is the family that the rule ends in.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from app.arrays import FloatArray
from app.mal import Combine, Downsampling, Entity, Frame, Labels, Node, Scope, Source
from app.mal.buckets import DEFAULT_BUCKET_LABEL
from app.mal.label_block import LabelBlock, RecordedLabels
from app.mal.nodes import Evaluation, Marks
from app.mal.vocabulary import Vocabulary
from app.rules.compilation import CompiledRule, compile_rules
from app.rules.definitions import MetricDefinition, define
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

    Of samples with the same labels the newest count; the others are their history, for ``rate`` and
    its like. Samples stand in the order given, which SkyWalking's language gives a meaning.
    Raises ``RuleError`` when a rule cannot be compiled, or contradicts another.
    """
    sandbox = _Sandbox(families, now_ms)
    rules = compile_rules(
        file,
        sandbox.open_family,
        on_fault=sandbox.add_fault,
        with_filter=with_filter,
        literal=True,
    )
    definitions: dict[str, MetricDefinition] = {}
    for rule in rules:
        define(definitions, rule.definition, file)
    recorders = [_Recorder(rule) for rule in rules]
    sandbox.push_labels()
    evaluation = sandbox.evaluation(looks_back=any(rule.expression.windows for rule in rules))
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
        self._is_histogram = rule.expression.is_histogram
        self._labels = RecordedLabels()
        self._emission.source.feed(lambda _, labels: self._labels.append(labels))

    def add_to(self, result: MetricResult, evaluation: Evaluation) -> None:
        outputs = self._emission.evaluate(evaluation)
        for row in outputs.row.tolist():
            entity, _ = self._emission.targets[row]
            result.entities[entity] = self._emission.attributes.get(entity, {})
        values = evaluation.frame(self._emission.source).value
        samples = [
            (self._labels[row], float(values[row]))
            for row in np.flatnonzero(~np.isnan(values)).tolist()
        ]
        result.samples += sorted(samples, key=_bound) if self._is_histogram else samples


class _Sandbox:
    """The given families as sources: a row for each set of labels, an instant for each time."""

    def __init__(self, families: Mapping[str, Sequence[Sample]], now_ms: int) -> None:
        self.faults: list[str] = []
        self._now_ms = now_ms
        self._families = {name: _Rows(samples) for name, samples in families.items()}
        self._sources: dict[str, Source] = {}
        self._vocabulary = Vocabulary()

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
            labels = self._rows(name).labels
            unmarked = np.zeros(len(labels), np.int32)
            source.extend(
                LabelBlock.of(self._vocabulary, labels), Marks(unmarked, unmarked, unmarked)
            )

    def evaluation(self, *, looks_back: bool) -> Evaluation:
        """The newest samples, with the older ones as history if any rule looks back."""
        times = {t for name in self._sources for t in self._rows(name).older_times}
        older: list[Evaluation] = []
        for time_ms in sorted(times) if looks_back else ():
            older.append(self._at(time_ms, time_ms, tuple(older)))
        return self._at(math.inf, self._now_ms, older)

    def _at(self, limit_ms: float, now_ms: int, older: Sequence[Evaluation]) -> Evaluation:
        frames, times = {}, {}
        for name, source in self._sources.items():
            value, time = self._rows(name).at(limit_ms)
            frames[source], times[source] = Frame(value), time
        return Evaluation(frames, now_ms=now_ms, times=times, history=lambda _: older)

    def _rows(self, name: str) -> "_Rows":
        return self._families.get(name) or _NO_ROWS


class _Rows:
    """The samples of a family by row.

    A series is what agrees in labels; of samples of one series and time each has a row of its own.
    """

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.labels: list[Labels] = []
        self._samples: list[dict[int, float]] = []
        self._times: list[list[int]] = []
        rows: dict[tuple[object, int], int] = {}
        series: dict[object, dict[int, int]] = {}
        for sample in samples:
            key, time_ms = tuple(sorted(sample.labels.items())), sample.timestamp_ms
            times = series.setdefault(key, {})
            repeated = times.get(time_ms, 0)
            times[time_ms] = repeated + 1
            row = rows.setdefault((key, repeated), len(rows))
            if row == len(self.labels):
                self.labels.append(sample.labels)
                self._samples.append({})
            self._samples[row][time_ms] = sample.value
        ordered = {key: sorted(times) for key, times in series.items()}
        self._times = [ordered[key] for key, _ in rows]

    @property
    def older_times(self) -> set[int]:
        """Times of all samples but the newest of each series."""
        return {time_ms for times in self._times for time_ms in times[:-1]}

    def at(self, limit_ms: float) -> tuple[FloatArray, FloatArray]:
        """Values and times of the last samples of each series until a time; NaN where none is."""
        values, times = [], []
        for samples, of_series in zip(self._samples, self._times, strict=True):
            known = bisect_right(of_series, limit_ms)
            last = of_series[known - 1] if known else -1
            present = known > 0 and last in samples
            values.append(samples[last] if present else math.nan)
            times.append(last if present else math.nan)
        return np.array(values, np.float64), np.array(times, np.float64)


def _bound(sample: tuple[Labels, float]) -> int:
    """Orders buckets by bound, after what is no bucket."""
    bound = sample[0].get(DEFAULT_BUCKET_LABEL, "")
    return int(bound) if bound else _BEFORE_ALL_BOUNDS


_NO_ROWS = _Rows(())
_BEFORE_ALL_BOUNDS = -(2**64)
