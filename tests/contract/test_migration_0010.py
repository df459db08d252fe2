"""Values that lie among points, and the way back to revision 0009, where they cannot."""

import pytest

from app.storage.engine import parse_database_url, writer_engine
from app.storage.migrate import current_revision, downgrade, migrate
from tests.fixtures.house import house
from tests.fixtures.rollups import START_MS, capacity, deliver, latency, rules

HOUR = START_MS // 60_000
SHOWN = "SELECT * FROM v_values"


def test_the_way_back_stores_values_by_themselves(
    database_url: str, request: pytest.FixtureRequest
) -> None:
    with house(database_url, rules()) as inside:
        points = [latency(minute, 1 / (minute + 1), count=2 + minute % 3) for minute in range(40)]
        points += [capacity(minute, minute / 3, table="users") for minute in range(40)]
        # Some rows lie among points, some do not, in dense blocks and in others.
        points += [capacity(minute, 0.0, table="idle") for minute in range(40)]
        points += [capacity(minute, 7.0, table=f"t{minute}") for minute in range(0, 40, 9)]
        deliver(inside, *points, request_id="1")
        inside.rollups.run_once()
        before = inside.rows(SHOWN)
        sources = inside.rows("SELECT sources FROM packed_value WHERE sources IS NOT NULL")
        assert bool(sources) == ("sqlite" in request.node.name)
        inside.lease.give_up()
    engine = writer_engine(parse_database_url(database_url))
    try:
        downgrade(engine, "0009")
        with engine.connect() as connection:
            assert current_revision(connection) == "0009"
            shown = connection.exec_driver_sql(SHOWN).fetchall()
            assert sorted((tuple(row) for row in shown), key=repr) == before
            names = connection.exec_driver_sql("SELECT * FROM packed_value LIMIT 0").keys()
            assert list(names)[-3:] == ["value", "numerator", "weight"]
        migrate(engine)
    finally:
        engine.dispose()
    with house(database_url, rules()) as inside:
        assert inside.rows(SHOWN) == before
        # A late point has the hour packed again, and values lie among points again.
        deliver(inside, latency(50, 3.0), request_id="late")
        after = inside.rows(SHOWN)
        assert len(after) > len(before)
        inside.rollups.run_once()
        assert inside.rows(SHOWN) == after
        assert sources == inside.rows("SELECT sources FROM packed_value WHERE sources IS NOT NULL")


@pytest.mark.empty_database
def test_there_and_back_without_any_values(database_url: str) -> None:
    engine = writer_engine(parse_database_url(database_url))
    try:
        migrate(engine)
        downgrade(engine, "0009")
        migrate(engine)
        with engine.connect() as connection:
            assert connection.exec_driver_sql(SHOWN).fetchall() == []
    finally:
        engine.dispose()
