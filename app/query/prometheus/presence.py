"""What has data in a range of time, as lists of names and series show it.

It is told to the hour, where hours have been rolled up, and to the minute where they have not or
have changed since. Of two months all are looked at, of a longer range so many; a raw series that
may have data in the others is listed, a rule's series is not.
"""

import numpy as np

from app.arrays import IntArray
from app.storage import (
    Connection,
    Places,
    metrics_at,
    places_of_points,
    places_of_values,
    series_at,
    series_of_longer_periods,
    values_at,
)

# Two months of hours, or 24 hours that wait to be rolled up again.
_MOST_PLACES = 1_500
_MOST_LOOKUPS = 500_000
# From this number on a place is read whole, which costs as much as looking up so many.
_MOST_OF_PLACE = 2_000
_WHOLE_PLACE = 20_000


class Presence:
    """Looks within one transaction, at (``start_ms``, ``end_ms``]."""

    def __init__(self, connection: Connection, start_ms: int, end_ms: int) -> None:
        self._connection = connection
        self.start_ms = start_ms
        self.end_ms = end_ms
        self._points: Places | None = None
        self._values: Places | None = None
        self._lookups = _MOST_LOOKUPS
        self._known: dict[bytes, IntArray] = {}
        self._metric_ids: set[int] | None = None

    def series(self, ids: IntArray) -> IntArray:
        """Those of the series that have points, or may have some; ascending."""
        key = ids.tobytes()
        if key not in self._known:
            self._known[key] = self._look(ids)
        return self._known[key]

    def metric_ids(self) -> set[int]:
        """Ids of the metrics that have values."""
        if self._metric_ids is None:
            self._metric_ids = {
                metric_id
                for place in self._value_places().chosen
                for metric_id in metrics_at(self._connection, place)
            }
        return self._metric_ids

    def values(self, metric_id: int) -> tuple[IntArray, IntArray]:
        """Ids of the entities and of the label sets of which a metric has values, as pairs."""
        return values_at(self._connection, self._value_places().chosen, metric_id)

    def _look(self, ids: IntArray) -> IntArray:
        if self._points is None:
            self._points = places_of_points(
                self._connection, self.start_ms, self.end_ms, _MOST_PLACES
            )
        found: list[IntArray] = []
        missing = ids
        in_doubt = not self._points.all
        for place in self._points.chosen:
            if not len(missing):
                break
            if self._lookups <= 0:
                in_doubt = True
                break
            self._lookups -= _WHOLE_PLACE if len(missing) > _MOST_OF_PLACE else len(missing)
            here = series_at(self._connection, place, missing.tolist())
            found.append(here)
            missing = np.setdiff1d(missing, here, assume_unique=True)
        if in_doubt:
            found.append(missing)
        elif len(missing) <= _MOST_OF_PLACE:
            # Periods that end in the range may have begun before it.
            found.append(
                series_of_longer_periods(self._connection, missing.tolist(), self.start_ms)
            )
        return np.sort(np.concatenate([np.empty(0, np.int64), *found]))

    def _value_places(self) -> Places:
        if self._values is None:
            self._values = places_of_values(
                self._connection, self.start_ms, self.end_ms, _MOST_PLACES
            )
        return self._values
