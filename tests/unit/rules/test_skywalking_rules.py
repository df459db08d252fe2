"""SkyWalking's AWS rule files, rebuilt from the reference's section 4: CloudWatch's numbers."""

from pathlib import Path

import pytest

from app.catalog import SeriesIdentity, load_statistic_catalog
from app.otlp.points import GAUGE
from app.rules import RuleEngine, load_rule_directory, load_rule_file
from tests.unit.rules.points import Given, Minutes, otlp, value

FILES = Path(__file__).parents[2] / "fixtures" / "skywalking_rules"
MS = 60_000_000
COUNT, SUM, MINIMUM, MAXIMUM = 4.0, 10.0, 1.0, 7.0
AVERAGE = SUM / COUNT


def rules(name: str) -> RuleEngine:
    return RuleEngine([load_rule_file(FILES / name, name)], load_statistic_catalog())


def point(namespace: str, metric: str, **dimensions: str) -> Given:
    identity = SeriesIdentity(
        "42", "eu-west-1", namespace, metric, tuple(dimensions.items()), "Count"
    )
    return Given(identity, MS, (COUNT, SUM, MINIMUM, MAXIMUM))


def test_all_eight_files_load_as_they_are() -> None:
    files = load_rule_directory(FILES)
    assert [(file.path, len(file.rules)) for file in files] == [
        ("aws-dynamodb/dynamodb-endpoint.yaml", 19),
        ("aws-dynamodb/dynamodb-service.yaml", 28),
        ("aws-eks/eks-cluster.yaml", 8),
        ("aws-eks/eks-node.yaml", 16),
        ("aws-eks/eks-service.yaml", 6),
        ("aws-gateway/gateway-endpoint.yaml", 10),
        ("aws-gateway/gateway-service.yaml", 10),
        ("aws-s3/s3-service.yaml", 10),
    ]
    assert len(RuleEngine(files, load_statistic_catalog()).definitions) == 103


OF_OPERATIONS = {
    "get": "GetItem",
    "put": "PutItem",
    "query": "Query",
    "scan": "Scan",
    "read": "GetItem",
    "write": "PutItem",
}
STATISTICS = {
    "consumed_write_capacity_units": SUM,
    "consumed_read_capacity_units": SUM,
    "provisioned_read_capacity_units": MAXIMUM,
    "provisioned_write_capacity_units": MAXIMUM,
    "get_successful_request_latency": AVERAGE,
    "put_successful_request_latency": AVERAGE,
    "query_successful_request_latency": AVERAGE,
    "scan_successful_request_latency": AVERAGE,
    "scan_returned_item_count": SUM,
    "query_returned_item_count": SUM,
    "time_to_live_deleted_item_count": SUM,
    "read_throttled_requests": SUM,
    "write_throttled_requests": SUM,
    "read_throttle_events": SUM,
    "write_throttle_events": SUM,
    "read_system_errors": SUM,
    "write_system_errors": SUM,
    "conditional_check_failed_requests": SUM,
    "transaction_conflict": SUM,
}
OF_THE_ACCOUNT = {
    "account_max_writes": MAXIMUM,
    "account_max_reads": MAXIMUM,
    "account_max_table_level_writes": MAXIMUM,
    "account_max_table_level_reads": MAXIMUM,
    "max_provisioned_write_capacity_utilization": AVERAGE,
    "max_provisioned_read_capacity_utilization": AVERAGE,
    "account_provisioned_read_capacity_utilization": AVERAGE,
    "account_provisioned_write_capacity_utilization": AVERAGE,
    "user_errors": SUM,
}
PREFIX = "amazonaws_com_AWS_DynamoDB_"


def dynamodb_points(engine: RuleEngine, prefix: str) -> list[Given]:
    """A point of each metric that the rules name, of the table carts, with fitting operations."""
    points = {}
    for definition in engine.definitions.values():
        name = definition.name.removeprefix(prefix)
        (family,) = definition.families
        dimensions = {} if name in OF_THE_ACCOUNT else {"TableName": "carts"}
        operation = OF_OPERATIONS.get(name.partition("_")[0])
        if operation and "events" not in name and "account" not in name:
            dimensions["Operation"] = operation
        given = point("AWS/DynamoDB", family.removeprefix(PREFIX), **dimensions)
        points[given.identity] = given
    return list(points.values())


def test_accounts_have_the_statistic_that_cloudwatch_would_show() -> None:
    engine = rules("aws-dynamodb/dynamodb-service.yaml")
    found = Minutes(dynamodb_points(engine, "aws_dynamodb_")).evaluate(engine, 1_000)
    assert found == {
        f"aws_dynamodb_{name}": {("aws-dynamodb::42",): number}
        for name, number in {**STATISTICS, **OF_THE_ACCOUNT}.items()
    }


def test_tables_have_the_statistic_that_cloudwatch_would_show() -> None:
    engine = rules("aws-dynamodb/dynamodb-endpoint.yaml")
    found = Minutes(dynamodb_points(engine, "aws_dynamodb_endpoint_")).evaluate(engine, 1_000)
    assert found == {
        f"aws_dynamodb_endpoint_{name}": {("aws-dynamodb::42", "carts"): number}
        for name, number in STATISTICS.items()
    }


def test_the_worked_example_of_the_documentation() -> None:
    metric = "ConsumedReadCapacityUnits"
    tables = {"carts": 62763.0, "orders": 3536.0, "audit": 0.0, "events": 80.5, "jobs": 10.5}
    points = [
        Given(
            point("AWS/DynamoDB", metric, TableName=table).identity, MS, (108455.0, total, 0.5, 2.5)
        )
        for table, total in tables.items()
    ]
    of_tables, of_account = (
        Minutes(points).evaluate(rules(f"aws-dynamodb/{name}.yaml"), 1_000)
        for name in ("dynamodb-endpoint", "dynamodb-service")
    )
    name = "consumed_read_capacity_units"
    assert of_tables[f"aws_dynamodb_endpoint_{name}"]["aws-dynamodb::42", "carts"] == 62763.0
    assert of_account[f"aws_dynamodb_{name}"] == {("aws-dynamodb::42",): 66390.0}


def test_buckets_of_s3() -> None:
    points = [
        point("AWS/S3", metric, BucketName="b", FilterId="All")
        for metric in ("4xxErrors", "TotalRequestLatency", "BytesUploaded")
    ]
    found = Minutes(points).evaluate(rules("aws-s3/s3-service.yaml"), 1_000)
    assert {name: values for name, values in found.items() if values} == {
        "aws_s3_4xx": {("aws-s3::b",): SUM},
        "aws_s3_request_latency": {("aws-s3::b",): AVERAGE},
        "aws_s3_uploaded_bytes": {("aws-s3::b",): SUM},
    }


def test_gateways_of_both_kinds_feed_the_same_metrics() -> None:
    rest, http = {"ApiName": "shop", "Stage": "prod"}, {"ApiId": "x1", "Stage": "prod"}
    route = {"Method": "GET", "Resource": "/cart"}
    points = [
        point("AWS/ApiGateway", "4XXError", **rest),
        point("AWS/ApiGateway", "4xx", **http),
        point("AWS/ApiGateway", "CacheHitCount", **rest),
        point("AWS/ApiGateway", "Latency", **http, **route),
        point("AWS/ApiGateway", "CacheHitCount", **rest, **route),
    ]
    services, routes = (
        Minutes(points).evaluate(rules(f"aws-gateway/gateway-{kind}.yaml"), 1_000)
        for kind in ("service", "endpoint")
    )
    by_name, by_id = ("aws-api-gateway::prod:shop",), ("aws-api-gateway::prod:x1",)
    assert {name: values for name, values in services.items() if values} == {
        "aws_gateway_service_4xx": {by_name: SUM, by_id: SUM},
        "aws_gateway_service_cache_hit_rate": {by_name: AVERAGE * 100},
    }
    assert {name: values for name, values in routes.items() if values} == {
        "aws_gateway_endpoint_cache_hit_rate": {(*by_name, "GET:/cart"): AVERAGE},
        "aws_gateway_endpoint_latency": {(*by_id, "GET:/cart"): AVERAGE},
    }


@pytest.mark.parametrize(
    ("name", "metric", "labels", "expected"),
    [
        ("cluster", "cluster_node_count", {}, {"eks_cluster_node_count": {("C",): 3.0}}),
        (
            "cluster",
            "service_number_of_running_pods",
            {"Service": "web"},
            {"eks_cluster_service_count": {("C", "Service", "web"): 3.0}},
        ),
        (
            "node",
            "node_cpu_utilization",
            {"NodeName": "n1"},
            {"eks_cluster_node_cpu_utilization": {("C", "n1"): 3.0}},
        ),
        (
            "node",
            "node_filesystem_utilization",
            {"NodeName": "n1", "device": "/dev/xvda"},
            {"eks_cluster_node_fs_utilization": {("C", "n1", "device", "/dev/xvda"): 3.0}},
        ),
        (
            "service",
            "pod_cpu_utilization",
            {"Service": "web"},
            {"eks_cluster_service_pod_cpu_utilization": {("C", "web"): 3.0}},
        ),
        ("service", "pod_cpu_utilization", {"Service": "  "}, {}),
        ("service", "pod_cpu_utilization", {}, {}),
    ],
)
def test_clusters(
    name: str,
    metric: str,
    labels: dict[str, str],
    expected: dict[str, dict[tuple[str, ...], float]],
) -> None:
    identity = otlp(metric, GAUGE, job_name="aws-cloud-eks-monitoring", ClusterName="C", **labels)
    found = Minutes([value(identity, MS, 3.0)]).evaluate(rules(f"aws-eks/eks-{name}.yaml"), 1_000)
    got = {
        name: {(key[0].removeprefix("aws-eks-cluster::"), *key[1:]): n for key, n in values.items()}
        for name, values in found.items()
        if values
    }
    assert got == expected
