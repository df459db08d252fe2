"""Alarm rules: what is watched, for which entities, and when it is an alarm."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from app.alarms.conditions import Condition
from app.alarms.messages import Message
from app.alarms.patterns import LabelPatterns
from app.alarms.states import AlarmState
from app.errors import NotFound, similar
from app.labels import LabelSet
from app.query.prometheus.naming import classic_labels, label_name


class Severity(StrEnum):
    """How bad it is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class MetricSource:
    """A CloudWatch statistic of the series with exactly these dimensions and ``for_each``'s."""

    namespace: str
    name: str
    statistic: str
    dimensions: LabelSet


@dataclass(frozen=True, slots=True)
class ExpressionSource:
    """A PromQL expression, evaluated at the end of each period; its labels are the entity."""

    expression: str


@dataclass(frozen=True, slots=True)
class QuarantineSource:
    """What is put into quarantine in each period by account and region; counts ``records``."""

    counted: str


Source: TypeAlias = MetricSource | ExpressionSource | QuarantineSource


@dataclass(frozen=True, slots=True)
class Override:
    """Settings of the entities whose labels match; None where a setting is the rule's."""

    match: LabelPatterns
    threshold: float | None
    recovery_threshold: float | None
    evaluation_periods: int | None
    datapoints_to_alarm: int | None
    severity: Severity | None
    enabled: bool | None
    line: int


@dataclass(frozen=True, slots=True)
class EntityRule:
    """What a rule comes to for one entity."""

    condition: Condition
    severity: Severity


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """A rule. ``place`` is ``file:line``; ``for_each`` are names of dimensions or labels.

    An expression without ``for_each`` has whatever entities its result has. ``channels`` is empty
    where every channel's own routing decides. ``digest`` stands for all that decides on states, so
    that a rule with the same digest has the same history.
    """

    name: str
    description: str
    severity: Severity
    runbook: str
    source: Source
    for_each: tuple[str, ...]
    include: LabelPatterns
    exclude: LabelPatterns
    condition: Condition
    enabled: bool
    labels: LabelSet
    message: Message
    channels: tuple[str, ...]
    overrides: tuple[Override, ...]
    place: str
    digest: str

    def for_entity(self, entity: LabelSet) -> EntityRule | None:
        """Condition and severity for an entity; None where it is left out or switched off.

        The first override that matches counts, and no other.
        """
        labels = dict(entity)
        if not self.include.match(labels):
            return None
        if self.exclude and self.exclude.match(labels):
            return None
        override = next((each for each in self.overrides if each.match.match(labels)), None)
        if override is None:
            return EntityRule(self.condition, self.severity) if self.enabled else None
        enabled = self.enabled if override.enabled is None else override.enabled
        if not enabled:
            return None
        return EntityRule(overridden(self.condition, override), override.severity or self.severity)

    @property
    def label_names(self) -> frozenset[str] | None:
        """The labels of its entities besides account and region; None where the data decides."""
        match self.source:
            case MetricSource(dimensions=fixed):
                names = [*self.for_each, *(name for name, _ in fixed)]
                return frozenset(classic_labels((name, name) for name in names))
            case ExpressionSource() if not self.for_each:
                return None
        return frozenset(map(label_name, self.for_each))

    @property
    def warm_up(self) -> int:
        """How many datapoints before its own a state may depend on, whatever the entity."""
        conditions = [overridden(self.condition, each) for each in self.overrides]
        return max(each.warm_up for each in (self.condition, *conditions))

    def render(self, entity: LabelSet, value: float | None, state: AlarmState) -> str:
        """The message of an entity with its value, None where there is none, in a state."""
        effective = self.for_entity(entity) or EntityRule(self.condition, self.severity)
        words = {
            "value": value,
            "threshold": effective.condition.threshold,
            "alarm": self.name,
            "severity": effective.severity.value,
            "state": state.name,
        }
        return self.message.render(dict(entity), words)


def overridden(condition: Condition, override: Override) -> Condition:
    """The condition with an override's settings."""
    changes: Mapping[str, float | int | None] = {
        "threshold": override.threshold,
        "recovery_threshold": override.recovery_threshold,
        "evaluation_periods": override.evaluation_periods,
        "datapoints_to_alarm": override.datapoints_to_alarm,
    }
    given = {name: value for name, value in changes.items() if value is not None}
    return replace(condition, **given)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class AlarmRules:
    """All rules of a directory, in the order of files and of what is in them.

    ``digest`` changes when any rule does in any way, its message or its channels included.
    """

    rules: tuple[AlarmRule, ...] = ()
    digest: str = ""

    def named(self, name: str) -> AlarmRule:
        """The rule of this name. Raises ``NotFound``."""
        for rule in self.rules:
            if rule.name == name:
                return rule
        names = [rule.name for rule in self.rules]
        raise NotFound(f"there is no alarm {name!r}{similar(name, names, 3)}")
