"""What is told: an incident as an alert, and a notification of one or more of them."""

from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from uuid import uuid4

import msgspec

from app.labels import LabelSet
from app.storage import IncidentRow

ALARM = "alarm"
ALERTNAME = "alertname"
"""The same as ``ALARM``: what Prometheus and Alertmanager call it."""
SEVERITY = "severity"
INCIDENT = "incident"
"""In ``group_by``: each incident by itself. No label of an alert has this name."""

TEST_ALARM = "HydrantTest"

_DIGEST_BYTES = 8


class Kind(StrEnum):
    """Why a notification is sent."""

    FIRING = "firing"
    REPEATED = "repeated"
    RECOVERED = "recovered"
    ACKNOWLEDGED = "acknowledged"
    TEST = "test"


TELLING = (Kind.FIRING.value, Kind.REPEATED.value)
"""Kinds after which a receiver waits to hear of the recovery."""


@dataclass(frozen=True, slots=True)
class Alert:
    """An incident as people are told of it.

    ``labels`` are those of the entity and of the rule, with ``alarm``, ``alertname`` and
    ``severity``. Times are data time in milliseconds since the epoch; ``ended_ms`` is None while
    the incident is open.
    ``reason`` is why it began, ``recovery`` why it ended, empty while it goes on.
    ``annotations`` are the rule's description and runbook.
    """

    incident_id: int
    alarm: str
    severity: str
    entity: LabelSet
    labels: LabelSet
    summary: str
    reason: str
    value: float | None
    started_ms: int
    ended_ms: int | None
    recovery: str = ""
    withdrawn: bool = False
    late: bool = False
    annotations: dict[str, str] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that are the same for all incidents of a rule and an entity."""
        identity = msgspec.json.encode([self.alarm, self.entity])
        return blake2b(identity, digest_size=_DIGEST_BYTES).hexdigest()

    @property
    def key(self) -> str:
        """A text of at most 200 characters that only this incident has, from firing to recovery."""
        return f"hydrant/{self.alarm}/{self.fingerprint}/{self.incident_id}"


@dataclass(frozen=True, slots=True)
class Notification:
    """One message to one channel.

    ``key`` is the same for every attempt to deliver it. ``still_open`` counts further incidents
    of its group that the channel has been told of and that go on. ``created_ms`` is by the wall
    clock.
    """

    key: str
    channel: str
    kind: Kind
    group_key: str
    group_labels: LabelSet
    alerts: tuple[Alert, ...]
    created_ms: int
    still_open: int = 0


def alert_of(
    incident: IncidentRow, *, recovery: str = "", late: bool, annotations: dict[str, str]
) -> Alert:
    """The alert of an incident as of an event; ``recovery`` is the reason of one that ended."""
    labels = {
        **dict(incident.labels),
        **dict(incident.entity),
        ALARM: incident.rule,
        ALERTNAME: incident.rule,
        SEVERITY: incident.severity,
    }
    return Alert(
        incident_id=incident.incident_id,
        alarm=incident.rule,
        severity=incident.severity,
        entity=incident.entity,
        labels=tuple(sorted(labels.items())),
        summary=incident.summary,
        reason=incident.reason,
        value=incident.value,
        started_ms=incident.started_ms,
        ended_ms=incident.ended_ms,
        recovery=recovery,
        withdrawn=incident.withdrawn,
        late=late,
        annotations=annotations,
    )


def trial_notification(channel: str, now_ms: int) -> Notification:
    """What shows that a channel works, and says that nothing else is the matter."""
    labels = ((ALARM, TEST_ALARM), (ALERTNAME, TEST_ALARM), (SEVERITY, "info"))
    alert = Alert(
        incident_id=0,
        alarm=TEST_ALARM,
        severity="info",
        entity=(),
        labels=labels,
        summary=f"This is a test of the channel {channel}; no alarm fires.",
        reason="somebody ran hydrant alarms send-test",
        value=None,
        started_ms=now_ms,
        ended_ms=None,
        annotations={"description": "Sent to see whether notifications arrive."},
    )
    group = ((ALARM, TEST_ALARM),)
    key = blake2b(f"{channel} {now_ms} {uuid4()}".encode(), digest_size=16).hexdigest()
    group_key = msgspec.json.encode(dict(group)).decode()
    return Notification(key, channel, Kind.TEST, group_key, group, (alert,), now_ms)


def written(content: Alert | Notification) -> str:
    """JSON from which ``read_alert`` or ``read_notification`` makes the same again."""
    return msgspec.json.encode(content).decode()


def read_alert(text: str) -> Alert:
    """The alert of what ``written`` made."""
    return msgspec.json.decode(text, type=Alert)


def read_notification(text: str) -> Notification:
    """The notification of what ``written`` made."""
    return msgspec.json.decode(text, type=Notification)
