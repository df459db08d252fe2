"""Who is told: the part of a channel's entry that decides, and groups of alerts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from app.alarms.alerts import INCIDENT, Alert
from app.alarms.notifications.quiet_hours import QuietHours
from app.alarms.patterns import LabelPatterns
from app.alarms.rules import Severity
from app.labels import LabelSet

SEVERITIES = tuple(each.value for each in Severity)


@dataclass(frozen=True, slots=True)
class Routing:
    """What a channel takes, and when it is told; durations in milliseconds.

    ``group_by`` names the labels that alerts of one notification share. ``repeat_interval_ms`` of
    0 is never. ``tells_acknowledgements`` is of channels whose receivers act on them.
    """

    severities: frozenset[str] = frozenset(SEVERITIES)
    match: LabelPatterns = field(default_factory=LabelPatterns)
    group_by: tuple[str, ...] = ("alarm", "account", "region")
    group_wait_ms: int = 30_000
    group_interval_ms: int = 300_000
    repeat_interval_ms: int = 4 * 3_600_000
    quiet_hours: tuple[QuietHours, ...] = ()
    tells_acknowledgements: bool = False

    def takes(self, alert: Alert) -> bool:
        """Whether the channel's own conditions take an alert."""
        return alert.severity in self.severities and self.match.match(dict(alert.labels))


@dataclass(frozen=True, slots=True)
class Recipients:
    """The channels that are told of an alert, and those that its rule names and do not exist."""

    channels: tuple[str, ...]
    unknown: tuple[str, ...]


def recipients(routings: Mapping[str, Routing], alert: Alert, named: Iterable[str]) -> Recipients:
    """Who is told of an alert whose rule names these channels.

    Named channels are told whatever their own conditions say. Without any that exists, every
    channel is whose conditions take the alert: a misspelt name must not be why nobody hears.
    """
    wanted = list(dict.fromkeys(named))
    channels = tuple(name for name in wanted if name in routings)
    unknown = tuple(name for name in wanted if name not in routings)
    if not channels:
        channels = tuple(name for name, routing in routings.items() if routing.takes(alert))
    return Recipients(channels, unknown)


def group_labels(routing: Routing, alert: Alert) -> LabelSet:
    """The labels that make an alert's group, sorted; one that the alert has not is left out."""
    labels = dict(alert.labels) | {INCIDENT: str(alert.incident_id)}
    return tuple(sorted((name, labels[name]) for name in routing.group_by if labels.get(name)))


def group_key_of(labels: LabelSet) -> str:
    """Text of a group's labels, by which groups are told apart."""
    return msgspec.json.encode(dict(labels)).decode()


def labels_of_group(group_key: str) -> LabelSet:
    """The labels of a group's key."""
    return tuple(sorted(msgspec.json.decode(group_key, type=dict[str, str]).items()))
