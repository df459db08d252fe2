"""What the rules give for a minute, on its way to rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.pipeline.committed_values import CommittedValues
from app.pipeline.metric_columns import MetricColumnMaker
from app.pipeline.targets import NewTargets, TargetIds
from app.rules import MetricValues
from app.storage import (
    Connection,
    EncodedIds,
    MetricColumns,
    are_marks_left,
    count_recomputed,
    lock_minute,
    register_metrics,
    write_values,
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What one transaction has stored, and the ids to learn once it is committed.

    ``values`` is how many the metrics have in the minute, ``written`` how many rows of them had to
    be written or deleted.
    """

    values: int
    written: int
    metric_ids: dict[str, int]
    targets: NewTargets
    minute: int
    columns: list[MetricColumns]
    recomputed: int


class Recorder:
    """Stores values of metrics, minute by minute, and remembers the ids that they need.

    It belongs to one engine: what (rule, row) means is known to that engine alone. Values of other
    metrics than ``metrics`` are left as they are. With ``committed``, which only the holder of the
    lease may have, metrics are written only where they differ from what was committed last.
    """

    def __init__(self, metrics: Iterable[str], committed: CommittedValues | None = None) -> None:
        self._metrics = tuple(metrics)
        self._metric_ids: dict[str, int] = {}
        self._targets = TargetIds()
        self._maker = MetricColumnMaker(self._targets)
        self._committed = committed
        self._encoded_ids = EncodedIds()

    def write(
        self,
        connection: Connection,
        minute: int,
        values: Sequence[MetricValues],
        marks: Sequence[int] = (),
    ) -> Recorded | None:
        """Make ``values`` those of the minute, and delete the marks that they answer.

        When one of the marks is gone, somebody has evaluated the minute after these values were
        computed, perhaps from newer points: they are dropped, and None is returned. Nothing is
        remembered before ``learn``: the transaction may be rolled back and run again.
        """
        lock_minute(connection, minute)
        if not are_marks_left(connection, marks):
            if self._committed is not None:
                self._committed.forget(minute)
            return None
        metric_ids = self._metric_ids
        if not metric_ids.keys() >= set(self._metrics):
            metric_ids = register_metrics(connection, self._metrics)
        learnt = self._targets.register(connection, values)
        columns = self._maker.columns(values, metric_ids, learnt)
        metrics = [metric_ids[name] for name in self._metrics]
        unchanged: set[int] = set()
        recomputed = 0
        if self._committed is not None:
            recomputed = count_recomputed(connection)
            unchanged = self._committed.unchanged(minute, columns, metrics, recomputed)
        written = write_values(
            connection,
            minute,
            columns,
            metrics=metrics,
            marks=marks,
            unchanged=unchanged,
            encoded_ids=self._encoded_ids,
        )
        count = sum(map(len, columns))
        return Recorded(count, written, metric_ids, learnt, minute, columns, recomputed)

    def learn(self, recorded: Recorded) -> None:
        """Remember the ids and values of a transaction that has been committed."""
        self._metric_ids = recorded.metric_ids
        self._targets.learn(recorded.targets)
        if self._committed is not None:
            self._committed.remember(recorded.minute, recorded.columns, recorded.recomputed)
