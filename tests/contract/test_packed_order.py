"""Averages of packed hours are made of the sum and the count of one series, however blocks lie."""

from collections.abc import Iterator

import pytest

from tests.fixtures.grids import check_grids_of, packed_hours
from tests.fixtures.house import House, house
from tests.fixtures.rollups import START_MS, capacity, deliver

TABLES = 600


@pytest.fixture
def inside(database_url: str) -> Iterator[House]:
    """An hour, packed, of more series than a block holds."""
    with house(database_url, []) as made:
        points = [
            capacity(number % 7, number + 0.5, count=1 + number % 9, table=f"t{number:03}")
            for number in range(TABLES)
        ]
        deliver(made, *points, request_id="1")
        made.rollups.run_once()
        assert packed_hours(made) == [START_MS // 60_000]
        yield made


def test_blocks_that_were_written_again_lie_elsewhere(inside: House) -> None:
    """A restated sum of the same count: its block is written anew, that of the counts is not."""
    deliver(inside, capacity(0, 77.0, table="t000"), request_id="2")
    inside.rollups.run_once()
    with inside.store.read() as connection:
        if connection.dialect.name == "postgresql":
            # As the planner does of itself where it expects many blocks.
            connection.exec_driver_sql("SET LOCAL enable_indexscan = off")
        check_grids_of(connection)
