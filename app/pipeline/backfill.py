"""Values of metrics for minutes of the past, evaluated from their stored points on request.

Another process may be receiving and evaluating the same minutes meanwhile. What is stored here was
computed from the points as they are at that instant, and whatever comes later marks the minute for
the server, which evaluates it after us. So the order of the two does not matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from app.catalog import SeriesIdentity, StatisticCatalog
from app.clock import MILLISECONDS_PER_MINUTE, Clock, minute_text
from app.errors import InvalidParameter, NotFound, similar
from app.pipeline.minutes_read import MinutesRead
from app.pipeline.patience import patiently, rest
from app.pipeline.recorder import Recorded, Recorder
from app.rules import MetricValues, MinutePoints, RuleEngine, RuleFault, RuleFile
from app.storage import (
    Connection,
    Store,
    Tier,
    add_recomputed,
    lock_minute,
    minutes_with_points,
    read_identities,
    read_kept,
    read_minute_points,
)


@dataclass(frozen=True, slots=True)
class BackfilledMinute:
    """One minute: its values, the rows that had to be written or deleted, the rules that failed."""

    values: int
    written: int
    faults: Sequence[RuleFault]


class Backfill:
    """Evaluates the rules of some metrics, and leaves the values of all others alone."""

    def __init__(
        self,
        store: Store,
        files: Sequence[RuleFile],
        catalog: StatisticCatalog,
        clock: Clock,
        metrics: Sequence[str],
    ) -> None:
        """Raises ``NotFound`` for a metric without a rule, ``RuleError`` for rules at fault."""
        self._store = store
        self._clock = clock
        self._engine = RuleEngine(_only(files, metrics), catalog)
        self._recorder = Recorder(self._engine.definitions)
        self._epoch = store.epoch

    def minutes(self, start_ms: int, end_ms: int) -> list[int]:
        """The minutes of a range that have points, ascending.

        Raises ``NotFound`` without any, and ``InvalidParameter`` for a start before the minutes
        that are kept: what is left of older ones would give values that are not whole.
        """
        with self._store.read() as connection:
            kept = read_kept(connection)[Tier.MINUTE]
            found = minutes_with_points(connection, start_ms, end_ms)
        if start_ms // MILLISECONDS_PER_MINUTE < kept:
            raise InvalidParameter(
                "--since",
                "the points of that time have been deleted, and there is nothing to evaluate from;"
                f" minutes are kept from {minute_text(kept)} on",
            )
        if not found:
            raise NotFound("there are no points in this range of time; nothing to evaluate")
        return found

    def evaluate(self, minute: int) -> BackfilledMinute:
        """Evaluate a minute and store its values; afterwards rest, for the server's sake.

        Raises ``StorageUnavailable`` when the database stays busy.
        """
        began = self._clock.monotonic()
        done = None
        while done is None:
            done = patiently(self._clock, lambda: self._evaluate(minute))
        rest(self._clock, self._clock.monotonic() - began)
        return done

    def _evaluate(self, minute: int) -> BackfilledMinute | None:
        """None when a delivery came in between, and the minute has to be evaluated once more."""
        with self._store.read() as connection:
            *earlier, points = self._seen(connection, minute)
            values, faults = self._engine.evaluate(
                points, lambda ids: _identities(connection, ids), lambda _first, _last: earlier
            )
        seen = [*earlier, points]
        recorded = self._store.write(
            lambda connection: self._write(connection, seen, values), epoch=self._epoch
        )
        if recorded is None:
            return None
        self._recorder.learn(recorded)
        return BackfilledMinute(recorded.values, recorded.written, faults)

    def _seen(self, connection: Connection, minute: int) -> list[MinutePoints]:
        """The points that the minute's values come from: its own, last, and those before it."""
        lookback = self._engine.lookback_minutes
        read = MinutesRead(read_minute_points)
        earlier = read.minutes(connection, minute - lookback, minute - 1) if lookback else []
        return [*earlier, read.minute(connection, minute)]

    def _write(
        self,
        connection: Connection,
        seen: Sequence[MinutePoints],
        values: Sequence[MetricValues],
    ) -> Recorded | None:
        """Store the values, unless a delivery has changed what they come from since it was read."""
        minute = seen[-1].minute
        lock_minute(connection, minute)
        if [*map(_bits, self._seen(connection, minute))] != [*map(_bits, seen)]:
            return None
        add_recomputed(connection)
        return self._recorder.write(connection, minute, values)


def _only(files: Sequence[RuleFile], metrics: Sequence[str]) -> list[RuleFile]:
    """The files with the rules of these metrics alone."""
    known = {rule.name for file in files for rule in file.rules}
    for name in metrics:
        if name not in known:
            raise NotFound(f"no rule defines the metric {name}{similar(name, sorted(known), 3)}")
    wanted = frozenset(metrics)
    chosen = (
        replace(file, rules=tuple(rule for rule in file.rules if rule.name in wanted))
        for file in files
    )
    return [file for file in chosen if file.rules]


def _identities(connection: Connection, series_ids: Sequence[int]) -> list[SeriesIdentity]:
    found = read_identities(connection, series_ids)
    return [found[series_id] for series_id in series_ids]


def _bits(points: MinutePoints) -> list[object]:
    """Something to compare points by, to the last bit."""
    columns = (getattr(points, field.name) for field in fields(points))
    return [column.tobytes() if isinstance(column, np.ndarray) else column for column in columns]
