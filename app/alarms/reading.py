"""One alarm rule of a file: read from YAML, with all that is wrong with it."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from app.alarms import rule_values as read
from app.alarms.condition_reading import read_condition, read_override
from app.alarms.messages import WORDS, Message, TemplateError, read_message
from app.alarms.patterns import LabelPatterns
from app.alarms.rule_values import Members
from app.alarms.rules import AlarmRule, Override, Severity
from app.alarms.source_reading import SOURCES, read_subject
from app.errors import RuleError
from app.labels import LabelSet, label_set
from app.rules.documents import Item

_KEYS = (
    "name",
    "description",
    "severity",
    "runbook",
    *SOURCES,
    "for_each",
    "include",
    "exclude",
    "comparison",
    "threshold",
    "recovery_threshold",
    "period",
    "evaluation_periods",
    "datapoints_to_alarm",
    "missing_data",
    "stale_after",
    "enabled",
    "labels",
    "message",
    "channels",
    "overrides",
)
_OF_ALERTS = ("alarm", "alertname", "severity")
_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class Faulty:
    """What is wrong with a rule that cannot be loaded."""

    errors: tuple[RuleError, ...]


def read_rule(item: Item, file: str) -> AlarmRule | Faulty:
    """Read a rule; every error of it is told, not the first alone."""
    reader = _Reader()
    rule = reader.attempt(lambda: reader.rule(item, file))
    return Faulty(tuple(reader.errors)) if rule is None or reader.errors else rule


class _Reader:
    """Goes on after an error, to find them all."""

    def __init__(self) -> None:
        self.errors: list[RuleError] = []

    def attempt(self, action: Callable[[], _Read]) -> _Read | None:
        try:
            return action()
        except RuleError as error:
            self.errors.append(error)
            return None

    def rule(self, item: Item, file: str) -> AlarmRule | None:
        members = Members(item, _KEYS, self.errors)
        name = self.attempt(lambda: read.name(members["name"]))
        texts = self.attempt(lambda: (members.text("description"), members.text("runbook")))
        severity = self._optional(members, "severity", lambda each: read.word(each, Severity))
        subject = self.attempt(lambda: read_subject(members, self.errors))
        labels = subject.labels if subject else None
        include = self._optional(members, "include", lambda each: read.patterns(each, labels))
        exclude = self._optional(members, "exclude", lambda each: read.patterns(each, labels))
        condition = self.attempt(lambda: read_condition(members, self.errors))
        enabled = self._optional(members, "enabled", read.boolean)
        own_labels = self._optional(members, "labels", lambda each: _labels(each, labels))
        message = self.attempt(lambda: _message(members, labels))
        channels = self._optional(members, "channels", lambda each: read.texts(each, "channel"))
        overrides: list[Override] = []
        for entry in self._optional(members, "overrides", Item.items) or []:
            override = self.attempt(
                lambda entry=entry: read_override(  # type: ignore[misc]
                    entry, labels, condition, members, self.errors
                )
            )
            overrides += [override] if override else []
        if self.errors or not (name and texts and subject and condition and message):
            return None
        return AlarmRule(
            name=name,
            description=texts[0],
            severity=severity or Severity.WARNING,
            runbook=texts[1],
            source=subject.source,
            for_each=subject.for_each,
            include=include or LabelPatterns(),
            exclude=exclude or LabelPatterns(),
            condition=condition,
            enabled=enabled is not False,
            labels=own_labels or (),
            message=message,
            channels=channels or (),
            overrides=tuple(overrides),
            place=f"{file}:{item.line}",
            digest=_digest(
                name,
                subject.source,
                subject.for_each,
                include,
                exclude,
                condition,
                enabled is not False,
                [(each.match, _settings(each)) for each in overrides],
            ),
        )

    def _optional(
        self, members: Members, key: str, action: Callable[[Item], _Read]
    ) -> _Read | None:
        item = members.get(key)
        return None if item is None else self.attempt(lambda: action(item))


def _settings(override: Override) -> tuple[object, ...]:
    """What an override changes about states; a severity tells people something else."""
    return (
        override.threshold,
        override.recovery_threshold,
        override.evaluation_periods,
        override.datapoints_to_alarm,
        override.enabled,
    )


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _labels(item: Item, of_entity: Sequence[str] | None) -> LabelSet:
    """Labels that a rule adds to those of its entities."""
    found = read.pairs(item)
    taken = {*_OF_ALERTS, *(of_entity or ())}
    for key, _ in item.pairs():
        name = read.label(key)
        if name in taken or name.startswith("__"):
            raise key.fault(f"{name} is a label that an alert has already; choose another name")
    return label_set(dict(found))


def _message(members: Members, labels: Sequence[str] | None) -> Message:
    item = members.get("message")
    if item is None:
        return read_message(_default_message(labels))
    text = item.text()
    if not text.strip():
        raise item.fault("the message is empty; leave the key out for a default message")
    try:
        message = read_message(text)
    except TemplateError as error:
        raise item.fault_at(error.offset, error.reason) from None
    if labels is None:
        return message
    for name in message.names:
        if name not in WORDS and name not in labels:
            known = (*WORDS, *labels)
            raise item.fault_at(message.offset(name), read.unknown("placeholder", name, known))
    return message


def _default_message(labels: Sequence[str] | None) -> str:
    """``DynamoDBReadThrottled of {TableName}: …``."""
    shown = [name for name in labels or () if name not in {"account", "region"}]
    of_entity = f" of {', '.join(f'{{{name}}}' for name in shown)}" if shown else ""
    return f"{{alarm}}{of_entity} is {{state}}: {{value}}, threshold {{threshold}}"
