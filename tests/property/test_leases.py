"""However two processes take the work from each other, the result is that of one.

Random deliveries reach either of two houses on one database. Either of them evaluates, rolls up and
deletes, is stopped before a random write, and resumed after the other has taken over and worked, or
after the lease has come back to it. At the end everything is as in a house that was always alone.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from app.errors import LeaseLost
from app.pipeline import Maintenance, Retention
from app.simulator import Format, Point, encode_records
from app.storage import Tier
from app.storage.engine import parse_database_url, writer_engine
from app.storage.migrate import downgrade
from tests.fixtures.house import House, house
from tests.fixtures.rivals import before_write, rivals, take_over
from tests.fixtures.rollups import capacity, latency, rules

# Deliveries are 10 days old when they are to be forgotten, and minutes long kept.
RETENTION = Retention(240, 0, {Tier.MINUTE: 0, Tier.FIVE_MINUTES: 0, Tier.HOUR: 0})
Work = Callable[[House], object]
WORK: Sequence[Work] = (
    lambda inside: inside.evaluator.evaluate_dirty(),
    lambda inside: inside.rollups.run_once(),
    lambda inside: Maintenance(inside.store, inside.clock, inside.lease, RETENTION).run_once(),
)


@dataclass(frozen=True)
class Step:
    """A delivery, then work of the one that holds the lease, stopped before a write or not at all.

    Meanwhile there is another delivery, the other one takes over and does ``others_work``, and
    perhaps the lease returns before the first one is resumed.
    """

    before: tuple[Point, ...]
    work: int
    stopped_before: int | None
    meanwhile: tuple[Point, ...]
    others_work: tuple[int, ...]
    returns: bool


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    """Steps whose points are restated with a higher SampleCount each time: the last counts."""
    count = 0

    def points() -> tuple[Point, ...]:
        nonlocal count
        made = []
        for minute in draw(st.lists(st.integers(0, 6), max_size=3, unique=True)):
            count += 1
            value = draw(st.floats(-1e6, 1e6, allow_subnormal=False)) + 0.0
            make = draw(st.sampled_from([capacity, latency]))
            made.append(make(minute, value, count=count))
        return tuple(made)

    return [
        Step(
            points(),
            draw(st.sampled_from((0, 0, 1, 1, 2))),
            draw(st.one_of(st.none(), st.integers(0, 4))),
            points(),
            tuple(draw(st.lists(st.integers(0, 1), max_size=3))),
            draw(st.booleans()),
        )
        for _ in range(draw(st.integers(2, 6)))
    ]


def post(inside: House, points: Sequence[Point], request_id: str) -> None:
    if points:
        inside.post(encode_records(points, Format.JSON), request_id)


def as_it_happened(database: str, history: Sequence[Step]) -> dict[str, list[tuple[object, ...]]]:
    with rivals(database) as houses:
        holder, other = houses
        for number, step in enumerate(history):
            post(other, step.before, f"{number}")
            if step.stopped_before is None:
                WORK[step.work](holder)
                post(other, step.meanwhile, f"{number}-meanwhile")
                continue

            def meanwhile(holder: House = holder, other: House = other, step: Step = step) -> None:
                take_over(other)
                post(other, step.meanwhile, "meanwhile")
                for work in step.others_work:
                    WORK[work](other)
                if step.returns:
                    take_over(holder)

            with before_write(holder, step.stopped_before, meanwhile) as stopped:
                refused = True
                with suppress(LeaseLost):
                    WORK[step.work](holder)
                    refused = False
            # Whatever it had read was read in a term that is over.
            assert refused == bool(stopped)
            event(f"stopped {bool(stopped)}, returned {step.returns}")
            if not stopped:
                post(other, step.meanwhile, f"{number}-meanwhile")
            elif not step.returns:
                holder, other = other, holder
        contents = holder.contents()
        for table in ("dirty_minute", "dirty_rollup"):
            assert holder.rows(f"SELECT * FROM {table}") == []
        return contents


def alone(database: str, history: Sequence[Step]) -> dict[str, list[tuple[object, ...]]]:
    with house(database, rules()) as inside:
        for number, step in enumerate(history):
            post(inside, (*step.before, *step.meanwhile), f"{number}")
        return inside.contents()


def check(history: Sequence[Step], database: str) -> None:
    with TemporaryDirectory() as directory:
        expected = alone(f"sqlite:///{Path(directory) / 'alone.db'}", history)
    assert as_it_happened(database, history) == expected


@given(histories())
@settings(max_examples=10, deadline=None)
def test_the_work_may_change_hands_at_any_time(history: list[Step]) -> None:
    with TemporaryDirectory() as directory:
        check(history, f"sqlite:///{Path(directory) / 'rivals.db'}")


@given(history=histories())
@settings(
    max_examples=3,
    deadline=None,
    # The database is emptied by the test itself before each example.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_work_may_change_hands_on_postgresql(history: list[Step], postgresql_url: str) -> None:
    engine = writer_engine(parse_database_url(postgresql_url))
    try:
        with engine.connect() as connection:
            exists = sa.inspect(connection).has_table("alembic_version")
        if exists:
            downgrade(engine, "base")
    finally:
        engine.dispose()
    check(history, postgresql_url)
