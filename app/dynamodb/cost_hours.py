"""What tables use and have in each hour of a range: the quantities that money is reckoned from.

Everything is by whole hours, each worked out from the points in and around it alone: the same hour
comes out the same in whatever range it is asked for, which is why costs of ranges add up. Pure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from app.arrays import BoolArray, FloatArray, IntArray
from app.clock import MILLISECONDS_PER_MINUTE
from app.dynamodb.reader import MetricSeries
from app.dynamodb.resources import INDEX, TABLE, Resource
from app.summation import exact_group_sums

HOUR_MS = 60 * MILLISECONDS_PER_MINUTE
MARGIN_MS = 2 * HOUR_MS
"""How much is read before and after a range, so that its first and last hour come out right."""

CONSUMED = ("ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits")
PROVISIONED = ("ProvisionedReadCapacityUnits", "ProvisionedWriteCapacityUnits")
METRICS = (*CONSUMED, *PROVISIONED)
"""What costs are worked out from; of each pair, reads come first."""

# ProvisionedReadCapacityUnits and its like come once in five minutes.
_CARRIED_MINUTES = 5
_HOUR = 60
_MARGIN = MARGIN_MS // MILLISECONDS_PER_MINUTE
_KNOWN_DIMENSIONS = {TABLE, INDEX, "Source"}
_REPLICATED = "GlobalTable"
# CloudWatch takes no larger values; NaN is none either.
_LARGEST = 2.0**360


class Mode(IntEnum):
    """The capacity mode of a table in an hour."""

    UNKNOWN = 0
    """Nothing has come of the table."""
    PROVISIONED = 1
    ON_DEMAND = 2
    SWITCHED = 3
    """Both, one after the other."""


@dataclass(frozen=True, slots=True)
class Span:
    """Whole hours from ``start_ms`` on, which need not be hours of UTC."""

    start_ms: int
    hours: int

    @property
    def end_ms(self) -> int:
        """Exclusive."""
        return self.start_ms + self.hours * HOUR_MS


@dataclass(frozen=True, slots=True)
class Usage:
    """Reads or writes of a table or index; a value for each hour.

    ``consumed`` are units, ``on_demand`` those of them that were consumed in on-demand mode.
    ``provisioned`` are unit-minutes, ``unused`` unit-seconds of provisioned capacity; ``covered``
    and ``missing`` count minutes in provisioned mode whose capacity is known or is not.
    ``peak`` are the units of the hour's highest minute; where points are of longer than a minute,
    of the highest mean minute. ``reported`` is whether there was any point of consumption.
    ``replicated`` is whether writes came from another region, so that the table is one of a global
    table.
    """

    consumed: FloatArray
    on_demand: FloatArray
    provisioned: FloatArray
    unused: FloatArray
    covered: IntArray
    missing: IntArray
    peak: FloatArray
    reported: BoolArray
    replicated: BoolArray


@dataclass(frozen=True, slots=True)
class ResourceHours:
    """A table or index."""

    resource: Resource
    reads: Usage
    writes: Usage


@dataclass(frozen=True, slots=True)
class TableHours:
    """A table, its indexes with it, as the capacity mode is one of all of them.

    ``modes`` are numbers of ``Mode`` by hour; ``resources`` begin with the table itself.
    """

    table: Resource
    modes: IntArray
    resources: tuple[ResourceHours, ...]


def hours_of_tables(series: Iterable[MetricSeries], span: Span) -> list[TableHours]:
    """The hours of each table, in order; those of which nothing came within the span are left out.

    ``series`` are of ``METRICS`` in any order, with their points from ``MARGIN_MS`` before the span
    to as much after it.
    """
    tables: dict[Resource, dict[Resource, _Capacity]] = {}
    for one in series:
        resource, source = _resource(one)
        if resource is None:
            continue
        of_table = tables.setdefault(resource.of_table, {})
        capacity = of_table.setdefault(resource, _Capacity())
        capacity.add(one, source)
    found = []
    for table, resources in sorted(tables.items()):
        resources.setdefault(table, _Capacity())
        hours = _table_hours(table, resources, span)
        if hours is not None:
            found.append(hours)
    return found


def _resource(series: MetricSeries) -> tuple[Resource | None, str]:
    """The table or index of a series, and where its writes came from; None is another sort."""
    identity = series.identity
    names = dict(identity.dimensions)
    if TABLE not in names or not names.keys() <= _KNOWN_DIMENSIONS:
        return None, ""
    resource = Resource(
        identity.account,
        identity.region,
        names[TABLE],
        names.get(INDEX, ""),
    )
    return resource, names.get("Source", "")


class _Capacity:
    """Series of a table or index: consumed ones by source, and provisioned ones."""

    def __init__(self) -> None:
        self.consumed: list[dict[str, list[MetricSeries]]] = [{}, {}]
        self.provisioned: list[list[MetricSeries]] = [[], []]

    def add(self, series: MetricSeries, source: str) -> None:
        metric = series.identity.metric
        if metric in CONSUMED:
            self.consumed[CONSUMED.index(metric)].setdefault(source, []).append(series)
        elif metric in PROVISIONED:
            self.provisioned[PROVISIONED.index(metric)].append(series)


@dataclass(frozen=True, slots=True)
class _Minutes:
    """Consumption and capacity of one kind in the minutes of a span and its margins.

    ``used`` are units, of points of longer than a minute their mean; NaN without a point.
    ``begun`` are the units of the points that begin in a minute, and 0 without any. ``capacity``
    are units per second, NaN where none is known. ``replicated`` is where there are writes from
    another region.
    """

    used: FloatArray
    begun: FloatArray
    capacity: FloatArray
    replicated: BoolArray


def _table_hours(
    table: Resource, resources: dict[Resource, _Capacity], span: Span
) -> TableHours | None:
    minutes = {
        resource: [_minutes(capacity, kind, span) for kind in (0, 1)]
        for resource, capacity in sorted(resources.items())
    }
    every = [one for pair in minutes.values() for one in pair]
    covered = np.any([~np.isnan(one.capacity) for one in every], axis=0).reshape(-1, _HOUR)
    reported = np.any([~np.isnan(one.used) for one in every], axis=0).reshape(-1, _HOUR)
    provisioned = covered.any(axis=1)
    on_demand = ~provisioned & reported.any(axis=1)
    # Of an hour in both modes the part without capacity lies beside an hour that has none at all.
    until = np.logical_or.accumulate(covered, axis=1)
    since = np.logical_or.accumulate(covered[:, ::-1], axis=1)[:, ::-1]
    before = np.roll(on_demand, 1)[:, None] & ~until
    after = np.roll(on_demand, -1)[:, None] & ~since
    without = on_demand[:, None] | (provisioned[:, None] & (before | after))
    modes = np.where(provisioned, int(Mode.PROVISIONED), int(Mode.UNKNOWN))
    modes[on_demand] = int(Mode.ON_DEMAND)
    modes[provisioned & without.any(axis=1)] = int(Mode.SWITCHED)
    inside = slice(_MARGIN // _HOUR, _MARGIN // _HOUR + span.hours)
    if not modes[inside].any():
        return None
    in_provisioned = provisioned[:, None] & ~without
    found = tuple(
        ResourceHours(
            resource,
            *(_usage(one, without, in_provisioned & _alive(pair), inside) for one in pair),
        )
        for resource, pair in minutes.items()
    )
    return TableHours(table, modes[inside], found)


def _alive(pair: Sequence[_Minutes]) -> BoolArray:
    """The hours in which anything came of a table or index, as a column.

    An index of which nothing came may not have been there.
    """
    found = [~np.isnan(column) for one in pair for column in (one.used, one.capacity)]
    alive: BoolArray = np.any(found, axis=0).reshape(-1, _HOUR).any(axis=1)[:, None]
    return alive


def _usage(
    minutes: _Minutes, without: BoolArray, in_provisioned: BoolArray, inside: slice
) -> Usage:
    used = minutes.used.reshape(-1, _HOUR)[inside]
    begun = minutes.begun.reshape(-1, _HOUR)[inside]
    capacity = minutes.capacity.reshape(-1, _HOUR)[inside]
    without, in_provisioned = without[inside], in_provisioned[inside]
    known = ~np.isnan(capacity)
    spent = np.where(np.isnan(used), 0.0, used)
    unused = np.where(known, np.maximum(0.0, capacity * 60.0 - spent), 0.0)
    reported: BoolArray = np.logical_or.reduce(~np.isnan(used), axis=1)
    replicated: BoolArray = np.logical_or.reduce(
        minutes.replicated.reshape(-1, _HOUR)[inside], axis=1
    )
    return Usage(
        consumed=_row_sums(begun),
        on_demand=_row_sums(np.where(without, begun, 0.0)),
        provisioned=_row_sums(np.where(known, capacity, 0.0)),
        unused=_row_sums(unused),
        covered=known.sum(axis=1),
        missing=(in_provisioned & ~known).sum(axis=1),
        peak=spent.max(axis=1, initial=0.0),
        reported=reported,
        replicated=replicated,
    )


def _row_sums(matrix: FloatArray) -> FloatArray:
    rows, columns = matrix.shape
    return exact_group_sums(np.ascontiguousarray(matrix).ravel(), columns * np.arange(rows + 1))


def _minutes(capacity: _Capacity, kind: int, span: Span) -> _Minutes:
    size = span.hours * _HOUR + 2 * _MARGIN
    of_source = {
        source: _consumed(series, span, size) for source, series in capacity.consumed[kind].items()
    }
    used, begun = of_source.pop("", (np.full(size, np.nan), np.zeros(size)))
    if of_source:
        # The series without a source has all writes; where it lacks, its parts stand in for it.
        parts = [of_source[source] for source in sorted(of_source)]
        lacks = np.isnan(used)
        together = [_added(part[column] for part in parts) for column in (0, 1)]
        used, begun = np.where(lacks, together[0], used), np.where(lacks, together[1], begun)
    from_elsewhere = of_source.get(_REPLICATED)
    replicated = (
        np.zeros(size, np.bool_) if from_elsewhere is None else ~np.isnan(from_elsewhere[0])
    )
    return _Minutes(used, begun, _provisioned(capacity.provisioned[kind], span, size), replicated)


def _added(columns: Iterable[FloatArray]) -> FloatArray:
    """The sums of columns, NaN where none has a value."""
    matrix = np.array(list(columns))
    sums = _row_sums(np.where(np.isnan(matrix), 0.0, matrix).T)
    return np.where(np.isnan(matrix).all(axis=0), np.nan, sums)


def _consumed(
    series: Sequence[MetricSeries], span: Span, size: int
) -> tuple[FloatArray, FloatArray]:
    """Units by minute: spread over each point's period, and where the points begin."""
    starts, lengths, totals = _joined(series, span, size)
    if not len(starts):
        return np.full(size, np.nan), np.zeros(size)
    order = np.argsort(starts, kind="stable")
    starts, lengths, totals = starts[order], lengths[order], totals[order]
    places, first = np.unique(starts, return_index=True)
    sums = exact_group_sums(totals, np.append(first, len(totals)))
    begun = np.zeros(size)
    begun[places] = sums
    used = np.full(size, np.nan)
    used[places] = sums
    lengths = np.maximum.reduceat(lengths, first)
    for one in np.flatnonzero(lengths > 1).tolist():
        used[places[one] : places[one] + lengths[one]] = sums[one] / lengths[one]
    return used, begun


def _provisioned(series: Sequence[MetricSeries], span: Span, size: int) -> FloatArray:
    """Units per second by minute: each sample stands until the next, at most five minutes.

    Of an on-demand table they are 0 where they come at all, and count as none.
    """
    capacity = np.full(size, np.nan)
    starts, lengths, values = _joined(series, span, size, mean=True)
    if not len(starts):
        return capacity
    # Of two samples of one minute, as there are in two units, the greater one.
    order = np.lexsort((values, starts))
    starts, lengths, values = starts[order], lengths[order], values[order]
    last = np.append(starts[1:] != starts[:-1], True)
    starts, lengths, values = starts[last], lengths[last], values[last]
    ends = starts + np.maximum(lengths, _CARRIED_MINUTES)
    minutes = np.arange(size)
    newest = np.searchsorted(starts, minutes, side="right") - 1
    stands = (newest >= 0) & (minutes < ends[newest]) & (values[newest] > 0)
    capacity[stands] = values[newest[stands]]
    return capacity


def _joined(
    series: Sequence[MetricSeries], span: Span, size: int, *, mean: bool = False
) -> tuple[IntArray, IntArray, FloatArray]:
    """Minutes from the margin's first on, lengths in minutes, and sums or means of points."""
    begin = span.start_ms - MARGIN_MS
    starts = np.concatenate([np.empty(0, np.int64), *(one.starts_ms for one in series)])
    periods = np.concatenate([np.empty(0, np.int64), *(one.period_ms for one in series)])
    counts = np.concatenate([np.empty(0), *(one.count for one in series)])
    totals = np.concatenate([np.empty(0), *(one.total for one in series)])
    if mean:
        with np.errstate(divide="ignore", invalid="ignore"):
            totals = totals / counts
    minutes = (starts - begin) // MILLISECONDS_PER_MINUTE
    good = (minutes >= 0) & (minutes < size) & (np.abs(totals) <= _LARGEST)
    lengths = np.maximum(1, periods[good] // MILLISECONDS_PER_MINUTE)
    return minutes[good], lengths, totals[good]
