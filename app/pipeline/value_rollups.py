"""The values of a bucket: rolled up, and of an hour packed as well."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields

import numpy as np

from app.mal import Combine
from app.pipeline.combining import combine_matrix
from app.storage import (
    Connection,
    Job,
    Packed,
    RolledUpValues,
    SourceIndex,
    Store,
    Tier,
    ValueMatrix,
    metrics_of_bucket,
    pack_values,
    read_value_matrix,
    store_rolled_up,
    value_parts,
)
from app.telemetry import counter

BLOCKS = counter("packed_blocks_total", "Blocks of packed hours written")
BLOCK_BYTES = counter("packed_bytes_total", "Bytes of blocks of packed hours written")

# A delivery waits for one of these transactions at most.
_BYTES_PER_JOB = 2_000_000
_PACKED_PER_JOB = 200


class Jobs:
    """Collects what is to be written, for transactions that are neither many nor long."""

    def __init__(self, write: Callable[[Job[None]], None]) -> None:
        self.sources = SourceIndex()
        """Where the points of an hour lie, once they are packed: values need not lie there too."""
        self._write = write
        self._waiting: list[Packed] = []
        self._size = 0

    def add(self, packed: Packed | None) -> None:
        """Have something written, now or soon; None is nothing."""
        if packed is None:
            return
        self._waiting.append(packed)
        self._size += packed.size
        if self._size >= _BYTES_PER_JOB or len(self._waiting) >= _PACKED_PER_JOB:
            self.flush()

    def flush(self) -> None:
        """Write what is left."""
        if not self._waiting:
            return
        waiting, self._waiting, self._size = self._waiting, [], 0

        def write(connection: Connection) -> None:
            for packed in waiting:
                packed.write(connection)

        self._write(write)
        BLOCKS.inc(sum(packed.blocks for packed in waiting))
        BLOCK_BYTES.inc(sum(packed.size for packed in waiting if packed.blocks))


class BucketValues:
    """The values of one bucket.

    ``combines`` says how minutes of a metric become longer; values of others, whose rule is gone,
    stay as they are. About so many values of minutes as ``values_at_once`` are in memory together.
    """

    def __init__(
        self,
        store: Store,
        tier: Tier,
        bucket: int,
        combines: Mapping[int, Combine],
        *,
        values_at_once: int,
    ) -> None:
        self.minutes = 0
        """A bit for each minute of an hour that has values."""
        self._store = store
        self._tier = tier
        self._bucket = bucket
        self._combines = combines
        self._series_at_once = max(1, values_at_once // tier)

    def roll_up(self, jobs: Jobs, is_stopped: Callable[[], bool]) -> bool:
        """Bring them up to date; False when stopped before the end."""
        with self._store.read() as connection:
            present = metrics_of_bucket(connection, self._tier, self._bucket)
        for metrics in self._together(present):
            if is_stopped():
                return False
            with self._store.read() as connection:
                parts = self._parts(connection, metrics, present)
                self._roll_up(connection, jobs, metrics, parts)
        jobs.flush()
        return True

    def _together(self, present: Mapping[int, int]) -> Iterator[list[int]]:
        """Metrics that are combined in the same way, as many as may be read at once."""
        by_combine: dict[Combine | None, list[int]] = {}
        for metric_id in present:
            by_combine.setdefault(self._combines.get(metric_id), []).append(metric_id)
        if self._tier is not Tier.HOUR:
            by_combine.pop(None, None)
        for metrics in by_combine.values():
            some: list[int] = []
            size = 0
            for metric_id in metrics:
                if some and size + present[metric_id] > self._series_at_once:
                    yield some
                    some, size = [], 0
                some.append(metric_id)
                size += present[metric_id]
            yield some

    def _parts(
        self, connection: Connection, metrics: Sequence[int], present: Mapping[int, int]
    ) -> Sequence[range | None]:
        """Ranges of entities, None for all, in which they are read."""
        if len(metrics) > 1 or present[metrics[0]] <= self._series_at_once:
            return [None]
        hour = Tier.HOUR.bucket(self._bucket)
        return value_parts(connection, hour, metrics[0], self._series_at_once)

    def _roll_up(
        self,
        connection: Connection,
        jobs: Jobs,
        metrics: Sequence[int],
        parts: Sequence[range | None],
    ) -> None:
        combine = self._combines.get(metrics[0])
        is_hour = self._tier is Tier.HOUR
        rolled_up = []
        for entities in parts:
            values = read_value_matrix(
                connection,
                self._tier,
                self._bucket,
                metrics,
                entities,
                parts=is_hour or combine is Combine.AVERAGE,
            )
            if combine is not None:
                rolled_up.append(_rolled_up(values, combine))
            if is_hour:
                for minute in np.flatnonzero(~np.isnan(values.value).all(axis=1)).tolist():
                    self.minutes |= 1 << minute
                for packed in pack_values(
                    connection, self._bucket, metrics, values, entities, sources=jobs.sources
                ):
                    jobs.add(packed)
        if combine is not None:
            wanted = _joined(rolled_up)
            stored = store_rolled_up(connection, self._tier, self._bucket, metrics, wanted)
            for packed in stored:
                jobs.add(packed)


def _rolled_up(values: ValueMatrix, combine: Combine) -> RolledUpValues:
    """Values of a bucket; those that cancel out are none."""
    combined = combine_matrix(values, combine)
    present = ~np.isnan(combined.value)
    columns = (
        values.metric_id,
        values.entity_id,
        values.label_set_id,
        combined.value,
        combined.numerator,
        combined.weight,
        combined.minutes,
    )
    if present.all():
        return RolledUpValues(*columns)
    return RolledUpValues(*(column[present] for column in columns))  # type: ignore[arg-type]


def _joined(parts: Sequence[RolledUpValues]) -> RolledUpValues:
    """Parts of a metric, which are in the order of their entities."""
    if len(parts) == 1:
        return parts[0]
    names = (field.name for field in fields(RolledUpValues))
    return RolledUpValues(*(np.concatenate([getattr(p, name) for p in parts]) for name in names))
