"""The datapoints of a rule: a row for each entity, a column for each end of a period.

A metric's datapoint has the points that begin in its period, combined as CloudWatch combines them;
an expression's is its value at the end of the period. Both depend on what is stored alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.alarms.metric_entities import MetricEntities
from app.alarms.reach import LIMITS, reach_ms
from app.alarms.rules import AlarmRule, ExpressionSource, MetricSource
from app.arrays import FloatArray, IntArray
from app.clock import Clock, SystemClock
from app.errors import QueryFailed
from app.labels import LabelSet, label_set, without_name
from app.pipeline.combining import neighbours
from app.promql.engine import Engine
from app.query.prometheus import Opened
from app.query.prometheus.naming import ACCOUNT, REGION, label_name
from app.query.statistics import statistic_columns
from app.storage import Connection, PointRange, read_arrivals, read_points

_MOST_STEPS = 10_000
_MOST_REMEMBERED = 4_000_000


@dataclass(frozen=True, slots=True)
class Datapoints:
    """``values`` (E, T) of ``entities`` at ``times_ms`` (T,), ends of periods; NaN is missing.

    Entities without any datapoint among them are left out.
    """

    entities: tuple[LabelSet, ...]
    times_ms: IntArray
    values: FloatArray


class DatapointReader:
    """Reads datapoints, and remembers which series there are. Of one database, for one thread.

    What is read twice within one transaction is read once, see ``begin``.
    """

    def __init__(self, clock: Clock) -> None:
        self._engine = Engine(LIMITS, clock)
        self._series = MetricEntities()
        self._read: dict[tuple[object, ...], Datapoints] = {}
        self._remembered = 0

    def begin(self) -> None:
        """Forget what was read: another transaction may see something else."""
        self._read, self._remembered = {}, 0

    def read(
        self,
        connection: Connection,
        prometheus: Opened,
        rule: AlarmRule,
        first_ms: int,
        last_ms: int,
    ) -> Datapoints:
        """Datapoints at the multiples of the rule's period in [``first_ms``, ``last_ms``].

        Entities that the rule leaves out are among them. Raises ``QueryFailed`` and the like for an
        expression that cannot be evaluated, ``StorageUnavailable``.
        """
        period_ms = rule.condition.period_ms
        first = -(-first_ms // period_ms) * period_ms
        times_ms = np.arange(first, last_ms + 1, period_ms, dtype=np.int64)
        if not len(times_ms):
            return _empty(times_ms)
        # Rules that differ in their thresholds alone have the same datapoints.
        key = rule.source, rule.for_each, period_ms, first, int(times_ms[-1])
        found = self._read.get(key)
        if found is None:
            found = self._new(connection, prometheus, rule, times_ms)
            self._remembered += found.values.size
            if self._remembered <= _MOST_REMEMBERED:
                self._read[key] = found
        return found

    def _new(
        self, connection: Connection, prometheus: Opened, rule: AlarmRule, times_ms: IntArray
    ) -> Datapoints:
        if isinstance(rule.source, MetricSource):
            return self._of_metric(connection, rule, rule.source, times_ms)
        if isinstance(rule.source, ExpressionSource):
            return self._of_expression(prometheus, rule, rule.source, times_ms)
        return _of_quarantine(connection, times_ms, rule.condition.period_ms)

    def _of_metric(
        self, connection: Connection, rule: AlarmRule, source: MetricSource, times_ms: IntArray
    ) -> Datapoints:
        members = self._series.members(connection, source, rule.for_each)
        if not len(members.series_id):
            return _empty(times_ms)
        period_ms = rule.condition.period_ms
        begin_ms, end_ms = int(times_ms[0]) - period_ms, int(times_ms[-1])
        ids = members.series_id.tolist()
        points = read_points(connection, ids, begin_ms, end_ms, limit=None)
        row = members.row[np.searchsorted(members.series_id, points.series_id)]
        column = (points.start_ms - begin_ms) // period_ms
        points, row, column = _in_order(points, row, column)
        groups = neighbours(row, column)
        combined = statistic_columns(points, groups, (source.statistic,))[source.statistic]
        present, owner = np.unique(row, return_inverse=True)
        values = np.full((len(present), len(times_ms)), np.nan)
        values[owner[groups.first_row], column[groups.first_row]] = combined
        entities = [members.entities[number] for number in present.tolist()]
        return _with_data(entities, times_ms, values)

    def _of_expression(
        self, prometheus: Opened, rule: AlarmRule, source: ExpressionSource, times_ms: IntArray
    ) -> Datapoints:
        reach_ms(source.expression)
        parts = [
            self._evaluated(prometheus, rule, source, times_ms[begin : begin + _MOST_STEPS])
            for begin in range(0, len(times_ms), _MOST_STEPS)
        ]
        if len(parts) == 1:
            return parts[0]
        entities = sorted({entity for part in parts for entity in part.entities})
        row = {entity: number for number, entity in enumerate(entities)}
        values = np.full((len(entities), len(times_ms)), np.nan)
        begin = 0
        for part in parts:
            end = begin + len(part.times_ms)
            values[[row[entity] for entity in part.entities], begin:end] = part.values
            begin = end
        return Datapoints(tuple(entities), times_ms, values)

    def _evaluated(
        self, prometheus: Opened, rule: AlarmRule, source: ExpressionSource, times_ms: IntArray
    ) -> Datapoints:
        answer = self._engine.range(
            source.expression,
            int(times_ms[0]),
            int(times_ms[-1]),
            rule.condition.period_ms,
            prometheus.reader,
        )
        # A range query has no other answer.
        assert answer.vector is not None  # noqa: S101
        entities = [without_name(labels) for labels in answer.vector.labels]
        found = _with_data(entities, times_ms, answer.vector.values)
        _check_entities(rule, found.entities)
        return found


def read_datapoints(
    connection: Connection,
    prometheus: Opened,
    rule: AlarmRule,
    first_ms: int,
    last_ms: int,
    *,
    clock: Clock | None = None,
) -> Datapoints:
    """``DatapointReader.read`` of somebody who reads once."""
    reader = DatapointReader(clock or SystemClock())
    return reader.read(connection, prometheus, rule, first_ms, last_ms)


def _of_quarantine(connection: Connection, times_ms: IntArray, period_ms: int) -> Datapoints:
    begin_ms = int(times_ms[0]) - period_ms
    counted = read_arrivals(connection, begin_ms, int(times_ms[-1]))
    keys = sorted({(account, region) for _, account, region, _ in counted})
    row = {key: number for number, key in enumerate(keys)}
    values = np.full((len(keys), len(times_ms)), np.nan)
    for received_ms, account, region, records in counted:
        place = row[account, region], (received_ms - begin_ms) // period_ms
        values[place] = records + (0 if np.isnan(values[place]) else values[place])
    entities = [label_set({ACCOUNT: account, REGION: region}) for account, region in keys]
    return _with_data(entities, times_ms, values)


def _in_order(
    points: PointRange, row: IntArray, column: IntArray
) -> tuple[PointRange, IntArray, IntArray]:
    """By entity and period, and within them by series and time."""
    key = row * (int(column.max(initial=0)) + 1) + column
    if not (key[1:] < key[:-1]).any():
        return points, row, column
    order = np.argsort(key, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    extra = [(int(place[number]), name, value) for number, name, value in points.extra]
    ordered = PointRange(
        points.series_id[order],
        points.start_ms[order],
        points.period_ms[order],
        points.count[order],
        points.total[order],
        points.minimum[order],
        points.maximum[order],
        extra,
    )
    return ordered, row[order], column[order]


def _with_data(entities: Sequence[LabelSet], times_ms: IntArray, values: FloatArray) -> Datapoints:
    """Those that have a datapoint, in the order of their labels."""
    present = np.flatnonzero(~np.isnan(values).all(axis=1)).tolist()
    chosen = sorted(present, key=lambda number: entities[number])
    return Datapoints(tuple(entities[number] for number in chosen), times_ms, values[chosen])


def _empty(times_ms: IntArray) -> Datapoints:
    return Datapoints((), times_ms, np.empty((0, len(times_ms))))


def _check_entities(rule: AlarmRule, entities: Sequence[LabelSet]) -> None:
    if len(set(entities)) < len(entities):
        raise QueryFailed(
            "series of the result differ in their names alone; aggregate them, so that each entity"
            " has one value"
        )
    if not rule.for_each:
        return
    wanted = {ACCOUNT, REGION, *map(label_name, rule.for_each)}
    for entity in entities:
        names = {name for name, _ in entity}
        if names != wanted:
            raise QueryFailed(
                f"the result has a series with the labels {', '.join(sorted(names)) or 'none'}, and"
                f" for_each asks for {', '.join(sorted(wanted))}"
            )
