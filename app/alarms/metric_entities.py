"""Which series an alarm rule on a metric is about, and the entities they belong to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.alarms.rules import MetricSource
from app.arrays import IntArray
from app.labels import LabelSet, label_set
from app.query.prometheus.naming import ACCOUNT, REGION, classic_labels
from app.storage import Connection, read_series_of_metric

_SUMMARY = "summary"


@dataclass(frozen=True, slots=True)
class Members:
    """Series by ascending id (S,), and for each the row of its entity in ``entities``."""

    series_id: IntArray
    row: IntArray
    entities: Sequence[LabelSet]


class MetricEntities:
    """Remembers the series of metrics, which never change; asks for those that have come since.

    Of one database: after another took its place, a new one is needed. For one thread.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[MetricSource, tuple[str, ...]], _Known] = {}

    def members(
        self, connection: Connection, source: MetricSource, for_each: tuple[str, ...]
    ) -> Members:
        """The series with exactly the dimensions of a rule, as there are now."""
        known = self._known.setdefault((source, for_each), _Known(source, for_each))
        known.extend(connection)
        return known.members


class _Known:
    def __init__(self, source: MetricSource, for_each: tuple[str, ...]) -> None:
        self._source = source
        self._names = frozenset(for_each) | {name for name, _ in source.dimensions}
        self._newest_id = 0
        self._rows: dict[LabelSet, int] = {}
        self._entities: list[LabelSet] = []
        none = np.empty(0, np.int64)
        self.members = Members(none, none, self._entities)

    def extend(self, connection: Connection) -> None:
        source = self._source
        new = read_series_of_metric(connection, source.namespace, source.name, self._newest_id)
        if not new:
            return
        self._newest_id = new[-1][0]
        ids, rows = [], []
        for series_id, identity in new:
            dimensions = dict(identity.dimensions)
            if identity.kind != _SUMMARY or dimensions.keys() != self._names:
                continue
            if any(dimensions[name] != value for name, value in source.dimensions):
                continue
            own = {ACCOUNT: identity.account, REGION: identity.region}
            entity = label_set({**classic_labels(identity.dimensions), **own})
            row = self._rows.setdefault(entity, len(self._entities))
            if row == len(self._entities):
                self._entities.append(entity)
            ids.append(series_id)
            rows.append(row)
        before = self.members
        self.members = Members(
            np.concatenate([before.series_id, np.array(ids, np.int64)]),
            np.concatenate([before.row, np.array(rows, np.int64)]),
            self._entities,
        )
