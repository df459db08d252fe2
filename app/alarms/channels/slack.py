"""Slack: incoming webhooks, with messages of Block Kit."""

from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import orjson

from app.alarms.alerts import Alert, Notification
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
from app.alarms.channels.wording import MARKS, clipped, details, left_out, title

MOST_ALERTS = 10
"""Alerts that a message lists; Slack takes 50 blocks, people read fewer."""

# Slack's limits of texts, in characters after escaping.
_HEADER = 150
_SECTION = 3_000
_CONTEXT = 2_000
_FALLBACK = 3_000
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


@dataclass(frozen=True, slots=True)
class SlackEntry:
    """The file with the URL of an incoming webhook, which is a secret as a whole."""

    url: Secret
    ca_file: Path | None

    def open(self, name: str, surroundings: Surroundings) -> Channel:
        del name
        return Slack(self, surroundings)


class Slack:
    """A channel of type ``slack``."""

    def __init__(self, entry: SlackEntry, surroundings: Surroundings) -> None:
        self._entry = entry
        self._surroundings = surroundings
        self._http = HttpSender(entry.ca_file)

    def send(self, notification: Notification) -> Receipt:
        url = self._entry.url.read()
        body = orjson.dumps(message(notification, self._surroundings))
        return self._http.post(url, body, {})

    def close(self) -> None:
        self._http.close()


def message(notification: Notification, surroundings: Surroundings) -> dict[str, Any]:
    """The message as blocks, and as the text of notifications on a phone."""
    mark = MARKS[notification.kind]
    heading = f"{mark} {title(notification)}"
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": clipped(heading, _HEADER)}}
    ]
    shown = notification.alerts[:MOST_ALERTS]
    for alert in shown:
        blocks += [_section(alert, surroundings), _context(alert)]
    rest = left_out(notification, len(shown))
    if rest:
        blocks.append({"type": "context", "elements": [_markdown(_escaped(rest, _CONTEXT))]})
    return {"text": _escaped(heading, _FALLBACK), "blocks": blocks}


def _section(alert: Alert, surroundings: Surroundings) -> dict[str, Any]:
    url = surroundings.incident_url(alert)
    link = f" <{url}|incident {alert.incident_id}>" if url else ""
    text = _escaped(f"{alert.alarm} ({alert.severity}): {alert.summary}", _SECTION - len(link))
    return {"type": "section", "text": _markdown(text + link)}


def _context(alert: Alert) -> dict[str, Any]:
    lines = [f"*{name}:* {_escaped(text, 500)}" for name, text in details(alert)]
    # A text that is cut must not be cut within an escape: whole lines go.
    while len("\n".join(lines)) > _CONTEXT:
        lines.pop()
    return {"type": "context", "elements": [_markdown("\n".join(lines))]}


def _markdown(text: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": text}


def _escaped(text: str, most: int) -> str:
    """The text as Slack shows it unchanged, at most so long once escaped."""
    signs = [_ESCAPES.get(sign, sign) for sign in text]
    if sum(map(len, signs)) <= most:
        return "".join(signs)
    # An escape is not cut in two.
    lengths = accumulate(map(len, signs))
    return "".join(signs[: sum(length < most for length in lengths)]) + "…"


def _read(source: Source) -> SlackEntry:
    url = source.secret("url_file")
    checked_url(url.check(), source.members["url_file"])
    return SlackEntry(url, source.file("ca_file"))


SLACK = ChannelType(
    "slack", ("url_file", "ca_file"), {"url": "url_file", "token": "url_file"}, _read
)
