"""Points that were filled in: streamed ones win in any order of arrival, on both engines."""

import math
from collections.abc import Iterator, Sequence
from itertools import combinations, permutations

import pytest
import sqlalchemy as sa

from app.catalog import SeriesIdentity
from app.clock import MILLISECONDS_PER_MINUTE
from app.otlp.batch import BatchBuilder
from app.simulator import Format, Point, Series, encode_records
from app.storage import (
    Backfilled,
    Connection,
    Tier,
    expire,
    read_minute_points,
    read_points,
    write_backfilled,
)
from app.storage.delivered_points import point_columns
from app.storage.engine import parse_database_url, writer_engine
from app.storage.migrate import downgrade, migrate
from app.storage.point_batches import write_batches
from tests.fixtures.house import House, house

MINUTE = 29_000_000
DIMENSIONS = (("TableName", "orders"),)
SERIES = Series("1", "eu-west-1", "AWS/DynamoDB", "SuccessfulRequestLatency", DIMENSIONS, "Count")
IDENTITY = SeriesIdentity(
    "1", "eu-west-1", "AWS/DynamoDB", "SuccessfulRequestLatency", DIMENSIONS, "Count"
)

# Whether it is streamed, SampleCount, Sum, percentiles. The backfilled ones have higher counts than
# the first streamed one, one of them the same as the restated one.
EVENTS = (
    (True, 5, 10.0, {"p99": 5.0}),
    (True, 7, 12.0, {"p90": 3.0}),
    (False, 7, 13.0, {"p99": 9.0, "p50": 1.0}),
    (False, 11, 14.0, {"p99": 2.0}),
)
ORDERS = [
    order
    for size in range(1, len(EVENTS) + 1)
    for some in combinations(range(len(EVENTS)), size)
    for order in permutations(some)
]


@pytest.fixture
def new_house(database_url: str) -> Iterator[House]:
    with house(database_url) as made:
        yield made


def stream(inside: House, minute: int, count: int, total: float, **percentiles: float) -> None:
    start_ms = minute * MILLISECONDS_PER_MINUTE
    point = Point(SERIES, start_ms, count, total, 0.25, 7.5, tuple(percentiles.items()))
    inside.post(encode_records([point], Format.JSON), f"{minute}-{count}-{total}")


def fill(
    inside: House, minutes: Sequence[int], count: float, total: float, **percentiles: float
) -> Backfilled:
    builder = BatchBuilder()
    for minute in minutes:
        start_ms = minute * MILLISECONDS_PER_MINUTE
        extras = list(percentiles.items())
        builder.add(0, start_ms, 60_000, (count, total, 0.25, 7.5), extras)
    batch = builder.build()
    return inside.store.write(lambda connection: write_backfilled(connection, batch, [IDENTITY]))


def seen(inside: House, minute: int) -> tuple[object, ...]:
    """A minute as each reader sees it; the readers agree."""
    points = inside.rows(
        "SELECT sample_count, sum, minimum, maximum, CAST(backfilled AS INTEGER)"
        f" FROM v_points WHERE minute = {minute}"
    )
    extras = inside.rows(f"SELECT statistic, value FROM v_extra_statistics WHERE minute = {minute}")
    start_ms = minute * MILLISECONDS_PER_MINUTE
    with inside.store.read() as connection:
        of_minute = read_minute_points(connection, minute)
        of_range = read_points(connection, [1], start_ms, start_ms + 60_000, limit=99)
    pairs = zip(of_minute.extra_name, of_minute.extra_value.tolist(), strict=True)
    assert sorted(pairs) == extras
    assert sorted(row[1:] for row in of_range.extra) == extras
    assert [row[0] for row in points] == of_minute.count.tolist() == of_range.count.tolist()
    return (*points, *extras)


def expected(order: Sequence[int]) -> tuple[object, ...]:
    """What stands: streamed before backfilled, then the higher SampleCount."""
    streamed, count, total, percentiles = max(EVENTS[number] for number in order)
    point = (float(count), total, 0.25, 7.5, int(not streamed))
    return (point, *sorted(percentiles.items()))


def test_a_streamed_point_stands_in_every_order(new_house: House) -> None:
    for number, order in enumerate(ORDERS):
        for which in order:
            streamed, count, total, percentiles = EVENTS[which]
            if streamed:
                stream(new_house, MINUTE + number, count, total, **percentiles)
            else:
                fill(new_house, [MINUTE + number], count, total, **percentiles)
    for number, order in enumerate(ORDERS):
        assert seen(new_house, MINUTE + number) == expected(order), order


def test_both_ways_of_writing_go_together(new_house: House) -> None:
    stream(new_house, MINUTE, 5, 10.0)
    fill(new_house, [MINUTE + 1], 5, 10.0, p99=1.0)
    stream(new_house, MINUTE + 2, 5, 10.0, p99=2.0)
    rows = new_house.rows("SELECT minute, CAST(backfilled AS INTEGER) FROM v_points")
    assert rows == [(MINUTE, 0), (MINUTE + 1, 1), (MINUTE + 2, 0)]


def test_a_stream_that_commits_meanwhile_stands(postgresql_url: str) -> None:
    """What is read before filling may be outdated by then; whoever reads knows better."""
    with house(postgresql_url) as inside:
        fill(inside, [MINUTE - 1], 1, 1.0)
        engine = writer_engine(parse_database_url(postgresql_url))
        builder = BatchBuilder()
        start_ms = MINUTE * MILLISECONDS_PER_MINUTE
        builder.add(1, start_ms, 60_000, (5.0, 10.0, 0.25, 7.5), [("p99", 5.0)])
        batch = builder.build()
        with engine.connect() as connection:
            write_batches(connection, point_columns(batch, batch.slot))
            # It does not wait for the stream, and comes after it or before.
            assert fill(inside, [MINUTE], 9, 9.0, p99=9.0) == Backfilled(1, 0, 0, (MINUTE,))
            connection.commit()
        engine.dispose()
        assert seen(inside, MINUTE) == ((5.0, 10.0, 0.25, 7.5, 0), ("p99", 5.0))


def test_filling_says_what_it_did_and_marks_what_changed(new_house: House) -> None:
    stream(new_house, MINUTE, 5, 10.0)
    new_house.evaluator.evaluate_dirty()
    minutes = range(MINUTE, MINUTE + 3)
    filled = (MINUTE + 1, MINUTE + 2)
    assert fill(new_house, minutes, 6, 11.0) == Backfilled(2, 0, 0, filled)
    assert new_house.rows("SELECT DISTINCT minute FROM dirty_minute") == [(m,) for m in filled]
    new_house.evaluator.evaluate_dirty()
    assert fill(new_house, minutes, 6, 11.0) == Backfilled(0, 0, 0, ())
    assert new_house.rows("SELECT minute FROM dirty_minute") == []
    assert fill(new_house, minutes, 7, 11.0) == Backfilled(0, 2, 0, filled)


def test_rules_see_filled_minutes(new_house: House) -> None:
    stream(new_house, MINUTE, 5, 10.0)
    fill(new_house, [MINUTE + 1], 6, 12.0)
    new_house.evaluator.evaluate_dirty()
    counts = "SELECT minute, COUNT(*) FROM v_values GROUP BY minute"
    (_, streamed), (_, filled) = new_house.rows(counts)
    assert streamed == filled


def test_minutes_that_are_no_longer_kept_are_not_filled(new_house: House) -> None:
    hour = MINUTE - MINUTE % 60 + 60
    stream(new_house, hour + 1, 5, 10.0)
    new_house.contents()

    def cut(connection: Connection) -> None:
        expire(connection, dict.fromkeys(Tier, hour))

    new_house.store.write(cut)
    assert fill(new_house, [hour - 1, hour], 1, 1.0) == Backfilled(1, 0, 1, (hour,))
    assert new_house.rows("SELECT minute FROM v_points") == [(hour,), (hour + 1,)]


def test_a_series_that_no_stream_has_brought_is_registered(new_house: House) -> None:
    assert fill(new_house, [MINUTE], 1, math.pi) == Backfilled(1, 0, 0, (MINUTE,))
    assert new_house.rows("SELECT metric, sum FROM v_points") == [(IDENTITY.metric, math.pi)]
    stream(new_house, MINUTE + 1, 1, 2.0)
    assert new_house.rows("SELECT COUNT(*) FROM series") == [(1,)]


def test_the_migration_keeps_points_and_goes_back(database_url: str) -> None:
    with house(database_url) as inside:
        stream(inside, MINUTE, 5, 10.0, p99=5.0)
        fill(inside, [MINUTE + 1], 6, 12.0, p99=6.0)
    engine = writer_engine(parse_database_url(database_url))
    try:
        downgrade(engine, "0003")
        with engine.begin() as connection:
            # As the release before writes: it names the columns that it knows.
            connection.execute(
                sa.text(
                    "INSERT INTO point (minute, series_id, offset_ms, period_ms, sample_count,"
                    f" sum) VALUES ({MINUTE + 2}, 1, 0, 60000, 1, 1)"
                )
            )
            before = connection.execute(sa.text("SELECT sum FROM v_points")).scalars().all()
            extras = connection.execute(sa.text("SELECT value FROM v_extra_statistics")).scalars()
            assert (sorted(before), sorted(extras)) == ([1.0, 10.0, 12.0], [5.0, 6.0])
        migrate(engine)
    finally:
        engine.dispose()
    with house(database_url) as inside:
        query = "SELECT sum, CAST(backfilled AS INTEGER) FROM v_points"
        assert inside.rows(query) == [(1.0, 0), (10.0, 0), (12.0, 0)]
