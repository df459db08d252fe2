"""Range functions over one window, sample by sample, as Prometheus' documentation describes them.

Samples are pairs of milliseconds and value, ascending. None: the window gives no sample.
"""

import itertools
import math
import statistics
from collections.abc import Callable, Sequence
from fractions import Fraction

Window = Sequence[tuple[int, float]]


def extrapolated(window: Window, start: int, end: int, *, counter: bool) -> float | None:
    if len(window) < 2:
        return None
    (first_ms, first), (last_ms, last) = window[0], window[-1]
    increase = last - first
    if counter:
        for (_, before), (_, value) in itertools.pairwise(window):
            if value < before:
                increase += before
    sampled = (last_ms - first_ms) / 1000
    average = sampled / (len(window) - 1)
    before_first = (first_ms - start) / 1000
    after_last = (end - last_ms) / 1000
    if before_first >= average * 1.1:
        before_first = average / 2
    if counter and increase > 0 and first >= 0:
        before_first = min(before_first, sampled * (first / increase))
    if after_last >= average * 1.1:
        after_last = average / 2
    return increase * ((sampled + before_first + after_last) / sampled)


def rate(window: Window, start: int, end: int) -> float | None:
    increase = extrapolated(window, start, end, counter=True)
    return None if increase is None else increase / ((end - start) / 1000)


def irate(window: Window, *, reset: bool) -> float | None:
    if len(window) < 2:
        return None
    (before_ms, before), (last_ms, last) = window[-2:]
    difference = last if reset and last < before else last - before
    return difference / ((last_ms - before_ms) / 1000) if reset else difference


def average(window: Window) -> float | None:
    if not window:
        return None
    values = [value for _, value in window]
    if not all(map(math.isfinite, values)):
        return sum(values) / len(values)
    return float(sum(map(Fraction, values)) / len(values))


def exact_sum(window: Window) -> float | None:
    if not window:
        return None
    values = [value for _, value in window]
    return math.fsum(values) if all(map(math.isfinite, values)) else sum(values)


def extreme(window: Window, sign: int) -> tuple[float, float] | None:
    """The value, and the seconds of the last sample that has it."""
    best: tuple[int, float] | None = None
    for at, value in window:
        if best is None or math.isnan(best[1]) or sign * value >= sign * best[1]:
            best = at, value
    return None if best is None else (best[1], best[0] / 1000)


def quantile(wanted: float, values: Sequence[float]) -> float | None:
    if not values:
        return None
    if math.isnan(wanted):
        return math.nan
    if not 0 <= wanted <= 1:
        return math.copysign(math.inf, wanted)
    ordered = sorted(values, key=lambda value: (not math.isnan(value), value))
    rank = wanted * (len(ordered) - 1)
    lower = math.floor(rank)
    upper = min(lower + 1, len(ordered) - 1)
    weight = rank - lower
    return ordered[lower] * (1 - weight) + ordered[upper] * weight


def median_deviation(window: Window) -> float | None:
    values = [value for _, value in window]
    median = quantile(0.5, values)
    return None if median is None else quantile(0.5, [abs(value - median) for value in values])


def variance(window: Window) -> float | None:
    values = [value for _, value in window]
    if not values:
        return None
    return statistics.pvariance(values) if all(map(math.isfinite, values)) else math.nan


def line(window: Window, at: int) -> tuple[float, float] | None:
    """Slope per second, and the value at a time."""
    if len(window) < 2:
        return None
    if not all(math.isfinite(value) for _, value in window):
        return math.nan, math.nan
    seconds = [Fraction(ms - at, 1000) for ms, _ in window]
    values = [Fraction(value) for _, value in window]
    mean_time, mean = sum(seconds) / len(seconds), sum(values) / len(values)
    pairs = list(zip(seconds, values, strict=True))
    slope = sum((x - mean_time) * (y - mean) for x, y in pairs) / sum(
        (x - mean_time) ** 2 for x in seconds
    )
    return float(slope), float(mean - slope * mean_time)


def predicted(window: Window, at: int, ahead: float) -> float | None:
    found = line(window, at)
    return None if found is None else found[0] * ahead + found[1]


def holt(window: Window, smoothing: float, trending: float) -> float | None:
    if len(window) < 2:
        return None
    values = [value for _, value in window]
    level, trend = values[0], values[1] - values[0]
    for number, value in enumerate(values[1:]):
        following = smoothing * value + (1 - smoothing) * (level + trend)
        if number < len(values) - 2:
            trend = trending * (following - level) + (1 - trending) * trend
        level = following
    return level


def changes(window: Window, differs: Callable[[float, float], bool]) -> float | None:
    if not window:
        return None
    values = [value for _, value in window]
    return float(sum(differs(*pair) for pair in itertools.pairwise(values)))


def changed(before: float, value: float) -> bool:
    return before != value and not (math.isnan(before) and math.isnan(value))
