"""Classic histograms in a vector: series that differ in ``le`` alone, put side by side."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from app.arrays import BoolArray, FloatArray, IntArray
from app.labels import METRIC_NAME, LabelSet
from app.promql.functions.kinds import CallContext
from app.promql.names import unnamed
from app.promql.series import Vector

BUCKET_LABEL = "le"
_CELLS = 2**18
_FLOAT = re.compile(
    r"[+-]?(?:inf(?:inity)?|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Cells:
    """Histograms, each at one step, that have the same buckets.

    ``counts`` has the shape (N, B) for the ascending, distinct upper ``bounds`` (B,). Cell n is
    histogram ``rows[n]`` at step ``steps[n]``.
    """

    bounds: FloatArray
    counts: FloatArray
    rows: IntArray
    steps: IntArray


class Histograms:
    """The histograms of a vector: ``labels`` without ``le`` and the name, ``names``, and cells."""

    def __init__(self, vector: Vector, context: CallContext) -> None:
        """Series without a usable ``le`` are left out with a warning."""
        self._vector = vector
        self._context = context
        members: dict[LabelSet, list[tuple[float, int]]] = defaultdict(list)
        sampled = np.logical_or.reduce(vector.present, axis=1).tolist()
        for row, labels in enumerate(vector.labels):
            if not sampled[row]:
                continue
            named = dict(labels)
            text = named.get(BUCKET_LABEL, "")
            if not _FLOAT.fullmatch(text):
                context.annotations.warn(
                    f'bucket label "{BUCKET_LABEL}" is missing or has a malformed value of'
                    f' "{text}"{for_metric(named.get(METRIC_NAME, ""))}'
                )
                continue
            others = tuple(pair for pair in labels if pair[0] != BUCKET_LABEL)
            members[others].append((float(text), row))
        self.labels: Sequence[LabelSet] = [
            unnamed(labels, delayed=context.delays_names) for labels in members
        ]
        self.names = [dict(labels).get(METRIC_NAME, "") for labels in members]
        self._alike: dict[tuple[float, ...], list[tuple[int, list[int]]]] = defaultdict(list)
        for number, buckets in enumerate(members.values()):
            buckets.sort()
            bounds = tuple(bound for bound, _ in buckets)
            self._alike[bounds].append((number, [row for _, row in buckets]))

    def __len__(self) -> int:
        return len(self.labels)

    def cells(self) -> Iterator[Cells]:
        """All histograms at all steps at which they have a bucket, alike ones together."""
        steps = self._vector.values.shape[1]
        for bounds, group in self._alike.items():
            most = max(1, _CELLS // max(1, len(bounds) * steps))
            for begin in range(0, len(group), most):
                self._context.budget.check_time()
                part = group[begin : begin + most]
                yield from self._alike_cells(np.array(bounds), part, steps)

    def _alike_cells(
        self, bounds: FloatArray, group: Sequence[tuple[int, list[int]]], steps: int
    ) -> Iterator[Cells]:
        members = np.array([rows for _, rows in group])
        shape = (len(group) * steps, len(bounds))
        counts = self._vector.values[members].transpose(0, 2, 1).reshape(shape)
        present = self._vector.present[members].transpose(0, 2, 1).reshape(shape)
        rows = np.repeat([number for number, _ in group], steps)
        at = np.tile(np.arange(steps), len(group))
        for buckets, cells in _by_buckets(present):
            upper, starts = np.unique(bounds[buckets], return_index=True)
            if len(upper):
                # Bounds that are written in two ways, such as 1 and 1.0, are one bucket.
                merged = np.add.reduceat(counts[np.ix_(cells, buckets)], starts, axis=1)
                yield Cells(upper, merged, rows[cells], at[cells])


def _by_buckets(present: BoolArray) -> Iterator[tuple[IntArray, IntArray]]:
    """Each set of buckets that occur together, and the cells in which they do."""
    if present.all():
        yield np.arange(present.shape[1]), np.arange(len(present))
        return
    packed = np.packbits(present, axis=1)
    patterns, which = np.unique(packed, axis=0, return_inverse=True)
    order = np.argsort(which, kind="stable")
    ends = np.cumsum(np.bincount(which, minlength=len(patterns)))
    for cells in np.split(order, ends[:-1]):
        yield np.flatnonzero(present[cells[0]]), cells


def for_metric(name: str) -> str:
    """The end of a remark that is made of one metric; empty where its name was dropped."""
    return f' for metric name "{name}"' if name else ""
