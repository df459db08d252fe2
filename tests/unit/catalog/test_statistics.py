"""The natural statistic of every DynamoDB metric, against AWS's list of them."""

from importlib.resources import files

import pytest
import yaml

from app.catalog import SeriesIdentity, Statistic, load_statistic_catalog
from app.simulator import AccountModel

SUM, COUNT = Statistic.SUM, Statistic.SAMPLE_COUNT
MIN, MAX, AVG = Statistic.MINIMUM, Statistic.MAXIMUM, Statistic.AVERAGE
ALL = {SUM, COUNT, MIN, MAX, AVG}
LEVEL = {MAX, MIN, AVG}
EVENTS = {SUM, COUNT}
CAUSES = {SUM, COUNT, MIN, MAX}

# Amazon DynamoDB Developer Guide, "DynamoDB metrics and dimensions": the valid statistics of each
# metric, and the one of them that says what the metric is about.
METRICS: dict[str, tuple[set[Statistic], Statistic]] = {
    "AccountMaxReads": ({MAX}, MAX),
    "AccountMaxTableLevelReads": ({MAX}, MAX),
    "AccountMaxTableLevelWrites": ({MAX}, MAX),
    "AccountMaxWrites": ({MAX}, MAX),
    "AccountProvisionedReadCapacityUtilization": (LEVEL, AVG),
    "AccountProvisionedWriteCapacityUtilization": (LEVEL, AVG),
    "MaxProvisionedTableReadCapacityUtilization": (LEVEL, AVG),
    "MaxProvisionedTableWriteCapacityUtilization": (LEVEL, AVG),
    "UserErrors": (EVENTS, SUM),
    "ConsumedReadCapacityUnits": (ALL, SUM),
    "ConsumedWriteCapacityUnits": (ALL, SUM),
    "ProvisionedReadCapacityUnits": (LEVEL, MAX),
    "ProvisionedWriteCapacityUnits": (LEVEL, MAX),
    "OnDemandMaxReadRequestUnits": (LEVEL, MAX),
    "OnDemandMaxWriteRequestUnits": (LEVEL, MAX),
    "ReadThrottleEvents": (EVENTS, SUM),
    "WriteThrottleEvents": (EVENTS, SUM),
    "ReadProvisionedThroughputThrottleEvents": (CAUSES, SUM),
    "WriteProvisionedThroughputThrottleEvents": (CAUSES, SUM),
    "ReadKeyRangeThroughputThrottleEvents": (CAUSES, SUM),
    "WriteKeyRangeThroughputThrottleEvents": (CAUSES, SUM),
    "ReadAccountLimitThrottleEvents": (CAUSES, SUM),
    "WriteAccountLimitThrottleEvents": (CAUSES, SUM),
    "ReadMaxOnDemandThroughputThrottleEvents": (CAUSES, SUM),
    "WriteMaxOnDemandThroughputThrottleEvents": (CAUSES, SUM),
    "OnlineIndexPercentageProgress": (ALL, MAX),
    "OnlineIndexConsumedWriteCapacity": (ALL, SUM),
    "OnlineIndexThrottleEvents": (ALL, SUM),
    "ConditionalCheckFailedRequests": (ALL, SUM),
    "TransactionConflict": (ALL, SUM),
    "TimeToLiveDeletedItemCount": ({SUM}, SUM),
    "SuccessfulRequestLatency": (ALL, AVG),
    "ThrottledRequests": (EVENTS, SUM),
    "SystemErrors": (EVENTS, SUM),
    "ReturnedItemCount": (ALL, SUM),
    "FaultInjectionServiceInducedErrors": (EVENTS, SUM),
    "ReturnedBytes": (ALL, SUM),
    "ReturnedRecordsCount": (ALL, SUM),
    "AgeOfOldestUnreplicatedRecord": (LEVEL, MAX),
    "ConsumedChangeDataCaptureUnits": (LEVEL, SUM),
    "FailedToReplicateRecordCount": ({SUM}, SUM),
    "ThrottledPutRecordCount": ({*LEVEL, COUNT}, SUM),
    "ReplicationLatency": (LEVEL, AVG),
    "PendingReplicationCount": ({AVG, COUNT, SUM}, AVG),
}
# Consumed capacity and counts of events: their Sum says what they are about, and the stream
# delivers it, although the guide does not list it.
BEYOND_THE_GUIDE = {"ConsumedChangeDataCaptureUnits", "ThrottledPutRecordCount"}


def listed(namespace: str) -> set[str]:
    return {metric for of, metric in load_statistic_catalog().natural if of == namespace}


def test_all_44_metrics_of_dynamodb_are_listed_and_no_others() -> None:
    assert len(METRICS) == 44
    assert listed("AWS/DynamoDB") == set(METRICS)


@pytest.mark.parametrize("metric", METRICS)
def test_the_natural_statistic_is_the_meaningful_one(metric: str) -> None:
    valid, natural = METRICS[metric]
    assert load_statistic_catalog().natural_statistic("AWS/DynamoDB", metric) is natural
    assert (natural in valid) != (metric in BEYOND_THE_GUIDE)


def test_the_usage_metrics_of_dynamodb_stand_in_their_own_namespace() -> None:
    catalog = load_statistic_catalog()
    assert catalog.natural_statistic("AWS/Usage", "ResourceCount") is MAX
    assert catalog.natural_statistic("AWS/Usage", "CallCount") is SUM
    assert catalog.natural_statistic("AWS/DynamoDB", "ResourceCount") is AVG


@pytest.mark.parametrize(
    ("namespace", "metric"),
    [
        ("AWS/DynamoDB", "InventedByAwsTomorrow"),
        ("AWS/DynamoDB", "usererrors"),
        ("AWS/DAX", "UserErrors"),
        ("AWS/EC2", "CPUUtilization"),
        ("", "UserErrors"),
    ],
)
def test_an_unknown_metric_has_its_average(namespace: str, metric: str) -> None:
    assert load_statistic_catalog().natural_statistic(namespace, metric) is AVG


def test_the_simulated_account_has_no_metric_that_is_not_listed() -> None:
    series = {
        (point.series.namespace, point.series.metric)
        for point in AccountModel(1, tables=20).points(1_727_740_800_000)
    }
    known = set(load_statistic_catalog().natural)
    ours = {pair for pair in series if pair[0] in ("AWS/DynamoDB", "AWS/Usage")}
    assert ours
    assert ours <= known


@pytest.mark.parametrize(
    ("namespace", "dimensions", "breakdown"),
    [
        ("AWS/DynamoDB", ["TableName"], False),
        ("AWS/DynamoDB", [], False),
        ("AWS/DynamoDB", ["TableName", "Operation"], False),
        ("AWS/DynamoDB", ["TableName", "GlobalSecondaryIndexName"], True),
        ("AWS/DynamoDB", ["TableName", "Source"], True),
        ("AWS/DynamoDB", ["Source"], True),
        ("AWS/DynamoDB", ["source"], False),
        ("AWS/EC2", ["Source"], False),
        ("", ["Source"], False),
    ],
)
def test_series_beside_a_tables_own_figure_are_told_apart(
    namespace: str, dimensions: list[str], breakdown: bool
) -> None:
    pairs = tuple((name, "x") for name in dimensions)
    identity = SeriesIdentity("1", "r", namespace, "ConsumedReadCapacityUnits", pairs, "Count")
    level = load_statistic_catalog().breakdown_level(identity.namespace, dict(identity.dimensions))
    assert (level > 0) is breakdown


@pytest.mark.parametrize(
    ("namespace", "metric", "statistic"),
    [
        ("AWS/S3", "4xxErrors", SUM),
        ("AWS/S3", "NumberOfObjects", AVG),
        ("AWS/ApiGateway", "4XXError", SUM),
        ("AWS/ApiGateway", "Latency", AVG),
        ("AWS/Firehose", "DeliveryToHttpEndpoint.DataFreshness", MAX),
        ("AWS/Firehose", "DeliveryToHttpEndpoint.Success", AVG),
        ("AWS/Firehose", "IncomingRecords", SUM),
        ("AWS/CloudWatch/MetricStreams", "MetricUpdate", SUM),
        ("AWS/CloudWatch/MetricStreams", "PublishErrorRate", AVG),
        ("AWS/Lambda", "Duration", AVG),
        ("AWS/Lambda", "ConcurrentExecutions", MAX),
        ("AWS/ApplicationELB", "HealthyHostCount", MIN),
        ("AWS/ApplicationELB", "RequestCount", SUM),
        ("AWS/SQS", "ApproximateAgeOfOldestMessage", MAX),
        ("AWS/DAX", "ItemCacheMisses", SUM),
    ],
)
def test_natural_statistics_of_other_services(
    namespace: str, metric: str, statistic: Statistic
) -> None:
    assert load_statistic_catalog().natural[namespace, metric] is statistic


@pytest.mark.parametrize(
    ("namespace", "dimensions", "breakdown"),
    [
        ("AWS/S3", ["BucketName", "FilterId"], True),
        ("AWS/S3", ["BucketName", "StorageType"], False),
        ("AWS/ApiGateway", ["ApiName", "Stage"], False),
        ("AWS/ApiGateway", ["ApiName", "Stage", "Method", "Resource"], True),
        ("AWS/Kinesis", ["StreamName", "ShardId"], True),
        ("AWS/DAX", ["ClusterId"], False),
    ],
)
def test_breakdowns_of_other_services(
    namespace: str, dimensions: list[str], breakdown: bool
) -> None:
    level = load_statistic_catalog().breakdown_level(namespace, dimensions)
    assert (level > 0) is breakdown


def test_a_metric_named_like_a_statistic_of_another_is_listed() -> None:
    natural = load_statistic_catalog().natural
    assert natural["ContainerInsights", "cluster_node_count"] is AVG
    assert natural["", "cluster_node_count"] is AVG


def test_lists_are_in_order_so_that_a_metric_is_easily_found() -> None:
    for file in files("app.catalog").joinpath("data").iterdir():
        if file.name.endswith(".yaml"):
            for metrics in yaml.safe_load(file.read_text("utf-8"))["natural_statistics"].values():
                assert metrics == sorted(metrics), file.name


def test_the_catalogue_is_read_from_every_data_file_and_only_once() -> None:
    catalog = load_statistic_catalog()
    assert load_statistic_catalog() is catalog
    namespaces = [
        yaml.safe_load(file.read_text("utf-8"))["namespace"]
        for file in files("app.catalog").joinpath("data").iterdir()
        if file.name.endswith(".yaml")
    ]
    assert set(namespaces) == set(catalog.breakdowns)
    assert len(set(namespaces)) == len(namespaces)
