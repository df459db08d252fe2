"""Rule files that change while the server runs: looked at, validated, and taken."""

from collections.abc import Callable

from app.clock import MILLISECONDS_PER_MINUTE, Clock
from app.errors import RuleError
from app.pipeline.worker import Worker
from app.rules import RuleBook, RuleDirectory
from app.storage import Connection, Store, mark_dirty, newest_minutes

RECENT_MINUTES = 5
"""So many minutes are evaluated again after a change; older ones are for ``rules backfill``."""

# A change is taken at the second look that sees it.
_SETTLING_SECONDS = 0.5


class RuleWatcher(Worker):
    """One thread that keeps a ``RuleBook`` at what a directory holds.

    ``on_change`` is called after the rules have changed and minutes wait to be evaluated.
    """

    def __init__(
        self,
        directory: RuleDirectory,
        book: RuleBook,
        store: Store,
        clock: Clock,
        *,
        poll_seconds: float,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__("rules")
        self._directory = directory
        self._book = book
        self._store = store
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._on_change = on_change
        self._unmarked = False

    def look(self) -> None:
        """Look once, and take what has changed and stands still.

        Raises ``StorageUnavailable`` when the minutes cannot be marked; the next look tries again.
        """
        try:
            contents = self._directory.changes()
        except RuleError as error:
            contents = dict.fromkeys((file.path for file in self._book.files), error)
        if contents is not None:
            self._unmarked |= self._book.update(contents)
        if self._unmarked:
            self._store.write(self._mark)
            self._unmarked = False
            self._on_change()

    def _mark(self, connection: Connection) -> None:
        following = self._clock.now_ms() // MILLISECONDS_PER_MINUTE + 1
        mark_dirty(connection, newest_minutes(connection, RECENT_MINUTES, following))

    def _loop(self) -> None:
        while not self._stopped.wait(
            self._poll_seconds if self._directory.is_settled else _SETTLING_SECONDS
        ):
            self._attempt(
                self.look,
                postponed="minutes not marked after a change of rules",
                failed="looking at the rule files failed",
            )
