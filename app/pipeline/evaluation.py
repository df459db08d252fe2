"""The evaluator: takes dirty minutes, recomputes them from storage, stores what changed.

It keeps nothing that matters: marks, points and values are in the database, so it may be killed
and started anywhere. What it holds in memory are plans and ids.
"""

import threading
from collections.abc import Sequence

import numpy as np
import structlog

from app.catalog import SeriesIdentity, SeriesRegistry
from app.clock import Clock
from app.errors import HydrantError
from app.mal.emission import LabelSet
from app.mal.entities import Entity
from app.mal.frames import IntArray
from app.rules import MetricValues, RuleEngine
from app.storage import (
    Connection,
    Store,
    ValueColumns,
    read_identities,
    read_marks,
    read_minute_points,
    register_entities,
    register_label_sets,
    register_metrics,
    value_columns,
    write_minute,
)
from app.telemetry import counter, gauge, histogram

MINUTES = counter("minutes_evaluated_total", "Minutes whose rules were evaluated")
VALUES_WRITTEN = counter("values_written_total", "Values of metrics written, changed or deleted")
EVALUATION_SECONDS = histogram("evaluation_seconds", "Time to evaluate and store one minute")
DIRTY_MINUTES = gauge("dirty_minutes", "Minutes waiting to be evaluated")
FAILURES = counter("evaluation_failures_total", "Minutes whose evaluation failed as a whole")

# As many as a retry after a long outage brings; further ones wait for the next round.
_MINUTES_AT_ONCE = 5_000
_POLL_SECONDS = 1.0
# Deliveries of one minute come in a burst; resting as long as the last round took, within bounds,
# evaluates the minute a few times instead of once for each of them.
_LONGEST_REST_SECONDS = 0.5
_BACK_OFF_SECONDS = 2.0
_UNKNOWN = -1

_log = structlog.get_logger(__name__)


class Evaluator:
    """One thread that evaluates minutes until it is stopped."""

    def __init__(
        self, store: Store, registry: SeriesRegistry, engine: RuleEngine, clock: Clock
    ) -> None:
        self._store = store
        self._registry = registry
        self._engine = engine
        self._clock = clock
        self._targets = _TargetIds()
        self._metric_ids: dict[str, int] = {}
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin evaluating on a thread of its own."""
        self._thread = threading.Thread(target=self._loop, name="hydrant-evaluator", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Say that a delivery has been committed."""
        self._wake.set()

    def stop(self) -> None:
        """Finish the minute under way and stop; marks that are left wait for the next start."""
        self._stopped.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def evaluate_dirty(self) -> int:
        """Evaluate the minutes that are dirty now; returns how many were.

        A minute that fails keeps its marks and does not hold up the others; the first error is
        raised when all have been tried.
        """
        with self._store.read(reserved=True) as connection:
            marks = read_marks(connection, _MINUTES_AT_ONCE)
        DIRTY_MINUTES.set(len(marks))
        failure: Exception | None = None
        for minute in sorted(marks):
            if self._stopped.is_set():
                break
            try:
                with EVALUATION_SECONDS.time():
                    self._evaluate(minute, marks[minute])
            except HydrantError:
                raise  # The database is at fault, and would be for the other minutes too.
            except Exception as error:  # noqa: BLE001 - raised below
                FAILURES.inc()
                failure = failure or error
            else:
                MINUTES.inc()
                DIRTY_MINUTES.dec()
        if failure is not None:
            raise failure
        return len(marks)

    def _loop(self) -> None:
        while not self._stopped.is_set():
            began = self._clock.monotonic()
            try:
                evaluated = self.evaluate_dirty()
            except HydrantError as error:
                _log.warning("evaluation postponed", reason=error.message)
                self._stopped.wait(_BACK_OFF_SECONDS)
                continue
            except Exception:  # noqa: BLE001 - logged; the marks stay and are tried again
                _log.exception("evaluation failed")
                self._stopped.wait(_BACK_OFF_SECONDS)
                continue
            if evaluated:
                took = self._clock.monotonic() - began
                self._stopped.wait(min(took, _LONGEST_REST_SECONDS))
            else:
                self._wake.wait(_POLL_SECONDS)
            self._wake.clear()

    def _evaluate(self, minute: int, marks: Sequence[int]) -> None:
        with self._store.read(reserved=True) as connection:
            points = read_minute_points(connection, minute)
            values, faults = self._engine.evaluate(
                points, lambda ids: self._identities(connection, ids)
            )
        if faults:
            # One line a minute: with every rule at fault there would be one a rule otherwise.
            first = faults[0]
            _log.error(
                "rules failed",
                minute=minute,
                failed=len(faults),
                first=first.definition.name,
                rule=first.definition.place,
                reason=str(first.error),
            )
        written, metric_ids, learnt = self._store.write(
            lambda connection: self._write(connection, minute, values, marks)
        )
        # Only now: ids of a transaction that was rolled back do not exist.
        self._metric_ids = metric_ids
        self._targets.learn(learnt)
        VALUES_WRITTEN.inc(written)

    def _identities(
        self, connection: Connection, series_ids: Sequence[int]
    ) -> list[SeriesIdentity]:
        return self._registry.take_identities(
            series_ids, lambda missing: read_identities(connection, missing)
        )

    def _write(
        self,
        connection: Connection,
        minute: int,
        values: Sequence[MetricValues],
        marks: Sequence[int],
    ) -> "tuple[int, dict[str, int], dict[_Target, _Ids]]":
        names = list(self._engine.definitions)
        metric_ids = self._metric_ids
        if not metric_ids.keys() >= set(names):
            metric_ids = register_metrics(connection, names)
        learnt = self._register(connection, self._targets.missing(values))
        columns = self._columns(minute, values, metric_ids, learnt)
        metrics = [metric_ids[name] for name in names]
        written = write_minute(connection, minute, columns, metrics=metrics, marks=marks)
        return written, metric_ids, learnt

    def _register(
        self, connection: Connection, missing: "dict[_Target, tuple[Entity, LabelSet]]"
    ) -> "dict[_Target, _Ids]":
        if not missing:
            return {}
        entities = register_entities(connection, list({entity for entity, _ in missing.values()}))
        labels = register_label_sets(connection, list({labels for _, labels in missing.values()}))
        return {
            target: (entities[entity], labels[label_set])
            for target, (entity, label_set) in missing.items()
        }

    def _columns(
        self,
        minute: int,
        values: Sequence[MetricValues],
        metric_ids: dict[str, int],
        learnt: "dict[_Target, _Ids]",
    ) -> ValueColumns:
        if not values:
            return value_columns(())
        parts: list[tuple[IntArray, ...]] = []
        for of_metric in values:
            rows = of_metric.outputs.row
            entity_id, label_set_id = self._targets.ids(of_metric.rule, rows, learnt)
            metric_id = np.full(len(rows), metric_ids[of_metric.definition.name])
            parts.append((metric_id, entity_id, label_set_id))
        metric_column, entity_column, label_set_column = (
            np.concatenate(column) for column in zip(*parts, strict=True)
        )
        columns = ValueColumns(
            np.full(len(metric_column), minute, np.int64),
            metric_column,
            entity_column,
            label_set_column,
            np.concatenate([v.outputs.value for v in values]),
            np.concatenate([v.outputs.numerator for v in values]),
            np.concatenate([v.outputs.weight for v in values]),
        )
        return _last_of_key(columns)


_Target = tuple[int, int]
_Ids = tuple[int, int]


class _TargetIds:
    """Ids in SQL of the targets (rule, row) that rules write to."""

    def __init__(self) -> None:
        self._ids: dict[int, IntArray] = {}

    def missing(self, values: Sequence[MetricValues]) -> dict[_Target, tuple[Entity, LabelSet]]:
        """Targets that have values and no ids yet."""
        found: dict[_Target, tuple[Entity, LabelSet]] = {}
        for of_metric in values:
            rows = of_metric.outputs.row
            unknown = rows[self._known(of_metric.rule, rows)[:, 0] == _UNKNOWN]
            for row in unknown.tolist():
                found[of_metric.rule, row] = of_metric.targets[row]
        return found

    def ids(
        self, rule: int, rows: IntArray, learnt: dict[_Target, _Ids]
    ) -> tuple[IntArray, IntArray]:
        """Entity and label set ids of a rule's rows."""
        known = self._known(rule, rows).copy()
        for place in np.flatnonzero(known[:, 0] == _UNKNOWN).tolist():
            known[place] = learnt[rule, int(rows[place])]
        return known[:, 0], known[:, 1]

    def learn(self, learnt: dict[_Target, _Ids]) -> None:
        """Remember ids whose transaction has been committed."""
        for (rule, row), ids in learnt.items():
            self._ids[rule][row] = ids

    def _known(self, rule: int, rows: IntArray) -> IntArray:
        table = self._ids.get(rule)
        needed = int(rows.max(initial=-1)) + 1
        if table is None or len(table) < needed:
            grown = np.full((max(needed, 64, 0 if table is None else 2 * len(table)), 2), _UNKNOWN)
            if table is not None:
                grown[: len(table)] = table
            table = self._ids[rule] = grown
        return table[rows]


def _last_of_key(values: ValueColumns) -> ValueColumns:
    """One row per key: where two rules feed one metric, the later rule's value stands."""
    order = np.lexsort(
        (np.arange(len(values)), values.label_set_id, values.entity_id, values.metric_id)
    )
    ordered = values.take(order)
    ends = np.ones(len(values), np.bool_)
    if len(values) > 1:
        ends[:-1] = (
            (ordered.metric_id[1:] != ordered.metric_id[:-1])
            | (ordered.entity_id[1:] != ordered.entity_id[:-1])
            | (ordered.label_set_id[1:] != ordered.label_set_id[:-1])
        )
    return ordered.take(np.flatnonzero(ends))
