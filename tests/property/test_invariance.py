"""Promise 2: the same data gives the same result.

A random stream, with restated, late and duplicate points, is cut into random requests of random
formats, in random order, with restarts and evaluations between. Points, extra statistics and
values come out bit-identical to one delivery of everything, on both engines.
"""

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.simulator import Format, Point, Series, encode_records
from app.storage.engine import parse_database_url, writer_engine
from app.storage.migrate import downgrade, migrate
from tests.fixtures.house import NOW_MS, house

MINUTE_MS = NOW_MS // 60_000 * 60_000
METRICS = (
    ("ConsumedReadCapacityUnits", "Count"),
    ("SuccessfulRequestLatency", "Milliseconds"),
    ("ProvisionedReadCapacityUnits", "Count"),
    ("ReadThrottleEvents", "Count"),
)
DIMENSIONS = (
    (("TableName", "orders"),),
    (("TableName", "users"),),
    (("TableName", "orders"), ("Operation", "GetItem")),
    (("TableName", "orders"), ("Operation", "BatchGetItem")),
    (("TableName", "orders"), ("GlobalSecondaryIndexName", "by-date")),
)
VALUES = st.floats(0, 1e6, allow_subnormal=False).map(lambda value: value + 0.0)


@st.composite
def all_series(draw: st.DrawFn) -> Series:
    metric, unit = draw(st.sampled_from(METRICS))
    return Series(
        account=draw(st.sampled_from(["111111111111", "222222222222"])),
        region=draw(st.sampled_from(["eu-west-1", "us-east-1"])),
        namespace="AWS/DynamoDB",
        metric=metric,
        dimensions=draw(st.sampled_from(DIMENSIONS)),
        unit=unit,
    )


@st.composite
def versions(draw: st.DrawFn) -> list[Point]:
    """A point and its restatements, each with a higher SampleCount and values of its own."""
    series = draw(all_series())
    start_ms = MINUTE_MS + 60_000 * draw(st.integers(-3, 3))
    counts = draw(st.lists(st.integers(1, 1000), min_size=1, max_size=3, unique=True))
    return [
        Point(
            series,
            start_ms,
            count,
            draw(VALUES),
            draw(VALUES),
            draw(VALUES),
            (("p99", draw(VALUES)),) if draw(st.booleans()) else (),
        )
        for count in counts
    ]


@dataclass(frozen=True)
class Request:
    format: Format
    points: tuple[Point, ...]
    repeats: int
    restart_before: bool
    evaluate_after: bool


@dataclass(frozen=True)
class Stream:
    points: tuple[Point, ...]
    requests: tuple[Request, ...]


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    unique = {
        (point.series, point.start_ms): group
        for group in draw(st.lists(versions(), min_size=1, max_size=25))
        for point in group
    }
    points = [point for group in unique.values() for point in group]
    shuffled = draw(st.permutations(points))
    requests = []
    while shuffled:
        size = draw(st.integers(1, len(shuffled)))
        chunk, shuffled = shuffled[:size], shuffled[size:]
        requests.append(
            Request(
                draw(st.sampled_from(Format)),
                tuple(chunk),
                draw(st.integers(1, 2)),
                draw(st.booleans()),
                draw(st.booleans()),
            )
        )
    return Stream(tuple(points), tuple(requests))


def in_one_delivery(database: str, points: Sequence[Point]) -> dict[str, list[tuple[object, ...]]]:
    with house(database) as inside:
        inside.post(encode_records(points, Format.JSON))
        return inside.contents()


def as_streamed(database: str, stream: Stream) -> dict[str, list[tuple[object, ...]]]:
    with contextlib.ExitStack() as stack:
        inside = stack.enter_context(house(database))
        for number, request in enumerate(stream.requests):
            if request.restart_before:
                stack.close()
                inside = stack.enter_context(house(database))
            for repeat in range(request.repeats):
                name = f"{number}" if request.evaluate_after else f"{number}-{repeat}"
                inside.post(encode_records(request.points, request.format), name)
            if request.evaluate_after:
                inside.evaluator.evaluate_dirty()
        return inside.contents()


@contextlib.contextmanager
def new_sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as directory:
        yield f"sqlite:///{Path(directory) / 'hydrant.db'}"


@given(stream=streams())
@settings(max_examples=25, deadline=None)
def test_requests_order_duplicates_and_restarts_change_nothing(stream: Stream) -> None:
    with new_sqlite() as one, new_sqlite() as other:
        assert as_streamed(one, stream) == in_one_delivery(other, stream.points)


@given(stream=streams())
@settings(
    max_examples=10,
    deadline=None,
    # The database is emptied by the test itself before each example.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_postgresql_gives_what_sqlite_gives(stream: Stream, postgresql_url: str) -> None:
    engine = writer_engine(parse_database_url(postgresql_url))
    try:
        with engine.connect() as connection:
            exists = sa.inspect(connection).has_table("alembic_version")
        if exists:
            downgrade(engine, "base")
        migrate(engine)
    finally:
        engine.dispose()
    with new_sqlite() as other:
        assert as_streamed(postgresql_url, stream) == in_one_delivery(other, stream.points)
