"""Webhooks: the payload of Alertmanager, version 4, signed where a secret is given."""

import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from app.alarms.alerts import ALARM, ALERTNAME, Alert, Kind, Notification
from app.alarms.channels.channel import (
    Channel,
    ChannelType,
    Receipt,
    Secret,
    Source,
    Surroundings,
    checked_url,
)
from app.alarms.channels.http import HttpSender
from app.clock import time_text

VERSION = "4"
SIGNATURE_HEADER = "Hydrant-Signature"
ID_HEADER = "Hydrant-Notification-Id"
KIND_HEADER = "Hydrant-Notification-Kind"

_NEVER = "0001-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class WebhookEntry:
    """A URL, written in the file or in a file of its own, and what goes with requests."""

    url: str | Secret
    secret: Secret | None
    authorization: Secret | None
    ca_file: Path | None

    def open(self, name: str, surroundings: Surroundings) -> Channel:
        return Webhook(name, self, surroundings)


class Webhook:
    """A channel of type ``webhook``."""

    def __init__(self, name: str, entry: WebhookEntry, surroundings: Surroundings) -> None:
        self._name = name
        self._entry = entry
        self._surroundings = surroundings
        self._http = HttpSender(entry.ca_file)

    def send(self, notification: Notification) -> Receipt:
        entry = self._entry
        url = entry.url if isinstance(entry.url, str) else entry.url.read()
        body = orjson.dumps(payload(notification, self._name, self._surroundings))
        headers = {ID_HEADER: notification.key, KIND_HEADER: notification.kind.value}
        secrets = []
        if entry.secret is not None:
            secrets.append(entry.secret.read())
            seconds = self._surroundings.clock.now_ms() // 1000
            headers[SIGNATURE_HEADER] = signature(secrets[0], seconds, body)
        if entry.authorization is not None:
            headers["Authorization"] = entry.authorization.read()
            secrets += headers["Authorization"].split()[-1:]
        return self._http.post(url, body, headers, secrets=secrets)

    def close(self) -> None:
        self._http.close()


def signature(secret: str, seconds: int, body: bytes) -> str:
    """``t=<seconds>,v1=<hex>``: HMAC-SHA256 of the seconds, a dot and the body."""
    signed = f"{seconds}.".encode() + body
    return f"t={seconds},v1={hmac.digest(secret.encode(), signed, 'sha256').hex()}"


def payload(
    notification: Notification, receiver: str, surroundings: Surroundings
) -> dict[str, Any]:
    """What Alertmanager would post. Alerts of one notification fire all, or are all resolved."""
    alerts = [_alert(alert, notification.kind, surroundings) for alert in notification.alerts]
    group = dict(notification.group_labels)
    if ALARM in group:
        group[ALERTNAME] = group[ALARM]
    return {
        "version": VERSION,
        "groupKey": notification.group_key,
        "truncatedAlerts": 0,
        "status": _status(notification.kind),
        "receiver": receiver,
        "groupLabels": group,
        "commonLabels": _shared([alert["labels"] for alert in alerts]),
        "commonAnnotations": _shared([alert["annotations"] for alert in alerts]),
        "externalURL": surroundings.external_url,
        "alerts": alerts,
    }


def _alert(alert: Alert, kind: Kind, surroundings: Surroundings) -> dict[str, Any]:
    annotations = {
        **alert.annotations,
        "summary": alert.summary,
        "reason": alert.reason,
        "recovery": alert.recovery,
        "value": "" if alert.value is None else repr(alert.value),
        "incident": str(alert.incident_id),
        "late": "true" if alert.late else "",
        "withdrawn": "true" if alert.withdrawn else "",
    }
    return {
        "status": _status(kind),
        "labels": dict(alert.labels),
        "annotations": {name: text for name, text in annotations.items() if text},
        "startsAt": time_text(alert.started_ms),
        "endsAt": _NEVER if alert.ended_ms is None else time_text(alert.ended_ms),
        "generatorURL": surroundings.incident_url(alert),
        "fingerprint": alert.fingerprint,
    }


def _status(kind: Kind) -> str:
    return "resolved" if kind is Kind.RECOVERED else "firing"


def _shared(mappings: list[dict[str, str]]) -> dict[str, str]:
    """The pairs that all have."""
    return dict(set.intersection(*(set(mapping.items()) for mapping in mappings)))


def _read(source: Source) -> WebhookEntry:
    members = source.members
    if "url_file" in members:
        if "url" in members:
            raise members["url"].fault("url and url_file are given; one of them is enough")
        secret = source.secret("url_file")
        checked_url(secret.check(), members["url_file"])
        url: str | Secret = secret
    else:
        url = source.url()
    return WebhookEntry(
        url,
        source.optional_secret("secret_file"),
        source.optional_secret("authorization_file"),
        source.file("ca_file"),
    )


WEBHOOK = ChannelType(
    "webhook",
    ("url", "url_file", "secret_file", "authorization_file", "ca_file"),
    {
        "secret": "secret_file",
        "token": "authorization_file",
        "authorization": "authorization_file",
        "password": "authorization_file",
    },
    _read,
)
