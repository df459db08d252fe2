"""Housekeeping: what has served its purpose is deleted, by a small loop."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import structlog

from app.clock import MILLISECONDS_PER_MINUTE, Clock
from app.pipeline.lease import Lease
from app.pipeline.leased_worker import LeasedWorker
from app.storage import (
    Store,
    Tier,
    delete_before,
    expire,
    forget_deliveries,
    forget_quarantine,
    forget_streams,
    tables_of,
)
from app.telemetry import counter

DELETED = counter("retention_rows_deleted_total", "Rows deleted at the end of their time", "table")

_INTERVAL_SECONDS = 600.0
_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
# One job holds up the writer for some tens of milliseconds; a minute is never cut in two.
_ROWS_PER_JOB = 20_000

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things are kept; 0 days is for ever."""

    delivery_hours: int
    quarantine_days: int
    tier_days: Mapping[Tier, int]


class Maintenance(LeasedWorker):
    """One thread that deletes what has been kept long enough."""

    def __init__(self, store: Store, clock: Clock, lease: Lease, retention: Retention) -> None:
        super().__init__("maintenance", store, lease)
        self._clock = clock
        self._retention = retention

    def run_once(self) -> dict[str, int]:
        """Do all work that is due; returns the number of rows deleted by table.

        Raises ``LeaseLost`` when another process does it.
        """
        self._begin_round()
        now_ms = self._clock.now_ms()
        before_ms = now_ms - self._retention.delivery_hours * _HOUR_MS
        deleted = {
            "delivery": self._write(lambda c: forget_deliveries(c, before_ms)),
            "quarantine": self._quarantine(now_ms),
            "stream": self._streams(now_ms),
            **self._tiers(now_ms),
        }
        for table, rows in deleted.items():
            DELETED.labels(table).inc(rows)
        if any(deleted.values()):
            _log.info("old rows deleted", **{name: rows for name, rows in deleted.items() if rows})
        return deleted

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
        return self._store.write(lambda c: forget_streams(c, before_ms))

    def _tiers(self, now_ms: int) -> dict[str, int]:
        wanted = {
            tier: (now_ms - days * _DAY_MS) // MILLISECONDS_PER_MINUTE
            for tier, days in self._retention.tier_days.items()
            if days
        }
        in_force = self._write(lambda connection: expire(connection, wanted))
        for tier, first in wanted.items():
            if in_force[tier] < Tier.HOUR.bucket(first):
                _log.info(
                    "minutes wait for their rollup before they are deleted",
                    tier=tier.name.lower(),
                    from_minute=in_force[tier],
                    to_minute=first,
                )
        return {
            table: self._delete(table, first)
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
        while not self._stopped.wait(_INTERVAL_SECONDS):
            if self._stands_by:
                continue
            self._attempt(
                self.run_once, postponed="maintenance postponed", failed="maintenance failed"
            )
