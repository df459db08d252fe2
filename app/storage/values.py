"""Values of metrics as columns: those of a minute, and those of one metric in a minute."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from app.arrays import FloatArray, IntArray
from app.storage.columns import doubles, integers, transposed

ID = 2**32
"""Entity and label set make one key: the entity times this, and the label set."""

_SAMPLE = 16


@dataclass(frozen=True, slots=True)
class MetricColumns:
    """Values of one metric in a minute, ordered by (entity, label set), each of which is once.

    ``numerator`` and ``weight`` are NaN unless the value is an average of known weight; None is
    NaN throughout.
    """

    metric_id: int
    entity_id: IntArray
    label_set_id: IntArray
    value: FloatArray
    numerator: FloatArray | None
    weight: FloatArray | None

    def __len__(self) -> int:
        return len(self.entity_id)


@dataclass(frozen=True, slots=True)
class ValueColumns:
    """Values of one or more minutes, unique by (minute, metric, entity, label set).

    ``numerator`` and ``weight`` are NaN unless the value is an average of known weight.
    """

    minute: IntArray
    metric_id: IntArray
    entity_id: IntArray
    label_set_id: IntArray
    value: FloatArray
    numerator: FloatArray
    weight: FloatArray

    def __len__(self) -> int:
        return len(self.minute)

    @property
    def columns(self) -> tuple[IntArray | FloatArray, ...]:
        """All of them, those of the key first."""
        return (
            self.minute,
            self.metric_id,
            self.entity_id,
            self.label_set_id,
            self.value,
            self.numerator,
            self.weight,
        )

    def take(self, rows: IntArray) -> "ValueColumns":
        """Some of the rows, in the order given."""
        return ValueColumns(*(column[rows] for column in self.columns))  # type: ignore[arg-type]

    def by_metric(self) -> Iterator[MetricColumns]:
        """Values of one minute, metric by metric."""
        rows = np.lexsort((self.label_set_id, self.entity_id, self.metric_id))
        ordered = self.take(rows)
        metrics, begins = np.unique(ordered.metric_id, return_index=True)
        bounds = pairwise([*begins.tolist(), len(ordered)])
        for metric_id, (begin, end) in zip(metrics.tolist(), bounds, strict=True):
            some = (column[begin:end] for column in ordered.columns[2:])
            yield MetricColumns(metric_id, *some)  # type: ignore[arg-type]


def value_columns(rows: Sequence[Sequence[object]]) -> ValueColumns:
    """Columns of rows (minute, metric_id, entity_id, label_set_id, value, numerator, weight)."""
    columns = transposed(rows, 7)
    minute, metric_id, entity_id, label_set_id = (integers(column) for column in columns[:4])
    value, numerator, weight = (doubles(column) for column in columns[4:])
    return ValueColumns(minute, metric_id, entity_id, label_set_id, value, numerator, weight)


Parts = tuple[FloatArray | None, FloatArray | None, FloatArray | None]


def stored_parts(
    value: FloatArray, numerator: FloatArray | None, weight: FloatArray | None
) -> Parts:
    """Value, numerator and weight as they are stored.

    None stands for a numerator or weight that is NaN throughout, and for values that are, bit for
    bit, numerators divided by weights, as both databases divide.
    """
    numerator, weight = _unless_absent(numerator), _unless_absent(weight)
    if numerator is None or weight is None or not len(value):
        return value, numerator, weight
    some = slice(_SAMPLE)
    if _are_quotients(value[some], numerator[some], weight[some]) and _are_quotients(
        value, numerator, weight
    ):
        return None, numerator, weight
    return value, numerator, weight


def value_of(
    value: FloatArray | None, numerator: FloatArray | None, weight: FloatArray | None
) -> FloatArray:
    """The values of stored parts."""
    if value is not None:
        return value
    assert numerator is not None  # noqa: S101 - as ``stored_parts`` makes them
    assert weight is not None  # noqa: S101 - the same
    with np.errstate(all="ignore"):
        return numerator / weight


def _unless_absent(column: FloatArray | None) -> FloatArray | None:
    if column is None or not len(column):
        return None
    return column if not np.isnan(column[0]) or not np.isnan(column).all() else None


def _are_quotients(value: FloatArray, numerator: FloatArray, weight: FloatArray) -> bool:
    with np.errstate(all="ignore"):
        quotient = numerator / weight
        same = quotient.view(np.int64) == value.view(np.int64)
        # PostgreSQL refuses to divide where the result is infinite, or 0 for want of exponents.
        same &= np.isfinite(value) & ((value != 0.0) | (numerator == 0.0))
    return bool((same | (np.isnan(quotient) & np.isnan(value))).all())
