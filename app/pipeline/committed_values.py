"""The values committed last for minutes that are evaluated again and again.

It spares writing what is there already, and reading it: a metric whose columns are those committed
last, bit for bit, is stored as it is. That holds while this process alone stores values, which the
lease makes sure of, but for those who count what they store, see ``app.storage.recomputed``.
Whoever loses the lease, or the database, forgets.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from app.arrays import FloatArray, IntArray
from app.storage import MetricColumns

_MOST_BYTES = 24 * 2**20
_MOST_MINUTES = 32


@dataclass(frozen=True, slots=True)
class _Committed:
    metrics: dict[int, MetricColumns]
    size: int
    recomputed: int


class CommittedValues:
    """The columns of the minutes committed last, up to a number of bytes and of minutes."""

    def __init__(self, most_bytes: int = _MOST_BYTES, most_minutes: int = _MOST_MINUTES) -> None:
        self._most_minutes = most_minutes
        self._most_bytes = most_bytes
        self._minutes: OrderedDict[int, _Committed] = OrderedDict()
        self._size = 0

    def unchanged(
        self,
        minute: int,
        values: Sequence[MetricColumns],
        metrics: Iterable[int],
        recomputed: int,
    ) -> set[int]:
        """Those of ``metrics`` whose ``values``, or lack of any, are what is stored.

        ``recomputed`` is the count of what others have stored, read under the minute's lock. The
        minute is forgotten: whether what is about to be stored gets committed is not known, until
        it is remembered.
        """
        committed = self._minutes.get(minute)
        self.forget(minute)
        if committed is None or committed.recomputed != recomputed:
            return set()
        now = {each.metric_id: each for each in values}
        before = committed.metrics
        return {metric for metric in metrics if _same(now.get(metric), before.get(metric))}

    def remember(self, minute: int, values: Sequence[MetricColumns], recomputed: int) -> None:
        """These are committed, and all that the minute's metrics have."""
        self.forget(minute)
        size = sum(column.nbytes for each in values for column in _columns(each))
        if size > self._most_bytes:
            return
        metrics = {each.metric_id: each for each in values}
        self._minutes[minute] = _Committed(metrics, size, recomputed)
        self._size += size
        while self._size > self._most_bytes or len(self._minutes) > self._most_minutes:
            self.forget(next(iter(self._minutes)))

    def forget(self, minute: int) -> None:
        """Somebody else may have stored values of the minute."""
        forgotten = self._minutes.pop(minute, None)
        if forgotten is not None:
            self._size -= forgotten.size


def _columns(values: MetricColumns) -> list[IntArray | FloatArray]:
    parts = values.value, values.numerator, values.weight
    return [
        values.entity_id,
        values.label_set_id,
        *(part for part in parts if part is not None),
    ]


def _same(one: MetricColumns | None, other: MetricColumns | None) -> bool:
    if one is None or other is None:
        return one is other
    return (
        _equal(one.entity_id, other.entity_id)
        and _equal(one.label_set_id, other.label_set_id)
        and _equal(one.value, other.value)
        and _equal(one.numerator, other.numerator)
        and _equal(one.weight, other.weight)
    )


def _equal(one: IntArray | FloatArray | None, other: IntArray | FloatArray | None) -> bool:
    """Whether two columns have the same bits."""
    if one is None or other is None or one is other:
        return one is other
    return np.array_equal(one.view(np.int64), other.view(np.int64))
