"""What the rules give for a minute, on its way to rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.arrays import IntArray
from app.labels import LabelSet
from app.mal.entities import Entity
from app.pipeline.targets import Ids, Target, TargetIds
from app.rules import MetricValues
from app.storage import (
    Connection,
    ValueColumns,
    are_marks_left,
    last_of_key,
    lock_minute,
    register_entities,
    register_label_sets,
    register_metrics,
    value_columns,
    write_minute,
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
    targets: dict[Target, Ids]


class Recorder:
    """Stores values of metrics, minute by minute, and remembers the ids that they need.

    It belongs to one engine: what (rule, row) means is known to that engine alone. Values of other
    metrics than ``metrics`` are left as they are.
    """

    def __init__(self, metrics: Iterable[str]) -> None:
        self._metrics = tuple(metrics)
        self._metric_ids: dict[str, int] = {}
        self._targets = TargetIds()

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
            return None
        metric_ids = self._metric_ids
        if not metric_ids.keys() >= set(self._metrics):
            metric_ids = register_metrics(connection, self._metrics)
        learnt = _register(connection, self._targets.missing(values), _properties(values))
        columns = self._columns(minute, values, metric_ids, learnt)
        metrics = [metric_ids[name] for name in self._metrics]
        written = write_minute(connection, minute, columns, metrics=metrics, marks=marks)
        return Recorded(len(columns), written, metric_ids, learnt)

    def learn(self, recorded: Recorded) -> None:
        """Remember the ids of a transaction that has been committed."""
        self._metric_ids = recorded.metric_ids
        self._targets.learn(recorded.targets)

    def _columns(
        self,
        minute: int,
        values: Sequence[MetricValues],
        metric_ids: dict[str, int],
        learnt: dict[Target, Ids],
    ) -> ValueColumns:
        if not values:
            return value_columns(())
        parts: list[tuple[IntArray, ...]] = []
        for of_metric in values:
            rows = of_metric.outputs.row
            entity_id, label_set_id = self._targets.ids(of_metric.rule, rows, learnt)
            metric_id = np.full(len(rows), metric_ids[of_metric.definition.name])
            parts.append((metric_id, entity_id, label_set_id))
        metric_column, entity_column, label_set_column = (
            np.concatenate(column) for column in zip(*parts, strict=True)
        )
        columns = ValueColumns(
            np.full(len(metric_column), minute, np.int64),
            metric_column,
            entity_column,
            label_set_column,
            np.concatenate([v.outputs.value for v in values]),
            np.concatenate([v.outputs.numerator for v in values]),
            np.concatenate([v.outputs.weight for v in values]),
        )
        return _later_rule_stands(columns)


def _properties(values: Sequence[MetricValues]) -> dict[Entity, Mapping[str, str]]:
    return {entity: given for v in values for entity, given in v.properties.items()}


def _register(
    connection: Connection,
    missing: dict[Target, tuple[Entity, LabelSet]],
    properties: Mapping[Entity, Mapping[str, str]],
) -> dict[Target, Ids]:
    if not missing:
        return {}
    of_new = list({entity for entity, _ in missing.values()})
    described = {entity: properties[entity] for entity in of_new if entity in properties}
    entities = register_entities(connection, of_new, described)
    labels = register_label_sets(connection, list({labels for _, labels in missing.values()}))
    return {
        target: (entities[entity], labels[label_set])
        for target, (entity, label_set) in missing.items()
    }


def _later_rule_stands(values: ValueColumns) -> ValueColumns:
    """One row per key; where two rules feed one metric, the value of the later rule."""
    metric, entity, labels = values.metric_id, values.entity_id, values.label_set_id
    order = np.lexsort((np.arange(len(values)), labels, entity, metric))
    return values.take(order[last_of_key(metric[order], entity[order], labels[order])])
