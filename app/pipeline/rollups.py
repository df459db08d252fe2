"""Rollups: minutes become 5 minutes and hours, once they have settled and whenever they change.

A bucket is always computed from its minutes, never from shorter buckets, so its sums are rounded
once; what differs from the stored rows is written. Nothing is kept in memory between rounds: the
thread may be killed and started anywhere. Of several processes the one that holds the lease works.
The minutes of an hour, once they are read, are also packed, for those who query many of them.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import structlog

from app.clock import MILLISECONDS_PER_MINUTE, Clock
from app.errors import HydrantError
from app.mal import Combine
from app.pipeline.combining import combine_points, combine_values, neighbours
from app.pipeline.lease import Lease
from app.pipeline.leased_worker import LeasedWorker
from app.rules import MetricDefinition
from app.storage import (
    POINTS,
    ROLLED_UP,
    ROWS_AT_ONCE,
    VALUES,
    BucketPoints,
    Columns,
    Connection,
    Packed,
    Store,
    Tier,
    ValueRange,
    delete_rollup_marks,
    metric_ids,
    metrics_of_bucket,
    pack_points,
    pack_values,
    read_kept,
    read_point_part,
    read_rollup_marks,
    read_value_part,
    record_packed_hour,
    rollup_jobs,
)
from app.telemetry import counter, gauge, histogram

ROLLUPS = counter("rollups_total", "Buckets rolled up", "tier")
ROLLUP_SECONDS = histogram("rollup_seconds", "Time to roll up and store one bucket", "tier")
TOO_LATE = counter(
    "rollups_too_late_total", "Buckets left as they are because their minutes were deleted"
)
FAILURES = counter("rollup_failures_total", "Buckets whose rollup failed")
BLOCKS = counter("packed_blocks_total", "Blocks of packed hours written")
BLOCK_BYTES = counter("packed_bytes_total", "Bytes of blocks of packed hours written")
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
        """Bring a bucket up to date; False when stopped before it was finished."""
        definitions = self._definitions()
        with self._store.read() as connection:
            ids = metric_ids(connection)
            present = metrics_of_bucket(connection, tier, bucket)
        if not self._roll_up_points(tier, bucket):
            return False
        combines = {
            ids[name]: definition.combine for name, definition in definitions.items() if name in ids
        }
        for metric_id, minutes in present.items():
            combine = combines.get(metric_id)
            # Values whose rule is gone stay as they are, but can be queried.
            if combine is None and tier is not Tier.HOUR:
                continue
            if not self._roll_up_values(tier, bucket, metric_id, minutes, combine):
                return False

        def finish(connection: Connection) -> None:
            # Only the marks that were seen before the minutes were read; later ones stay.
            delete_rollup_marks(connection, marks)
            if tier is Tier.HOUR:
                record_packed_hour(connection, bucket, present)

        self._write(finish)
        ROLLUPS.labels(tier.name.lower()).inc()
        return True

    def _roll_up_points(self, tier: Tier, bucket: int) -> bool:
        first: int | None = 0
        while first is not None:
            if self._stopped.is_set():
                return False
            with self._store.read() as connection:
                part = read_point_part(connection, tier, bucket, first, rows=self._rows_at_once)
                packed = (
                    pack_points(connection, bucket, part.minutes, part.ids)
                    if tier is Tier.HOUR
                    else None
                )
            wanted = _points(tier, bucket, part.minutes)
            for job in rollup_jobs(POINTS[tier], wanted, part.stored):
                self._write(job)
            self._write_blocks(packed)
            first = part.following
        return True

    def _roll_up_values(
        self,
        tier: Tier,
        bucket: int,
        metric_id: int,
        minutes: Sequence[int],
        combine: Combine | None,
    ) -> bool:
        first: int | None = 0
        while first is not None:
            if self._stopped.is_set():
                return False
            with self._store.read() as connection:
                part = read_value_part(
                    connection,
                    tier,
                    bucket,
                    metric_id,
                    first,
                    minutes=minutes,
                    rows=self._rows_at_once,
                )
                packed = (
                    pack_values(connection, bucket, metric_id, part.minutes, part.ids)
                    if tier is Tier.HOUR
                    else None
                )
            if combine is not None:
                wanted = _values(bucket, metric_id, part.minutes, combine)
                for job in rollup_jobs(VALUES[tier], wanted, part.stored):
                    self._write(job)
            self._write_blocks(packed)
            first = part.following
        return True

    def _write_blocks(self, packed: Packed | None) -> None:
        if packed is not None:
            self._write(packed.write)
            BLOCKS.inc(packed.blocks)
            BLOCK_BYTES.inc(packed.size)


def _points(tier: Tier, bucket: int, minutes: BucketPoints) -> Columns:
    """Rows of a table of rolled-up points."""
    groups = neighbours(minutes.series_id)
    combined = combine_points(minutes, groups)
    size = len(groups)
    return [
        np.full(size, bucket, np.int64),
        minutes.series_id[groups.first_row],
        np.zeros(size, np.int64),
        np.full(size, tier.length_ms, np.int64),
        combined.count,
        combined.total,
        combined.minimum,
        combined.maximum,
    ]


def _values(bucket: int, metric_id: int, minutes: ValueRange, combine: Combine) -> Columns:
    """Rows of a table of rolled-up values; values that cancel out have none."""
    groups = neighbours(minutes.entity_id, minutes.label_set_id)
    combined = combine_values(minutes, groups, combine)
    present = np.flatnonzero(~np.isnan(combined.value))
    first_row = groups.first_row[present]
    return [
        np.full(len(present), bucket, np.int64),
        np.full(len(present), metric_id, np.int64),
        minutes.entity_id[first_row],
        minutes.label_set_id[first_row],
        combined.value[present],
        combined.numerator[present],
        combined.weight[present],
        combined.minutes[present],
    ]
