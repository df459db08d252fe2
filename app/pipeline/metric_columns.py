"""From what rules give for a minute to the columns of each metric, in the order of storage.

Targets of a rule keep their ids, so that the order of a rule's rows is found once, for all rows
that it has had values for; a minute with some of them is a selection.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from app.arrays import FloatArray, IntArray
from app.pipeline.targets import Ids, Target, TargetIds
from app.rules import MetricValues
from app.storage import MetricColumns, last_of_key


@dataclass(frozen=True, slots=True)
class _Ordered:
    """Rows of a rule with their ids, in the order of these; ``places`` are those in ``rows``.

    ``places`` is None where the rows are in that order already.
    """

    rows: IntArray
    places: IntArray | None
    entity_id: IntArray
    label_set_id: IntArray

    def has(self, rows: IntArray) -> bool:
        """Whether these are the rows."""
        return self.rows is rows or np.array_equal(self.rows, rows)

    def of(self, rows: IntArray) -> "_Ordered | None":
        """The same for some of the rows; None where others are among them."""
        place = np.full(int(max(self.rows.max(initial=-1), rows.max(initial=-1))) + 1, -1)
        place[rows] = np.arange(len(rows))
        in_order = self.rows if self.places is None else self.rows[self.places]
        chosen = np.flatnonzero(place[in_order] >= 0)
        if len(chosen) < len(rows):
            return None
        places = place[in_order[chosen]]
        return _Ordered(rows, places, self.entity_id[chosen], self.label_set_id[chosen])


class MetricColumnMaker:
    """Makes columns of values whose targets have the ids of ``targets``."""

    def __init__(self, targets: TargetIds) -> None:
        self._targets = targets
        self._known: dict[int, _Ordered] = {}

    def columns(
        self,
        values: Sequence[MetricValues],
        metric_ids: Mapping[str, int],
        learnt: Mapping[Target, Ids],
    ) -> list[MetricColumns]:
        """The columns of all metrics that have values, by ascending id.

        Where several rules feed one metric, the value of the last of them stands. Ids of ``learnt``
        are not committed yet, and what they belong to is not remembered.
        """
        of_new = {rule for rule, _ in learnt}

        def metric_of(of_rule: MetricValues) -> int:
            return metric_ids[of_rule.definition.name]

        made = []
        for metric_id, rules in groupby(sorted(values, key=metric_of), metric_of):
            parts = [
                self._part(metric_id, each, learnt, remembers=each.rule not in of_new)
                for each in rules
                if len(each.outputs.row)
            ]
            if parts:
                made.append(parts[0] if len(parts) == 1 else _later_stands(parts))
        return made

    def _part(
        self,
        metric_id: int,
        values: MetricValues,
        learnt: Mapping[Target, Ids],
        *,
        remembers: bool,
    ) -> MetricColumns:
        outputs = values.outputs
        ordered = self._ordered(values.rule, outputs.row, learnt, remembers=remembers)
        value, numerator, weight = outputs.value, outputs.numerator, outputs.weight
        if ordered.places is not None:
            columns = (column[ordered.places] for column in (value, numerator, weight))
            value, numerator, weight = columns
        return MetricColumns(
            metric_id,
            ordered.entity_id,
            ordered.label_set_id,
            value,
            _unless_absent(numerator),
            _unless_absent(weight),
        )

    def _ordered(
        self, rule: int, rows: IntArray, learnt: Mapping[Target, Ids], *, remembers: bool
    ) -> _Ordered:
        known = self._known.get(rule)
        if known is not None:
            if known.has(rows):
                return known
            some = known.of(rows)
            if some is not None:
                return some
        if not remembers:
            return _ordered(rows, *self._targets.ids(rule, rows, learnt))
        every = rows if known is None else np.union1d(known.rows, rows)
        known = self._known[rule] = _ordered(every, *self._targets.ids(rule, every, learnt))
        if known.has(rows):
            return known
        some = known.of(rows)
        assert some is not None  # noqa: S101 - the rows are among them
        return some


def _ordered(rows: IntArray, entity_id: IntArray, label_set_id: IntArray) -> _Ordered:
    rising = (entity_id[1:] > entity_id[:-1]) | (
        (entity_id[1:] == entity_id[:-1]) & (label_set_id[1:] > label_set_id[:-1])
    )
    if rising.all():
        return _Ordered(rows, None, entity_id, label_set_id)
    places = np.lexsort((label_set_id, entity_id))
    return _Ordered(rows, places, entity_id[places], label_set_id[places])


def _later_stands(parts: Sequence[MetricColumns]) -> MetricColumns:
    """One row per key; where several parts have it, that of the last."""
    entity_id = np.concatenate([part.entity_id for part in parts])
    label_set_id = np.concatenate([part.label_set_id for part in parts])
    order = np.lexsort((label_set_id, entity_id))  # which keeps the order of the parts
    order = order[last_of_key(entity_id[order], label_set_id[order])]
    value, numerator, weight = (
        np.concatenate([_whole(part, name) for part in parts])[order]
        for name in ("value", "numerator", "weight")
    )
    return MetricColumns(
        parts[0].metric_id,
        entity_id[order],
        label_set_id[order],
        value,
        _unless_absent(numerator),
        _unless_absent(weight),
    )


def _whole(part: MetricColumns, name: str) -> FloatArray:
    column: FloatArray | None = getattr(part, name)
    return np.full(len(part), np.nan) if column is None else column


def _unless_absent(column: FloatArray) -> FloatArray | None:
    return column if not np.isnan(column[0]) or not np.isnan(column).all() else None
