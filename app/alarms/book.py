"""The alarm rules in force, which change while the server runs; a broken change changes nothing."""

import threading
from collections.abc import Callable
from pathlib import Path

import structlog

from app.alarms.files import load_alarm_rules
from app.alarms.rules import AlarmRules
from app.errors import RuleError
from app.pipeline import Worker
from app.rules import RuleDirectory
from app.telemetry import counter, gauge

RULES = gauge("alarm_rules", "Alarm rules in force")
RELOADS = counter("alarm_rule_reloads_total", "Changes of alarm rule files by outcome", "outcome")
FAULTY = gauge(
    "alarm_rule_files_faulty", "1 while a change of alarm rule files is not taken, else 0"
)

# A change is taken at the second look that sees it.
_SETTLING_SECONDS = 0.5

_log = structlog.get_logger(__name__)


class AlarmBook:
    """The rules of a directory, all or nothing: a file with a fault keeps all as they were.

    Thread-safe.
    """

    def __init__(self, rules: AlarmRules) -> None:
        self._lock = threading.Lock()
        self._rules = rules
        self._error: str | None = None
        RULES.set(len(rules.rules))
        FAULTY.set(0)

    @property
    def current(self) -> AlarmRules:
        """The rules in force."""
        return self._rules

    @property
    def error(self) -> str | None:
        """Why the files as they are now are not in force; None while they are."""
        return self._error

    def take(self, rules: AlarmRules) -> bool:
        """Put other rules in force; False when they are the same."""
        with self._lock:
            self._error = None
            FAULTY.set(0)
            if rules.digest == self._rules.digest:
                return False
            self._rules = rules
        RULES.set(len(rules.rules))
        RELOADS.labels("taken").inc()
        _log.info("alarm rules changed", rules=len(rules.rules))
        return True

    def refuse(self, error: RuleError) -> None:
        """Say that the files as they are now cannot be taken."""
        with self._lock:
            if self._error == str(error):
                return
            self._error = str(error)
        FAULTY.set(1)
        RELOADS.labels("refused").inc()
        _log.error("alarm rules not taken, the last good ones stay", reason=str(error))


class AlarmRuleWatcher(Worker):
    """One thread that keeps an ``AlarmBook`` at what a directory holds."""

    def __init__(
        self,
        directory: Path,
        book: AlarmBook,
        *,
        poll_seconds: float,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__("alarm-rules")
        self._path = directory
        self._directory = RuleDirectory(directory)
        self._book = book
        self._poll_seconds = poll_seconds
        self._on_change = on_change

    def look(self) -> None:
        """Look once, and take what has changed and stands still."""
        try:
            if self._directory.changes() is None:
                return
            rules = load_alarm_rules(self._path)
        except RuleError as error:
            self._book.refuse(error)
            return
        if self._book.take(rules):
            self._on_change()

    def _loop(self) -> None:
        while not self._stopped.wait(
            self._poll_seconds if self._directory.is_settled else _SETTLING_SECONDS
        ):
            self._attempt(
                self.look, postponed="alarm rules not read", failed="looking at alarm rules failed"
            )
