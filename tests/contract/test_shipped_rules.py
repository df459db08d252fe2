"""Shipped rules through the databases: the points of their test files, delivered, give the values.

What each rule makes of points is tested without a database, by the test files beside the rules.
"""

import json

import pytest

from app.clock import MILLISECONDS_PER_MINUTE
from app.rules.cases import Target, load_case_file
from app.settings import DEFAULT_RULES
from tests.fixtures.house import house

CASES = [
    ("aws-dynamodb/dynamodb-endpoint.test.yaml", "capacity of tables"),
    ("aws-dynamodb/dynamodb-service.test.yaml", "latency and requests"),
    (
        "aws-dynamodb/dynamodb-endpoint-operation.test.yaml",
        "rates of a minute without errors, one with both, and one without success",
    ),
    ("aws-gateway/gateway-endpoint.test.yaml", "an HTTP API and a REST API"),
]


@pytest.mark.parametrize(("file", "name"), CASES, ids=[name for _, name in CASES])
def test_delivered_points_give_the_values_of_the_test(
    file: str, name: str, database_url: str
) -> None:
    (case,) = (case for case in load_case_file(DEFAULT_RULES / file).cases if case.name == name)
    with house(database_url) as inside:
        inside.post([point.record for point in case.points])
        inside.evaluator.evaluate_dirty()
        rows = inside.rows(
            "SELECT metric, value, start_ms, labels, service, endpoint, region FROM v_values"
        )
    found = {(metric, target(*of)): value for metric, value, *of in rows if metric in case.metrics}
    assert found == {(value.metric, value.target): value.value for value in case.values}


def target(start_ms: object, labels: object, *names: object) -> Target:
    assert isinstance(start_ms, int)
    entity = sorted(
        (part, str(name))
        for part, name in zip(("service", "endpoint", "region"), names, strict=True)
        if name
    )
    pairs = sorted(json.loads(str(labels)).items())
    return start_ms // MILLISECONDS_PER_MINUTE, tuple(entity), tuple(pairs)
