"""Every kind of point of OpenTelemetry 0.7 and 1.0, for sources other than CloudWatch."""

import math

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
    Summary,
    SummaryDataPoint,
)

from app.catalog import describe
from app.otlp import BatchBuilder, SeriesKeys, batch, decode_record
from app.otlp.histograms import upper_bound
from app.simulator import wire
from tests.unit.otlp import building as build
from tests.unit.otlp.building import CUMULATIVE, DELTA, END_MS, MINUTE_MS, START_MS, UNSPECIFIED
from tests.unit.otlp.decoding import (
    Decoded,
    assert_holds_only_what_is_lost,
    decode,
    decode_all,
    decode_one,
)

START_NS, END_NS = START_MS * 1_000_000, END_MS * 1_000_000
COLOUR = [KeyValue(key="colour", value=AnyValue(string_value="red"))]
FLAT_COLOUR = build.flat([("colour", "red")])


def record_1_0(metric: Metric) -> bytes:
    """A record as opentelemetry-proto writes it."""
    request = ExportMetricsServiceRequest(
        resource_metrics=[ResourceMetrics(scope_metrics=[ScopeMetrics(metrics=[metric])])]
    )
    return build.record(request.SerializeToString())


def record_0_7(point: bytes, data: int, temporality: int | None = None) -> bytes:
    metric = build.metric(point, data=data, temporality=temporality)
    return build.record(build.message(metric, of=b""))


def assert_read(
    point: Decoded, kind: str, period: tuple[int, int], statistics: tuple[float | None, ...]
) -> None:
    assert point.identity.kind == kind
    assert (point.start_ms, point.period_ms) == period
    assert point.statistics == statistics
    assert point.identity.dimensions == (("colour", "red"),)
    assert (point.identity.namespace, point.identity.metric) == ("", "m")


INSTANT = (END_MS, 0)
PERIOD = (START_MS, MINUTE_MS)
OLD_NUMBERS = [
    (build.INT_GAUGE, None, "gauge", INSTANT),
    (build.INT_SUM, DELTA, "sum_delta", PERIOD),
    (build.INT_SUM, CUMULATIVE, "sum_cumulative", INSTANT),
]


@pytest.mark.parametrize("value", [0, 1, -1, 2**53, -(2**63), 2**63 - 1])
@pytest.mark.parametrize(("data", "temporality", "kind", "period"), OLD_NUMBERS)
def test_integers_of_0_7(
    data: int, temporality: int | None, kind: str, period: tuple[int, int], value: int
) -> None:
    point = FLAT_COLOUR + build.times() + build.sfixed64(4, value)
    decoded = decode_one(record_0_7(point, data, temporality))
    assert_read(decoded, kind, period, (1.0, float(value), float(value), float(value)))


@pytest.mark.parametrize("value", [0.0, 0.1, -2.5, 5e-324, 2.0**360])
@pytest.mark.parametrize(("data", "temporality", "kind", "period"), OLD_NUMBERS)
def test_doubles_of_0_7(
    data: int, temporality: int | None, kind: str, period: tuple[int, int], value: float
) -> None:
    # 0.7 does not write a value of 0.
    point = FLAT_COLOUR + build.times() + wire.double(4, value)
    decoded = decode_one(record_0_7(point, data + 1, temporality))
    assert_read(decoded, kind, period, (1.0, value, value, value))


NUMBERS = [
    NumberDataPoint(as_int=0),
    NumberDataPoint(as_int=-7),
    NumberDataPoint(as_int=2**63 - 1),
    NumberDataPoint(as_double=0.0),
    NumberDataPoint(as_double=0.1),
    NumberDataPoint(as_double=-1e300),
]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda n: str(n).strip())
@pytest.mark.parametrize("kind", ["gauge", "sum_delta", "sum_cumulative"])
def test_numbers_of_1_0(kind: str, number: NumberDataPoint) -> None:
    point = NumberDataPoint()
    point.CopyFrom(number)
    point.MergeFrom(
        NumberDataPoint(attributes=COLOUR, start_time_unix_nano=START_NS, time_unix_nano=END_NS)
    )
    metric = Metric(name="m")
    if kind == "gauge":
        metric.gauge.CopyFrom(Gauge(data_points=[point]))
    else:
        temporality = DELTA if kind == "sum_delta" else CUMULATIVE
        metric.sum.CopyFrom(
            Sum(data_points=[point], aggregation_temporality=temporality, is_monotonic=True)  # type: ignore[arg-type]
        )
    value = float(number.as_int if number.HasField("as_int") else number.as_double)
    period = PERIOD if kind == "sum_delta" else INSTANT
    assert_read(decode_one(record_1_0(metric)), kind, period, (1.0, value, value, value))


@pytest.mark.parametrize("summand", [-4, 0, 9])
@pytest.mark.parametrize(
    ("temporality", "kind", "period"),
    [(DELTA, "histogram_delta", PERIOD), (CUMULATIVE, "histogram_cumulative", INSTANT)],
)
def test_histograms_of_0_7(
    temporality: int, kind: str, period: tuple[int, int], summand: int
) -> None:
    head = FLAT_COLOUR + build.times() + wire.fixed64(4, 6)
    buckets = build.packed(6, "Q", [1, 2, 3]) + build.packed(7, "d", [0.5, 2.5])
    integers = head + build.sfixed64(5, summand) + buckets
    doubles = head + build.double(5, summand / 8) + buckets
    for point, data, total in (
        (integers, build.INT_HISTOGRAM, float(summand)),
        (doubles, build.HISTOGRAM, summand / 8),
    ):
        decoded = decode_one(record_0_7(point, data, temporality))
        assert_read(decoded, kind, period, (6.0, total, None, None))
        assert decoded.extras == (("le:0.5", 1.0), ("le:2.5", 2.0), ("le:inf", 3.0))


def test_buckets_need_not_be_packed() -> None:
    counts = b"".join(wire.fixed64(6, count) for count in (1, 2))
    point = build.times() + wire.fixed64(4, 3) + counts + build.double(7, 0.25)
    decoded = decode_one(record_0_7(point, build.INT_HISTOGRAM, DELTA))
    assert decoded.extras == (("le:0.25", 1.0), ("le:inf", 2.0))


def histogram(**fields: object) -> bytes:
    point = HistogramDataPoint(
        attributes=COLOUR,
        start_time_unix_nano=START_NS,
        time_unix_nano=END_NS,
        **fields,  # type: ignore[arg-type]
    )
    return record_1_0(
        Metric(name="m", histogram=Histogram(data_points=[point], aggregation_temporality=DELTA))  # type: ignore[arg-type]
    )


def test_a_histogram_of_1_0_may_have_minimum_and_maximum() -> None:
    decoded = decode_one(
        histogram(
            count=3, sum=4.5, min=0.0, max=3.5, bucket_counts=[1, 0, 2], explicit_bounds=[1, 2.5]
        )
    )
    assert_read(decoded, "histogram_delta", PERIOD, (3.0, 4.5, 0.0, 3.5))
    assert decoded.extras == (("le:1.0", 1.0), ("le:2.5", 0.0), ("le:inf", 2.0))


def test_a_histogram_may_be_without_buckets() -> None:
    decoded = decode_one(histogram(count=3, sum=4.5))
    assert_read(decoded, "histogram_delta", PERIOD, (3.0, 4.5, None, None))
    assert decoded.extras == ()


@pytest.mark.parametrize("counts", [[1], [1, 2], [1, 2, 3, 4]])
def test_bucket_counts_must_fit_the_bounds(counts: list[int]) -> None:
    points, rejections = decode(
        histogram(count=1, bucket_counts=counts, explicit_bounds=[1.0, 2.0])
    )
    assert points == []
    assert [rejection.reason for rejection in rejections] == ["invalid_value"]


def exponential(scale: int, **fields: object) -> bytes:
    point = ExponentialHistogramDataPoint(
        attributes=COLOUR,
        start_time_unix_nano=START_NS,
        time_unix_nano=END_NS,
        scale=scale,
        **fields,  # type: ignore[arg-type]
    )
    data = ExponentialHistogram(data_points=[point], aggregation_temporality=CUMULATIVE)  # type: ignore[arg-type]
    return record_1_0(Metric(name="m", exponential_histogram=data))


def buckets(offset: int, *counts: int) -> ExponentialHistogramDataPoint.Buckets:
    return ExponentialHistogramDataPoint.Buckets(offset=offset, bucket_counts=counts)


def test_an_exponential_histogram_has_its_bounds_worked_out() -> None:
    decoded = decode_one(
        exponential(
            0,
            count=9,
            sum=-1.5,
            min=-4.0,
            max=7.0,
            zero_count=2,
            positive=buckets(1, 3, 1),
            negative=buckets(0, 2, 1),
        )
    )
    assert_read(decoded, "histogram_cumulative", INSTANT, (9.0, -1.5, -4.0, 7.0))
    # Base 2: bucket i is (2^i, 2^(i+1)], its mirror image [-2^(i+1), -2^i).
    assert decoded.extras == (
        ("le:-1.0", 2.0),
        ("le:-2.0", 1.0),
        ("le:4.0", 3.0),
        ("le:8.0", 1.0),
        ("zero_count", 2.0),
    )


@pytest.mark.parametrize(
    ("scale", "offset", "bound"),
    [
        (1, 0, math.sqrt(2)),
        (3, 7, 2.0),
        (-1, 0, 4.0),
        (0, -3, 0.25),
        (20, 0, 2.0 ** (2.0**-20)),
        (0, 1022, 2.0**1023),
        (0, 1023, math.inf),
        (-20, 5, math.inf),
        (-1100, 5, math.inf),
        (-(2**31), 5, math.inf),
        (-20, -5, 0.0),
        (-1100, -5, 0.0),
        (-(2**31), -5, 0.0),
        (2**31 - 1, 5, 1.0),
        (0, 2**31 - 1, math.inf),
        (0, -(2**31), 0.0),
    ],
)
def test_bounds_of_any_scale(scale: int, offset: int, bound: float) -> None:
    decoded = decode_one(exponential(scale, positive=buckets(offset, 4)))
    assert decoded.extras == ((f"le:{bound!r}", 4.0),)


@pytest.mark.parametrize(
    "bounds",
    [[2.0, 1.0], [1.0, 1.0], [1.0, math.inf], [-math.inf, 1.0], [math.nan, 1.0], [0.0, math.nan]],
)
def test_bounds_must_ascend_and_be_finite(bounds: list[float]) -> None:
    points, (rejection,) = decode(
        histogram(count=6, bucket_counts=[1, 2, 3], explicit_bounds=bounds)
    )
    assert points == []
    assert (rejection.reason, rejection.points) == ("invalid_value", 1)


def test_bounds_without_counts_are_refused() -> None:
    assert decode(histogram(count=0, explicit_bounds=[1.0]))[0] == []


def test_a_histogram_without_sum_has_the_sum_zero() -> None:
    decoded = decode_one(histogram(count=2, min=-3.0, max=-1.0))
    assert_read(decoded, "histogram_delta", PERIOD, (2.0, 0.0, -3.0, -1.0))


def test_bounds_that_doubles_do_not_tell_apart_are_one_bucket() -> None:
    fine = decode_one(exponential(2**31 - 1, positive=buckets(0, 1, 2, 3)))
    assert fine.extras == (("le:1.0", 6.0),)
    coarse = decode_one(
        exponential(-20, positive=buckets(-5, 1, 2, 4), negative=buckets(-3, 8), zero_count=16)
    )
    assert coarse.extras == (("le:0.0", 15.0), ("zero_count", 16.0))


def test_the_last_positive_bucket_keeps_its_true_bound_and_the_zero_bucket_its_threshold() -> None:
    decoded = decode_one(exponential(0, positive=buckets(0, 1, 2), zero_threshold=0.25))
    assert decoded.extras == (("le:2.0", 1.0), ("le:4.0", 2.0), ("zero_threshold", 0.25))


@pytest.mark.parametrize(
    ("statistic", "bound"),
    [
        ("le:0.005", 0.005),
        ("le:10.0", 10.0),
        ("le:inf", math.inf),
        ("le:-1e-07", -1e-7),
        ("p99", None),
        ("zero_count", None),
    ],
)
def test_bounds_are_read_back_from_the_names_of_buckets(
    statistic: str, bound: float | None
) -> None:
    assert upper_bound(statistic) == bound


def test_a_malformed_histogram_point_costs_itself_alone() -> None:
    good = build.times() + wire.fixed64(4, 3)
    for data in (build.INT_HISTOGRAM, build.HISTOGRAM, build.EXPONENTIAL_HISTOGRAM):
        metric = build.metric(good, b"\xff\xff", good, data=data, temporality=DELTA)
        points, (rejection,) = decode(build.record(build.message(metric)))
        assert [point.count for point in points] == [3.0, 3.0]
        assert (rejection.reason, rejection.points) == ("invalid_protobuf", 1)
        assert_holds_only_what_is_lost(rejection)


def test_the_extra_statistics_of_a_request_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "_MOST_EXTRA_STATISTICS", 7)
    three = exponential(0, positive=buckets(0, 1, 1, 1))
    points, rejections = decode(three, three, three, histogram(count=1))
    assert [len(point.extras) for point in points] == [3, 3, 0]
    assert [(rejection.record, rejection.reason) for rejection in rejections] == [
        (2, "invalid_value")
    ]


def test_too_many_buckets_are_refused() -> None:
    most = decode_one(exponential(1, positive=buckets(-900, *[1] * 2000)))
    assert len(most.extras) == 2000
    points, rejections = decode(
        exponential(0, positive=buckets(0, *[1] * 1000), negative=buckets(0, *[1] * 1001))
    )
    assert points == []
    assert [rejection.reason for rejection in rejections] == ["invalid_value"]


def test_a_summary_of_another_source_keeps_its_quantiles() -> None:
    point = SummaryDataPoint(
        attributes=COLOUR,
        start_time_unix_nano=START_NS,
        time_unix_nano=END_NS,
        count=5,
        sum=2.5,
        quantile_values=[
            SummaryDataPoint.ValueAtQuantile(quantile=q, value=v)
            for q, v in ((0.5, 0.1), (0.999, 0.9))
        ],
    )
    decoded = decode_one(record_1_0(Metric(name="m", summary=Summary(data_points=[point]))))
    # Its count and sum add up since its start, so the start is no part of the key.
    assert_read(decoded, "summary", INSTANT, (5.0, 2.5, None, None))
    assert decoded.extras == (("p50", 0.1), ("p99.9", 0.9))


def summary(**fields: object) -> bytes:
    point = SummaryDataPoint(
        attributes=COLOUR,
        start_time_unix_nano=START_NS,
        time_unix_nano=END_NS,
        **fields,  # type: ignore[arg-type]
    )
    return record_1_0(Metric(name="m", summary=Summary(data_points=[point])))


def quantiles(*pairs: tuple[float, float]) -> list[SummaryDataPoint.ValueAtQuantile]:
    return [SummaryDataPoint.ValueAtQuantile(quantile=q, value=v) for q, v in pairs]


def test_a_quantile_without_observations_is_missing() -> None:
    nan = math.nan
    given = quantiles((0.0, nan), (0.5, nan), (0.9, 4.0), (1.0, nan))
    decoded = decode_one(summary(count=5, sum=2.5, quantile_values=given))
    assert_read(decoded, "summary", INSTANT, (5.0, 2.5, None, None))
    assert decoded.extras == (("p90", 4.0),)


@pytest.mark.parametrize(
    "given",
    [
        quantiles((0.5, 1.0), (0.5, 2.0)),
        quantiles((0.0, 1.0), (0.0, 1.0)),
        quantiles((1.0, 1.0), (1.0, 2.0)),
        quantiles((0.999, 1.0), (99.9 / 100, 2.0)),
        quantiles((0.5, math.inf)),
        quantiles((1.5, math.nan)),
    ],
    ids=repr,
)
def test_quantiles_that_contradict_each_other_are_refused(
    given: list[SummaryDataPoint.ValueAtQuantile],
) -> None:
    points, (rejection,) = decode(summary(count=5, quantile_values=given))
    assert points == []
    assert (rejection.reason, rejection.points) == ("invalid_value", 1)


def test_a_summary_that_adds_up_since_its_start_has_a_point_at_each_time() -> None:
    points = [
        SummaryDataPoint(start_time_unix_nano=1, time_unix_nano=END_NS + n * 10**9, count=n)
        for n in range(3)
    ]
    found = decode_all(record_1_0(Metric(name="m", summary=Summary(data_points=points))))
    assert [(point.start_ms, point.period_ms) for point in found] == [
        (END_MS + n * 1000, 0) for n in range(3)
    ]


DELTA_SUM_TIMES = [
    (0, END_NS, (END_MS, 0)),
    (END_NS, END_NS, (END_MS, 0)),
    (END_NS - 1, END_NS, (END_MS - 1, 1)),
    (END_NS + 1, END_NS + 999_999, (END_MS, 0)),
    (END_NS - 10**10, END_NS, (END_MS - 10_000, 10_000)),
]


@pytest.mark.parametrize(("start_ns", "time_ns", "period"), DELTA_SUM_TIMES)
def test_a_delta_without_a_known_start_is_of_an_instant(
    start_ns: int, time_ns: int, period: tuple[int, int]
) -> None:
    point = NumberDataPoint(start_time_unix_nano=start_ns, time_unix_nano=time_ns, as_int=1)
    sum_ = Sum(data_points=[point], aggregation_temporality=DELTA)  # type: ignore[arg-type]
    decoded = decode_one(record_1_0(Metric(name="m", sum=sum_)))
    assert (decoded.start_ms, decoded.period_ms) == period


def test_a_delta_that_ends_before_it_starts_is_refused() -> None:
    point = NumberDataPoint(start_time_unix_nano=END_NS, time_unix_nano=START_NS, as_int=1)
    sum_ = Sum(data_points=[point], aggregation_temporality=DELTA)  # type: ignore[arg-type]
    points, (rejection,) = decode(record_1_0(Metric(name="m", sum=sum_)))
    assert points == []
    assert rejection.reason == "invalid_timestamp"


def test_a_number_point_without_a_number_is_refused_alone() -> None:
    given = [
        NumberDataPoint(attributes=COLOUR, time_unix_nano=END_NS, as_int=4),
        NumberDataPoint(attributes=COLOUR, time_unix_nano=END_NS),
        NumberDataPoint(time_unix_nano=END_NS),
    ]
    points, (rejection,) = decode(record_1_0(Metric(name="m", gauge=Gauge(data_points=given))))
    assert [point.total for point in points] == [4.0]
    assert (rejection.reason, rejection.points) == ("invalid_value", 2)
    assert_holds_only_what_is_lost(rejection)


def test_a_sum_without_temporality_loses_all_its_points() -> None:
    given = [NumberDataPoint(time_unix_nano=END_NS, as_int=n) for n in range(5)]
    points, (rejection,) = decode(record_1_0(Metric(name="m", sum=Sum(data_points=given))))
    assert points == []
    assert (rejection.reason, rejection.points) == ("unsupported_type", 5)


FLAGGED = [
    Metric(gauge=Gauge(data_points=[NumberDataPoint(time_unix_nano=END_NS, flags=1)])),
    Metric(
        sum=Sum(
            data_points=[NumberDataPoint(time_unix_nano=END_NS, flags=1)],
            aggregation_temporality=CUMULATIVE,  # type: ignore[arg-type]
        )
    ),
    Metric(
        histogram=Histogram(
            data_points=[HistogramDataPoint(time_unix_nano=END_NS, flags=1)],
            aggregation_temporality=DELTA,  # type: ignore[arg-type]
        )
    ),
    Metric(
        exponential_histogram=ExponentialHistogram(
            data_points=[ExponentialHistogramDataPoint(time_unix_nano=END_NS, flags=1)],
            aggregation_temporality=DELTA,  # type: ignore[arg-type]
        )
    ),
    Metric(summary=Summary(data_points=[SummaryDataPoint(time_unix_nano=END_NS, flags=1)])),
]


@pytest.mark.parametrize("flagged", FLAGGED, ids=lambda metric: str(metric.WhichOneof("data")))
def test_a_point_without_recorded_value_is_neither_a_point_nor_a_fault(flagged: Metric) -> None:
    flagged.name = "m"
    builder = BatchBuilder()
    decode_record(0, record_1_0(flagged), SeriesKeys(describe), builder)
    batch = builder.build()
    assert (len(batch), batch.rejections, batch.without_value) == (0, (), 1)


def test_other_flags_do_not_hide_a_point() -> None:
    point = NumberDataPoint(time_unix_nano=END_NS, flags=2, as_int=4)
    assert decode_one(record_1_0(Metric(name="m", gauge=Gauge(data_points=[point])))).total == 4.0


@pytest.mark.parametrize(
    "data",
    [build.INT_SUM, build.SUM, build.INT_HISTOGRAM, build.HISTOGRAM, build.EXPONENTIAL_HISTOGRAM],
)
@pytest.mark.parametrize("temporality", [None, UNSPECIFIED, 3, -1])
def test_a_temporality_that_is_not_known_is_refused(data: int, temporality: int | None) -> None:
    point = build.times() + build.sfixed64(4, 1)
    good = build.metric(build.summary_point())
    bad = build.metric(point, data=data, temporality=temporality)
    points, rejections = decode(build.record(build.message(bad, good)))
    assert [p.total for p in points] == [6.0]
    assert [rejection.reason for rejection in rejections] == ["unsupported_type"]


def test_a_metric_without_data_or_of_an_unknown_type_is_refused() -> None:
    empty = wire.text(1, "nothing")
    unknown = wire.text(1, "future") + wire.delimited(99, wire.delimited(1, b""))
    good = build.metric(build.summary_point())
    message = build.message(empty, good, unknown)
    points, (rejection,) = decode(build.record(message))
    assert [point.total for point in points] == [6.0]
    assert (rejection.reason, rejection.points) == ("unsupported_type", 2)
    assert rejection.detail.startswith("metric nothing:")
    assert_holds_only_what_is_lost(rejection)


def test_a_metric_without_points_holds_nothing() -> None:
    for data in (build.GAUGE, build.SUMMARY, build.INT_GAUGE):
        assert decode_all(build.record(build.message(build.metric(data=data)))) == []


def test_resource_attributes_of_other_sources_are_dimensions() -> None:
    gauge = build.metric(FLAT_COLOUR + build.times() + build.double(4, 1.0), data=build.GAUGE)
    origin = build.resource(more=[("service.name", "shop"), ("colour", "of the resource")])
    identity = decode_one(build.record(build.message(gauge, of=origin))).identity
    assert (identity.account, identity.region, identity.namespace) == (
        build.ACCOUNT,
        build.REGION,
        "",
    )
    assert identity.dimensions == (
        ("cloud.provider", "aws"),
        ("colour", "red"),
        ("service.name", "shop"),
    )
    assert identity.unit == "1"
