"""Which names can be those of a statistic that has not been seen yet."""

import pytest

from app.query.prometheus.directory import Directory
from app.query.prometheus.families import Source

READS = Source("AWS/DynamoDB", "ConsumedReadCapacityUnits", "")
OTHER = Source("", "http.server.duration", "gauge")
NAMES = Directory({READS: frozenset({"Count"}), OTHER: frozenset({"s"})}, {})


@pytest.mark.parametrize(
    "name",
    [
        "aws_dynamodb_ConsumedReadCapacityUnits_p99",
        "aws_dynamodb_ConsumedReadCapacityUnits_tm_25__75_",
        "AWS/DynamoDB/ConsumedReadCapacityUnits/p99",
    ],
)
def test_a_statistic_follows_the_name_of_its_metric(name: str) -> None:
    assert NAMES.may_be_statistic(name)


@pytest.mark.parametrize(
    "name",
    [
        "aws_dynamodb_endpoint_consumed_read_capacity_units",
        "aws_dynamodb_ConsumedWriteCapacityUnits_p99",
        "aws_dynamodb_ConsumedReadCapacityUnits",
        "up",
        "",
    ],
)
def test_what_follows_no_metric_is_none(name: str) -> None:
    assert not NAMES.may_be_statistic(name)
