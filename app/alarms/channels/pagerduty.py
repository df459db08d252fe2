"""PagerDuty: Events API v2. One event for each incident; its recovery resolves it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from app.alarms.alerts import Alert, Kind, Notification
from app.alarms.channels.channel import (
    Channel,
    ChannelType,
    Receipt,
    Secret,
    Source,
    Surroundings,
)
from app.alarms.channels.http import HttpSender
from app.alarms.channels.wording import clipped, entity, title
from app.clock import time_text

ENDPOINT = "https://events.pagerduty.com/v2/enqueue"

_ACTIONS = {
    Kind.FIRING: "trigger",
    Kind.REPEATED: "trigger",
    Kind.TEST: "trigger",
    Kind.RECOVERED: "resolve",
    Kind.ACKNOWLEDGED: "acknowledge",
}
_LONGEST_SUMMARY = 1_024
_LONGEST_DETAIL = 4_096


@dataclass(frozen=True, slots=True)
class PagerDutyEntry:
    """The integration key, and where events go."""

    routing_key: Secret
    url: str
    ca_file: Path | None

    def open(self, name: str, surroundings: Surroundings) -> Channel:
        del name
        return PagerDuty(self, surroundings)


class PagerDuty:
    """A channel of type ``pagerduty``."""

    def __init__(self, entry: PagerDutyEntry, surroundings: Surroundings) -> None:
        self._entry = entry
        self._surroundings = surroundings
        self._http = HttpSender(entry.ca_file)

    def send(self, notification: Notification) -> Receipt:
        routing_key = self._entry.routing_key.read()
        receipts = [
            self._http.post(
                self._entry.url,
                orjson.dumps({"routing_key": routing_key, **each}),
                {},
                secrets=[routing_key],
            )
            for each in events(notification, self._surroundings)
        ]
        return Receipt("; ".join(receipt.answer for receipt in receipts))

    def close(self) -> None:
        self._http.close()


def events(notification: Notification, surroundings: Surroundings) -> list[dict[str, Any]]:
    """The events without their key. A test is resolved at once, so that none stays open."""
    action = _ACTIONS[notification.kind]
    found = [_event(alert, action, notification, surroundings) for alert in notification.alerts]
    if notification.kind is Kind.TEST:
        found += [
            {"event_action": "resolve", "dedup_key": alert.key} for alert in notification.alerts
        ]
    return found


def _event(
    alert: Alert, action: str, notification: Notification, surroundings: Surroundings
) -> dict[str, Any]:
    event: dict[str, Any] = {"event_action": action, "dedup_key": alert.key}
    if action != "trigger":
        return event
    if len(notification.alerts) == 1:
        summary = title(notification)
    else:
        summary = f"{alert.severity}: {alert.summary}"
    event["payload"] = {
        "summary": clipped(summary, _LONGEST_SUMMARY),
        "source": clipped(_source(alert), _LONGEST_SUMMARY),
        # Ours are named as PagerDuty's are; it has error besides.
        "severity": alert.severity,
        "timestamp": time_text(alert.started_ms),
        "component": entity(alert),
        "group": dict(alert.entity).get("account", ""),
        "class": alert.alarm,
        "custom_details": _evidence(alert),
    }
    event["client"] = "Hydrant"
    url = surroundings.incident_url(alert)
    if url:
        event["client_url"] = surroundings.external_url
        event["links"] = [{"href": url, "text": f"incident {alert.incident_id}"}]
    return event


def _source(alert: Alert) -> str:
    labels = dict(alert.entity)
    return "/".join(filter(None, (labels.get("account"), labels.get("region"), entity(alert))))


def _evidence(alert: Alert) -> dict[str, Any]:
    found: dict[str, Any] = {
        "reason": alert.reason,
        "value": alert.value,
        "labels": dict(alert.labels),
        "incident": alert.incident_id,
        **alert.annotations,
    }
    return {
        name: clipped(value, _LONGEST_DETAIL) if isinstance(value, str) else value
        for name, value in found.items()
        if value not in ("", None)
    }


def _read(source: Source) -> PagerDutyEntry:
    url = source.url() if "url" in source.members else ENDPOINT
    return PagerDutyEntry(source.secret("routing_key_file"), url, source.file("ca_file"))


PAGERDUTY = ChannelType(
    "pagerduty",
    ("routing_key_file", "url", "ca_file"),
    {
        "routing_key": "routing_key_file",
        "integration_key": "routing_key_file",
        "service_key": "routing_key_file",
    },
    _read,
    one_by_one=True,
)
