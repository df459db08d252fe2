"""Names and labels that PromQL has for what CloudWatch and other sources call by any text."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from app.catalog import SeriesIdentity
from app.mal import Entity, Scope
from app.otlp.points import GAUGE, HISTOGRAM_DELTA, SUM_CUMULATIVE, SUMMARY
from app.query.prometheus.directory import Directory
from app.query.prometheus.entity_index import entity_labels, own_labels
from app.query.prometheus.families import Source, families, percentile_of_suffix
from app.query.prometheus.label_table import LabelTable
from app.query.prometheus.naming import classic_labels, metric_name, number_text, spelt_labels
from app.query.prometheus.series_group import empty_group


@pytest.mark.parametrize(
    ("namespace", "metric", "name"),
    [
        ("AWS/DynamoDB", "ConsumedReadCapacityUnits", "aws_dynamodb_ConsumedReadCapacityUnits_sum"),
        ("AWS/S3", "4xxErrors", "aws_s3_4xxErrors_sum"),
        ("AWS/ApiGateway", "5XXError", "aws_apigateway_5XXError_sum"),
        ("/aws/sagemaker/Jobs", "CPUUtilization", "_aws_sagemaker_jobs_CPUUtilization_sum"),
        ("My App: Käse", "disk % used", "my_app:_k_se_disk___used_sum"),
        ("4you", "x", "_4you_x_sum"),
    ],
)  # fmt: skip
def test_a_family_is_named_by_namespace_metric_and_statistic(
    namespace: str, metric: str, name: str
) -> None:
    found = {family.statistic: family for family in families(Source(namespace, metric, SUMMARY))}
    assert found["Sum"].name == name
    assert found["Sum"].spelt == f"{namespace}/{metric}/Sum"
    assert [each.rpartition("_")[2] for each in (family.name for family in found.values())] == [
        "samplecount",
        "sum",
        "minimum",
        "maximum",
        "average",
    ]


def test_other_sources_have_families_by_kind() -> None:
    def names(kind: str) -> dict[str, bool]:
        return {family.name: family.counter for family in families(Source("", "a.b", kind))}

    assert names(GAUGE) == {"a_b": False}
    assert names(SUM_CUMULATIVE) == {"a_b": True}
    assert names(HISTOGRAM_DELTA) == {"a_b_bucket": False, "a_b_sum": False, "a_b_count": False}
    assert names(SUMMARY) == {"a_b": False, "a_b_sum": True, "a_b_count": True}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"TableName": "orders"}, {"TableName": "orders"}),
        ({"Load Balancer": "a", "4": "b"}, {"Load_Balancer": "a", "_4": "b"}),
        ({"empty": ""}, {}),
        ({"account": "a", "le": "b"}, {"exported_account": "a", "exported_le": "b"}),
        ({"unit": "a", "region": "b"}, {"exported_unit": "a", "exported_region": "b"}),
        ({"__name__": "a"}, {"exported___name__": "a"}),
        # The one whose name needs no change keeps it; the others are numbered.
        ({"a.b": "1", "a b": "2", "a_b": "3"}, {"a_b": "3", "a_b_2": "2", "a_b_3": "1"}),
        ({"a_b_2": "1", "a.b": "2", "a_b": "3"}, {"a_b": "3", "a_b_2": "1", "a_b_3": "2"}),
    ],
)  # fmt: skip
def test_dimensions_become_labels(given: dict[str, str], expected: dict[str, str]) -> None:
    assert classic_labels(given.items()) == expected
    assert classic_labels(reversed(list(given.items()))) == expected


def test_spelt_labels_are_left_as_they_are() -> None:
    given = {"Load Balancer": "a", "account": "b", "exported_account": "c", "empty": ""}
    assert spelt_labels(given.items()) == {
        "Load Balancer": "a",
        "exported_account": "c",
        "exported_account_2": "b",
    }


def test_an_entity_has_the_labels_of_its_parts() -> None:
    table = Entity(
        Scope.ENDPOINT, "AWS_DYNAMODB", "aws-dynamodb::118736666877", "orders", "eu-west-1"
    )
    assert entity_labels(table) == {
        "layer": "AWS_DYNAMODB",
        "service": "aws-dynamodb::118736666877",
        "endpoint": "orders",
        "region": "eu-west-1",
        "account": "118736666877",
    }
    # What follows is not always an account.
    cluster = Entity(Scope.SERVICE_INSTANCE, "AWS_EKS", "aws-eks-cluster::prod", instance="node-1")
    assert entity_labels(cluster) == {
        "layer": "AWS_EKS",
        "service": "aws-eks-cluster::prod",
        "instance": "node-1",
    }
    relation = Entity(
        Scope.SERVICE_RELATION,
        "GENERAL",
        "shop",
        dest_service="stock",
        detect_point="CLIENT",
        component=7,
    )
    assert entity_labels(relation)["dest_service"] == "stock"
    assert entity_labels(relation)["detect_point"] == "CLIENT"
    assert entity_labels(relation)["component"] == "7"


def test_labels_of_a_rule_give_way_to_those_of_its_entity() -> None:
    given = (("Operation", "Query"), ("le", "100"), ("region", "x"), ("scope", "y"))
    assert own_labels(given) == {
        "Operation": "Query",
        "le": "100",
        "exported_region": "x",
        "exported_scope": "y",
    }


def test_suffixes_and_numbers_read_as_in_prometheus() -> None:
    assert percentile_of_suffix("p99") == "p99"
    assert percentile_of_suffix("p99_9") == "p99.9"
    assert percentile_of_suffix("tm90") == "tm90"
    assert percentile_of_suffix("sum") is None
    assert percentile_of_suffix("p99_9_9") is None
    numbers = (0.005, 10.0, float("inf"), 2.5, 1e16)
    assert [number_text(number) for number in numbers] == ["0.005", "10", "+Inf", "2.5", "1e+16"]
    assert metric_name("http.server.duration") == "http_server_duration"


def test_a_percentile_that_has_not_been_seen_has_a_name() -> None:
    source = Source("AWS/X", "Latency_p50", SUMMARY)
    directory = Directory({source: frozenset({"Count"})}, {})
    (found,) = directory.families("aws_x_Latency_p50_p99_9")
    assert (found.source, found.statistic) == (source, "p99.9")
    assert directory.families("aws_x_Latency_p50_p") == []
    assert directory.families("aws_x_Latency_p50") == []
    (spelt,) = directory.spelt_families("AWS/X/Latency_p50/TM(25%:75%)")
    assert spelt.statistic == "TM(25%:75%)"


def test_what_varies_under_a_name_is_a_label() -> None:
    one, other = Source("A", "b", SUMMARY), Source("a", "b", SUMMARY)
    alone = Directory({one: frozenset({"Count"})}, {})
    assert alone.aspects(alone.families("a_b_sum"), is_metric=False) == ()
    assert alone.aspects(alone.families("a_b_sum"), is_metric=True) == ("original_metric",)
    both = Directory({one: frozenset({"Count"}), other: frozenset({"Bytes"})}, {})
    found = both.families("a_b_sum")
    assert both.aspects(found, is_metric=False) == ("original_namespace", "unit")


def test_conditions_are_looked_up_by_value() -> None:
    table = LabelTable([(("a", "1"), ("b", "2")), (("a", "2"),), ()])
    tried: list[str] = []

    def is_one(value: str) -> bool:
        tried.append(value)
        return value == "1"

    assert table.fulfilling([("a", is_one)]).tolist() == [True, False, False]
    assert sorted(tried) == ["", "1", "2"]
    assert table.fulfilling([("b", lambda value: not value)]).tolist() == [False, True, True]
    assert table.fulfilling([("c", bool)]).tolist() == [False, False, False]
    assert table.names() == {"a", "b"}
    assert table.values("a") == {"1", "2"}


PAGE = Path(__file__).resolve().parents[3] / "docs" / "promql.md"
INDEX = {"TableName": "orders", "GlobalSecondaryIndexName": "by-date"}
QUERY = {"TableName": "orders", "Operation": "Query"}
TABLE_COUNT = {
    "Service": "DynamoDB",
    "Resource": "TableCount",
    "Type": "Resource",
    "Class": "None",
}
WORKED = [
    ("AWS/DynamoDB", "ConsumedReadCapacityUnits", "Sum", INDEX),
    ("AWS/DynamoDB", "SuccessfulRequestLatency", "Average", QUERY),
    ("AWS/S3", "4xxErrors", "Sum", {"BucketName": "photos", "FilterId": "all"}),
    ("AWS/ApiGateway", "Latency", "p99", {"ApiName": "shop"}),
    ("AWS/Usage", "ResourceCount", "Maximum", TABLE_COUNT),
    (
        "AWS/Firehose",
        "DeliveryToHttpEndpoint.DataFreshness",
        "Maximum",
        {"DeliveryStreamName": "metrics"},
    ),
    ("AWS/CloudWatch/MetricStreams", "MetricUpdate", "Sum", {"MetricStreamName": "all"}),
    (
        "ContainerInsights",
        "pod_cpu_utilization",
        "Average",
        {"ClusterName": "shop", "Namespace": "checkout"},
    ),
    ("My App/Checkout", "Dauer (ms)", "Maximum", {"Load Balancer": "lb1", "region": "north"}),
]


@pytest.mark.parametrize(("namespace", "metric", "statistic", "dimensions"), WORKED)
def test_the_worked_examples_are_what_promql_sees(
    namespace: str, metric: str, statistic: str, dimensions: dict[str, str]
) -> None:
    identity = SeriesIdentity(
        "118736666877", "eu-west-1", namespace, metric, tuple(dimensions.items()), "None"
    )
    group = empty_group().extended([(1, identity)], lambda _: {})
    found = families(Source(namespace, metric, SUMMARY), ["p99"])
    (family,) = (each for each in found if each.statistic == statistic)
    (labels,) = group.label_sets(family, (), np.array([0]), spelt=False)
    text = ",".join(f'{name}="{value}"' for name, value in labels if name != "__name__")
    assert f"`{dict(labels)['__name__']}{{{text}}}`" in PAGE.read_text("utf-8")


@pytest.mark.parametrize("order", [("a.b", "a_b"), ("a_b", "a.b")])
def test_series_of_equal_labels_are_told_apart_by_their_digest(order: tuple[str, str]) -> None:
    made = [SeriesIdentity("1", "r", "", "m", ((name, "x"),), "1", GAUGE) for name in order]
    (family,) = families(Source("", "m", GAUGE))

    def digests(ids: Sequence[int]) -> dict[int, str]:
        return {number: made[number - 1].digest.hex() for number in ids}

    group = empty_group()
    for number, identity in enumerate(made, start=1):
        group = group.extended([(number, identity)], digests)
    rows = np.arange(2)
    found = [dict(each) for each in group.label_sets(family, (), rows, spelt=False)]
    assert [each["a_b"] for each in found] == ["x", "x"]
    expected = [identity.digest.hex()[:16] for identity in made]
    assert [each["series_digest"] for each in found] == expected
    spelt = [dict(each) for each in group.label_sets(family, (), rows, spelt=True)]
    assert [each.keys() - {"__name__", "account", "region"} for each in spelt] == [
        {name} for name in order
    ]
