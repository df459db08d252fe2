"""Values of rule metrics as matrices, of minutes or of the buckets of a longer tier."""

from collections.abc import Sequence

import numpy as np

from app.clock import MILLISECONDS_PER_MINUTE
from app.mal import Combine
from app.pipeline.combining import combine_values, neighbours
from app.promql.reader import Budget
from app.storage import Connection, RangeMinutes, Tier, ValueGrid, read_value_grid, read_values

_BUCKETS_AT_ONCE = 24
_VALUES_AT_ONCE = 50_000
"""Of few entities more buckets are read at once, as each read costs a dozen statements."""


def minute_values(
    connection: Connection,
    metric_id: int,
    entity_ids: Sequence[int] | None,
    range_ms: tuple[int, int],
    budget: Budget,
) -> ValueGrid:
    """Values of the minutes that end in a range (start, end]."""
    first, last = _starts(range_ms, MILLISECONDS_PER_MINUTE)
    return read_value_grid(connection, metric_id, entity_ids, first, last, take=budget.take_samples)


def bucket_values(
    connection: Connection,
    metric_id: int,
    entity_ids: Sequence[int] | None,
    tier: Tier,
    range_ms: tuple[int, int],
    *,
    combine: Combine,
    budget: Budget,
    known: RangeMinutes,
) -> ValueGrid:
    """Values of the buckets of a tier that end in a range (start, end], as they are now.

    ``minutes`` of the grid are the first ones of the buckets. ``known`` is of the transaction.
    """
    first, last = _starts(range_ms, tier.length_ms)
    entity, labels, minute, value = [], [], [], []
    at_once = _BUCKETS_AT_ONCE
    if entity_ids is not None:
        at_once = max(at_once, _VALUES_AT_ONCE // max(1, len(entity_ids)))
    for begin in range(first, last, at_once * tier.length_ms):
        budget.check_time()
        end = min(last, begin + at_once * tier.length_ms)
        found = read_values(
            connection, metric_id, entity_ids, begin, end, limit=None, tier=tier, known=known
        )
        budget.take_samples(len(found))
        if not len(found):
            continue
        bucket = found.minute - found.minute % tier
        groups = neighbours(found.entity_id, found.label_set_id, bucket)
        entity.append(found.entity_id[groups.first_row])
        labels.append(found.label_set_id[groups.first_row])
        minute.append(bucket[groups.first_row])
        value.append(combine_values(found, groups, combine).value)
    if not entity:
        nothing = np.empty(0, np.int64)
        return ValueGrid(nothing, nothing, nothing, np.empty((0, 0)))
    key = np.concatenate(entity) << 32 | np.concatenate(labels)
    keys, row = np.unique(key, return_inverse=True)
    minutes, column = np.unique(np.concatenate(minute), return_inverse=True)
    budget.take_samples(len(keys) * len(minutes) - len(key))
    values = np.full((len(keys), len(minutes)), np.nan)
    values[row, column] = np.concatenate(value)
    return ValueGrid(keys >> 32, keys & (2**32 - 1), minutes, values)


def _starts(range_ms: tuple[int, int], length: int) -> tuple[int, int]:
    """Where the buckets begin that end in (start, end], as a range [first, last)."""
    first, last = (time // length * length for time in range_ms)
    return first, max(first, last)
