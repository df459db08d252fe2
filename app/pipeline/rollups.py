"""Rollups: minutes become 5 minutes and hours, once they have settled and whenever they change.

A bucket is always computed from its minutes, never from shorter buckets, so its sums are rounded
once; what differs from the stored rows is written. Nothing is kept in memory between rounds: the
thread may be killed and started anywhere. Of several processes the one that holds the lease works.
The minutes of an hour, once they are read, are packed as well, and from then on that is where they
are (ADR 0037).
"""

from collections.abc import Callable, Mapping, Sequence

import structlog

from app.clock import MILLISECONDS_PER_MINUTE, Clock
from app.errors import HydrantError
from app.pipeline.lease import Lease
from app.pipeline.leased_worker import LeasedWorker
from app.pipeline.value_rollups import BucketValues, Jobs
from app.rules import MetricDefinition
from app.storage import (
    ROLLED_UP,
    ROWS_AT_ONCE,
    Connection,
    Store,
    Tier,
    delete_rollup_marks,
    finish_hour,
    merge_points,
    metric_ids,
    minutes_to_merge,
    point_parts,
    read_hour_marks,
    read_kept,
    read_rollup_marks,
    roll_up_points,
)
from app.telemetry import counter, gauge, histogram

ROLLUPS = counter("rollups_total", "Buckets rolled up", "tier")
ROLLUP_SECONDS = histogram("rollup_seconds", "Time to roll up and store one bucket", "tier")
TOO_LATE = counter(
    "rollups_too_late_total", "Buckets left as they are because their minutes were deleted"
)
FAILURES = counter("rollup_failures_total", "Buckets whose rollup failed")
WAITING = gauge("rollups_waiting", "Buckets that are due to be rolled up", "tier")

_POLL_SECONDS = 5.0
# A late point costs its whole hour again; resting as long as the last round took, within bounds,
# lets the points that come with it share the work.
_LONGEST_REST_SECONDS = 60.0
_BACK_OFF_SECONDS = 10.0
# A day of each tier; further ones wait for the next round.
_BUCKETS_AT_ONCE = {Tier.FIVE_MINUTES: 288, Tier.HOUR: 24}

_log = structlog.get_logger(__name__)


class Rollups(LeasedWorker):
    """One thread that rolls up what is due; a bucket that is not finished keeps its marks.

    ``settling_seconds`` is how long after its end a bucket is rolled up first. ``definitions``
    gives the metrics by name as they are at the time; values of others are left as they are.
    ``rows_at_once`` bounds how many rows of minutes are in memory together, roughly.
    """

    def __init__(
        self,
        store: Store,
        definitions: Callable[[], Mapping[str, MetricDefinition]],
        clock: Clock,
        lease: Lease,
        *,
        settling_seconds: Mapping[Tier, int],
        rows_at_once: int = ROWS_AT_ONCE,
    ) -> None:
        super().__init__("rollups", store, lease)
        self._definitions = definitions
        self._clock = clock
        self._settling_seconds = settling_seconds
        self._rows_at_once = rows_at_once

    def run_once(self) -> int:
        """Roll up the buckets that are due now; returns how many.

        A bucket that fails keeps its marks and does not hold up the others; the first error is
        raised when all have been tried. Raises ``LeaseLost`` when another process rolls up.
        """
        self._begin_round()
        done = 0
        failure: Exception | None = None
        for tier in ROLLED_UP:
            for bucket, marks in self._due(tier):
                if self._stopped.is_set():
                    return done
                try:
                    with ROLLUP_SECONDS.labels(tier.name.lower()).time():
                        finished = self._roll_up(tier, bucket, marks)
                except HydrantError:
                    raise  # The database is at fault, and would be for the other buckets too.
                except Exception as error:  # noqa: BLE001 - raised below
                    FAILURES.inc()
                    failure = failure or error
                else:
                    done += finished
                    WAITING.labels(tier.name.lower()).dec(finished)
        if failure is not None:
            raise failure
        return done

    def _loop(self) -> None:
        while not self._stopped.is_set():
            if self._stands_by:
                for tier in ROLLED_UP:
                    WAITING.labels(tier.name.lower()).set(0)
                self._stopped.wait(_POLL_SECONDS)
                continue
            began = self._clock.monotonic()
            done = self._attempt(
                self.run_once, postponed="rollups postponed", failed="rollups failed"
            )
            if done is None:
                self._stopped.wait(_BACK_OFF_SECONDS)
                continue
            took = self._clock.monotonic() - began
            rest = min(took, _LONGEST_REST_SECONDS) if done else 0.0
            self._stopped.wait(max(rest, _POLL_SECONDS))

    def _due(self, tier: Tier) -> list[tuple[int, list[int]]]:
        """Buckets that have settled, oldest first; those that are too late are dropped."""
        settled_ms = self._clock.now_ms() - self._settling_seconds[tier] * 1000
        ended_by = settled_ms // MILLISECONDS_PER_MINUTE
        with self._store.read() as connection:
            marks = read_rollup_marks(connection, tier, ended_by, _BUCKETS_AT_ONCE[tier])
            kept_from = read_kept(connection)[Tier.MINUTE]
        late = sorted(bucket for bucket in marks if bucket < kept_from)
        if late:
            # Rolling up what is left of their minutes would destroy what was exact.
            TOO_LATE.inc(len(late))
            _log.warning(
                "data came too late for its rollup",
                tier=tier.name.lower(),
                buckets=len(late),
                first_minute=late[0],
                kept_from_minute=kept_from,
            )
            ids = [mark for bucket in late for mark in marks.pop(bucket)]
            self._write(lambda connection: delete_rollup_marks(connection, ids))
        WAITING.labels(tier.name.lower()).set(len(marks))
        return sorted(marks.items())

    def _roll_up(self, tier: Tier, bucket: int, marks: Sequence[int]) -> bool:
        """Bring a bucket up to date; False when it was stopped or overtaken before it ended."""
        definitions = self._definitions()
        with self._store.read() as connection:
            seen = read_hour_marks(connection, bucket) if tier is Tier.HOUR else None
            ids = metric_ids(connection)
        combines = {
            ids[name]: definition.combine for name, definition in definitions.items() if name in ids
        }
        jobs = Jobs(self._write)
        values = BucketValues(
            self._store, tier, bucket, combines, values_at_once=self._rows_at_once
        )
        if not self._roll_up_points(tier, bucket, jobs):
            return False
        if not values.roll_up(jobs, self._stopped.is_set):
            return False

        def finish(connection: Connection) -> bool:
            if seen is not None:
                return finish_hour(connection, bucket, seen, value_minutes=values.minutes)
            # Only the marks that were seen before the minutes were read; later ones stay.
            delete_rollup_marks(connection, marks)
            return True

        finished = self._write(finish)
        if finished:
            ROLLUPS.labels(tier.name.lower()).inc()
        return finished

    def _roll_up_points(self, tier: Tier, bucket: int, jobs: Jobs) -> bool:
        with self._store.read() as connection:
            minutes = minutes_to_merge(connection, bucket, bucket + tier)
        for minute in minutes:
            if self._stopped.is_set():
                return False
            with self._store.read() as connection:
                merge = merge_points(connection, minute)
            if merge is not None:
                self._write(merge)
        with self._store.read() as connection:
            parts = point_parts(connection, tier, bucket)
        for part in parts:
            if self._stopped.is_set():
                return False
            with self._store.read() as connection:
                packed = roll_up_points(connection, tier, bucket, part, jobs.sources)
            jobs.add(packed)
        jobs.flush()
        return True
