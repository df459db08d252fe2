"""Rows of the history of alarms as Python has them, and the texts that the tables keep of them."""

import json
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from app.labels import LabelSet

Datapoints = tuple[tuple[int, float | None], ...]
"""Ends of periods in milliseconds, ascending, and the values; None where there is none."""


@dataclass(frozen=True, slots=True)
class AlarmStateRow:
    """The state of an entity at the frontier; ``since_ms`` is the time of the transition."""

    rule: str
    entity: LabelSet
    state: str
    since_ms: int
    reason: str
    datapoints: Datapoints
    value: float | None


@dataclass(frozen=True, slots=True)
class TransitionRow:
    """One transition at a time of the data, evaluated at a time of our clock.

    ``late`` ones came of data that arrived after their time had been evaluated. A transition that
    later data proved wrong is withdrawn, with our time and the reason.
    """

    transition_id: int
    rule: str
    entity: LabelSet
    at_ms: int
    from_state: str
    to_state: str
    reason: str
    datapoints: Datapoints
    evaluated_ms: int
    late: bool
    withdrawn_ms: int | None
    withdrawn_reason: str


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """One time of being in ALARM, as people are told of it.

    ``started_ms`` and ``ended_ms`` are times of the data, None while it goes on. ``summary`` is
    the rendered message; ``reason`` and ``value`` are those of the transition that began it.
    """

    incident_id: int
    rule: str
    entity: LabelSet
    severity: str
    labels: LabelSet
    started_ms: int
    ended_ms: int | None
    withdrawn: bool
    summary: str
    reason: str
    value: float | None


@dataclass(frozen=True, slots=True)
class AlarmEvent:
    """What people must hear of an incident, with the incident as it was then.

    ``kind`` is ``fired`` or ``recovered``, ``at_ms`` the time of the data, ``recorded_ms`` that of
    our clock, ``channels`` those that the rule names.
    """

    event_id: int
    kind: str
    incident: IncidentRow
    at_ms: int
    reason: str
    late: bool
    recorded_ms: int
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AlarmRuleRow:
    """How the evaluation of a rule stands.

    Datapoints that end after ``since_ms`` are evaluated by the rule as it is now, which ``digest``
    tells from others; up to ``evaluated_ms`` they have been. ``error`` is empty, or says why its
    evaluation fails since ``error_since_ms``, a time of our clock.
    """

    rule: str
    digest: str
    since_ms: int
    evaluated_ms: int
    error: str = ""
    error_since_ms: int | None = None


_read_labels = msgspec.json.Decoder(dict[str, str]).decode
_read_names = msgspec.json.Decoder(tuple[str, ...]).decode


@lru_cache(65_536)
def labels_text(labels: LabelSet) -> str:
    """A label set as the tables keep it: equal ones have equal texts."""
    return json.dumps(dict(labels), ensure_ascii=False, separators=(",", ":"))


@lru_cache(65_536)
def labels_of(text: str) -> LabelSet:
    """The label set of a text of ``labels_text``."""
    return tuple(sorted(_read_labels(text).items()))


def datapoints_text(datapoints: Datapoints) -> str:
    """Datapoints as the tables keep them; infinities are too great for JSON, which reads them so.

    A double reads back to the last bit.
    """
    return f"[{','.join(f'[{at_ms},{_number(value)}]' for at_ms, value in datapoints)}]"


def datapoints_of(text: str) -> Datapoints:
    """The datapoints of a text of ``datapoints_text``."""
    return tuple(
        (at_ms, None if value is None else float(value)) for at_ms, value in json.loads(text)
    )


def names_text(names: tuple[str, ...]) -> str:
    """Names as the tables keep them."""
    return json.dumps(list(names), ensure_ascii=False, separators=(",", ":"))


def names_of(text: str) -> tuple[str, ...]:
    """The names of a text of ``names_text``."""
    return _read_names(text)


def _number(value: float | None) -> str:
    if value is None:
        return "null"
    if value in (float("inf"), float("-inf")):
        return "1e999" if value > 0 else "-1e999"
    return repr(value)
