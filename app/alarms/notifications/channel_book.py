"""The channels in force, and the watcher that keeps them at what their file says."""

import threading
from collections.abc import Mapping
from pathlib import Path

import structlog

from app.alarms.channels import Channel, Surroundings
from app.alarms.notifications.channel_file import ChannelEntry, load_channels
from app.alarms.notifications.routing import Routing
from app.clock import Clock
from app.errors import AlarmChannelError, ConfigurationError
from app.pipeline.worker import Worker
from app.settings import Settings
from app.telemetry import counter, gauge

RELOADS = counter(
    "alarm_channel_reloads_total", "Changes of the file of channels while serving", "result"
)
CHANNELS = gauge("alarm_channels", "Channels in force")

_log = structlog.get_logger(__name__)


class ChannelBook:
    """The channels of one file; none at all without a file. Thread-safe.

    Raises ``AlarmChannelError`` for a file that cannot be loaded.
    """

    def __init__(
        self, file: Path | None, surroundings: Surroundings, secrets_directory: Path | None = None
    ) -> None:
        self.file = file
        self._surroundings = surroundings
        self._secrets_directory = secrets_directory
        self._lock = threading.Lock()
        self._entries: dict[str, ChannelEntry] = {}
        self._channels: dict[str, Channel] = {}
        self.error: str | None = None
        """Why the file as it is now is not in force; None while it is."""
        self.load()

    @classmethod
    def of(cls, settings: Settings, clock: Clock) -> "ChannelBook":
        """The channels that the settings name. Raises ``AlarmChannelError``."""
        surroundings = Surroundings(clock, settings.external_url or "")
        return cls(settings.alarm_channels, surroundings, settings.secrets_directory)

    @property
    def routings(self) -> Mapping[str, Routing]:
        """What each channel takes, in the order of the file."""
        with self._lock:
            return {name: entry.routing for name, entry in self._entries.items()}

    @property
    def entries(self) -> tuple[ChannelEntry, ...]:
        """The entries of the file, in its order."""
        with self._lock:
            return tuple(self._entries.values())

    def channel(self, name: str) -> Channel | None:
        """The channel of a name, None when there is none now."""
        with self._lock:
            return self._channels.get(name)

    def load(self) -> bool:
        """Read the file, and take it if it is sound; False when nothing has changed.

        What has changed nothing about a channel leaves it as it is.
        """
        if self.file is None:
            return False
        entries = {each.name: each for each in load_channels(self.file, self._secrets_directory)}
        opened = {}
        for name, entry in entries.items():
            before = self._entries.get(name)
            if before is not None and before.entry == entry.entry:
                opened[name] = self._channels[name]
                continue
            try:
                opened[name] = entry.entry.open(name, self._surroundings)
            except ConfigurationError as error:
                file, _, line = entry.place.rpartition(":")
                raise AlarmChannelError(error.message, file=file, line=int(line)) from error
        with self._lock:
            changed = entries != self._entries
            gone = [
                channel for name, channel in self._channels.items() if opened.get(name) != channel
            ]
            self._entries, self._channels = entries, opened
        CHANNELS.set(len(opened))
        # A thread may be sending through it: it ends by itself, and is tried again.
        for channel in gone:
            channel.close()
        return changed


class ChannelWatcher(Worker):
    """One thread that looks at the file of channels, and takes what has changed and stands still.

    A file that cannot be loaded leaves the last channels in force; it is tried again at each look,
    since what was missing may be a secret.
    """

    def __init__(self, book: ChannelBook, *, poll_seconds: float) -> None:
        super().__init__("alarm-channels")
        self._book = book
        self._poll_seconds = poll_seconds
        self._seen = self._taken = self._content()

    def look(self) -> None:
        """Look once."""
        content = self._content()
        before, self._seen = self._seen, content
        if content != before or (content == self._taken and self._book.error is None):
            return
        self._taken = content
        try:
            changed = self._book.load()
        except AlarmChannelError as error:
            if str(error) != self._book.error:
                RELOADS.labels("refused").inc()
                _log.warning("channels stay as they are", reason=error.message)
            self._book.error = str(error)
            return
        self._book.error = None
        if changed:
            RELOADS.labels("loaded").inc()
            names = ", ".join(entry.name for entry in self._book.entries)
            _log.info("channels were read again", channels=names)

    def _content(self) -> bytes:
        if self._book.file is None:
            return b""
        try:
            return self._book.file.read_bytes()
        except OSError as error:
            return repr(error).encode()

    def _loop(self) -> None:
        while not self._stopped.wait(self._poll_seconds):
            self._attempt(
                self.look,
                postponed="channels not read again",
                failed="reading channels again failed",
            )
