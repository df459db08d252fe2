"""Series in memory as a source of samples: for tests of queries, and for those of the engine."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from app.arrays import BoolArray, FloatArray, IntArray
from app.errors import QueryFailed
from app.labels import LabelSet
from app.promql.matching import compile_matcher
from app.promql.reader import Budget, Selected, Selection
from app.promql.series import Samples


def _no_times() -> IntArray:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class MemorySeries:
    """One series: ``values`` at ``times`` (N), ascending and distinct, in milliseconds.

    ``stale`` (N) marks the times at which the series was said to have ended; the values there
    count for nothing. ``starts`` (N) are the times since which a counter has counted, 0 where that
    is not known. ``opaque_times`` are those of what Hydrant does not have, such as native
    histograms: a query that would read one of them fails with ``OpaqueSelected``.
    """

    labels: LabelSet
    times: IntArray
    values: FloatArray
    stale: BoolArray | None = None
    opaque_times: IntArray = field(default_factory=_no_times)
    starts: IntArray | None = None


class OpaqueSelected(QueryFailed):
    """A query reads what Hydrant does not have: native histograms."""


class MemoryReader:
    """A ``Reader`` of series in memory, no two of them with the same labels.

    Series of equal times form a part. With ``as_grid`` all series form one part over the times of
    any of them; answers must be the same either way.
    """

    def __init__(self, series: Iterable[MemorySeries], *, as_grid: bool = False) -> None:
        self._series = list(series)
        self._as_grid = as_grid

    def select(self, selection: Selection, budget: Budget) -> Selected:
        """The samples of the series that fulfil the matchers; those without any are left out."""
        matchers = [(matcher.name, compile_matcher(matcher)) for matcher in selection.matchers]
        parts: dict[bytes, list[MemorySeries]] = defaultdict(list)
        for series in self._series:
            labels = dict(series.labels)
            if not all(matches(labels.get(name, "")) for name, matches in matchers):
                continue
            if _within(series.opaque_times, selection).size:
                raise OpaqueSelected("native histograms are not supported")
            window = _window(series, selection)
            if window.times.size:
                parts[window.times.tobytes()].append(window)
        chosen = [series for part in parts.values() for series in part]
        budget.take_series(len(chosen))
        groups = [chosen] if self._as_grid and chosen else list(parts.values())
        return Selected([_samples(group, budget) for group in groups])


def _within(times: IntArray, selection: Selection) -> IntArray:
    return times[(times > selection.start_ms) & (times <= selection.end_ms)]


def _window(series: MemorySeries, selection: Selection) -> MemorySeries:
    low, high = np.searchsorted(series.times, (selection.start_ms, selection.end_ms), side="right")
    return MemorySeries(
        series.labels,
        series.times[low:high],
        series.values[low:high],
        None if series.stale is None else series.stale[low:high],
        starts=None if series.starts is None else series.starts[low:high],
    )


def _samples(series: Sequence[MemorySeries], budget: Budget) -> Samples:
    times = np.unique(np.concatenate([one.times for one in series]))
    shape = (len(series), times.size)
    budget.take_samples(shape[0] * shape[1])
    values = np.full(shape, np.nan)
    present = np.zeros(shape, np.bool_)
    stale = np.zeros(shape, np.bool_)
    starts = np.zeros(shape, np.int64)
    for row, one in enumerate(series):
        columns = np.searchsorted(times, one.times)
        ended = np.zeros(one.times.size, np.bool_) if one.stale is None else one.stale
        values[row, columns] = np.where(ended, np.nan, one.values)
        present[row, columns] = ~ended
        stale[row, columns] = ended
        if one.starts is not None:
            starts[row, columns] = one.starts
    return Samples(
        [one.labels for one in series],
        times,
        values,
        present,
        stale if stale.any() else None,
        starts=starts if starts.any() else None,
    )
