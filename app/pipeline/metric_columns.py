"""From what rules give for a minute to the columns of each metric, in the order of storage.

Targets of a rule keep their ids, so that the order of a rule's rows is found once, for all rows
that it has had values for; a minute with some of them is a selection.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import is_
from typing import overload

import numpy as np

from app.arrays import FloatArray, IntArray
from app.pipeline.targets import NewTargets, TargetIds
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

    @overload
    def column(self, values: FloatArray) -> FloatArray: ...
    @overload
    def column(self, values: FloatArray | None) -> FloatArray | None: ...
    def column(self, values: FloatArray | None) -> FloatArray | None:
        """Values of the rows in the order of the ids; None stays None."""
        return values if values is None or self.places is None else values[self.places]

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


@dataclass(frozen=True, slots=True)
class _United:
    """Where the values of several rules of one metric lie, one after the other, by key."""

    of: Sequence[IntArray]
    places: IntArray
    entity_id: IntArray
    label_set_id: IntArray

    def is_of(self, parts: Sequence[MetricColumns]) -> bool:
        """Whether the parts have the very ids that it was made of."""
        ids = _ids_of(parts)
        return len(ids) == len(self.of) and all(map(is_, ids, self.of))


class MetricColumnMaker:
    """Makes columns of values whose targets have the ids of ``targets``."""

    def __init__(self, targets: TargetIds) -> None:
        self._targets = targets
        self._known: dict[int, _Ordered] = {}
        self._last: dict[int, _Ordered] = {}
        self._united: dict[int, _United] = {}

    def columns(
        self,
        values: Sequence[MetricValues],
        metric_ids: Mapping[str, int],
        learnt: NewTargets,
    ) -> list[MetricColumns]:
        """The columns of all metrics that have values, by ascending id.

        Where several rules feed one metric, the value of the last of them stands. Ids of ``learnt``
        are not committed yet, and what they belong to is not remembered.
        """
        of_new = learnt.rows.keys()

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
                made.append(parts[0] if len(parts) == 1 else self._later_stands(parts))
        return made

    def _later_stands(self, parts: Sequence[MetricColumns]) -> MetricColumns:
        """One row per key; where several parts have it, that of the last."""
        metric_id = parts[0].metric_id
        united = self._united.get(metric_id)
        if united is None or not united.is_of(parts):
            united = self._united[metric_id] = _united(parts)
        value, numerator, weight = (
            np.concatenate([_whole(part, name) for part in parts])[united.places]
            for name in ("value", "numerator", "weight")
        )
        return MetricColumns(
            metric_id,
            united.entity_id,
            united.label_set_id,
            value,
            _unless_absent(numerator),
            _unless_absent(weight),
        )

    def _part(
        self,
        metric_id: int,
        values: MetricValues,
        learnt: NewTargets,
        *,
        remembers: bool,
    ) -> MetricColumns:
        outputs = values.outputs
        ordered = self._ordered(values.rule, outputs.row, learnt, remembers=remembers)
        return MetricColumns(
            metric_id,
            ordered.entity_id,
            ordered.label_set_id,
            ordered.column(outputs.value),
            ordered.column(_unless_absent(outputs.numerator)),
            ordered.column(_unless_absent(outputs.weight)),
        )

    def _ordered(
        self, rule: int, rows: IntArray, learnt: NewTargets, *, remembers: bool
    ) -> _Ordered:
        last = self._last.get(rule)
        if last is not None and last.has(rows):
            return last
        known = self._known.get(rule)
        some = known
        if known is not None and not known.has(rows):
            some = known.of(rows)
        if some is None and not remembers:
            return _ordered(rows, *self._targets.ids(rule, rows, learnt))
        if some is None:
            every = rows if known is None else np.union1d(known.rows, rows)
            known = self._known[rule] = _ordered(every, *self._targets.ids(rule, every, learnt))
            some = known if known.has(rows) else known.of(rows)
            assert some is not None  # noqa: S101 - the rows are among them
        self._last[rule] = some
        return some


def _ordered(rows: IntArray, entity_id: IntArray, label_set_id: IntArray) -> _Ordered:
    rising = (entity_id[1:] > entity_id[:-1]) | (
        (entity_id[1:] == entity_id[:-1]) & (label_set_id[1:] > label_set_id[:-1])
    )
    if rising.all():
        return _Ordered(rows, None, entity_id, label_set_id)
    places = np.lexsort((label_set_id, entity_id))
    return _Ordered(rows, places, entity_id[places], label_set_id[places])


def _united(parts: Sequence[MetricColumns]) -> _United:
    entity_id = np.concatenate([part.entity_id for part in parts])
    label_set_id = np.concatenate([part.label_set_id for part in parts])
    places = np.lexsort((label_set_id, entity_id))  # which keeps the order of the parts
    places = places[last_of_key(entity_id[places], label_set_id[places])]
    return _United(_ids_of(parts), places, entity_id[places], label_set_id[places])


def _ids_of(parts: Sequence[MetricColumns]) -> list[IntArray]:
    return [ids for part in parts for ids in (part.entity_id, part.label_set_id)]


def _whole(part: MetricColumns, name: str) -> FloatArray:
    column: FloatArray | None = getattr(part, name)
    return np.full(len(part), np.nan) if column is None else column


def _unless_absent(column: FloatArray) -> FloatArray | None:
    return column if not np.isnan(column[0]) or not np.isnan(column).all() else None
