"""Identities of series that do not come from CloudWatch, and the labels that rules see."""

import pytest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from app.catalog import SeriesIdentity, describe
from app.otlp import Format, RawSeries
from app.otlp.points import GAUGE, HISTOGRAM_DELTA, SUMMARY
from app.rules.families import labels_of

Pairs = list[tuple[str, AnyValue]]


def text(value: str) -> AnyValue:
    return AnyValue(string_value=value)


def texts(**pairs: str) -> Pairs:
    return [(name.replace("__", "."), text(value)) for name, value in pairs.items()]


def identity(
    resource: Pairs, attributes: Pairs, *, kind: str = GAUGE, name: str = "m"
) -> SeriesIdentity:
    given = Resource(attributes=[KeyValue(key=key, value=value) for key, value in resource])
    labels = tuple(KeyValue(key=k, value=v).SerializeToString() for k, v in attributes)
    return describe(
        RawSeries(Format.OTLP_1_0, kind, given.SerializeToString(), name.encode(), b"s", labels)
    )


def dimensions(resource: Pairs, attributes: Pairs, *, kind: str = GAUGE) -> dict[str, str]:
    return dict(identity(resource, attributes, kind=kind).dimensions)


def test_names_are_kept_as_the_source_gives_them() -> None:
    found = identity(texts(service__name="shop"), texts(http__route="/x", a_b="1"))
    assert (found.namespace, found.metric, found.unit, found.kind) == ("", "m", "s", GAUGE)
    assert dict(found.dimensions) == {"service.name": "shop", "http.route": "/x", "a_b": "1"}


def test_an_attribute_of_the_point_counts_before_the_resources() -> None:
    assert dimensions(texts(colour="red", size="1"), texts(colour="blue")) == {
        "colour": "blue",
        "size": "1",
    }


def test_of_one_name_the_first_counts() -> None:
    resource = [("a", text("1")), ("a", text("2")), ("b", text("3"))]
    assert dimensions(resource, [("c", text("4")), ("c", text("5"))]) == {
        "a": "1",
        "b": "3",
        "c": "4",
    }


def test_account_and_region_are_not_dimensions_and_the_provider_is() -> None:
    resource = texts(cloud__account__id="1", cloud__region="eu", cloud__provider="gcp")
    found = identity(resource, [])
    assert (found.account, found.region) == ("1", "eu")
    assert dict(found.dimensions) == {"cloud.provider": "gcp"}
    of_point = identity(resource, texts(cloud__account__id="2"))
    assert (of_point.account, of_point.region) == ("2", "eu")


def test_only_a_summary_can_be_cloudwatchs() -> None:
    labels = texts(Namespace="AWS/DynamoDB", MetricName="UserErrors")
    assert identity([], labels, kind=SUMMARY).namespace == "AWS/DynamoDB"
    gauge = identity([], labels, kind=GAUGE)
    assert (gauge.namespace, gauge.metric) == ("", "m")
    assert dict(gauge.dimensions) == {"Namespace": "AWS/DynamoDB", "MetricName": "UserErrors"}


def test_the_kind_keeps_series_apart() -> None:
    kinds = [SUMMARY, GAUGE, "sum_delta", "sum_cumulative", HISTOGRAM_DELTA, "histogram_cumulative"]
    assert len({identity([], texts(a="1"), kind=kind).digest for kind in kinds}) == 6


def entries(*pairs: tuple[str, AnyValue]) -> AnyValue:
    return AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key=k, value=v) for k, v in pairs]))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (text("as it is"), "as it is"),
        (AnyValue(bool_value=True), "true"),
        (AnyValue(bool_value=False), "false"),
        (AnyValue(int_value=-(2**63)), "-9223372036854775808"),
        (AnyValue(double_value=1.0), "1.0"),
        (AnyValue(double_value=-0.0), "-0.0"),
        (AnyValue(double_value=1e7), "1.0E7"),
        (AnyValue(double_value=float("nan")), "NaN"),
        (AnyValue(double_value=float("inf")), "Infinity"),
        (AnyValue(bytes_value=b"\x00\xff"), "00ff"),
        (AnyValue(), ""),
        (
            AnyValue(array_value=ArrayValue(values=[text("a"), AnyValue(int_value=1)])),
            '["a", 1]',
        ),
        (entries(("b", text("2")), ("a", AnyValue(bool_value=True))), '{"a": true, "b": "2"}'),
        (entries(("a", AnyValue(bool_value=True)), ("b", text("2"))), '{"a": true, "b": "2"}'),
    ],
    ids=repr,
)
def test_values_as_text(value: AnyValue, expected: str) -> None:
    assert dimensions([], [("x", value)]) == {"x": expected}
    assert dimensions([("x", value)], []) == {"x": expected}


def labels(resource: Pairs, attributes: Pairs, *, kind: str = GAUGE) -> dict[str, str]:
    return dict(labels_of(identity(resource, attributes, kind=kind)))


def test_rules_see_underscores_for_dots() -> None:
    resource = texts(cloud__account__id="1", cloud__region="eu", k8s__pod__name="p")
    assert labels(resource, [("a-b.c", text("x"))]) == {
        "cloud_account_id": "1",
        "cloud_region": "eu",
        "k8s_pod_name": "p",
        "a-b_c": "x",
    }


def test_rules_see_the_service_as_job_and_the_host_as_node() -> None:
    assert labels(texts(service__name="shop", host__name="h"), []) == {
        "service_name": "shop",
        "job_name": "shop",
        "host_name": "h",
        "node_identifier_host_name": "h",
    }
    both = labels(texts(host__name="h", net__host__name="n"), [])
    assert both["node_identifier_host_name"] == "n"
    given = labels(texts(service__name="shop"), texts(job_name="own"))
    assert given["job_name"] == "own"


def test_cloudwatchs_series_have_no_such_labels() -> None:
    own = texts(Namespace="n", MetricName="m", service__name="x", quantile="q")
    assert set(labels([], own, kind=SUMMARY)) == {
        "cloud_provider",
        "Namespace",
        "MetricName",
        "service_name",
        "quantile",
    }


def test_labels_that_a_family_gives_itself_are_left_out() -> None:
    both = texts(le="1", quantile="2")
    assert labels([], both, kind=HISTOGRAM_DELTA) == {"quantile": "2"}
    assert labels([], both, kind=SUMMARY) == {"le": "1"}
    assert labels([], both, kind=GAUGE) == {"le": "1", "quantile": "2"}
    # They are still part of the identity: series that differ in them alone are not mixed up.
    assert dimensions([], both, kind=HISTOGRAM_DELTA) == {"le": "1", "quantile": "2"}


def test_of_two_names_that_are_one_label_the_underscored_one_counts() -> None:
    resource = texts(service__name="scraper")
    found = labels(resource, texts(service_name="shop"))
    assert (found["service_name"], found["job_name"]) == ("shop", "scraper")
