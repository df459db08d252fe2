"""Names of metrics in dashboards that nothing else knows."""

from pathlib import Path

import pytest

from app.catalog import load_statistic_catalog
from app.dashboards import load_dashboards
from app.dashboards.suspicions import KnownMetrics, metrics_of_rules, suspicions
from app.settings import DEFAULT_DASHBOARDS, DEFAULT_RULES
from tests.unit.dashboards.files import sound, with_query


@pytest.fixture(scope="module")
def known() -> KnownMetrics:
    return KnownMetrics(metrics_of_rules(DEFAULT_RULES), load_statistic_catalog())


def test_shipped_dashboards_name_what_rules_and_cloudwatch_have(known: KnownMetrics) -> None:
    for dashboard in load_dashboards(DEFAULT_DASHBOARDS):
        assert not suspicions(dashboard, known)


@pytest.mark.parametrize(
    ("expression", "warning"),
    [
        (
            "aws_dynamodb_consumed_read_capacity_unit",
            (
                "no rule defines aws_dynamodb_consumed_read_capacity_unit, nor does CloudWatch"
                " have it; similar: aws_dynamodb_consumed_read_capacity_units"
            ),
        ),
        (
            "sum(rate(aws_sqs_NumberOfMessagesSend_sum[5m]))",
            (
                "no rule defines aws_sqs_NumberOfMessagesSend_sum, nor does CloudWatch have it;"
                " similar: aws_sqs_NumberOfMessagesSent_sum"
            ),
        ),
        (
            "eks_cluster_node_coun",
            "Hydrant knows no metric eks_cluster_node_coun; similar: eks_cluster_node_count",
        ),
        ("aws_sqs_NumberOfMessagesSent_sum", None),
        ("aws_dynamodb_SuccessfulRequestLatency_p99_9", None),
        ("my_own_metric_of_kittens", None),
        ('{__name__=~"aws_s3_all_requests|aws_s3_storage_bytes"}', None),
        ('{__name__=~"aws_.*"}', None),
        ('{"AWS/DynamoDB/ConsumedReadCapacityUnits/Sum"}', None),
    ],
)
def test_names_that_nothing_knows_are_told(
    tmp_path: Path, known: KnownMetrics, expression: str, warning: str | None
) -> None:
    dashboard = sound(tmp_path, with_query(f"expression: '{expression}'"))
    found = suspicions(dashboard, known)
    assert [each.reason for each in found] == ([warning] if warning else [])
    assert all(each.file == "shop.yaml" for each in found)
