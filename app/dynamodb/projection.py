"""When a utilisation reaches 100 %, if it goes on growing as it did; and when nothing can be told.

A line is laid through the peaks of days. A day's peak is its highest hour: requests are throttled
when most of them come, not on average, and a single minute is forgiven by the burst capacity, which
is 300 seconds of what was not consumed ("Burst and adaptive capacity" of the Amazon DynamoDB
Developer Guide). Days are 24 hours before the end of the range, so that each has all times of day;
the peak stands in the middle of its day. Where days go in weekly waves, it is the peaks of weeks.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from math import sqrt

import numpy as np

from app.arrays import FloatArray, IntArray
from app.dynamodb.trend import autocorrelation, fit

DAY_MS = 86_400_000
HOUR_MS = 3_600_000

LIMIT_PERCENT = 100.0
LEAST_HOURS = 18
"""Of a day. When more than a quarter of it is missing, its peak may be."""
LEAST_DAYS = 14
"""Two whole weeks. In fewer days the end of a week looks like growth."""
LEAST_WEEKS = 8
"""A line through fewer values is hardly ever told from chance."""
LEAST_R_SQUARED = 0.5
"""With less, most of what makes days differ is not the trend."""
FARTHEST = 3.0
"""Times the length of what was seen: nobody knows whether growth goes on for longer."""
LIKE = 2.0
"""Over the square root of the number of values: residuals without any order are alike beyond it in
about one of forty cases."""

_LEAST = {1: LEAST_DAYS, 7: LEAST_WEEKS}
_WEEK = 7


class Outcome(StrEnum):
    """What is told, or why nothing is."""

    REACHED = "reached"
    PROJECTED = "projected"
    TOO_LITTLE_DATA = "too_little_data"
    LIMIT_CHANGED = "limit_changed"
    WEEKLY = "weekly"
    NOT_GROWING = "not_growing"
    POOR_FIT = "poor_fit"
    NOT_A_LINE = "not_a_line"
    TOO_FAR = "too_far"


@dataclass(frozen=True, slots=True)
class Hours:
    """Utilisation in percent and the limit by whole hour; NaN where they are not known."""

    starts_ms: IntArray
    percent: FloatArray
    limit: FloatArray


@dataclass(frozen=True, slots=True)
class Projection:
    """The outcome, in words as ``reason``, and what it rests on.

    ``periods`` peaks were used, each of ``period_days`` (1 or 7); ``peak`` is the newest, percent.
    ``growth`` is percentage points a day, with its standard error. ``reached_ms`` (Unix) is when
    the line is at the limit, with its 95 % interval, not before the end of the range; it is there
    where the outcome is projected.
    """

    outcome: Outcome
    reason: str
    periods: int
    period_days: int
    peak: float | None = None
    growth: float | None = None
    growth_error: float | None = None
    r_squared: float | None = None
    reached_ms: int | None = None
    earliest_ms: int | None = None
    latest_ms: int | None = None


def project(hours: Hours, start_ms: int, end_ms: int) -> Projection:
    """What the hours between two times say about the time after."""
    of_days = _project(hours, start_ms, end_ms, 1)
    if of_days.outcome is not Outcome.WEEKLY:
        return of_days
    of_weeks = _project(hours, start_ms, end_ms, _WEEK)
    short = of_weeks.outcome in (Outcome.TOO_LITTLE_DATA, Outcome.LIMIT_CHANGED)
    return of_days if short else of_weeks


@dataclass(frozen=True, slots=True)
class _Peaks:
    """Peaks of periods, the newest first: how many periods ``ago``, and the limits in each."""

    ago: IntArray
    percent: FloatArray
    least_limit: FloatArray
    most_limit: FloatArray

    def since_change(self) -> "_Peaks":
        """Those since the limit is what it is in the newest one."""
        limit = self.most_limit[0]
        if np.isnan(limit):
            return self
        # What is not known is not a change. Averages of equal samples differ by rounding.
        same = np.isnan(self.most_limit) | (
            np.isclose(self.least_limit, limit) & np.isclose(self.most_limit, limit)
        )
        size = int(np.argmin(same)) if not same.all() else len(same)
        return _Peaks(
            self.ago[:size], self.percent[:size], self.least_limit[:size], self.most_limit[:size]
        )


def _peaks(hours: Hours, start_ms: int, end_ms: int, days: int) -> _Peaks:
    length_ms = days * DAY_MS
    ago = (end_ms - 1 - hours.starts_ms) // length_ms
    inside = (ago >= 0) & (ago < (end_ms - start_ms) // length_ms) & ~np.isnan(hours.percent)
    rows = np.flatnonzero(inside)
    rows = rows[np.argsort(ago[rows], kind="stable")]
    found, begins, counts = np.unique(ago[rows], return_index=True, return_counts=True)
    if not len(rows):
        none = np.empty(0)
        return _Peaks(found, none, none, none)
    full = counts >= LEAST_HOURS * days
    return _Peaks(
        found[full],
        np.maximum.reduceat(hours.percent[rows], begins)[full],
        np.fmin.reduceat(hours.limit[rows], begins)[full],
        np.fmax.reduceat(hours.limit[rows], begins)[full],
    )


def _project(hours: Hours, start_ms: int, end_ms: int, days: int) -> Projection:
    peaks = _peaks(hours, start_ms, end_ms, days)
    every, least = len(peaks.ago), _LEAST[days]
    period = "days" if days == 1 else "weeks"
    if not every or peaks.ago[0]:
        reason = f"of the last {period[:-1]} fewer than {LEAST_HOURS * days} hours are known"
        return Projection(Outcome.TOO_LITTLE_DATA, reason, every, days)
    peak = float(peaks.percent[0])
    if peak >= LIMIT_PERCENT:
        reason = f"the highest hour of the last {period[:-1]} was at {peak:.4g} %"
        return Projection(Outcome.REACHED, reason, every, days, peak)
    peaks = peaks.since_change()
    used = len(peaks.ago)
    if used < least:
        changed = every >= least
        reason = f"{used} {period} are known, a line needs {least}" + (
            ": before, the limit was another" if used < every else ""
        )
        outcome = Outcome.LIMIT_CHANGED if changed else Outcome.TOO_LITTLE_DATA
        return Projection(outcome, reason, used, days, peak)
    found = _line_of(peaks, end_ms, days)
    return replace(found, peak=peak)


def _line_of(peaks: _Peaks, end_ms: int, days: int) -> Projection:
    times = -days * (peaks.ago.astype(np.float64) + 0.5)
    line = fit(times, peaks.percent)
    residuals = np.full(int(peaks.ago[-1]) + 1, np.nan)
    residuals[peaks.ago] = line.residuals
    found = Projection(
        Outcome.NOT_GROWING,
        f"growth of {line.slope:.2g} percentage points a day, with an error of"
        f" {line.slope_error:.2g}, cannot be told from chance",
        line.n,
        days,
        growth=line.slope,
        growth_error=line.slope_error,
        r_squared=line.r_squared,
    )
    alike = LIKE / sqrt(line.n)
    if days == 1 and _is_weekly(residuals, alike):
        reason = (
            "days go up and down with the week, and of weeks fewer than"
            f" {LEAST_WEEKS} are known in this time"
        )
        return replace(found, outcome=Outcome.WEEKLY, reason=reason)
    if line.slope <= 0:
        return replace(found, reason="it does not grow")
    if not line.is_sloped:
        return found
    if line.r_squared < LEAST_R_SQUARED:
        reason = f"growth explains only {100 * line.r_squared:.0f} % of how the peaks differ"
        return replace(found, outcome=Outcome.POOR_FIT, reason=reason)
    if autocorrelation(residuals, 1) > alike:
        reason = "it does not grow along a line: it bends, jumps or goes in waves"
        return replace(found, outcome=Outcome.NOT_A_LINE, reason=reason)
    crossing = line.crossing(LIMIT_PERCENT)
    seen = float(times[0] - times[-1]) + days
    if crossing.time > FARTHEST * seen:
        reason = f"farther away than {FARTHEST:g} times the {seen:.0f} days that were seen"
        return replace(found, outcome=Outcome.TOO_FAR, reason=reason)
    reached_ms, earliest_ms, latest_ms = (
        end_ms + max(0, round(time * DAY_MS))
        for time in (crossing.time, crossing.earliest, crossing.latest)
    )
    return replace(
        found,
        outcome=Outcome.PROJECTED,
        reason=f"it grows by {line.slope:.2g} percentage points a day",
        reached_ms=reached_ms,
        earliest_ms=earliest_ms,
        latest_ms=latest_ms,
    )


def _is_weekly(residuals: FloatArray, alike: float) -> bool:
    """Whether days are like those of the week before, and less like those in between."""
    if len(residuals) < 3 * _WEEK:
        return False
    between = max(autocorrelation(residuals, lag) for lag in (3, 4))
    return autocorrelation(residuals, _WEEK) > max(alike, between)
