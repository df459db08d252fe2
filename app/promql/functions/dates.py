"""Parts of dates: samples are seconds since 1970, the calendar is Gregorian, the zone UTC."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from app.arrays import FloatArray, IntArray
from app.promql.functions.kinds import ValueFunction

_Instants = npt.NDArray[np.datetime64]

_MOST_SECONDS = 2.0**55
"""A milliard years; beyond, and for NaN, there is no date and the result is NaN."""


def _part(part: Callable[[_Instants], IntArray]) -> ValueFunction:
    """Fractions of seconds are cut off towards 1970, as Prometheus does."""

    def applied(values: FloatArray) -> FloatArray:
        dated = np.abs(values) < _MOST_SECONDS
        seconds = np.where(dated, values, 0.0).astype(np.int64)
        return np.where(dated, part(seconds.astype("datetime64[s]")).astype(np.float64), np.nan)

    return applied


def _within(instants: _Instants, unit: str, whole: str) -> IntArray:
    """How many whole ``unit`` have passed since the ``whole`` began that an instant lies in."""
    began = instants.astype(f"datetime64[{whole}]").astype(f"datetime64[{unit}]")
    passed: IntArray = (instants.astype(f"datetime64[{unit}]") - began).astype(np.int64)
    return passed


def _days_in_month(instants: _Instants) -> IntArray:
    months = instants.astype("datetime64[M]")
    ends = (months + np.timedelta64(1, "M")).astype("datetime64[D]")
    days: IntArray = (ends - months.astype("datetime64[D]")).astype(np.int64)
    return days


def _day_of_week(instants: _Instants) -> IntArray:
    # 1 January 1970 was a Thursday; weeks begin with Sunday, which is 0.
    days: IntArray = (instants.astype("datetime64[D]").astype(np.int64) + 4) % 7
    return days


def _year(instants: _Instants) -> IntArray:
    years: IntArray = instants.astype("datetime64[Y]").astype(np.int64) + 1970
    return years


DATES: Mapping[str, ValueFunction] = {
    name: _part(part)
    for name, part in {
        "day_of_month": lambda instants: _within(instants, "D", "M") + 1,
        "day_of_week": _day_of_week,
        "day_of_year": lambda instants: _within(instants, "D", "Y") + 1,
        "days_in_month": _days_in_month,
        "hour": lambda instants: _within(instants, "h", "D"),
        "minute": lambda instants: _within(instants, "m", "h"),
        "month": lambda instants: _within(instants, "M", "Y") + 1,
        "year": _year,
    }.items()
}
"""``f(values)`` by name."""
