"""The one interface of all channels, and what their modules have in common."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.alarms.alerts import Alert, Notification
from app.alarms.rule_values import Members
from app.clock import Clock
from app.credentials import read_secret
from app.errors import ConfigurationError, NotDelivered
from app.rules.documents import Item

HIDDEN = "***"
_SHORTEST_SECRET = 4


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a receiver answered, in one line and without secrets.

    ``warning`` is about a delivery that succeeded in part, else empty.
    """

    answer: str
    warning: str = ""


class Channel(Protocol):
    """A way to reach people. One thread at a time sends through it."""

    def send(self, notification: Notification) -> Receipt:
        """Deliver a notification within seconds. Raises ``NotDelivered``."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True, slots=True)
class Secret:
    """A file with a secret, read each time it is needed, so that a change counts at once."""

    path: Path

    def read(self) -> str:
        """What the file holds. Raises ``NotDelivered``: it may be there again later."""
        try:
            return self.check()
        except ConfigurationError as error:
            raise NotDelivered(error.message) from error

    def check(self) -> str:
        """The same; raises ``ConfigurationError``."""
        text = read_secret(self.path).strip()
        if not text:
            raise ConfigurationError(f"the secret {self.path} is empty")
        return text


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What channels know of the server: its clock, and the URL under which people reach it."""

    clock: Clock
    external_url: str = ""

    def incident_url(self, alert: Alert) -> str:
        """Where an incident is shown; empty where nobody has said how people reach the server."""
        if not self.external_url:
            return ""
        return f"{self.external_url}/api/v1/alarms/incidents/{alert.incident_id}"


class Entry(Protocol):
    """The part of a channel's entry in the file that is the type's own: read, checked, frozen."""

    def open(self, name: str, surroundings: Surroundings) -> Channel:
        """The channel. Raises ``ConfigurationError`` where a library is missing."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """The members of a channel's entry, and where its secrets may be."""

    members: Members
    directories: Sequence[Path]

    def secret(self, key: str) -> Secret:
        """The secret file that a member names. Raises ``RuleError`` where it cannot be read."""
        return self._secret(self.members[key])

    def optional_secret(self, key: str) -> Secret | None:
        """The same; None without the member."""
        item = self.members.get(key)
        return None if item is None else self._secret(item)

    def url(self, key: str = "url") -> str:
        """A URL of HTTP without a password in it. Raises ``RuleError``."""
        item = self.members[key]
        return checked_url(item.text(), item)

    def file(self, key: str) -> Path | None:
        """A file that is there; None without the member. Raises ``RuleError``."""
        item = self.members.get(key)
        if item is None:
            return None
        path = self.directories[-1] / item.text()
        if not path.is_file():
            raise item.fault(f"there is no file {path}")
        return path

    def _secret(self, item: Item) -> Secret:
        text = item.text()
        if not text:
            raise item.fault("the name of a file is expected")
        # A name alone is one of the secrets' directory; a path is taken from beside this file.
        directories = self.directories if "/" not in text else self.directories[-1:]
        found = [directory / text for directory in directories if (directory / text).exists()]
        secret = Secret(found[0] if found else directories[0] / text)
        try:
            secret.check()
        except ConfigurationError as error:
            raise item.fault(error.message) from error
        return secret


@dataclass(frozen=True, slots=True)
class ChannelType:
    """A type of channel: the keys of its entries, and how they are read.

    ``secrets`` are words that people would write a secret under; each is refused with the key that
    takes a file instead, or, where that is empty, with a word on the credentials of AWS.
    ``one_by_one`` has each incident told by itself and at once.
    """

    name: str
    keys: tuple[str, ...]
    secrets: dict[str, str]
    read: Callable[[Source], Entry]
    one_by_one: bool = False


def scrubbed(text: str, secrets: Iterable[str]) -> str:
    """A text without these secrets, in one line of bounded length."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, HIDDEN)
    return " ".join(text.split())[:500]


def checked_url(text: str, item: Item) -> str:
    """A URL of HTTP without a user or password. Raises ``RuleError``, which does not quote it."""
    scheme, separator, rest = text.partition("://")
    authority = rest.partition("/")[0].partition("?")[0]
    if not separator or scheme.lower() not in {"http", "https"} or not authority.strip("@:"):
        raise item.fault("a URL that begins with https:// or http:// is expected")
    if "@" in authority:
        raise item.fault(
            "the URL holds a password, which would be read by whoever reads this file; put the"
            " value of the Authorization header into a file and name it with authorization_file,"
            " or put the whole URL into a file and name it with url_file"
        )
    if any(sign.isspace() for sign in text):
        raise item.fault("a URL holds no blanks")
    return text
