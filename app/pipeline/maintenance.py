"""Housekeeping: what has served its purpose is deleted, by a small loop."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import structlog
from prometheus_client import Counter

from app.clock import MILLISECONDS_PER_MINUTE, Clock
from app.pipeline.lease import Lease
from app.pipeline.leased_worker import LeasedWorker
from app.storage import (
    Outcome,
    Store,
    Tier,
    delete_before,
    expire,
    forget_alarms,
    forget_deliveries,
    forget_quarantine,
    forget_streams,
    keep_from_now,
    read_kept,
    tables_of,
)
from app.storage.deployment_marks import forget_marks
from app.telemetry import counter

DELETED = counter("retention_rows_deleted_total", "Rows deleted at the end of their time", "table")
MADE = counter("partitions_made_total", "Partitions made ahead of time", "table")
DROPPED = counter(
    "partitions_dropped_total", "Partitions dropped at the end of their time", "table"
)
POSTPONED = counter(
    "partitions_postponed_total", "Rounds in which a table was in use for too long", "table"
)

_INTERVAL_SECONDS = 600.0
_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
# One job holds up the writer for some tens of milliseconds; a minute is never cut in two.
_ROWS_PER_JOB = 1_000
_POSTPONED, _FAILED = "maintenance postponed", "maintenance failed"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things are kept; 0 days is for ever."""

    delivery_hours: int
    quarantine_days: int
    tier_days: Mapping[Tier, int]


class Maintenance(LeasedWorker):
    """One thread that deletes what has been kept long enough and makes partitions in advance."""

    def __init__(self, store: Store, clock: Clock, lease: Lease, retention: Retention) -> None:
        super().__init__("maintenance", store, lease)
        self._clock = clock
        self._retention = retention
        # What was kept at the end of the last round.
        self._kept: Mapping[Tier, int] = {}

    def stop(self) -> None:
        """Stop soon; a large default partition that is being read is left for the next start."""
        self._stopped.set()
        if self._store.partitions is not None:
            self._store.partitions.interrupt()
        super().stop()

    def run_once(self) -> dict[str, int]:
        """Delete all that is due; returns the number of rows deleted by table.

        Rows that went with a whole partition are not among them. Raises ``LeaseLost`` when another
        process does it.
        """
        self._begin_round()
        now_ms = self._clock.now_ms()
        before_ms = now_ms - self._retention.delivery_hours * _HOUR_MS
        deleted = {
            "delivery": self._write(lambda c: forget_deliveries(c, before_ms)),
            "quarantine": self._quarantine(now_ms),
            "stream": self._streams(now_ms),
            "alarm": self._alarms(now_ms),
            "deployment_mark": self._marks(now_ms),
            **self._tiers(now_ms),
        }
        for table, rows in deleted.items():
            DELETED.labels(table).inc(rows)
        if any(deleted.values()):
            _log.info("old rows deleted", **{name: rows for name, rows in deleted.items() if rows})
        return deleted

    def make_partitions(self) -> None:
        """Make the partitions that are due, in a database that has such."""
        if (partitions := self._store.partitions) is not None:
            with self._store.read() as connection:
                kept = read_kept(connection)
            now = self._clock.now_ms() // MILLISECONDS_PER_MINUTE
            _report(partitions.make(now, kept), MADE, "partitions made")

    def _quarantine(self, now_ms: int) -> int:
        if not self._retention.quarantine_days:
            return 0
        before_ms = now_ms - self._retention.quarantine_days * _DAY_MS
        deleted = 0
        while not self._stopped.is_set():
            rows = self._write(lambda c: forget_quarantine(c, before_ms))
            deleted += rows
            if not rows:
                break
        return deleted

    def _streams(self, now_ms: int) -> int:
        """Streams are remembered as long as their minutes."""
        days = self._retention.tier_days.get(Tier.MINUTE, 0)
        before_ms = now_ms - days * _DAY_MS if days else 0
        return self._write(lambda c: forget_streams(c, before_ms))

    def _alarms(self, now_ms: int) -> int:
        """The history of alarms is kept as long as hours."""
        days = self._retention.tier_days.get(Tier.HOUR, 0)
        deleted = rows = 0
        while days and not self._stopped.is_set():
            rows = self._write(partial(forget_alarms, before_ms=now_ms - days * _DAY_MS))
            deleted += rows
            if not rows:
                break
        return deleted

    def _marks(self, now_ms: int) -> int:
        """Marks are kept as long as hours, beside which they are seen."""
        days = self._retention.tier_days.get(Tier.HOUR, 0)
        before_ms = now_ms - days * _DAY_MS if days else 0
        return self._write(lambda c: forget_marks(c, before_ms))

    def _tiers(self, now_ms: int) -> dict[str, int]:
        wanted = {
            tier: (now_ms - days * _DAY_MS) // MILLISECONDS_PER_MINUTE
            for tier, days in self._retention.tier_days.items()
            if days
        }
        now = now_ms // MILLISECONDS_PER_MINUTE
        if self._write(lambda connection: keep_from_now(connection, now)):
            _log.error("a clock was ahead by days, and what was older then has been deleted")
        in_force = self._write(lambda connection: expire(connection, wanted))
        for tier, first in wanted.items():
            if in_force[tier] < Tier.HOUR.bucket(first):
                _log.info(
                    "minutes wait for their rollup before they are deleted",
                    tier=tier.name.lower(),
                    from_minute=in_force[tier],
                    to_minute=first,
                )
        partitions = self._store.partitions
        where: Callable[[str], str | None] = lambda table: table  # noqa: E731 - the table itself
        if partitions is not None and _report(
            partitions.drop(self._unread(in_force)), DROPPED, "partitions dropped"
        ):
            # What else is too old goes with its partition, when all of that one is.
            where = partitions.rows_to_delete
        self._kept = in_force
        return self._delete_tables(in_force, where)

    def _unread(self, in_force: Mapping[Tier, int]) -> dict[Tier, int]:
        """What nobody reads below any more: kept from here in the last round, and in this one."""
        return {tier: min(first, in_force[tier]) for tier, first in self._kept.items()}

    def _delete_tables(
        self, in_force: Mapping[Tier, int], where: Callable[[str], str | None]
    ) -> dict[str, int]:
        """Delete rows in the table or partition that ``where`` gives for a table."""
        return {
            table: self._delete(rows_in, first) if (rows_in := where(table)) else 0
            for tier, first in in_force.items()
            for table in tables_of(tier)
        }

    def _delete(self, table: str, minute: int) -> int:
        deleted, empty_to = 0, -1
        while not self._stopped.is_set():
            rows, last = self._write(
                partial(
                    delete_before, table=table, minute=minute, after=empty_to, rows=_ROWS_PER_JOB
                )
            )
            deleted += rows
            if last is None:
                break
            empty_to = last
        return deleted

    def _loop(self) -> None:
        self._attempt(self.make_partitions, postponed=_POSTPONED, failed=_FAILED)
        while not self._stopped.wait(_INTERVAL_SECONDS):
            # Whoever comes first makes them: a holder that hangs must not leave rows without.
            self._attempt(self.make_partitions, postponed=_POSTPONED, failed=_FAILED)
            if not self._stands_by:
                self._attempt(self.run_once, postponed=_POSTPONED, failed=_FAILED)


def _report(outcome: Outcome, changes: Counter, message: str) -> bool:
    """Count and log what was done; False where the database's user may not alter tables."""
    changed = {table: number for table, number in outcome.changed.items() if number}
    for table, number in changed.items():
        changes.labels(table).inc(number)
    for table in outcome.in_use:
        POSTPONED.labels(table).inc()
    if changed:
        _log.info(message, **changed)
    if outcome.in_use:
        _log.info("partitions wait for tables in use", tables=", ".join(outcome.in_use))
    if outcome.forbidden:
        _log.warning(
            "the database's user does not own the tables, so there are no new partitions and old"
            " rows are deleted one by one; make it a member of the role that owns them"
        )
    return not outcome.forbidden
