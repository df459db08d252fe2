"""The series of the database, as far as queries have asked for them, kept in the process.

What a series is never changes, so what has been read stays true; each query asks for what has
greater ids. Series are read metric by metric, and those that have not been asked for longest are
forgotten when there are too many.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence

from app.query.prometheus.directory import Directory
from app.query.prometheus.families import Source
from app.query.prometheus.series_group import SeriesGroup, empty_group
from app.storage import (
    Connection,
    newest_minutes_with_extras,
    read_extra_statistics,
    read_identities,
    read_series_of_metric,
    read_series_sorts,
)

_MOST_LABEL_SETS = 2_000_000
# Minutes back from the newest one in which extra statistics are looked for at first.
_LOOK_BACK = (0, 1, 2, 60, 360, 1_440, 4_320, 10_080, 20_160)
_MOST_STATISTICS = 100_000


class SeriesIndex:
    """Thread-safe. It is of one database: after another took its place, a new one is needed."""

    def __init__(self, most_label_sets: int = _MOST_LABEL_SETS) -> None:
        self._most = most_label_sets
        self._lock = threading.Lock()
        self._newest_id = 0
        self._newest_of: dict[tuple[str, str], int] = {}
        self._units: dict[Source, frozenset[str]] = {}
        self._extras: dict[Source, frozenset[str]] = {}
        self._directory = Directory({}, {})
        self._groups: OrderedDict[tuple[str, str], SeriesGroup] = OrderedDict()
        self._looked_at: set[int] = set()

    def directory(self, connection: Connection) -> Directory:
        """The names of all series that there are now."""
        with self._lock:
            sorts = read_series_sorts(connection, self._newest_id)
            changed = False
            for sort in sorts:
                source = Source(sort.namespace, sort.metric, sort.kind)
                key = sort.namespace, sort.metric
                self._newest_of[key] = max(self._newest_of.get(key, 0), sort.newest_id)
                self._newest_id = max(self._newest_id, sort.newest_id)
                units = self._units.get(source, frozenset())
                if sort.unit not in units:
                    self._units[source] = units | {sort.unit}
                    changed = True
            if changed:
                self._directory = Directory(dict(self._units), dict(self._extras))
            return self._directory

    def directory_with_extras(
        self, connection: Connection, end_minute: int | None = None
    ) -> Directory:
        """The same, with names of extra statistics that have come since.

        They are looked for in the newest minutes, and some earlier ones; with ``end_minute`` also
        in the last before it.
        """
        minutes = newest_minutes_with_extras(connection, _LOOK_BACK, end_minute)
        return self.directory_with_extras_of(connection, minutes)

    def directory_with_extras_of(self, connection: Connection, minutes: Sequence[int]) -> Directory:
        """The same, with the extra statistics of some minutes."""
        self.directory(connection)
        with self._lock:
            new = [minute for minute in minutes if minute not in self._looked_at]
            changed = False
            for namespace, metric, kind, statistic in read_extra_statistics(connection, new):
                source = Source(namespace, metric, kind)
                known = self._extras.get(source, frozenset())
                if statistic not in known and len(known) < _MOST_STATISTICS:
                    self._extras[source] = known | {statistic}
                    changed = True
            # The newest minute is looked at again until there is a newer one: more may come.
            self._looked_at.update(sorted(new)[:-1])
            if changed:
                self._directory = Directory(dict(self._units), dict(self._extras))
            return self._directory

    def group(self, connection: Connection, namespace: str, metric: str) -> SeriesGroup:
        """The series of a metric that there are now."""
        key = namespace, metric

        def digests(ids: Sequence[int]) -> dict[int, str]:
            found = read_identities(connection, ids)
            return {number: identity.digest.hex() for number, identity in found.items()}

        with self._lock:
            group = self._groups.pop(key, None) or empty_group()
            if group.newest_id < self._newest_of.get(key, 0):
                new = read_series_of_metric(connection, namespace, metric, group.newest_id)
                group = group.extended(new, digests)
            self._groups[key] = group
            self._make_room()
            return group

    def _make_room(self) -> None:
        weight = sum(group.weight for group in self._groups.values())
        while weight > self._most and len(self._groups) > 1:
            _, forgotten = self._groups.popitem(last=False)
            weight -= forgotten.weight
