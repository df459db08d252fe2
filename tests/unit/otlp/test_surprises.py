"""What captured streams do and OpenTelemetry's documents do not lead one to expect (B.3)."""

import random
from collections.abc import Callable

import pytest

from app.simulator import wire
from tests.unit.otlp import building as build
from tests.unit.otlp.building import MINUTE_MS, START_MS
from tests.unit.otlp.decoding import bits, decode_all, decode_one

NAMESPACE, METRIC = "AWS/DynamoDB", "ConsumedReadCapacityUnits"
ORDERS = (("TableName", "Orders"),)

each_version = pytest.mark.parametrize(
    "labels",
    [
        build.cloudwatch_flat(NAMESPACE, METRIC, ORDERS),
        build.cloudwatch_nested(NAMESPACE, METRIC, ORDERS),
    ],
    ids=["0.7", "1.0"],
)


@each_version
def test_an_absent_sum_is_zero(labels: bytes) -> None:
    point = build.summary_point(labels, count=1, total=0.0, quantiles=[(0.0, 0.0), (1.0, 2.0)])
    with_sum = build.summary_point(labels, count=1, total=7.0, quantiles=[(0.0, 0.0), (1.0, 2.0)])
    assert len(with_sum) - len(point) == 9
    assert bits(decode_one(build.record_of_points(point)).total) == bits(0.0)


@each_version
def test_a_negative_zero_becomes_zero(labels: bytes) -> None:
    quantiles = [(0.0, -0.0), (0.5, -0.0), (1.0, -0.0)]
    point = decode_one(
        build.record_of_points(build.summary_point(labels, total=-0.0, quantiles=quantiles))
    )
    assert bits(point.total) == bits(point.minimum) == bits(point.maximum) == bits(0.0)
    assert bits(point.extras[0][1]) == bits(0.0)


@each_version
def test_a_quantile_of_length_zero_is_a_minimum_of_zero(labels: bytes) -> None:
    point = build.summary_point(labels, quantiles=[]) + b"\x32\x00" + build.quantile(1.0, 5.0)
    decoded = decode_one(build.record_of_points(point))
    assert bits(decoded.minimum) == bits(0.0)
    assert bits(decoded.maximum) == bits(5.0)
    assert decoded.extras == ()


@each_version
def test_a_maximum_of_zero_has_its_fraction_alone(labels: bytes) -> None:
    point = build.summary_point(labels, quantiles=[(0.0, -4.0), (1.0, 0.0)])
    decoded = decode_one(build.record_of_points(point))
    assert (decoded.minimum, decoded.maximum) == (-4.0, 0.0)


@each_version
def test_without_quantiles_minimum_and_maximum_are_missing_and_not_zero(labels: bytes) -> None:
    decoded = decode_one(build.record_of_points(build.summary_point(labels, quantiles=[])))
    assert (decoded.minimum, decoded.maximum) == (None, None)


@each_version
def test_several_points_of_a_metric_come_newest_first(labels: bytes) -> None:
    starts = [START_MS - minute * MINUTE_MS for minute in range(5)]
    points = [
        build.summary_point(labels, start_ms=start, total=float(number))
        for number, start in enumerate(starts)
    ]
    decoded = decode_all(build.record(build.message(build.metric(*points))))
    assert [(point.start_ms, point.total) for point in decoded] == [
        (start, float(number)) for number, start in enumerate(starts)
    ]
    assert len({point.identity for point in decoded}) == 1


@each_version
def test_a_metric_name_may_repeat_for_other_series(labels: bytes) -> None:
    other = build.cloudwatch_flat(NAMESPACE, METRIC, [("TableName", "Customers")])
    record = build.record(
        build.message(
            build.metric(build.summary_point(labels, total=1.0), name="same"),
            build.metric(build.summary_point(other, total=2.0), name="same"),
        )
    )
    found = {point.identity.dimensions: point.total for point in decode_all(record)}
    assert found == {ORDERS: 1.0, (("TableName", "Customers"),): 2.0}


@each_version
@pytest.mark.parametrize("total", [-1e-300, -47.5, -(2.0**360)])
def test_a_sum_may_be_negative(labels: bytes, total: float) -> None:
    quantiles = [(0.0, total), (0.99, total), (1.0, total)]
    decoded = decode_one(
        build.record_of_points(build.summary_point(labels, total=total, quantiles=quantiles))
    )
    assert decoded.statistics == (3.0, total, total, total)
    assert decoded.extras == (("p99", total),)


@each_version
def test_percentiles_come_in_sets_that_differ_per_point(labels: bytes) -> None:
    sets = [(0.0, 1.0), (0.0, 0.7, 1.0), (0.0, 0.7, 0.8, 0.95, 0.99, 1.0), (1.0, 0.999, 0.0)]
    points = [
        build.summary_point(
            labels,
            start_ms=START_MS + number * MINUTE_MS,
            quantiles=[(fraction, 10 * number + fraction) for fraction in fractions],
        )
        for number, fractions in enumerate(sets)
    ]
    decoded = decode_all(build.record_of_points(*points))
    assert [[name for name, _ in point.extras] for point in decoded] == [
        [],
        ["p70"],
        ["p70", "p80", "p95", "p99"],
        ["p99.9"],
    ]
    assert decoded[2].extras == (("p70", 20.7), ("p80", 20.8), ("p95", 20.95), ("p99", 20.99))
    assert [(point.minimum, point.maximum) for point in decoded] == [
        (10.0 * number, 10.0 * number + 1.0) for number in range(4)
    ]


def test_a_record_holds_messages_of_several_accounts() -> None:
    accounts = [f"{number:012}" for number in range(1, 5)]
    labels = build.cloudwatch_nested(NAMESPACE, METRIC, ORDERS)
    messages = [
        build.message(
            build.metric(build.summary_point(labels, total=float(number))),
            of=build.resource(account, region=f"eu-west-{number}"),
        )
        for number, account in enumerate(accounts)
    ]
    together = messages[0] + messages[1]  # one message of two resources
    decoded = decode_all(build.record(together, *messages[2:]))
    assert [(p.identity.account, p.identity.region, p.total) for p in decoded] == [
        (account, f"eu-west-{number}", float(number)) for number, account in enumerate(accounts)
    ]


def test_the_arn_of_the_stream_is_not_part_of_a_series() -> None:
    arn = "arn:aws:cloudwatch:us-east-1:999999999999:metric-stream/"
    labels = build.cloudwatch_nested(NAMESPACE, METRIC, ORDERS)
    messages = [
        build.message(
            build.metric(build.summary_point(labels)),
            of=build.resource(more=[("aws.exporter.arn", arn + name)]),
        )
        for name in ("one", "two")
    ]
    one, two = decode_all(build.record(*messages))
    assert one.identity == two.identity
    assert one.identity.account == build.ACCOUNT


def test_a_resource_may_come_in_pieces_and_in_any_order() -> None:
    scope = wire.delimited(2, wire.delimited(2, build.metric(build.summary_point())))
    whole = build.resource()
    first, second = (
        build.attributes([("cloud.account.id", build.string_value(build.ACCOUNT))], field=1),
        build.attributes([("cloud.region", build.string_value(build.REGION))], field=1),
    )
    pieces = wire.delimited(1, scope + wire.delimited(1, second) + wire.delimited(1, first))
    ordered = wire.delimited(1, wire.delimited(1, whole) + scope)
    one, two = decode_all(build.record(pieces, ordered))
    assert one.identity == two.identity


def test_no_dimensions_are_the_same_in_every_form() -> None:
    empty_list = build.cloudwatch_nested("AWS/Usage", "CallCount")
    absent = build.attributes(
        [
            ("Namespace", build.string_value("AWS/Usage")),
            ("MetricName", build.string_value("CallCount")),
        ]
    )
    flat = build.cloudwatch_flat("AWS/Usage", "CallCount")
    assert empty_list.endswith(b"\n\nDimensions\x12\x02\x32\x00")
    decoded = decode_all(
        build.record_of_points(*(build.summary_point(each) for each in (empty_list, absent, flat)))
    )
    assert {point.identity for point in decoded} == {decoded[0].identity}
    assert decoded[0].identity.dimensions == ()


@pytest.mark.parametrize("namespace", ["AWS/CloudWatch/MetricStreams", "a/b/c/d", "/", "My App"])
def test_a_namespace_with_slashes_is_taken_from_the_labels(namespace: str) -> None:
    decoded = decode_all(
        build.record(
            build.message(
                *(
                    build.metric(
                        build.summary_point(labels), name=f"amazonaws.com/{namespace}/Metric/Update"
                    )
                    for labels in (
                        build.cloudwatch_flat(namespace, "Metric/Update"),
                        build.cloudwatch_nested(namespace, "Metric/Update"),
                    )
                )
            )
        )
    )
    assert {(p.identity.namespace, p.identity.metric) for p in decoded} == {
        (namespace, "Metric/Update")
    }


def test_points_of_both_versions_mix_in_one_metric() -> None:
    order = random.Random(7)
    versions = [order.choice([build.cloudwatch_flat, build.cloudwatch_nested]) for _ in range(40)]
    assert len(set(versions)) == 2
    points = [
        build.summary_point(
            labels(NAMESPACE, METRIC, ORDERS), start_ms=START_MS + number * MINUTE_MS
        )
        for number, labels in enumerate(versions)
    ]
    decoded = decode_all(build.record(build.message(build.metric(*points, unit="{Count}"))))
    assert [point.start_ms for point in decoded] == [
        START_MS + number * MINUTE_MS for number in range(40)
    ]
    assert len({point.identity for point in decoded}) == 1
    assert decoded[0].identity.unit == "Count"


OWN_NAMES = (("Dimensions", "d"), ("MetricName", "m"), ("Namespace", "kube-system"))


@pytest.mark.parametrize("labels", [build.cloudwatch_flat, build.cloudwatch_nested])
def test_a_dimension_may_be_called_namespace(
    labels: Callable[[str, str, build.Pairs], bytes],
) -> None:
    point = build.summary_point(labels("ContainerInsights", "pod_cpu", OWN_NAMES))
    identity = decode_one(build.record_of_points(point)).identity
    assert (identity.namespace, identity.metric) == ("ContainerInsights", "pod_cpu")
    assert identity.dimensions == OWN_NAMES


def test_a_point_without_start_covers_the_minute_before_its_time() -> None:
    point = build.LABELS + wire.fixed64(3, build.END_MS * 1_000_000) + wire.fixed64(4, 1)
    decoded = decode_one(build.record_of_points(point))
    assert (decoded.start_ms, decoded.period_ms) == (START_MS, MINUTE_MS)


@pytest.mark.parametrize("period_ms", [1, 1000, 300_000, 86_400_000])
def test_a_period_other_than_a_minute_is_kept(period_ms: int) -> None:
    point = build.LABELS + build.times(START_MS, START_MS + period_ms) + wire.fixed64(4, 1)
    decoded = decode_one(build.record_of_points(point))
    assert (decoded.start_ms, decoded.period_ms) == (START_MS, period_ms)


def test_an_unknown_unit_is_kept_as_it_is() -> None:
    metric = build.metric(build.summary_point(), unit="NoneTranslated")
    assert decode_one(build.record(build.message(metric))).identity.unit == "NoneTranslated"


def test_fields_of_later_versions_are_passed_over() -> None:
    later = wire.delimited(12, b"metadata") + wire.text(100, "x") + build.number(101, 5)
    point = build.summary_point() + later
    metric = build.metric(point) + later
    message = build.message(metric) + later
    assert decode_one(build.record(message)).total == 6.0
