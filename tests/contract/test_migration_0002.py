"""A database of 0001, filled, and what becomes of it."""

import pytest
import sqlalchemy as sa

from app.mal import Entity, Scope
from app.storage import register_entities
from app.storage.engine import parse_database_url, writer_engine
from app.storage.migrate import downgrade, migrate
from tests.fixtures.house import house
from tests.fixtures.rollups import START_MS, rules

pytestmark = pytest.mark.empty_database

MINUTE = START_MS // 60_000
TABLE = Entity(Scope.ENDPOINT, "AWS_DYNAMODB", "1", "orders-ü", "eu-west-1")
ACCOUNT = Entity(Scope.SERVICE, "AWS_DYNAMODB", "1")
FILLED = f"""
INSERT INTO series (digest, account, region, namespace, metric, dimensions, unit, kind)
    VALUES (:digest, '1', 'eu-west-1', 'AWS/DynamoDB', 'M', '{{}}', 'Count', 'summary');
INSERT INTO metric (name) VALUES ('t_sum');
INSERT INTO label_set (digest, labels) VALUES (:digest, '{{}}');
INSERT INTO entity (scope, layer, service, endpoint, region)
    VALUES ('endpoint', 'AWS_DYNAMODB', '1', 'orders-ü', 'eu-west-1');
INSERT INTO entity (scope, layer, service, endpoint, region)
    VALUES ('service', 'AWS_DYNAMODB', '1', '', '');
INSERT INTO point VALUES ({MINUTE}, 1, 0, 60000, 2, 0.5, NULL, 0.25);
INSERT INTO point VALUES ({MINUTE + 7}, 1, 0, 60000, 1, 4, 4, 4);
INSERT INTO metric_value VALUES ({MINUTE + 7}, 1, 1, 1, 4, NULL, NULL);
INSERT INTO metric_value VALUES ({MINUTE + 65}, 1, 2, 1, 8, NULL, NULL)
"""


@pytest.fixture
def filled(database_url: str) -> str:
    """The URL of a database at 0001 with two series' minutes."""
    engine = writer_engine(parse_database_url(database_url))
    try:
        migrate(engine, "0001")
        with engine.begin() as connection:
            for statement in FILLED.split(";"):
                given = {"digest": b"d" * 16} if ":digest" in statement else {}
                connection.execute(sa.text(statement), given)
    finally:
        engine.dispose()
    return database_url


def test_what_was_there_survives_and_is_rolled_up(filled: str) -> None:
    with house(filled, rules()) as inside:
        assert inside.rows(
            "SELECT scope, service, endpoint, region, instance, component, minute, value"
            " FROM v_values"
        ) == [
            ("endpoint", "1", "orders-ü", "eu-west-1", "", 0, MINUTE + 7, 4.0),
            ("service", "1", "", "", "", 0, MINUTE + 65, 8.0),
        ]
        assert len(inside.rows("SELECT * FROM v_points")) == 2
        inside.rollups.run_once()
        assert inside.rows(f"SELECT minute - {MINUTE}, value, minutes FROM v_values_5m") == [
            (5, 4.0, 1),
            (65, 8.0, 1),
        ]
        assert inside.rows(f"SELECT minute - {MINUTE}, value FROM v_values_1h") == [
            (0, 4.0),
            (60, 8.0),
        ]
        assert inside.rows("SELECT sample_count, sum, minimum, maximum FROM v_points_1h") == [
            (3.0, 4.5, 4.0, 4.0)
        ]


def test_entities_keep_their_ids_and_are_found_again(filled: str) -> None:
    with house(filled, rules()) as inside:
        other = Entity(Scope.SERVICE_INSTANCE, "AWS_DYNAMODB", "1", instance="i")
        found = inside.store.write(lambda c: register_entities(c, [TABLE, other, ACCOUNT]))
        assert (found[TABLE], found[ACCOUNT]) == (1, 2)
        assert found[other] > 2
        assert len(inside.rows("SELECT entity_id FROM entity")) == 3


def test_the_way_back_keeps_what_0001_has_a_place_for(filled: str) -> None:
    with house(filled, rules()) as inside:
        other = Entity(Scope.SERVICE_INSTANCE, "AWS_DYNAMODB", "1", instance="i")
        inside.store.write(lambda c: register_entities(c, [other]))
        inside.rollups.run_once()
    engine = writer_engine(parse_database_url(filled))
    try:
        downgrade(engine, "0001")
        with engine.connect() as connection:
            rows = connection.execute(sa.text("SELECT endpoint, value FROM v_values ORDER BY 2"))
            assert [tuple(row) for row in rows] == [("orders-ü", 4.0), ("", 8.0)]
    finally:
        engine.dispose()
    with house(filled, rules()) as again:
        assert len(again.rows("SELECT DISTINCT tier, minute FROM dirty_rollup")) == 5
