"""Which operations of a table were throttled in given periods, and how much more was wanted.

ThrottledRequests and SuccessfulRequestLatency are by {TableName, Operation}: what an operation
ran into, the table or one of its indexes, they do not tell. A batch counts as throttled only if
all of its items were.
"""

from dataclasses import dataclass

import numpy as np

from app.arrays import FloatArray, IntArray
from app.dynamodb.latency import LATENCY, THROTTLED
from app.dynamodb.reader import MetricSeries
from app.dynamodb.resources import Resource, operation_of
from app.dynamodb.scope import Reading
from app.summation import exact_sum

OPERATION_METRICS = (THROTTLED, LATENCY)

_READS = frozenset(("GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"))
_WRITES = frozenset(("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"))


@dataclass(frozen=True, slots=True)
class ThrottledOperation:
    """An operation with its throttled and its successful requests in the throttled periods."""

    operation: str
    throttled: float
    successful: float


@dataclass(frozen=True, slots=True)
class OperationsThen:
    """Operations of a table in some periods, the most throttled first.

    ``demand`` is, for each period, all requests of the throttled operations over their successful
    ones, 1 where nothing is known. Requests that were tried again count each time, so that it is
    rather too high.
    """

    throttled: tuple[ThrottledOperation, ...]
    demand: FloatArray


class Operations:
    """Operations of all tables of a reading, by table."""

    def __init__(
        self, by_table: dict[Resource, dict[str, tuple[MetricSeries | None, MetricSeries | None]]]
    ) -> None:
        self._by_table = by_table

    @classmethod
    def of(cls, reading: Reading) -> "Operations":
        """Those of a reading of ``OPERATION_METRICS``."""
        by_table: dict[Resource, dict[str, tuple[MetricSeries | None, MetricSeries | None]]] = {}
        for place, metric in enumerate(OPERATION_METRICS):
            for series in reading.of(metric):
                key = operation_of(series.identity)
                if key is not None:
                    table, operation = key
                    of_table = by_table.setdefault(table, {})
                    throttled, latency = of_table.get(operation, (None, None))
                    of_table[operation] = (throttled, series) if place else (series, latency)
        return cls(by_table)

    def during(self, table: Resource, direction: str, starts_ms: IntArray) -> OperationsThen:
        """The operations that read or write, in the periods that begin at ``starts_ms``."""
        others = _WRITES if direction == "Read" else _READS
        refused, served = np.zeros(len(starts_ms)), np.zeros(len(starts_ms))
        found = []
        for operation, (throttled, latency) in sorted(self._by_table.get(table, {}).items()):
            if operation in others or throttled is None:
                continue
            failed = values_at(starts_ms, throttled.starts_ms, throttled.total)
            if not failed.any():
                # Its requests say nothing about how much more the throttled ones wanted.
                continue
            done = np.zeros(len(starts_ms))
            if latency is not None:
                done = values_at(starts_ms, latency.starts_ms, latency.count)
            refused += failed
            served += done
            found.append(ThrottledOperation(operation, exact_sum(failed), exact_sum(done)))
        demand = np.ones(len(starts_ms))
        np.divide(refused + served, served, out=demand, where=served > 0)
        return OperationsThen(tuple(sorted(found, key=lambda each: -each.throttled)), demand)


def values_at(
    starts_ms: IntArray, of_ms: IntArray, values: FloatArray, *, absent: float = 0.0
) -> FloatArray:
    """The values of the periods that begin at ``starts_ms``; ``of_ms`` are when theirs begin."""
    place = np.minimum(np.searchsorted(of_ms, starts_ms), len(of_ms) - 1)
    there = (of_ms[place] == starts_ms) & ~np.isnan(values[place])
    return np.where(there, values[place], absent)
