"""Rates, differences and changes: what happens between the samples of a window."""

from collections.abc import Mapping, Sequence

import numpy as np

from app.arrays import FloatArray
from app.promql.functions import extended
from app.promql.functions.counter_names import remark_on_names
from app.promql.functions.kinds import CallContext, Columns, RangeFunction
from app.promql.functions.sums import WindowSums
from app.promql.functions.windows import WindowSamples, between, by_rows, running

Scalars = Sequence[FloatArray]

_CLOSE = 1.1
"""Samples this many average distances or more from the window's edge are taken for the series' own
beginning or end."""


def _rate(samples: WindowSamples, _: Scalars, context: CallContext) -> Columns:
    remark_on_names(samples, context)
    increases, there = _differences(samples, counter=True)
    return increases / _seconds(samples), there


def _increase(samples: WindowSamples, _: Scalars, context: CallContext) -> Columns:
    remark_on_names(samples, context)
    return _differences(samples, counter=True)


def _delta(samples: WindowSamples, _: Scalars, __: CallContext) -> Columns:
    return _differences(samples, counter=False)


def _seconds(samples: WindowSamples) -> FloatArray:
    """The widths of the windows."""
    seconds: FloatArray = (samples.windows.ends_ms - samples.windows.starts_ms) / 1000
    return seconds


def _differences(samples: WindowSamples, *, counter: bool) -> Columns:
    if samples.windows.extension:
        return extended.differences(samples, counter=counter)
    return _extrapolated(samples, counter=counter)


def _extrapolated(samples: WindowSamples, *, counter: bool) -> Columns:
    """The difference between the first and the last sample, as if they stood at the edges.

    It is extrapolated to an edge that is less than 1.1 average distances away, else by half of
    one. A counter is not extrapolated to before it was 0, and after each drop it counts on from
    where it was.
    """
    start, end = samples.value_at(samples.first), samples.value_at(samples.last)
    difference = end - start
    if counter:
        difference += _dropped(samples)
    first, last = samples.time_at(samples.first), samples.time_at(samples.last)
    interval = (last - first) / 1000
    distance = interval / (samples.counts - 1)
    to_start = (first - samples.windows.starts_ms) / 1000
    to_start = np.where(to_start >= distance * _CLOSE, distance / 2, to_start)
    to_end = (samples.windows.ends_ms - last) / 1000
    to_end = np.where(to_end >= distance * _CLOSE, distance / 2, to_end)
    if counter:
        to_zero = interval * (start / difference)
        rising = (difference > 0) & (start >= 0)
        to_start = np.where(rising & (to_zero < to_start), to_zero, to_start)
    return difference * ((interval + to_start + to_end) / interval), samples.at_least(2)


def _dropped(samples: WindowSamples) -> FloatArray | float:
    """What counters had counted when they began anew, in all resets of each window."""
    before, _ = samples.previous
    drops = samples.begun
    if not drops.any():
        return 0.0
    return WindowSums(np.where(drops, before, 0.0)).between(*samples.behind_first)


def _instant_rate(samples: WindowSamples, _: Scalars, context: CallContext) -> Columns:
    remark_on_names(samples, context, only_periods=True)
    before, last = samples.value_at(samples.last_but_one), samples.value_at(samples.last)
    anew = last < before
    if samples.windows.starts is not None:
        at = np.broadcast_to(samples.last, samples.shape)
        anew = np.take_along_axis(samples.begun, at, axis=1)
    increases = np.where(anew, last, last - before)
    seconds = (samples.time_at(samples.last) - samples.time_at(samples.last_but_one)) / 1000
    return increases / seconds, samples.at_least(2)


def _instant_delta(samples: WindowSamples, _: Scalars, __: CallContext) -> Columns:
    before, last = samples.value_at(samples.last_but_one), samples.value_at(samples.last)
    return last - before, samples.at_least(2)


def _changes(samples: WindowSamples, _: Scalars, __: CallContext) -> Columns:
    """How often a value differs from the one before; NaN after NaN is no change."""
    before, both = samples.previous
    values = samples.values
    changed = both & (values != before) & ~(np.isnan(values) & np.isnan(before))
    if samples.windows.extension:
        return extended.count(samples, changed)
    counts = between(running(changed), *samples.behind_first)
    return counts.astype(np.float64), samples.at_least(1)


def _resets(samples: WindowSamples, _: Scalars, __: CallContext) -> Columns:
    """How often a value is smaller than the one before."""
    before, both = samples.previous
    fallen = both & (samples.values < before)
    if samples.windows.extension:
        return extended.count(samples, fallen)
    counts = between(running(fallen), *samples.behind_first)
    return counts.astype(np.float64), samples.at_least(1)


COUNTERS: Mapping[str, RangeFunction] = {
    name: by_rows(function)
    for name, function in {
        "changes": _changes,
        "delta": _delta,
        "idelta": _instant_delta,
        "increase": _increase,
        "irate": _instant_rate,
        "rate": _rate,
        "resets": _resets,
    }.items()
}
"""By name."""
