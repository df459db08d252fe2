"""Quantiles and fractions of classic histograms. Native histograms do not occur in Hydrant."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from app.arrays import BoolArray, FloatArray, IntArray
from app.errors import QueryFailed
from app.labels import label_set
from app.promql.functions.buckets import Cells, Histograms, for_metric
from app.promql.functions.kinds import Argument, CallContext, VectorFunction
from app.promql.functions.quantiles import warn_of_quantiles
from app.promql.functions.scalars import scalar_argument, string_argument, vector_argument
from app.promql.numbers import general, open_metrics
from app.promql.series import Vector, empty_vector

_TOLERANCE = 1e-12
_SMALLEST_NORMAL = float(np.finfo(np.float64).smallest_normal)
_PAGE = "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile"


def _of_cells(histograms: Histograms, steps: int, value: Callable[[Cells], FloatArray]) -> Vector:
    values = np.full((len(histograms), steps), np.nan)
    present = np.zeros(values.shape, np.bool_)
    with np.errstate(all="ignore"):
        for cells in histograms.cells():
            values[cells.rows, cells.steps] = value(cells)
            present[cells.rows, cells.steps] = True
    return Vector(histograms.labels, values, present)


def _histogram_quantile(context: CallContext, arguments: Sequence[Argument]) -> Vector:
    wanted = scalar_argument(arguments[0])
    warn_of_quantiles(wanted, context)
    histograms = Histograms(vector_argument(arguments[1]), context)
    return _quantiles(histograms, wanted, context)


def _histogram_quantiles(context: CallContext, arguments: Sequence[Argument]) -> Vector:
    """A series for each quantile, which stands in the given label."""
    label = string_argument(arguments[1])
    if not label:
        raise QueryFailed(f"invalid label name in histogram_quantiles(): {label}")
    histograms = Histograms(vector_argument(arguments[0]), context)
    labels, parts = [], [empty_vector(context.steps.count)]
    for argument in arguments[2:]:
        wanted = scalar_argument(argument)
        warn_of_quantiles(wanted, context)
        found = _quantiles(histograms, wanted, context)
        # A quantile that is computed may be another one at each step.
        for text in dict.fromkeys(map(open_metrics, wanted.tolist())):
            at = np.array([open_metrics(value) == text for value in wanted.tolist()])
            present = found.present & at
            labels += [label_set(dict(each) | {label: text}) for each in found.labels]
            parts.append(Vector((), np.where(present, found.values, np.nan), present))
    return Vector(
        labels,
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.present for part in parts]),
    )


def _quantiles(histograms: Histograms, wanted: FloatArray, context: CallContext) -> Vector:
    repairs: dict[str, _Repairs] = {}

    def value(cells: Cells) -> FloatArray:
        values, forced = _cell_quantiles(cells, wanted[cells.steps])
        for row in np.unique(cells.rows[forced]).tolist():
            of_metric = repairs.setdefault(histograms.names[row], _Repairs())
            of_metric.add(cells, np.flatnonzero(forced & (cells.rows == row)), context)
        return values

    result = _of_cells(histograms, context.steps.count, value)
    for name, of_metric in repairs.items():
        context.annotations.inform(
            f"input to histogram_quantile needed to be fixed for monotonicity (see {_PAGE})"
            f"{for_metric(name)}",
            str(of_metric),
        )
    return result


@dataclass(slots=True)
class _Repairs:
    """What had to be raised in the histograms of a metric, for the info that says so."""

    lowest: float = np.inf
    highest: float = -np.inf
    most: float = 0.0
    samples: int = 0
    times: set[int] = field(default_factory=set)

    def add(self, cells: Cells, which: IntArray, context: CallContext) -> None:
        counts = cells.counts[which]
        raised, _ = ascending(counts)
        changed = (raised > counts) & ~_nearly_equal(raised, counts)
        bounds = cells.bounds[changed.any(axis=0)]
        self.lowest = min(self.lowest, float(bounds.min()))
        self.highest = max(self.highest, float(bounds.max()))
        self.most = max(self.most, float((raised - counts)[changed].max()))
        self.samples += len(which)
        at = context.steps.times[cells.steps[which]]
        self.times |= {int(at.min()), int(at.max())}

    def __str__(self) -> str:
        first, last = (
            np.datetime64(at // 1000, "s").item().strftime("%Y-%m-%dT%H:%M:%SZ")
            for at in (min(self.times), max(self.times))
        )
        return (
            f", from buckets {general(self.lowest)} to {general(self.highest)}, with a max diff of"
            f" {self.most:.2g}, over {self.samples} samples from {first} to {last}"
        )


def _cell_quantiles(cells: Cells, wanted: FloatArray) -> tuple[FloatArray, BoolArray]:
    """The quantile of each cell, and whether its counts had to be made to ascend for it.

    Within a bucket observations are taken to be spread evenly. The lowest bucket begins at 0 if
    it ends above; what lies in the highest is put at the end of the bucket before.
    """
    bounds = cells.bounds
    inside = (wanted >= 0) & (wanted <= 1)
    outside = np.where(wanted < 0, -np.inf, np.where(wanted > 1, np.inf, np.nan))
    if bounds[-1] != np.inf:
        return outside, np.zeros(len(wanted), np.bool_)
    counts, forced = ascending(cells.counts)
    forced &= inside
    if len(bounds) == 1:
        return outside, forced
    total = counts[:, -1]
    rank = wanted * total
    bucket = (counts[:, :-1] < rank[:, np.newaxis]).sum(axis=1)
    cell = np.arange(len(counts))
    below = np.where(bucket > 0, counts[cell, np.maximum(bucket - 1, 0)], 0.0)
    start = np.where(bucket > 0, bounds[np.maximum(bucket - 1, 0)], 0.0)
    share = (rank - below) / (counts[cell, bucket] - below)
    values = start + (bounds[bucket] - start) * share
    if bounds[0] <= 0:
        values = np.where(bucket == 0, bounds[0], values)
    values = np.where(bucket == len(bounds) - 1, bounds[-2], values)
    values = np.where(total == 0, np.nan, values)
    return np.where(inside, values, outside), forced


def ascending(counts: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Counts (N, B) that never fall from one bucket to the next, and which had to be changed.

    Differences that are tiny beside the counts are errors of floats: they are evened out silently.
    """
    result = counts.copy()
    forced = np.zeros(len(counts), np.bool_)
    highest = counts[:, 0]
    for bucket in range(1, counts.shape[1]):
        count = counts[:, bucket]
        fallen = count < highest
        kept = fallen | _nearly_equal(highest, count)
        forced |= fallen & ~_nearly_equal(highest, count)
        highest = np.where(kept, highest, count)
        result[:, bucket] = highest
    return result, forced


def _nearly_equal(left: FloatArray, right: FloatArray) -> BoolArray:
    both = np.abs(left) + np.abs(right)
    difference = np.abs(left - right)
    tiny = (left == 0) | (right == 0) | (both < _SMALLEST_NORMAL)
    near = np.where(
        tiny, difference < _TOLERANCE * _SMALLEST_NORMAL, difference < _TOLERANCE * both
    )
    equal: BoolArray = (left == right) | near
    return equal


def _histogram_fraction(context: CallContext, arguments: Sequence[Argument]) -> Vector:
    """The share of observations between two values, by the same interpolation as quantiles."""
    lower, upper = scalar_argument(arguments[0]), scalar_argument(arguments[1])

    def value(cells: Cells) -> FloatArray:
        low, high = lower[cells.steps], upper[cells.steps]
        total = cells.counts[:, -1]
        share = (_observed(cells, high) - _observed(cells, low)) / total
        share = np.where(low >= high, 0.0, share)
        undefined = (total == 0) | np.isnan(low) | np.isnan(high) | (cells.bounds[-1] != np.inf)
        return np.where(undefined, np.nan, share)

    histograms = Histograms(vector_argument(arguments[2]), context)
    return _of_cells(histograms, context.steps.count, value)


def _observed(cells: Cells, value: FloatArray) -> FloatArray:
    """How many observations are at most as large as the value, of each cell."""
    bounds = cells.bounds
    starts = np.concatenate([[0.0 if bounds[0] > 0 else -np.inf], bounds[:-1]])
    bucket = np.searchsorted(starts, value, side="left") - 1
    at = np.maximum(bucket, 0)
    cell = np.arange(len(value))
    counts = cells.counts[cell, at]
    below = np.where(at > 0, cells.counts[cell, np.maximum(at - 1, 0)], 0.0)
    # Nothing is known of where observations lie in a bucket without a lower end: all are counted.
    # In one without an upper end none are, which the division by infinity gives.
    share = (value - starts[at]) / (bounds[at] - starts[at])
    observed = np.where(starts[at] == -np.inf, counts, below + (counts - below) * share)
    observed = np.where(value >= bounds[at], counts, observed)
    return np.where(bucket < 0, 0.0, np.minimum(observed, cells.counts[:, -1]))


def _native_only(context: CallContext, _: Sequence[Argument]) -> Vector:
    """Nothing: these functions leave out all samples that are no native histograms."""
    return empty_vector(context.steps.count)


HISTOGRAMS: Mapping[str, VectorFunction] = {
    "histogram_avg": _native_only,
    "histogram_count": _native_only,
    "histogram_fraction": _histogram_fraction,
    "histogram_quantile": _histogram_quantile,
    "histogram_quantiles": _histogram_quantiles,
    "histogram_stddev": _native_only,
    "histogram_stdvar": _native_only,
    "histogram_sum": _native_only,
}
"""By name."""
