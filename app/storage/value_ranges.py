"""Values of one metric over a range of time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from app.mal.frames import FloatArray, IntArray
from app.storage.chunks import chunked
from app.storage.columns import doubles, fetch, integers, transposed
from app.storage.minutes import check_limit, minutes_between

# Above this many entities, reading the metric whole and picking is cheaper than look-ups.
_MOST_LOOKUPS = 500


@dataclass(frozen=True, slots=True)
class ValueRange:
    """Values ordered by (entity, label set, minute); columns of one length.

    ``numerator`` and ``weight`` are NaN where the value is not an average of known weight.
    """

    entity_id: IntArray
    label_set_id: IntArray
    minute: IntArray
    value: FloatArray
    numerator: FloatArray
    weight: FloatArray

    def __len__(self) -> int:
        return len(self.minute)


def read_values(
    connection: sa.Connection,
    metric_id: int,
    entity_ids: Sequence[int] | None,
    start_ms: int,
    end_ms: int,
    *,
    limit: int,
) -> ValueRange:
    """Values of minutes that begin in [``start_ms``, ``end_ms``); None means every entity.

    Raises ``ResultTooLarge`` when there are more than ``limit``.
    """
    minutes = minutes_between(connection, "metric_value", start_ms, end_ms)
    parameters: dict[str, object] = {"metric": metric_id}
    query = _ALL
    if entity_ids is not None and len(entity_ids) <= _MOST_LOOKUPS:
        query = _SOME
        parameters["entities"] = list(entity_ids)
    rows: list[tuple[float, ...]] = []
    for chunk in chunked(minutes, 50):
        rows += fetch(connection, query, {**parameters, "minutes": chunk})
        check_limit(len(rows), limit)
    if entity_ids is not None and query is _ALL:
        wanted = set(entity_ids)
        rows = [row for row in rows if row[0] in wanted]
    columns = transposed(rows, 6)
    entity, labels, minute = (integers(column) for column in columns[:3])
    order = np.lexsort((minute, labels, entity))
    value, numerator, weight = (doubles(column) for column in columns[3:])
    return ValueRange(
        entity[order],
        labels[order],
        minute[order],
        value[order],
        numerator[order],
        weight[order],
    )


_SELECT = (
    "SELECT entity_id, label_set_id, minute, value, numerator, weight FROM metric_value"
    " WHERE metric_id = :metric AND minute IN :minutes"
)
_ALL = sa.text(_SELECT).bindparams(sa.bindparam("minutes", expanding=True))
_SOME = sa.text(f"{_SELECT} AND entity_id IN :entities").bindparams(
    sa.bindparam("minutes", expanding=True), sa.bindparam("entities", expanding=True)
)
