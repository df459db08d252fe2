"""``anchored`` and ``smoothed``: range vectors that also see the samples around their windows.

``anchored`` begins with the last sample at or before the window's start, if there is one within the
lookback, and does not extrapolate. ``smoothed`` also sees the first sample at or after the end, and
interpolates between the samples on both sides of each edge. Source: "Extended range selectors"
among the feature flags of Prometheus.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from app.arrays import BoolArray, FloatArray, IntArray
from app.promql.functions.kinds import Columns
from app.promql.functions.sums import WindowSums
from app.promql.functions.windows import WindowSamples, between, running
from app.promql.series import Samples, Windows

ALLOWED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "anchored": ("changes", "delta", "increase", "rate", "resets"),
        "smoothed": ("delta", "increase", "rate"),
    }
)
"""The functions that may be given such a range vector."""


@dataclass(frozen=True, slots=True)
class _Edges:
    """Columns and values at the edges of each window, of shape (S, T); ``there`` where any are.

    ``inner_first`` and ``inner_last`` are the columns of the samples strictly within the window,
    where it has ``inner`` ones.
    """

    there: BoolArray
    first: IntArray
    last: IntArray
    left: FloatArray
    right: FloatArray
    inner: BoolArray
    inner_first: IntArray
    inner_last: IntArray


def differences(samples: WindowSamples, *, counter: bool) -> Columns:
    """The difference between the values at both edges; of a counter with what resets took away."""
    edges = _edges(samples, counter=counter)
    difference = edges.right - edges.left
    if counter:
        difference = difference + _correction(samples, edges)
    return difference, edges.there


def count(samples: WindowSamples, happened: BoolArray) -> Columns:
    """How often something happened from one sample to the next, of shape (S, G)."""
    edges = _edges(samples, counter=False)
    low = np.minimum(edges.first + 1, happened.shape[1])
    high = np.maximum(np.minimum(edges.last + 1, happened.shape[1]), low)
    return between(running(happened), low, high).astype(np.float64), edges.there


def edge_samples(windows: Windows) -> Iterator[Samples]:
    """The samples of each series in the only window, with one at each edge."""
    edges = _edges(WindowSamples(windows), counter=False)
    for row, labels in enumerate(windows.labels):
        if not edges.there[row, 0]:
            continue
        within = slice(0, 0)
        if edges.inner[row, 0]:
            within = slice(int(edges.inner_first[row, 0]), int(edges.inner_last[row, 0]) + 1)
        at = windows.present[row, within]
        times = [windows.starts_ms[:1], windows.times[within][at], windows.ends_ms[:1]]
        values = [edges.left[row, :1], windows.values[row, within][at], edges.right[row, :1]]
        stacked = np.concatenate(values)[np.newaxis]
        yield Samples([labels], np.concatenate(times), stacked, np.ones(stacked.shape, np.bool_))


def interpolated(before: FloatArray, after: FloatArray, share: FloatArray) -> FloatArray:
    """The value on the line between two samples, at a share of the way."""
    return before + (after - before) * share


def _edges(samples: WindowSamples, *, counter: bool) -> _Edges:
    windows = samples.windows
    times, most = windows.times, len(windows.times)
    present = windows.present
    before = np.maximum.accumulate(np.where(present, np.arange(most), -1), axis=1)
    after = np.minimum.accumulate(np.where(present, np.arange(most), most)[:, ::-1], axis=1)
    # Columns −1 and beyond the last one stand for no sample.
    before = np.concatenate([before, np.full((len(before), 1), -1)], axis=1)
    after = np.concatenate([after[:, ::-1], np.full((len(after), 1), most)], axis=1)

    behind_start = np.searchsorted(times, windows.starts_ms, "right")
    at_end = np.searchsorted(times, windows.ends_ms, "left")
    anchor, following = before[:, behind_start - 1], after[:, behind_start]
    newest = before[:, samples.high - 1]
    there = following < samples.high
    anchored = anchor >= samples.low
    first = np.where(anchored, anchor, following)
    last = newest
    if windows.extension == "smoothed":
        reached = after[:, at_end]
        last = np.where(reached < samples.high, reached, newest)
    first, last = (np.clip(np.where(there, each, 0), 0, max(0, most - 1)) for each in (first, last))
    left, right = samples.value_at(first), samples.value_at(last)
    if windows.extension == "smoothed":
        next_one = np.clip(following, 0, max(0, most - 1))
        left = np.where(
            anchored, _between(samples, (first, next_one), windows.starts_ms, counter=counter), left
        )
        previous = np.take_along_axis(before, last - 1, axis=1)
        beyond = (samples.time_at(last) > windows.ends_ms) & (previous >= samples.low)
        at = _between(samples, (np.maximum(previous, 0), last), windows.ends_ms, counter=counter)
        right = np.where(beyond, at, right)
    inner_last = np.clip(before[:, at_end - 1], 0, max(0, most - 1))
    inner = there & (following < at_end)
    inner_first = np.where(inner, following, 0)
    return _Edges(there, first, last, left, right, inner, inner_first, inner_last)


def _between(
    samples: WindowSamples, columns: tuple[IntArray, IntArray], at: IntArray, *, counter: bool
) -> FloatArray:
    """The value at a time between two samples; a counter that fell began anew at the first."""
    one, other = (samples.value_at(each) for each in columns)
    one_at, other_at = (samples.time_at(each) for each in columns)
    begun = np.where(other < one, 0.0, one) if counter else one
    # A sample right at the edge is the value there, without the rounding of a line.
    return np.where(
        one_at == at, one, interpolated(begun, other, (at - one_at) / (other_at - one_at))
    )


def _correction(samples: WindowSamples, edges: _Edges) -> FloatArray:
    """What the counter had counted whenever it began anew, from the left value to the right."""
    values, both = samples.previous
    drops = WindowSums(np.where(both & (samples.values < values), values, 0.0))
    low = np.where(edges.inner, edges.inner_first + 1, 0)
    high = np.where(edges.inner, edges.inner_last + 1, 0)
    begin, end = samples.value_at(edges.inner_first), samples.value_at(edges.inner_last)
    around = np.where(begin < edges.left, edges.left, 0.0) + np.where(edges.right < end, end, 0.0)
    at_once = np.where(edges.right < edges.left, edges.left, 0.0)
    return np.where(edges.inner, drops.between(low, np.maximum(high, low)) + around, at_once)
