"""Nodes whose rows are groups of their input's rows: aggregations, ``count``, and merging."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from app.arrays import CodeArray, FloatArray, IntArray
from app.mal.distinct import distinct
from app.mal.frames import Combine, Frame
from app.mal.groups import Groups
from app.mal.growing import Remade
from app.mal.key_index import KeyIndex
from app.mal.label_block import LabelBlock, LabelGroups
from app.mal.nodes import MANY, Carried, Evaluation, Node, indexes
from app.mal.reduction import combined
from app.mal.row_numbers import RowNumbers
from app.mal.vocabulary import EMPTY

METRIC_NAME = "MetricName"
"""The label that has the name of a CloudWatch metric."""


class Grouped(Node):
    """Base of nodes whose rows are groups of their input's rows."""

    def __init__(self, source: Node, combine: Combine, step: str = "") -> None:
        super().__init__(combine, source, step=step)
        self._source = source
        self._rows = RowNumbers()
        self._groups = RowNumbers()
        self._numbers = KeyIndex()
        self._indexes = Remade(lambda: indexes(self._rows), self._rows)
        self._members_of = Remade(lambda: Groups(indexes(self._groups), self.size), self._rows)
        source.feed(self._push)

    def _push(self, first: int, labels: LabelBlock) -> None:
        self._append(np.arange(first, first + labels.size), self._groups_of(labels))

    def _append(self, rows: IntArray, groups: LabelGroups) -> None:
        """Append rows of the input; groups that are new become rows of this node."""
        numbers, new = self._numbers.add(groups.keys)
        self._rows.extend(rows)
        self._groups.extend(numbers[groups.group])
        if len(new):
            labels = groups.labels
            self._emit(labels if len(new) == labels.size else labels.take(new))

    @abstractmethod
    def _groups_of(self, labels: LabelBlock) -> LabelGroups:
        """The groups of some labels."""

    def _members(self, evaluation: Evaluation) -> tuple[Frame, Groups]:
        """The samples that are in groups, and their groups."""
        frame = evaluation.frame(self._source)
        if len(self._rows) < self._source.size:
            frame = frame.take(self._indexes())
        return frame, self._members_of()

    def carry(self, evaluation: Evaluation, what: Carried) -> FloatArray | None:
        column = evaluation.carried(self._source, what)
        if column is None:
            return None
        frame, groups = self._members(evaluation)
        present = np.where(np.isnan(frame.value), np.nan, column[self._indexes()])
        if what is Carried.TIME:
            return groups.extremes(present, Combine.MAXIMUM)
        least = groups.extremes(present, Combine.MINIMUM)
        if what is Carried.LEVEL or groups.are_single:
            return least
        most = groups.extremes(present, Combine.MAXIMUM)
        return np.where(least < most, MANY, least)

    def contributors(self, rows: IntArray) -> tuple[IntArray, ...]:
        return (indexes(self._rows)[np.isin(indexes(self._groups), rows)],)


class Aggregate(Grouped):
    """``sum``, ``avg``, ``max`` or ``min`` by label names; no names: over everything.

    The result carries exactly the named labels, empty where missing. Where a whole and its
    breakdowns meet in a group, the whole counts alone. ``avg`` of averages that know their
    SampleCount is weighed by it; of other samples, and of all if ``literal``, it is the arithmetic
    mean.
    """

    def __init__(
        self,
        source: Node,
        operation: Combine,
        names: Sequence[str],
        step: str = "",
        *,
        literal: bool = False,
    ) -> None:
        self._names = tuple(names)
        super().__init__(source, operation, step)
        self.plain = False
        self._weighs = source.counted and not literal

    def _groups_of(self, labels: LabelBlock) -> LabelGroups:
        return labels.groups(self._names)

    def breakdowns(self, evaluation: Evaluation) -> IntArray:
        """The input's rows whose samples count for nothing beside the whole they break down."""
        frame, _ = self._members(evaluation)
        wholes, _ = self._wholes(evaluation)
        return indexes(self._rows)[~np.isnan(frame.value) & np.isnan(wholes.value)]

    def evaluate(self, evaluation: Evaluation) -> Frame:
        frame, groups = self._wholes(evaluation)
        match self.combine:
            case Combine.SUM:
                return Frame(groups.sums(frame.value))
            case Combine.MAXIMUM | Combine.MINIMUM:
                return Frame(groups.extremes(frame.value, self.combine))
            case _:
                return self._average(frame, groups)

    def _wholes(self, evaluation: Evaluation) -> tuple[Frame, Groups]:
        frame, groups = self._members(evaluation)
        if groups.are_single:
            return frame, groups
        level = evaluation.carried(self._source, Carried.LEVEL)
        return without_breakdowns(frame, level, groups), groups

    def _average(self, frame: Frame, groups: Groups) -> Frame:
        if frame.weight is not None and self._weighs:
            return combined(frame, groups, Combine.AVERAGE)
        total = groups.sums(frame.value)
        with np.errstate(invalid="ignore"):
            return Frame(total / groups.counts(~np.isnan(frame.value)))


class Merge(Grouped):
    """Samples of equal labels combined by their statistic's own rule, so that none is dropped.

    ``MetricName`` is no label here: two metrics would never meet otherwise, and samples of several
    that became one have none of their names.
    """

    def _groups_of(self, labels: LabelBlock) -> LabelGroups:
        return labels.groups_of_sets(without=METRIC_NAME)

    def find(self, sets: IntArray) -> CodeArray:
        """The rows of some label sets; ``UNKNOWN`` of those that have none."""
        return self._numbers.find(sets)

    def evaluate(self, evaluation: Evaluation) -> Frame:
        frame, groups = self._members(evaluation)
        frame = frame.weighed()
        if self.size < self._source.size:
            frame = combined(frame, groups, self.combine)
        # Combining takes the sign off a zero, a divisor's too, whichever row has been combined.
        return replace(frame, value=frame.value + 0.0)


class First(Grouped):
    """The first sample of each set of labels, which must agree to the letter."""

    def _groups_of(self, labels: LabelBlock) -> LabelGroups:
        keys = labels.literal_sets()
        firsts, group = distinct([keys], labels.size)
        return LabelGroups(group, keys[firsts], labels.take(firsts))

    def find(self, sets: IntArray) -> CodeArray:
        """The rows of some label sets, taken literally; ``UNKNOWN`` of those that have none."""
        return self._numbers.find(sets)

    def evaluate(self, evaluation: Evaluation) -> Frame:
        frame, groups = self._members(evaluation)
        present = np.flatnonzero(~np.isnan(frame.value))
        found, firsts = np.unique(groups.of_row[present], return_index=True)
        value = np.full(self.size, np.nan)
        value[found] = frame.value[present[firsts]]
        return Frame(value)


class Count(Grouped):
    """``count``: the number of distinct values of the last label, by the labels before it.

    Of one label: its distinct non-blank values. Of several: samples that lack any of them count
    for nothing.
    """

    def __init__(self, source: Node, names: Sequence[str], step: str = "") -> None:
        self._names = tuple(names)
        self._values = KeyIndex()
        self._value_of_row = RowNumbers()
        super().__init__(source, Combine.SUM, step)
        self.plain = False

    def _push(self, first: int, labels: LabelBlock) -> None:
        counts = np.ones(labels.size, np.bool_)
        for name in self._names:
            counts &= labels.filled(name) != EMPTY
        last = self._names[-1]
        firsts, kind = labels.distinct([last])
        texts = [labels.labels(row).get(last, "") for row in firsts.tolist()]
        counts &= np.array([bool(text.strip()) for text in texts], np.bool_)[kind]
        rows = np.flatnonzero(counts)
        if not len(rows):
            return
        counting = labels.take(rows)
        values = counting.groups(self._names)
        self._value_of_row.extend(self._values.add(values.keys)[0][values.group])
        self._append(first + rows, self._groups_of(counting))

    def _groups_of(self, labels: LabelBlock) -> LabelGroups:
        return labels.groups(self._names[:-1])

    def evaluate(self, evaluation: Evaluation) -> Frame:
        frame, groups = self._members(evaluation)
        present = np.flatnonzero(~np.isnan(frame.value))
        _, firsts = np.unique(indexes(self._value_of_row)[present], return_index=True)
        counts = np.bincount(groups.of_row[present[firsts]], minlength=self.size).astype(np.float64)
        return Frame(np.where(counts > 0, counts, np.nan))


def without_breakdowns(frame: Frame, level: FloatArray | None, groups: Groups) -> Frame:
    """The frame without samples that break down what another sample of the same group says.

    ``level`` is the number of breakdown dimensions of each row; None where no row has any.
    """
    if level is None or not len(level):
        return frame
    level = np.where(np.isnan(frame.value), np.nan, level)
    if np.fmin.reduce(level) == np.fmax.reduce(level):
        return frame
    least = groups.extremes(level, Combine.MINIMUM)
    return frame.with_absent(level > least[groups.of_row])
