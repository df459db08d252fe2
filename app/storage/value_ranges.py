"""Values of one metric over a range of time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from app.arrays import FloatArray, IntArray
from app.storage.chunks import chunked
from app.storage.columns import doubles, fetch, integers, transposed
from app.storage.minutes import check_limit, minutes_of_range
from app.storage.tiers import VALUES, Tier

# Above this many entities, reading the metric whole and picking is cheaper than look-ups.
_MOST_LOOKUPS = 500


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
) -> ValueRange:
    """Values of minutes that begin in [``start_ms``, ``end_ms``); None means every entity.

    Of a longer tier they are the values of its buckets, of which both times are multiples, and of
    single minutes where those have changed since. Raises ``ResultTooLarge`` when there are more
    than ``limit``; None is no limit.
    """
    parameters: dict[str, object] = {"metric": metric_id}
    wanted = None if entity_ids is None else set(entity_ids)
    look_up = entity_ids is not None and len(entity_ids) <= _MOST_LOOKUPS
    if look_up:
        parameters["entities"] = list(entity_ids or ())
    rows: list[tuple[float, ...]] = []
    for source, minutes in minutes_of_range(connection, VALUES, tier, start_ms, end_ms):
        query = _SOME[source] if look_up else _ALL[source]
        for chunk in chunked(minutes, 50):
            rows += fetch(connection, query, {**parameters, "minutes": chunk})
            check_limit(len(rows), limit)
    if wanted is not None and not look_up:
        rows = [row for row in rows if row[0] in wanted]
    columns = transposed(rows, 7)
    entity, labels, minute = (integers(column) for column in columns[:3])
    order = np.lexsort((minute, labels, entity))
    value, numerator, weight = (doubles(column)[order] for column in columns[3:6])
    return ValueRange(
        entity[order],
        labels[order],
        minute[order],
        value,
        numerator,
        weight,
        integers(columns[6])[order],
    )


def _select(tier: Tier, more: str, *names: str) -> sa.TextClause:
    minutes = "1" if tier is Tier.MINUTE else "minutes"
    text = (
        f"SELECT entity_id, label_set_id, minute, value, numerator, weight, {minutes}"  # noqa: S608 - constants
        f" FROM {VALUES[tier].name} WHERE metric_id = :metric AND minute IN :minutes {more}"
    )
    return sa.text(text).bindparams(*(sa.bindparam(name, expanding=True) for name in names))


_ALL = {tier: _select(tier, "", "minutes") for tier in Tier}
_SOME = {tier: _select(tier, "AND entity_id IN :entities", "minutes", "entities") for tier in Tier}
