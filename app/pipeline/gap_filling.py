"""Gaps of streamed series, filled with what CloudWatch says of them now.

First ``plan``, which finds out what is missing and asks for nothing, then ``fill`` for each call of
it. A call is stored in one transaction, so it can be stopped between any two of them; what has been
stored is no longer missing when it is planned again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from app.arrays import IntArray
from app.catalog import SeriesIdentity
from app.clock import MILLISECONDS_PER_MINUTE, Clock, minute_text
from app.cloudwatch import STATISTICS, CloudWatch, SeriesAnswer
from app.errors import InvalidParameter
from app.otlp import MetricBatch
from app.otlp.batch import BatchBuilder
from app.pipeline.gap_calls import GapCall, plan_calls
from app.pipeline.gap_series import GapScope, GapSeries, series_in_scope, wanted_of
from app.pipeline.gaps import GapFinder, Run
from app.storage import (
    Connection,
    Store,
    Tier,
    read_kept,
    series_of_minutes,
    statistics_of_minutes,
    write_backfilled,
)

NEAR_MINUTES = 180
"""How far from the range a point may be for its series to be alive, as CloudWatch counts it."""

# CloudWatch keeps minutes for 15 days; an hour is left for asking.
_MINUTES_OF_CLOUDWATCH = 15 * 1440 - 60
_MINUTES_AT_ONCE = 10


@dataclass(slots=True)
class GapPlan:
    """What is missing. ``notes`` say what of the range asked for is left out, and why.

    ``series`` miss something, ``minutes`` altogether, which ``calls`` ask for.
    """

    first: int
    last: int
    known: int
    series: int = 0
    minutes: int = 0
    calls: list[GapCall] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def charged(self) -> int:
        """Metrics that AWS counts."""
        return sum(call.charged for call in self.calls)


@dataclass(frozen=True, slots=True)
class FilledCall:
    """What came of a call, in points.

    ``filled`` were missing, ``restated`` had been backfilled with other values, ``expired`` are of
    minutes no longer kept; ``partial`` lack one of the four statistics. ``unfinished`` are series
    whose answer did not become whole; nothing of them is stored. ``charged`` counts repetitions.
    """

    filled: int
    restated: int
    expired: int
    partial: int
    empty: int
    unfinished: tuple[tuple[SeriesIdentity, str], ...]
    minutes: tuple[int, ...]
    messages: tuple[str, ...]
    charged: int


class GapFilling:
    """Finds gaps and fills them. ``cloudwatch`` gives the client of a region."""

    def __init__(self, store: Store, clock: Clock, cloudwatch: Callable[[str], CloudWatch]) -> None:
        self._store = store
        self._clock = clock
        self._cloudwatch = cloudwatch

    def plan(self, scope: GapScope) -> GapPlan:
        """What is missing in the scope. ListMetrics is asked if the scope says so, nothing else.

        Raises ``InvalidParameter`` for ranges of which CloudWatch or we have no minutes, and
        ``NotFound`` when there are no such series.
        """
        with self._store.read() as connection:
            plan = self._range(connection, scope)
            series = series_in_scope(connection, scope, self._cloudwatch, plan.notes)
            plan.known = len(series)
            gaps = self._gaps(connection, series, plan, thorough=scope.thorough)
        wanted = [
            wanted_of(one, run, scope)
            for one, runs in zip(series, gaps, strict=True)
            for run in runs
        ]
        plan.series = sum(bool(runs) for runs in gaps)
        plan.minutes = sum(each.last - each.first for each in wanted)
        plan.calls = plan_calls(wanted)
        return plan

    def fill(self, call: GapCall) -> FilledCall:
        """Ask CloudWatch and store what it answers; returns after the commit."""
        queries = [each.query for each in call.wanted]
        answer = self._cloudwatch(call.region).read(
            queries, call.first * MILLISECONDS_PER_MINUTE, call.last * MILLISECONDS_PER_MINUTE
        )
        batch, partial = _batch(call, answer.series)
        identities = [each.identity for each in call.wanted]
        written = self._store.write(
            lambda connection: write_backfilled(connection, batch, identities)
        )
        unfinished = (
            (each.identity, one.status)
            for each, one in zip(call.wanted, answer.series, strict=True)
            if not one.is_complete
        )
        return FilledCall(
            written.filled,
            written.restated,
            written.expired,
            partial,
            sum(one.is_complete and not any(one.values.values()) for one in answer.series),
            tuple(unfinished),
            written.minutes,
            tuple(answer.messages),
            call.charged + sum(call.wanted[number].charged for number in answer.repeated),
        )

    def _range(self, connection: Connection, scope: GapScope) -> GapPlan:
        """The minutes that can be filled."""
        now = self._clock.now_ms() // MILLISECONDS_PER_MINUTE
        first = scope.start_ms // MILLISECONDS_PER_MINUTE
        last = -(-scope.end_ms // MILLISECONDS_PER_MINUTE)
        notes = []
        oldest = now - _MINUTES_OF_CLOUDWATCH
        if first < oldest:
            raise InvalidParameter(
                "--since",
                "CloudWatch has minutes of the last 15 days only; what it has of earlier times,"
                " periods of 5 minutes or an hour, cannot become points of a minute; the first"
                f" possible time is {minute_text(oldest)}",
            )
        settled = now - scope.margin_minutes
        if last > settled:
            notes.append(f"minutes from {minute_text(settled)} on may still come by the stream")
            last = settled
        kept = read_kept(connection)[Tier.MINUTE]
        if first < kept:
            notes.append(f"minutes before {minute_text(kept)} are no longer kept here")
            first = kept
        if first >= last:
            raise InvalidParameter("--since", f"nothing is left to fill: {'; '.join(notes)}")
        return GapPlan(first, last, 0, notes=[f"left out: {note}" for note in notes])

    def _gaps(
        self, connection: Connection, series: Sequence[GapSeries], plan: GapPlan, *, thorough: bool
    ) -> list[list[Run]]:
        """What each of the series misses; learns their extra statistics on the way."""
        now = self._clock.now_ms() // MILLISECONDS_PER_MINUTE
        first = plan.first - NEAR_MINUTES
        # Beyond it nothing is missing yet, unless it is at the end of the range itself.
        last = max(plan.last, min(plan.last + NEAR_MINUTES, now - _MINUTES_AT_ONCE))
        finder = GapFinder(_groups(series), first, last)
        place = _places(series)
        for start in range(first, last, _MINUTES_AT_ONCE):
            end = min(start + _MINUTES_AT_ONCE, last)
            for minute, ids in series_of_minutes(connection, start, end).items():
                rows = place[np.minimum(ids, len(place) - 1)]
                finder.see(minute, rows[rows >= 0])
            for series_id, statistic in statistics_of_minutes(connection, start, end):
                row = place[min(series_id, len(place) - 1)]
                if row >= 0:
                    series[row].statistics.add(statistic)
        gaps = finder.gaps(plan.first, plan.last, thorough=thorough)
        for row, one in enumerate(series):
            if one.discovered and not finder.is_alive[row]:
                gaps[row] = [(plan.first, plan.last)]
        return gaps


def _groups(series: Sequence[GapSeries]) -> IntArray:
    numbers: dict[tuple[str, str], int] = {}
    groups = [
        numbers.setdefault((one.identity.account, one.identity.region), len(numbers))
        for one in series
    ]
    return np.array(groups, np.int64)


def _places(series: Sequence[GapSeries]) -> IntArray:
    """Positions by series id, -1 for others; the last element stands for all ids above."""
    ids = [-1 if one.series_id is None else one.series_id for one in series]
    places = np.full(max(ids, default=0) + 2, -1, np.int64)
    for row, series_id in enumerate(ids):
        if series_id >= 0:
            places[series_id] = row
    return places


def _batch(call: GapCall, answers: Sequence[SeriesAnswer]) -> tuple[MetricBatch, int]:
    """The points of an answer, and how many lack one of the four statistics."""
    builder = BatchBuilder()
    partial = 0
    for slot, (wanted, answer) in enumerate(zip(call.wanted, answers, strict=True)):
        if not answer.is_complete:
            continue
        starts = sorted({start for values in answer.values.values() for start in values})
        basic = [answer.values[name] for name in STATISTICS]
        extra = [(name, answer.values[name]) for name in wanted.query.statistics[len(STATISTICS) :]]
        for start in starts:
            minute, offset = divmod(start, MILLISECONDS_PER_MINUTE)
            if offset or not wanted.first <= minute < wanted.last:
                continue
            if not all(start in values for values in basic):
                partial += 1
                continue
            count, total, minimum, maximum = (values[start] for values in basic)
            extras = [(name, values[start]) for name, values in extra if start in values]
            builder.add(
                slot, start, MILLISECONDS_PER_MINUTE, (count, total, minimum, maximum), extras
            )
    return builder.build(), partial
