"""The stored points of one minute, as columns."""

from dataclasses import dataclass

import numpy as np

from app.arrays import FloatArray, IntArray
from app.clock import MILLISECONDS_PER_MINUTE


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

    @property
    def start_ms(self) -> IntArray:
        """Start of each point in milliseconds since the epoch."""
        return self.minute * MILLISECONDS_PER_MINUTE + self.offset_ms

    def within(self, first_ms: int, end_ms: int) -> "MinutePoints":
        """The points whose offset is at least ``first_ms`` and less than ``end_ms``."""
        rows = np.flatnonzero((self.offset_ms >= first_ms) & (self.offset_ms < end_ms))
        place = np.full(len(self.series_id), -1, np.int64)
        place[rows] = np.arange(len(rows))
        extra = np.flatnonzero(place[self.extra_row] >= 0)
        return MinutePoints(
            self.minute,
            self.series_id[rows],
            self.offset_ms[rows],
            self.count[rows],
            self.total[rows],
            self.minimum[rows],
            self.maximum[rows],
            place[self.extra_row[extra]],
            tuple(self.extra_name[number] for number in extra.tolist()),
            self.extra_value[extra],
        )
