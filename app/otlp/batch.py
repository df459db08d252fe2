"""``MetricBatch``: the points of a request as columns, the unit of work from here on.

A batch is plain numpy arrays of one length plus a short list of extra statistics. There is no
object per point; the slot column says which series of a ``SeriesKeys`` table each point belongs to.
"""

from array import array
from dataclasses import dataclass, field, replace

import numpy as np

from app.arrays import FloatArray, IntArray
from app.otlp.rejection import MOST_FAULTS, Rejection, TooManyFaults

# A byte of a request can be a bucket, and costs a hundred in memory.
_MOST_EXTRA_STATISTICS = 4_000_000


@dataclass(frozen=True, slots=True)
class MetricBatch:
    """Points in arrival order.

    All columns have the same length n. ``start_ms`` is the start of the period in milliseconds
    since the epoch and ``period_ms`` its length, 0 for an observation at an instant. ``minimum``
    and ``maximum`` are NaN where the source has none; ``count`` and ``total`` (Sum) never are.

    The extra statistics are m further values: ``extra_row`` is the index of the point,
    ``extra_statistic`` an index into ``statistic_names`` (``p99``, ``TM(25%:75%)``, ``le:0.005``).

    ``without_value`` counts points whose source said that it had no value; they are not in the
    columns. ``records`` are the decoded records: their index in the request, and the row after
    their last point.
    """

    slot: IntArray
    start_ms: IntArray
    period_ms: IntArray
    count: FloatArray
    total: FloatArray
    minimum: FloatArray
    maximum: FloatArray
    extra_row: IntArray
    extra_statistic: IntArray
    extra_value: FloatArray
    statistic_names: tuple[str, ...]
    rejections: tuple[Rejection, ...]
    without_value: int = 0
    records: tuple[tuple[int, int], ...] = ()

    def __len__(self) -> int:
        return len(self.slot)

    def since(self, start_ms: int) -> "MetricBatch":
        """The batch without the points that start earlier."""
        recent = self.start_ms >= start_ms
        if recent.all():
            return self
        row = np.cumsum(recent) - 1
        extra = recent[self.extra_row]
        return replace(
            self,
            slot=self.slot[recent],
            start_ms=self.start_ms[recent],
            period_ms=self.period_ms[recent],
            count=self.count[recent],
            total=self.total[recent],
            minimum=self.minimum[recent],
            maximum=self.maximum[recent],
            extra_row=row[self.extra_row[extra]],
            extra_statistic=self.extra_statistic[extra],
            extra_value=self.extra_value[extra],
        )


def _integers() -> "array[int]":
    return array("q")


def _doubles() -> "array[float]":
    return array("d")


@dataclass(slots=True)
class BatchBuilder:
    """Collects decoded points; ``build`` turns them into a ``MetricBatch``.

    The point columns are public so that a decoder can append without a call per column. They hold
    numbers and no objects, because a point would take up four times the memory in those.
    """

    slot: "array[int]" = field(default_factory=_integers)
    start_ms: "array[int]" = field(default_factory=_integers)
    period_ms: "array[int]" = field(default_factory=_integers)
    count: "array[float]" = field(default_factory=_doubles)
    total: "array[float]" = field(default_factory=_doubles)
    minimum: "array[float]" = field(default_factory=_doubles)
    maximum: "array[float]" = field(default_factory=_doubles)
    extra_row: "array[int]" = field(default_factory=_integers)
    extra_statistic: "array[int]" = field(default_factory=_integers)
    extra_value: "array[float]" = field(default_factory=_doubles)
    rejections: list[Rejection] = field(default_factory=list)
    without_value: int = 0
    records: list[tuple[int, int]] = field(default_factory=list)
    faults: int = 0
    """What was lost so far, and parts without any point; see ``app.otlp.rejection``."""
    _statistics: dict[str, int] = field(default_factory=dict)

    def add(
        self,
        slot: int,
        start_ms: int,
        period_ms: int,
        statistics: tuple[float, float, float, float],
        extras: list[tuple[str, float]],
    ) -> None:
        """Append one point; ``statistics`` are count, sum, minimum and maximum."""
        row = len(self.slot)
        self.slot.append(slot)
        self.start_ms.append(start_ms)
        self.period_ms.append(period_ms)
        count, total, minimum, maximum = statistics
        self.count.append(count)
        self.total.append(total)
        self.minimum.append(minimum)
        self.maximum.append(maximum)
        for name, value in extras:
            self.extra_row.append(row)
            self.extra_statistic.append(self.statistic(name))
            self.extra_value.append(value)

    @property
    def extra_room(self) -> int:
        """How many more extra statistics one request may have."""
        return _MOST_EXTRA_STATISTICS - len(self.extra_row)

    def statistic(self, name: str) -> int:
        """The number of an extra statistic's name in this batch."""
        return self._statistics.setdefault(name, len(self._statistics))

    def fault(self) -> None:
        """Count a fault, or a part without points. Raises ``TooManyFaults``."""
        self.faults += 1
        if self.faults > MOST_FAULTS:
            raise TooManyFaults

    def build(self) -> MetricBatch:
        """The columns. CloudWatch knows no signed zero, so ``-0.0`` becomes ``0.0``."""
        return MetricBatch(
            slot=np.array(self.slot, np.int64),
            start_ms=np.array(self.start_ms, np.int64),
            period_ms=np.array(self.period_ms, np.int64),
            count=_values(self.count),
            total=_values(self.total),
            minimum=_values(self.minimum),
            maximum=_values(self.maximum),
            extra_row=np.array(self.extra_row, np.int64),
            extra_statistic=np.array(self.extra_statistic, np.int64),
            extra_value=_values(self.extra_value),
            statistic_names=tuple(self._statistics),
            rejections=tuple(self.rejections),
            without_value=self.without_value,
            records=tuple(self.records),
        )


def _values(column: "array[float]") -> FloatArray:
    return np.array(column, np.float64) + 0.0
