"""Why a state changed, in words that name the datapoints, as CloudWatch's state reasons do."""

from datetime import UTC, datetime

import numpy as np

from app.alarms.conditions import Condition, MissingData
from app.alarms.numbers import number_text
from app.alarms.states import AlarmState
from app.arrays import FloatArray, IntArray
from app.clock import MILLISECONDS_PER_MINUTE

MOST_SHOWN = 5
_UNITS = ((24 * 60, "d"), (60, "h"), (1, "m"))


def transition_reason(
    condition: Condition,
    before: AlarmState,
    after: AlarmState,
    times_ms: IntArray,
    values: FloatArray,
) -> str:
    """The reason of a transition at the last of ``times_ms``, one sentence without a full stop.

    ``times_ms`` and ``values`` are those of the window, the ends of its N periods and NaN where a
    datapoint is missing; more in front of them are passed over. The same arguments give the same
    text.
    """
    periods, needed = condition.evaluation_periods, condition.datapoints_to_alarm
    times_ms, values = times_ms[-periods:], values[-periods:]
    if after is AlarmState.INSUFFICIENT_DATA:
        return _silent(condition, values, before)
    in_alarm = before is AlarmState.ALARM
    breaching = condition.breaches(values, in_alarm=in_alarm)
    missing = np.isnan(values)
    threshold = f"the threshold ({number_text(condition.threshold)})"
    if in_alarm and condition.recovery_threshold is not None:
        threshold = f"the recovery threshold ({number_text(condition.recovery_threshold)})"
    count = int(breaching.sum())
    among = f"{count or 'none'} of the last {periods} datapoints"
    if periods == 1:
        among = "the datapoint" if count else "no datapoint"
    comparison = f"{'was' if count == 1 or periods == 1 else 'were'} {condition.comparison.words}"
    absent = _missing(condition, int(missing.sum()))
    if after is AlarmState.ALARM:
        listed = _listed(times_ms[breaching], values[breaching])
        text = f"{among}{listed} {comparison} {threshold}{absent}; {needed} of {periods} needed"
        return f"Threshold crossed: {text}"
    listed = _listed(times_ms[~missing], values[~missing])
    text = f"{among} {comparison} {threshold}{listed and f', of{listed}'}{absent}"
    return f"Within the threshold: {text}; {needed} of {periods} would be an alarm"


def _silent(condition: Condition, values: FloatArray, before: AlarmState) -> str:
    """Why there is not enough to tell."""
    periods = condition.evaluation_periods
    if before is AlarmState.ALARM and condition.stale_periods is not None:
        periods = condition.stale_periods
    elif not np.isnan(values).all():
        return "Insufficient data: what is missing would decide"
    if periods == 1:
        return "Insufficient data: the datapoint is missing"
    return f"Insufficient data: no datapoint for {duration_text(periods * condition.period_ms)}"


def _missing(condition: Condition, count: int) -> str:
    if not count:
        return ""
    words = f", {count} missing"
    match condition.missing_data:
        case MissingData.BREACHING:
            return f"{words} counted as breaching"
        case MissingData.NOT_BREACHING:
            return f"{words} counted as not breaching"
    return f"{words} left out"


def _listed(times_ms: IntArray, values: FloatArray) -> str:
    """`` [5 (2026-01-31T12:05Z), 4 (2026-01-31T12:04Z)]``, newest first, few of many."""
    newest = list(zip(times_ms[::-1].tolist(), values[::-1].tolist(), strict=True))
    texts = [f"{number_text(value)} ({end_text(time)})" for time, value in newest[:MOST_SHOWN]]
    if len(newest) > MOST_SHOWN:
        texts.append(f"and {len(newest) - MOST_SHOWN} more")
    return f" [{', '.join(texts)}]" if texts else ""


def duration_text(duration_ms: int) -> str:
    """``5m``, ``1h30m``: whole minutes as rules spell them."""
    minutes = duration_ms // MILLISECONDS_PER_MINUTE
    text = ""
    for size, unit in _UNITS:
        number, minutes = divmod(minutes, size)
        text += f"{number}{unit}" if number else ""
    return text or "0m"


def end_text(time_ms: int) -> str:
    """The end of a period: ``2026-01-31T12:05Z``."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%MZ")
