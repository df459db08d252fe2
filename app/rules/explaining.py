"""``Explainer``: evaluates the rules of one metric over one minute, and says how.

The engine is made for the purpose and thrown away: labels have to be listened to from the first
series on, and an explanation must not slow the evaluator down.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache

import numpy as np
import yaml

from app.catalog import SeriesIdentity, StatisticCatalog
from app.labels import LabelSet
from app.mal import Entity, Source
from app.mal.buckets import DEFAULT_BUCKET_LABEL, bucket_bound, bucket_percentiles
from app.mal.emission import Emission, Outputs
from app.mal.nodes import Evaluation
from app.mal.tracing import LabelRecorder, trace
from app.rules.compilation import CompiledRule
from app.rules.engine import RuleEngine
from app.rules.explanation import (
    ExplainedRule,
    ExplainedValue,
    Explanation,
    Loss,
    Percentiles,
)
from app.rules.families import FamilyNames, shape_of
from app.rules.files import RuleFile
from app.rules.losses import find_losses, near_entities
from app.rules.minute import MinutePoints
from app.rules.sources import Origin
from app.rules.steps import series_of_value, steps_of_value

_MOST_FAULTS = 20
_MOST_VALUES = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """The parts of an entity that were asked for; None means any."""

    service: str | None = None
    endpoint: str | None = None
    instance: str | None = None
    region: str | None = None
    process: str | None = None
    dest_service: str | None = None
    dest_instance: str | None = None
    dest_process: str | None = None

    def matches(self, entity: Entity) -> bool:
        """Whether an entity has these parts."""
        return all(value in (None, getattr(entity, part)) for part, value in self.parts)

    @property
    def parts(self) -> tuple[tuple[str, str | None], ...]:
        """Names of the parts and what was asked for."""
        return tuple((field.name, getattr(self, field.name)) for field in fields(self))


class Explainer:
    """The rules of one metric. Raises ``RuleError`` if they cannot be compiled."""

    def __init__(self, files: Sequence[RuleFile], catalog: StatisticCatalog, name: str) -> None:
        own = [_only(file, name) for file in files]
        own = [file for file in own if file.rules]
        self._faults: dict[str, None] = {}
        self._engine = RuleEngine(own, catalog, lambda error: self._faults.setdefault(str(error)))
        self._names = FamilyNames(catalog)
        places = iter(self._engine.rules)
        self._rules = [
            (rule, _described(file, rule)) for file in own for rule in _take(places, file)
        ]
        self._recorder = LabelRecorder(
            rule.expression.emission.source for rule in self._engine.rules
        )
        self.rules = tuple(described for _, described in self._rules)
        """The rules, in the order in which they count; empty when none has the name."""
        self.lookback_minutes = self._engine.lookback_minutes
        """How many minutes before the explained one are needed."""

    def families_of(self, identity: SeriesIdentity) -> list[str]:
        """The families of these rules that a series has samples of."""
        base, shape = self._names.base(identity), shape_of(identity)
        families = dict.fromkeys(name for r in self.rules for name in r.definition.families)
        return [name for name in families if self._names.selection(name, base, shape)]

    def explain(
        self,
        points: MinutePoints,
        earlier: Sequence[MinutePoints],
        identities: Mapping[int, SeriesIdentity],
        wanted: Wanted,
        limit: int,
    ) -> Explanation:
        """Explain the values of the entities asked for; call it once.

        ``points`` and ``earlier`` hold at least the points of all series that have samples of the
        rules' families. At most ``limit`` values are told and never more than 100, and of each at
        most a share of ``limit`` samples a step and series.
        """
        evaluation = self._engine.evaluation(
            points, lambda ids: [identities[i] for i in ids], lambda *_: earlier
        )
        found: list[_Found] = []
        for rule, described in self._rules:
            emission = rule.expression.emission
            try:
                outputs = emission.evaluate(evaluation)
            except Exception as error:  # noqa: BLE001 - a rule that fails is told, as it is by the evaluator
                self._faults.setdefault(f"{described.definition.place}: {error}")
                continue
            found += _found(described, emission, outputs, wanted)
        found = _overruled(sorted(found, key=lambda item: item.order))
        told = found[: min(limit, _MOST_VALUES)]
        teller = _Teller(evaluation, self._recorder, cache(self._engine.origins), identities)
        values = tuple(teller.explained(item, max(1, limit // len(told))) for item in told)
        losses: list[Loss] = []
        near: tuple[Entity, ...] = ()
        if all(item.value is None for item in found):
            for rule, described in self._rules:
                losses += find_losses(
                    evaluation,
                    rule.expression,
                    self._recorder,
                    rule=described,
                    parts=wanted.parts,
                    limit=limit,
                )
            near = near_entities(self._with_value(evaluation), wanted.parts)
        return Explanation(
            self.rules,
            values,
            len(found),
            tuple(_percentiles(found)),
            tuple(losses),
            near,
            tuple(self._faults)[:_MOST_FAULTS],
        )

    def _with_value(self, evaluation: Evaluation) -> Iterator[Entity]:
        for rule, _ in self._rules:
            emission = rule.expression.emission
            try:
                rows = emission.evaluate(evaluation).row
            except Exception:  # noqa: BLE001, S112 - told above
                continue
            yield from {emission.targets[row][0] for row in rows.tolist()}


@dataclass(frozen=True, slots=True)
class _Found:
    """A target of a rule that was asked for, and its value if it has one."""

    rule: ExplainedRule
    emission: Emission
    target: int
    value: float | None
    numerator: float | None
    weight: float | None
    overruled_by: str = ""

    @property
    def entity(self) -> Entity:
        return self.emission.targets[self.target][0]

    @property
    def labels(self) -> LabelSet:
        return self.emission.targets[self.target][1]

    @property
    def order(self) -> tuple[object, ...]:
        """Values before the lack of one, then by identity."""
        entity = self.entity
        names = entity.layer, entity.service, entity.endpoint, entity.instance, entity.region
        return self.value is None, names, str(entity), self.labels


@dataclass(frozen=True, slots=True)
class _Teller:
    """Turns what was found into explained values."""

    evaluation: Evaluation
    recorder: LabelRecorder
    origins: Callable[[Source], Sequence[Origin]]
    identities: Mapping[int, SeriesIdentity]

    def explained(self, item: _Found, limit: int) -> ExplainedValue:
        reached = trace(self.evaluation, item.emission, item.target)
        series = series_of_value(reached, self.origins, self.identities)
        return ExplainedValue(
            item.rule,
            item.entity,
            item.labels,
            item.value,
            item.numerator,
            item.weight,
            item.emission.combine,
            tuple(steps_of_value(self.evaluation, reached, self.recorder, limit)),
            tuple(series[:limit]),
            len(series),
            item.overruled_by,
        )


def _found(
    rule: ExplainedRule, emission: Emission, outputs: Outputs, wanted: Wanted
) -> Iterator[_Found]:
    place = {row: number for number, row in enumerate(outputs.row.tolist())}
    matching: Callable[[Entity], bool] = wanted.matches
    for target, (entity, _) in enumerate(emission.targets):
        if not matching(entity):
            continue
        numbers: list[float | None] = [None, None, None]
        if target in place:
            columns = outputs.value, outputs.numerator, outputs.weight
            numbers = [_or_none(float(column[place[target]])) for column in columns]
        value, numerator, weight = numbers
        yield _Found(rule, emission, target, value, numerator, weight)


def _overruled(found: Sequence[_Found]) -> list[_Found]:
    """Where two rules give one target a value, the later rule's stands."""
    standing = {(item.entity, item.labels): item for item in found if item.value is not None}
    result = []
    for item in found:
        stands = standing.get((item.entity, item.labels), item)
        if stands is not item and item.value is not None:
            result.append(replace(item, overruled_by=stands.rule.definition.place))
        elif item.value is not None or stands is item:
            result.append(item)
    return result


def _percentiles(found: Sequence[_Found]) -> Iterator[Percentiles]:
    buckets: dict[tuple[Entity, LabelSet], list[tuple[float, float]]] = {}
    ranks: tuple[int, ...] = ()
    for item in found:
        bound = bucket_bound(dict(item.labels))
        if item.value is None or item.overruled_by or bound is None:
            continue
        ranks = ranks or item.rule.definition.percentiles
        rest = tuple(pair for pair in item.labels if pair[0] != DEFAULT_BUCKET_LABEL)
        buckets.setdefault((item.entity, rest), []).append((bound, item.value))
    if ranks:
        for (entity, labels), of_entity in buckets.items():
            bounds, counts = np.array(of_entity).reshape(-1, 2, 1).swapaxes(0, 1)
            by_rank = {
                rank: float(bucket_percentiles(bounds[:, 0], counts, rank)[0]) for rank in ranks
            }
            yield Percentiles(entity, labels, by_rank)


def _only(file: RuleFile, name: str) -> RuleFile:
    return replace(file, rules=tuple(rule for rule in file.rules if rule.name == name))


def _take(rules: Iterator[CompiledRule], file: RuleFile) -> Iterator[CompiledRule]:
    """The file's part of the compiled rules, which come in the order of files."""
    return (next(rules) for _ in file.rules)


def _described(file: RuleFile, rule: CompiledRule) -> ExplainedRule:
    keys = yaml.safe_load(file.text)
    texts = (str(keys.get(key) or "").strip() for key in ("filter", "expPrefix", "expSuffix"))
    return ExplainedRule(rule.definition, *texts)


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else value
