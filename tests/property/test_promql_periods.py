"""Sums over windows in PromQL are the statistics over periods of REST, whatever tier is read.

Random points are delivered; then for a random period P, the Sum, Minimum and Maximum of every
period by ``statistics_over_periods`` are those of ``sum_over_time(x_sum[P])`` and its like, bit by
bit, before minutes are rolled up and after, and when minutes and then 5 minutes are gone.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.clock import ManualClock
from app.promql.engine import Engine, Limits
from app.query import choose_tier, statistics_over_periods
from app.query.prometheus import PrometheusData
from app.simulator import Format, Point, Series, encode_records
from app.storage import SeriesFilter, Tier, expire, read_kept, read_points, search_series
from tests.fixtures.house import House, house
from tests.fixtures.rollups import START_MS, rules

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
METRIC = "ConsumedReadCapacityUnits"
NAME = f"aws_dynamodb_{METRIC}"
QUESTIONS = {
    "Sum": f"sum_over_time({NAME}_sum[{{window}}])",
    "SampleCount": f"sum_over_time({NAME}_samplecount[{{window}}])",
    "Minimum": f"min_over_time({NAME}_minimum[{{window}}])",
    "Maximum": f"max_over_time({NAME}_maximum[{{window}}])",
}
# Sums of these are seldom exact, and cancel out.
VALUES = st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda value: value + 0.0)
# Those of statistic sets need not be whole.
COUNTS: st.SearchStrategy[Any] = st.integers(1, 1000) | st.floats(0.001, 1000)
SUMS = ("Sum", "SampleCount")
Answers = dict[tuple[str, int], float]


@st.composite
def points(draw: st.DrawFn) -> list[Point]:
    places = draw(
        st.lists(
            st.tuples(st.sampled_from(("orders", "users")), st.integers(0, 150)),
            min_size=1,
            max_size=40,
            unique=True,
        )
    )
    return [
        Point(
            Series("1", "eu-west-1", "AWS/DynamoDB", METRIC, (("TableName", table),), "Count"),
            START_MS + minute * MINUTE_MS,
            draw(COUNTS),
            draw(VALUES),
            draw(VALUES),
            draw(VALUES),
        )
        for table, minute in places
    ]


def by_rest(inside: House, period_ms: int, statistic: str) -> Answers:
    """By table and end of the period."""
    first = START_MS // period_ms * period_ms
    with inside.store.read() as connection:
        tier = choose_tier(read_kept(connection), "period", period_ms, first).tier
        identities = dict(search_series(connection, SeriesFilter(metric=METRIC)))
        stored = read_points(
            connection, list(identities), first, first + 6 * HOUR_MS, limit=10_000, tier=tier
        )
    return {
        (dict(identities[each.series_id].dimensions)["TableName"], start + period_ms): value
        for each in statistics_over_periods(stored, period_ms, [statistic])
        for start, value in zip(
            each.timestamps.tolist(), each.statistics[statistic].tolist(), strict=True
        )
    }


def by_promql(inside: House, period_ms: int, statistic: str) -> Answers:
    query = QUESTIONS[statistic].format(window=f"{period_ms // 1000}s")
    first = START_MS // period_ms * period_ms + period_ms
    last = first + 200 * MINUTE_MS // period_ms * period_ms + period_ms
    data = PrometheusData(inside.store, dict)
    with data.open() as opened:
        answer = Engine(Limits(), ManualClock()).range(query, first, last, period_ms, opened.reader)
    assert answer.vector is not None
    rows, columns = np.nonzero(answer.vector.present)
    return {
        (dict(answer.vector.labels[row])["TableName"], int(answer.times[column])): float(
            answer.vector.values[row, column]
        )
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
    }


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(points(), st.sampled_from((1, 2, 5, 7, 10, 30, 60, 120, 180)), st.integers(0, 40))
def test_windows_are_periods(delivered: list[Point], minutes: int, late: int) -> None:
    period_ms = minutes * MINUTE_MS
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{Path(folder) / 'hydrant.db'}"
        with house(database, rules()) as inside:
            inside.post(encode_records(delivered[late:], Format.JSON), "1")
            inside.post(encode_records(delivered[:late], Format.JSON), "2")
            exact: dict[str, Answers] = {}
            for gone in (None, None, Tier.MINUTE, Tier.FIVE_MINUTES):
                if gone is not None:
                    cut(inside, gone)
                    if minutes % next(tier for tier in Tier if tier > gone):
                        break
                for statistic in QUESTIONS:
                    expected = by_rest(inside, period_ms, statistic)
                    assert by_promql(inside, period_ms, statistic) == expected
                    if (
                        gone is None
                        or minutes in tuple(Tier)
                        or statistic in ("Minimum", "Maximum")
                    ):
                        assert exact.setdefault(statistic, expected) == expected
                # Once more, with the tiers there.
                inside.evaluator.evaluate_dirty()
                inside.clock.advance(6 * 3600)
                inside.rollups.run_once()


def cut(inside: House, tier: Tier) -> None:
    """Keep nothing of a tier any more."""
    minute = START_MS // MINUTE_MS + 12 * 60
    inside.store.write(lambda connection: expire(connection, {tier: minute}))
