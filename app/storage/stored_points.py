"""``StoredPoints``: points as they lie in storage, and which of several with one key stands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from app.arrays import BoolArray, FloatArray, IntArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.rules import MinutePoints
from app.rules.minute import CodedNames

# A key of 63 bits: the number of the minute, the series, and the offset.
_OFFSET_BITS = 16
_SERIES_BITS = 31
_MOST_MINUTES = 2**16
# Parts that are in order are merged by a stable sort as quickly as others are sorted by another.
_MOST_RUNS = 8

_NO_IDS = np.empty(0, np.int64)
_NO_VALUES = np.empty(0, np.float64)
_NO_FLAGS = np.empty(0, np.bool_)


@dataclass(frozen=True, slots=True)
class StoredExtras:
    """Extra statistics; columns of one length.

    ``statistic`` indexes ``names``, which ascend. ``count`` is the SampleCount of the point that
    carried the value: it counts only while the point that stands has the same one, and is
    backfilled or streamed as it is.
    """

    minute: IntArray
    series_id: IntArray
    offset_ms: IntArray
    statistic: IntArray
    value: FloatArray
    count: FloatArray
    backfilled: BoolArray
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.minute)

    @staticmethod
    def empty() -> "StoredExtras":
        """No extra statistics."""
        return StoredExtras(_NO_IDS, _NO_IDS, _NO_IDS, _NO_IDS, _NO_VALUES, _NO_VALUES, _NO_FLAGS)

    def take(self, rows: IntArray | BoolArray | slice) -> "StoredExtras":
        """Some of them, in the order given."""
        return StoredExtras(
            self.minute[rows],
            self.series_id[rows],
            self.offset_ms[rows],
            self.statistic[rows],
            self.value[rows],
            self.count[rows],
            self.backfilled[rows],
            self.names,
        )


@dataclass(frozen=True, slots=True)
class StoredPoints:
    """Points of one or several minutes; columns of one length, and their extra statistics.

    Minutes are counted from the epoch, ``offset_ms`` is the start within the minute. ``minimum``
    and ``maximum`` are NaN where the source has none.
    """

    minute: IntArray
    series_id: IntArray
    offset_ms: IntArray
    period_ms: IntArray
    count: FloatArray
    total: FloatArray
    minimum: FloatArray
    maximum: FloatArray
    backfilled: BoolArray
    extras: StoredExtras = field(default_factory=StoredExtras.empty)

    def __len__(self) -> int:
        return len(self.minute)

    @property
    def start_ms(self) -> IntArray:
        """Starts in milliseconds since the epoch."""
        return self.minute * MILLISECONDS_PER_MINUTE + self.offset_ms

    @staticmethod
    def empty() -> "StoredPoints":
        """No points."""
        return StoredPoints(
            _NO_IDS,
            _NO_IDS,
            _NO_IDS,
            _NO_IDS,
            _NO_VALUES,
            _NO_VALUES,
            _NO_VALUES,
            _NO_VALUES,
            _NO_FLAGS,
        )

    @staticmethod
    def standing(parts: Sequence["StoredPoints"]) -> "StoredPoints":
        """What stands of several parts, the oldest first, in the order (minute, series, offset).

        A streamed point stands against any backfilled one. Of two alike the one with the higher
        SampleCount stands, and at equal SampleCount the later one. Extra statistics stand in the
        same way, and go with the point that carried them. What stands of what stands of some, and
        of others, is what stands of all of them, in any grouping.
        """
        points = _joined([part for part in parts if len(part)])
        extras = points.extras
        minutes = _numbers_of(points.minute)
        return _standing(
            points,
            _keys(minutes(points.minute), points.series_id, points.offset_ms),
            _keys(minutes(extras.minute), extras.series_id, extras.offset_ms),
        )

    @staticmethod
    def of_delivery(points: "StoredPoints", extra_row: IntArray) -> "StoredPoints":
        """``standing`` of points as they came; ``extra_row`` is each extra statistic's point."""
        keys = _keys(_numbers_of(points.minute)(points.minute), points.series_id, points.offset_ms)
        return _standing(points, keys, keys[extra_row], extra_row)

    @staticmethod
    def standing_by_group(
        parts: Sequence["StoredPoints"], groups_of: Callable[[IntArray], IntArray]
    ) -> "StoredPoints":
        """The same of parts of one minute in the order (group, series, offset).

        ``groups_of`` gives the groups of series.
        """
        points = _joined([part for part in parts if len(part)])
        extras = points.extras
        groups = groups_of(points.series_id), groups_of(extras.series_id)
        if points.offset_ms.any():
            numbers = _numbers_of(groups[0])
            keys = _keys(numbers(groups[0]), points.series_id, points.offset_ms)
            of_extras = _keys(numbers(groups[1]), extras.series_id, extras.offset_ms)
        else:
            # Points of whole minutes, as most are: the key has room for the groups as they are.
            keys = (groups[0] << _SERIES_BITS) | points.series_id
            of_extras = (groups[1] << _SERIES_BITS) | extras.series_id
        return _standing(points, keys, of_extras)

    @property
    def extra_rows(self) -> IntArray:
        """The row of each extra statistic's point; the points are in the order of ``standing``."""
        minutes = _numbers_of(self.minute)
        extras = self.extras
        return np.searchsorted(
            _keys(minutes(self.minute), self.series_id, self.offset_ms),
            _keys(minutes(extras.minute), extras.series_id, extras.offset_ms),
        )

    def rows_of(self, others: "StoredPoints") -> IntArray:
        """The row of the point with the key of each of the others, -1 where there is none.

        The points are in the order of ``standing``.
        """
        if not len(self):
            return np.full(len(others), -1, np.int64)
        minutes = _numbers_of(np.concatenate((self.minute, others.minute)))
        keys = _keys(minutes(self.minute), self.series_id, self.offset_ms)
        wanted = _keys(minutes(others.minute), others.series_id, others.offset_ms)
        rows = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(keys[rows] == wanted, rows, -1)

    def take(self, rows: IntArray | BoolArray | slice) -> "StoredPoints":
        """Some of the points, in the order given; without extra statistics."""
        return StoredPoints(
            self.minute[rows],
            self.series_id[rows],
            self.offset_ms[rows],
            self.period_ms[rows],
            self.count[rows],
            self.total[rows],
            self.minimum[rows],
            self.maximum[rows],
            self.backfilled[rows],
        )

    def where(self, good: BoolArray) -> "StoredPoints":
        """The points that are marked, and their extra statistics; as ``extra_rows``."""
        if good.all():
            return self
        return self.take(good).with_extras(self.extras.take(good[self.extra_rows]))

    def with_extras(self, extras: StoredExtras) -> "StoredPoints":
        """The same points with these extra statistics."""
        return StoredPoints(
            self.minute,
            self.series_id,
            self.offset_ms,
            self.period_ms,
            self.count,
            self.total,
            self.minimum,
            self.maximum,
            self.backfilled,
            extras,
        )


def minute_points(minute: int, stored: StoredPoints) -> MinutePoints:
    """The points of one minute, which stand, as rules take them."""
    extras = stored.extras
    return MinutePoints(
        minute,
        stored.series_id,
        stored.offset_ms,
        stored.count,
        stored.total,
        stored.minimum,
        stored.maximum,
        stored.extra_rows,
        CodedNames(extras.names, extras.statistic),
        extras.value,
    )


def _joined(parts: Sequence[StoredPoints]) -> StoredPoints:
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return StoredPoints.empty()
    return StoredPoints(
        np.concatenate([part.minute for part in parts]),
        np.concatenate([part.series_id for part in parts]),
        np.concatenate([part.offset_ms for part in parts]),
        np.concatenate([part.period_ms for part in parts]),
        np.concatenate([part.count for part in parts]),
        np.concatenate([part.total for part in parts]),
        np.concatenate([part.minimum for part in parts]),
        np.concatenate([part.maximum for part in parts]),
        np.concatenate([part.backfilled for part in parts]),
        _joined_extras([part.extras for part in parts if len(part.extras)]),
    )


def _joined_extras(parts: Sequence[StoredExtras]) -> StoredExtras:
    if len(parts) <= 1:
        return parts[0] if parts else StoredExtras.empty()
    names = sorted({name for part in parts for name in part.names})
    numbers = {name: number for number, name in enumerate(names)}
    of_parts = [np.array([numbers[name] for name in part.names], np.int64) for part in parts]
    return StoredExtras(
        np.concatenate([part.minute for part in parts]),
        np.concatenate([part.series_id for part in parts]),
        np.concatenate([part.offset_ms for part in parts]),
        np.concatenate(
            [of_part[part.statistic] for of_part, part in zip(of_parts, parts, strict=True)]
        ),
        np.concatenate([part.value for part in parts]),
        np.concatenate([part.count for part in parts]),
        np.concatenate([part.backfilled for part in parts]),
        tuple(names),
    )


def _standing(
    points: StoredPoints, keys: IntArray, of_point: IntArray, extra_row: IntArray | None = None
) -> StoredPoints:
    """What stands, ordered by a key of each point; ``of_point`` has that of the extras' points.

    ``extra_row`` is the row of each extra's point where that is known.
    """
    rows = _standing_rows(keys, points.count, points.backfilled)
    standing = points if rows is None else points.take(rows)
    extras = points.extras
    if not len(extras):
        return standing
    if extra_row is not None and len(standing) == len(points):
        return standing.with_extras(_standing_extras(standing, extras, _moved(extra_row, rows)))
    row = np.searchsorted(keys if rows is None else keys[rows], of_point)
    return standing.with_extras(_standing_extras(standing, extras, row))


def _moved(row: IntArray, order: IntArray | None) -> IntArray:
    """Where rows are now that all of them have been put in an order; None is as they were."""
    if order is None:
        return row
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    moved: IntArray = place[row]
    return moved


class _numbers_of:  # noqa: N801 - called like a function
    """Minutes, or groups, as numbers that ascend with them and fit into a key."""

    def __init__(self, minutes: IntArray) -> None:
        self._first = int(minutes.min()) if len(minutes) else 0
        most = int(minutes.max()) if len(minutes) else 0
        self._distinct = np.unique(minutes) if most - self._first >= _MOST_MINUTES else None

    def __call__(self, minutes: IntArray) -> IntArray:
        if self._distinct is None:
            return minutes - self._first
        return np.searchsorted(self._distinct, minutes)


def _keys(minute: IntArray, series_id: IntArray, offset_ms: IntArray) -> IntArray:
    keys: IntArray = (
        (minute << (_SERIES_BITS + _OFFSET_BITS)) | (series_id << _OFFSET_BITS) | offset_ms
    )
    return keys


def _standing_rows(keys: IntArray, count: FloatArray, backfilled: BoolArray) -> IntArray | None:
    """The rows that stand, ordered by key; None where these are all rows as they are."""
    if (keys[1:] > keys[:-1]).all():
        return None
    order: IntArray
    if np.count_nonzero(keys[1:] < keys[:-1]) >= _MOST_RUNS:
        # Takes a fifth of the time, and is as good where no key is there twice.
        order = np.argsort(keys)
        ordered = keys[order]
        if (ordered[1:] != ordered[:-1]).all():
            return order
    # Stable: rows of one key stay in the order in which they came, and runs are an advantage.
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    again = ordered[1:] == ordered[:-1]
    if not again.any():
        return order
    is_first = np.concatenate(([True], ~again))
    is_last = np.concatenate((~again, [True]))
    several = order[~(is_first & is_last)]
    # Last stands, of each key, the one that was streamed, has the highest count, and came last.
    best = several[np.lexsort((count[several], ~backfilled[several], keys[several]))]
    of_best = keys[best]
    rows: IntArray = order[is_first]
    rows[~is_last[is_first]] = best[np.append(of_best[1:] != of_best[:-1], True)]
    return rows


def _standing_extras(points: StoredPoints, extras: StoredExtras, row: IntArray) -> StoredExtras:
    """Those of the points that stand; ``row`` is the row of each one's point."""
    rows = _standing_rows(
        row * (len(extras.names) + 1) + extras.statistic, extras.count, extras.backfilled
    )
    if rows is not None:
        extras, row = extras.take(rows), row[rows]
    good = (points.count[row] == extras.count) & (points.backfilled[row] == extras.backfilled)
    return extras if good.all() else extras.take(good)
