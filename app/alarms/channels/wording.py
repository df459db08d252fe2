"""How alerts are worded for people, the same in chats and mails."""

from app.alarms.alerts import Alert, Kind, Notification
from app.clock import time_text

STATUS = {
    Kind.FIRING: "FIRING",
    Kind.REPEATED: "STILL FIRING",
    Kind.RECOVERED: "RECOVERED",
    Kind.ACKNOWLEDGED: "ACKNOWLEDGED",
    Kind.TEST: "TEST",
}
MARKS = {
    Kind.FIRING: "🔴",
    Kind.REPEATED: "🔴",
    Kind.RECOVERED: "🟢",
    Kind.ACKNOWLEDGED: "🔵",
    Kind.TEST: "⚪",
}
_ELSEWHERE = ("account", "region")


def title(notification: Notification) -> str:
    """One line that says what has happened."""
    word = STATUS[notification.kind]
    if len(notification.alerts) == 1:
        alert = notification.alerts[0]
        if notification.kind is Kind.RECOVERED:
            return f"{word}: {alert.alarm} of {entity(alert)}"
        return f"{word} {alert.severity}: {alert.summary}"
    alarms = sorted({alert.alarm for alert in notification.alerts})
    what = alarms[0] if len(alarms) == 1 else f"{len(alarms)} alarms"
    shared = [value for name, value in notification.group_labels if name in _ELSEWHERE]
    where = f" in {', '.join(shared)}" if shared else ""
    return f"{word}: {what}, {len(notification.alerts)} times{where}"


def entity(alert: Alert) -> str:
    """What an alert is about: the names of a table and an index, or whatever there is."""
    names = [value for name, value in alert.entity if name not in _ELSEWHERE]
    place = [value for name, value in alert.entity if name in _ELSEWHERE]
    return ", ".join(names or place) or "everything"


def where(alert: Alert) -> str:
    """The labels of the entity, spelt out."""
    return ", ".join(f"{name} {value}" for name, value in alert.entity)


def details(alert: Alert) -> list[tuple[str, str]]:
    """What else there is to say, as names and texts; without what is empty."""
    found = [
        ("Where", where(alert)),
        ("Since", time_text(alert.started_ms)),
        ("Until", "" if alert.ended_ms is None else time_text(alert.ended_ms)),
        ("Why", alert.reason),
        ("Why over", alert.recovery),
        ("Late", "found in data that came late" if alert.late else ""),
        ("Meaning", alert.annotations.get("description", "")),
        ("What to do", alert.annotations.get("runbook", "")),
    ]
    return [(name, text) for name, text in found if text]


def left_out(notification: Notification, shown: int) -> str:
    """What a message does not list: alerts beyond those ``shown``, and others still open."""
    more = len(notification.alerts) - shown
    parts = [f"{more} more are not listed here"] if more > 0 else []
    if notification.still_open:
        word = "goes" if notification.still_open == 1 else "go"
        parts.append(f"{notification.still_open} told earlier still {word} on")
    return "; ".join(parts)


def clipped(text: str, most: int) -> str:
    """The text, with a mark at its end if it was longer."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
