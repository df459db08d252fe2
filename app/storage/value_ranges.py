"""Values of one metric over a range of time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import sqlalchemy as sa

from app.arrays import FloatArray, IntArray
from app.storage.chunks import chunked
from app.storage.id_sets import id_set
from app.storage.minutes import RangeMinutes, check_limit, minutes_of_range
from app.storage.packed_values import PackedValues
from app.storage.tiers import VALUES, Tier
from app.storage.value_minutes import ValueRow, read_packed_minutes, read_value_rows

# What is read before the limit is looked at again, for many entities and for few.
_HOURS_AT_ONCE = 1
_HOURS_OF_FEW = 24
_FEW = 100
_BUCKETS_AT_ONCE = 50
_BUCKETS_OF_FEW = 300


@dataclass(frozen=True, slots=True)
class ValueRange:
    """Values ordered by (entity, label set, minute); columns of one length.

    ``numerator`` and ``weight`` are NaN where the value is not an average of known weight.
    ``minutes`` is how many minutes a value stands for; one that stands for several of unknown
    weight has their sum as its numerator.
    """

    entity_id: IntArray
    label_set_id: IntArray
    minute: IntArray
    value: FloatArray
    numerator: FloatArray
    weight: FloatArray
    minutes: IntArray

    def __len__(self) -> int:
        return len(self.minute)


def read_values(
    connection: sa.Connection,
    metric_id: int,
    entity_ids: Sequence[int] | None,
    start_ms: int,
    end_ms: int,
    *,
    limit: int | None,
    tier: Tier = Tier.MINUTE,
    known: RangeMinutes | None = None,
) -> ValueRange:
    """Values of minutes that begin in [``start_ms``, ``end_ms``); None means every entity.

    Of a longer tier they are the values of its buckets, of which both times are multiples, and of
    single minutes where those have changed since. ``known`` are ranges whose minutes this
    transaction has looked up; it is added to. Raises ``ResultTooLarge`` when there are more than
    ``limit``; None is no limit.
    """
    wanted = None if entity_ids is None else id_set(entity_ids)
    found = _Found(limit)
    known = {} if known is None else known
    key = tier, start_ms, end_ms
    if key not in known:
        known[key] = minutes_of_range(connection, VALUES, tier, start_ms, end_ms)
    for source, minutes in known[key]:
        for chunk in _chunks(source, minutes, wanted):
            rows = list(read_value_rows(connection, source, metric_id, chunk, wanted))
            for row in rows:
                found.add(row)
            if source is Tier.MINUTE:
                left = sorted({*chunk}.difference(row.minute for row in rows))
                for block in read_packed_minutes(connection, metric_id, left, wanted):
                    found.add_block(block)
    return found.ordered()


def _chunks(tier: Tier, minutes: Sequence[int], wanted: IntArray | None) -> Iterator[Sequence[int]]:
    """Minutes by whole hours, of which few may be packed; other tiers by any number."""
    few = wanted is not None and len(wanted) <= _FEW
    if tier is not Tier.MINUTE:
        yield from chunked(minutes, _BUCKETS_OF_FEW if few else _BUCKETS_AT_ONCE)
        return
    hours = _HOURS_OF_FEW if few else _HOURS_AT_ONCE
    for _, some in groupby(minutes, lambda minute: minute // (Tier.HOUR * hours)):
        yield list(some)


class _Found:
    """Parts of a range, in any order."""

    def __init__(self, limit: int | None) -> None:
        none, no = np.empty(0), np.empty(0, np.int64)
        self._parts = [ValueRange(no, no, no, none, none, none, no)]
        self._limit = limit
        self._count = 0

    def add(self, row: ValueRow) -> None:
        size = len(row.entity_id)
        absent = np.full(size, np.nan)
        self._add(
            ValueRange(
                row.entity_id,
                row.label_set_id,
                np.full(size, row.minute),
                row.value,
                absent if row.numerator is None else row.numerator,
                absent if row.weight is None else row.weight,
                np.ones(size, np.int64) if row.minutes is None else row.minutes,
            )
        )

    def add_block(self, block: PackedValues) -> None:
        present = ~np.isnan(block.value)
        row, column = np.nonzero(present)
        absent = np.full(len(row), np.nan)
        self._add(
            ValueRange(
                block.entity_id[row],
                block.label_set_id[row],
                block.hour + column,
                block.value[present],
                absent if block.numerator is None else block.numerator[present],
                absent if block.weight is None else block.weight[present],
                np.ones(len(row), np.int64),
            )
        )

    def ordered(self) -> ValueRange:
        names = ValueRange.__slots__
        columns = [np.concatenate([getattr(part, name) for part in self._parts]) for name in names]
        order = np.lexsort((columns[2], columns[1], columns[0]))
        return ValueRange(*(column[order] for column in columns))

    def _add(self, part: ValueRange) -> None:
        self._count += len(part)
        check_limit(self._count, self._limit)
        self._parts.append(part)
