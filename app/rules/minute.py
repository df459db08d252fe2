"""The stored points of one minute, as columns."""

from dataclasses import dataclass

from app.mal.frames import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class MinutePoints:
    """Points ordered by (series, time); columns of one length n.

    ``minute`` is minutes since the epoch, ``offset_ms`` the point's start within it. ``minimum``
    and ``maximum`` are NaN where unknown. Of m extra statistics, ``extra_row`` is the index of the
    point and ``extra_name`` the statistic.
    """

    minute: int
    series_id: IntArray
    offset_ms: IntArray
    count: FloatArray
    total: FloatArray
    minimum: FloatArray
    maximum: FloatArray
    extra_row: IntArray
    extra_name: tuple[str, ...]
    extra_value: FloatArray
