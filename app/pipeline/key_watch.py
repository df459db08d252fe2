"""Access keys and tokens that change while the server runs: read again, and taken."""

from collections.abc import Callable

import structlog

from app.credentials import AccessKey, AccessKeys
from app.errors import ConfigurationError
from app.pipeline.worker import Worker
from app.settings import Settings
from app.telemetry import counter

RELOADS = counter("key_reloads_total", "Changes of access keys and tokens while serving", "result")

_POLL_SECONDS = 1.0

_Found = tuple[tuple[AccessKey, ...], tuple[str, ...], tuple[str, ...]]

_log = structlog.get_logger(__name__)


class KeyWatcher(Worker):
    """One thread that keeps the sets of keys at what the settings say.

    The settings are read again and again, and a change counts when two looks in a row have seen the
    same: a file that is being written is not taken. Settings that cannot be read, and such that
    would open what is closed, leave the last keys in force.
    """

    def __init__(
        self,
        settings: Settings,
        read: Callable[[], Settings],
        access_keys: AccessKeys,
        read_tokens: AccessKeys,
        operator_tokens: AccessKeys,
    ) -> None:
        super().__init__("keys")
        self._read = read
        self._access_keys = access_keys
        self._read_tokens = read_tokens
        self._operator_tokens = operator_tokens
        self._in_force: _Found = _keys_of(settings)
        self._seen: _Found | str = self._in_force
        self._taken: _Found | str = self._in_force

    def look(self) -> None:
        """Look once, and take what has changed and stands still."""
        try:
            found: _Found | str = _keys_of(self._read())
        except ConfigurationError as error:
            found = error.message
        before, self._seen = self._seen, found
        if found != before or found == self._taken:
            return
        self._taken = found
        fault = found if isinstance(found, str) else self._opens(found)
        if fault is not None or isinstance(found, str):
            RELOADS.labels("refused").inc()
            _log.warning("access keys and tokens stay as they are", reason=fault)
            return
        if found == self._in_force:
            return
        self._in_force = found
        keys, tokens, operators = found
        self._access_keys.replace(keys)
        self._read_tokens.replace(tokens)
        self._operator_tokens.replace(operators)
        RELOADS.labels("loaded").inc()
        _log.info(
            "access keys and tokens were read again",
            access_keys=", ".join(key.holder.name for key in keys),
            read_tokens=len(tokens),
            operator_tokens=len(operators),
        )

    def _opens(self, found: _Found) -> str | None:
        """What would be open to anyone; a set that is gone is a mistake more often than a wish."""
        kinds = ("access key", "read token", "operator token")
        for what, old, new in zip(kinds, self._in_force, found, strict=True):
            if old and not new:
                return f"no {what} is left; restart the server if it is to be open to anyone"
        return None

    def _loop(self) -> None:
        while not self._stopped.wait(_POLL_SECONDS):
            self._attempt(
                self.look,
                postponed="access keys not read again",
                failed="reading access keys again failed",
            )


def _keys_of(settings: Settings) -> _Found:
    return settings.access_keys, settings.read_tokens, settings.operator_tokens
