"""Rollups do not depend on how they came about, and are what arithmetic says.

Random points, some of them restated, come in random order with duplicates; minutes are evaluated
and buckets rolled up at random moments, the house is restarted in between, and parts of buckets
are cut at random. At each moment grids are those of the rows, whatever is packed. Once all has
settled, the tiers are bit-identical to those of one delivery, and
equal to a computation of their own over fractions.
"""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.simulator import Format, Point, Series, encode_records
from app.storage.engine import parse_database_url, writer_engine
from app.storage.migrate import downgrade
from tests.fixtures.grids import check_grids, packed_hours
from tests.fixtures.house import House, house
from tests.fixtures.rollups import START_MS, rules

TABLES = ("orders", "users")
METRICS = ("ConsumedReadCapacityUnits", "SuccessfulRequestLatency")
OPERATIONS = ("", "GetItem", "Query")
# Sums of these are seldom exact, and cancel out.
VALUES = st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda value: value + 0.0)
Key = tuple[Any, ...]
Row = tuple[Any, ...]


@st.composite
def versions(draw: st.DrawFn) -> list[Point]:
    """A point and its restatements, each with a higher SampleCount and values of its own."""
    operation = draw(st.sampled_from(OPERATIONS))
    dimensions = [("TableName", draw(st.sampled_from(TABLES)))]
    dimensions += [("Operation", operation)] if operation else []
    series = Series(
        "1",
        "eu-west-1",
        "AWS/DynamoDB",
        draw(st.sampled_from(METRICS)),
        tuple(dimensions),
        "Count",
    )
    start_ms = START_MS + 60_000 * draw(st.integers(0, 70))
    counts = draw(st.lists(st.integers(1, 1000), min_size=1, max_size=2, unique=True))
    return [
        Point(series, start_ms, count, draw(VALUES), draw(VALUES), draw(VALUES)) for count in counts
    ]


@dataclass(frozen=True)
class Step:
    points: tuple[Point, ...]
    repeats: int
    restart_before: bool
    evaluate_after: bool
    roll_up_after: bool
    rows_at_once: int


@dataclass(frozen=True)
class History:
    points: tuple[Point, ...]
    steps: tuple[Step, ...]


@st.composite
def histories(draw: st.DrawFn) -> History:
    unique = {
        (group[0].series, group[0].start_ms): group
        for group in draw(st.lists(versions(), min_size=1, max_size=40))
    }
    points = [point for group in unique.values() for point in group]
    shuffled = draw(st.permutations(points))
    steps = []
    while shuffled:
        size = draw(st.integers(1, len(shuffled)))
        chunk, shuffled = shuffled[:size], shuffled[size:]
        steps.append(
            Step(
                tuple(chunk),
                draw(st.integers(1, 2)),
                draw(st.booleans()),
                draw(st.booleans()),
                draw(st.booleans()),
                draw(st.sampled_from([1, 60, 100_000])),
            )
        )
    return History(tuple(points), tuple(steps))


@dataclass(frozen=True)
class Settled:
    """Rows as (minute, key…) with what belongs to them, by tier; of values the minutes' own too."""

    points: dict[int, dict[Key, Row]]
    values: dict[int, dict[Key, Row]]


def settled(inside: House) -> Settled:
    inside.evaluator.evaluate_dirty()
    inside.rollups.run_once()
    assert inside.rows("SELECT * FROM dirty_rollup") == []
    points, values = {}, {}
    for minutes, suffix in ((1, ""), (5, "_5m"), (60, "_1h")):
        rows = inside.rows(
            "SELECT minute, metric, dimensions, sample_count, sum, minimum, maximum, period_ms"
            f" FROM v_points{suffix}"
        )
        points[minutes] = {row[:3]: row[3:] for row in rows}
        rows = inside.rows(
            f"SELECT minute, m.name, e.endpoint, value, numerator, weight,"
            f" {'1' if minutes == 1 else 'minutes'} FROM value_rows{suffix} v"
            " JOIN metric m ON m.metric_id = v.metric_id"
            " JOIN entity e ON e.entity_id = v.entity_id"
        )
        values[minutes] = {row[:3]: row[3:] for row in rows}
    return Settled(points, values)


def at_once(database: str, points: Sequence[Point]) -> Settled:
    with house(database, rules()) as inside:
        inside.post(encode_records(points, Format.JSON))
        return settled(inside)


def as_it_happened(database: str, history: History) -> Settled:
    with contextlib.ExitStack() as stack:
        inside = stack.enter_context(house(database, rules()))
        for number, step in enumerate(history.steps):
            if step.restart_before:
                stack.close()
                inside = stack.enter_context(
                    house(database, rules(), rows_at_once=step.rows_at_once)
                )
            for repeat in range(step.repeats):
                inside.post(encode_records(step.points, Format.JSON), f"{number}-{repeat}")
            if step.evaluate_after:
                inside.evaluator.evaluate_dirty()
            if step.roll_up_after:
                inside.rollups.run_once()
            check_grids(inside)
        found = settled(inside)
        assert packed_hours(inside)
        check_grids(inside)
        return found


def nearest(values: Sequence[float]) -> float:
    """The double nearest to the sum."""
    return float(sum(map(Fraction, values)))


def by_bucket(minutes: int, rows: Mapping[Key, Row]) -> dict[Key, list[Row]]:
    """Rows of minutes by the bucket in which they lie, in the order of time."""
    found: dict[Key, list[Row]] = {}
    for (minute, *rest), row in sorted(rows.items()):
        found.setdefault((minute - minute % minutes, *rest), []).append(row)
    return found


def statistics(points: Sequence[Point], minutes: int) -> dict[Key, Row]:
    """What a tier of points must hold: of each point counts the version of most samples."""
    standing: dict[Key, Row] = {}
    for point in sorted(points, key=lambda point: point.count):
        named = "{" + ",".join(f'"{n}":"{v}"' for n, v in sorted(point.series.dimensions)) + "}"
        key = (point.start_ms // 60_000, point.series.metric, named)
        standing[key] = (float(point.count), point.sum, point.minimum, point.maximum)
    expected: dict[Key, Row] = {}
    for key, rows in by_bucket(minutes, standing).items():
        count, total, minimum, maximum = zip(*rows, strict=True)
        sums = nearest(count), nearest(total)
        expected[key] = (*sums, min(minimum), max(maximum), minutes * 60_000)
    return expected


def combined(name: str, rows: Sequence[Row]) -> Row:
    """What a tier of values must hold of minutes (value, numerator, weight, 1)."""
    values, numerators, weights, _ = zip(*rows, strict=True)
    size = len(rows)
    match name:
        case "t_sum":
            return nearest(values), None, None, size
        case "t_largest":
            return max(values), None, None, size
        case "t_smallest":
            return min(values), None, None, size
        case "t_latest":
            return values[-1], None, None, size
        case "t_plain":
            return nearest(values) / size, nearest(values), None, size
    parts = nearest(numerators), nearest(weights)
    return (values[0] if size == 1 else parts[0] / parts[1]), *parts, size


def check(history: History, one: str, other: str) -> None:
    """The history on one database, everything at once on the other, and the arithmetic."""
    found = as_it_happened(one, history)
    assert found == at_once(other, history.points)
    for minutes in (5, 60):
        assert found.points[minutes] == statistics(history.points, minutes)
        buckets = by_bucket(minutes, found.values[1])
        assert found.values[minutes] == {
            key: combined(str(key[1]), rows) for key, rows in buckets.items()
        }


@contextlib.contextmanager
def new_sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as directory:
        yield f"sqlite:///{Path(directory) / 'hydrant.db'}"


@given(history=histories())
@settings(max_examples=12, deadline=None)
def test_rollups_are_what_arithmetic_says_however_they_came_about(history: History) -> None:
    with new_sqlite() as one, new_sqlite() as other:
        check(history, one, other)


@given(history=histories())
@settings(
    max_examples=6,
    deadline=None,
    # The database is emptied by the test itself before each example.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_postgresql_rolls_up_as_sqlite_does(history: History, postgresql_url: str) -> None:
    engine = writer_engine(parse_database_url(postgresql_url))
    try:
        with engine.connect() as connection:
            exists = sa.inspect(connection).has_table("alembic_version")
        if exists:
            downgrade(engine, "base")
    finally:
        engine.dispose()
    with new_sqlite() as other:
        check(history, postgresql_url, other)
