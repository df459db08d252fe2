"""Random OTLP requests, built with opentelemetry-proto, which shares nothing with our decoders."""

import math

from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    Exemplar,
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
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

START_NS = 1_727_740_800_000_000_000

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
names = st.sampled_from(["", "m", "http.server.duration", "Größe", "a/b"]) | texts
doubles = st.floats() | st.sampled_from([0.0, -0.0, math.nan, math.inf, 0.1, 1e308])
unsigned = st.integers(0, 2**64 - 1) | st.integers(0, 9)
signed = st.integers(-(2**63), 2**63 - 1) | st.integers(-9, 9)
times = st.just(0) | st.integers(START_NS, START_NS + 10**12) | unsigned
flags = st.sampled_from([0, 0, 0, 0, 1, 2])

any_values = st.recursive(
    st.one_of(
        st.builds(AnyValue),
        st.builds(AnyValue, string_value=texts),
        st.builds(AnyValue, bool_value=st.booleans()),
        st.builds(AnyValue, int_value=signed),
        st.builds(AnyValue, double_value=doubles),
        st.builds(AnyValue, bytes_value=st.binary(max_size=6)),
    ),
    lambda inner: st.one_of(
        st.builds(AnyValue, array_value=st.builds(ArrayValue, values=st.lists(inner, max_size=3))),
        st.builds(
            AnyValue,
            kvlist_value=st.builds(
                KeyValueList,
                values=st.lists(st.builds(KeyValue, key=texts, value=inner), max_size=3),
            ),
        ),
    ),
    max_leaves=6,
)
attributes = st.lists(
    st.builds(
        KeyValue,
        key=st.sampled_from(["service.name", "le", "cloud.region", "Namespace", "MetricName"])
        | texts,
        value=any_values,
    ),
    max_size=4,
)
exemplars = st.lists(
    st.builds(Exemplar, time_unix_nano=times, as_double=doubles, trace_id=st.binary(max_size=16)),
    max_size=1,
)
head = {
    "attributes": attributes,
    "start_time_unix_nano": times,
    "time_unix_nano": times,
    "flags": flags,
}
counted = {**head, "count": unsigned, "sum": doubles}
bounded = {"min": st.none() | doubles, "max": st.none() | doubles}

numbers = st.one_of(
    st.builds(NumberDataPoint, **head, as_int=signed, exemplars=exemplars),
    st.builds(NumberDataPoint, **head, as_double=doubles),
    st.builds(NumberDataPoint, **head),
)
histograms = st.builds(
    HistogramDataPoint,
    **counted,
    **bounded,
    bucket_counts=st.lists(unsigned, max_size=4),
    explicit_bounds=st.lists(doubles, max_size=3, unique=True).map(sorted),
)
buckets = st.builds(
    ExponentialHistogramDataPoint.Buckets,
    offset=st.integers(-(2**31), 2**31 - 1) | st.integers(-5, 5),
    bucket_counts=st.lists(unsigned, max_size=4),
)
exponential_histograms = st.builds(
    ExponentialHistogramDataPoint,
    **counted,
    **bounded,
    scale=st.integers(-(2**31), 2**31 - 1) | st.integers(-3, 20),
    zero_count=unsigned,
    zero_threshold=doubles,
    positive=st.none() | buckets,
    negative=st.none() | buckets,
)
summaries = st.builds(
    SummaryDataPoint,
    **counted,
    quantile_values=st.lists(
        st.builds(
            SummaryDataPoint.ValueAtQuantile,
            quantile=st.sampled_from([0.0, 0.5, 0.99, 1.0]) | doubles,
            value=doubles,
        ),
        max_size=4,
    ),
)
temporalities = st.integers(0, 2)


def data_of(points: st.SearchStrategy[object]) -> st.SearchStrategy[list[object]]:
    return st.lists(points, max_size=3)


metrics = st.one_of(
    st.builds(Metric, name=names, unit=texts),
    st.builds(Metric, name=names, unit=texts, gauge=st.builds(Gauge, data_points=data_of(numbers))),
    st.builds(
        Metric,
        name=names,
        unit=texts,
        description=texts,
        sum=st.builds(
            Sum,
            data_points=data_of(numbers),
            aggregation_temporality=temporalities,
            is_monotonic=st.booleans(),
        ),
    ),
    st.builds(
        Metric,
        name=names,
        histogram=st.builds(
            Histogram, data_points=data_of(histograms), aggregation_temporality=temporalities
        ),
    ),
    st.builds(
        Metric,
        name=names,
        exponential_histogram=st.builds(
            ExponentialHistogram,
            data_points=data_of(exponential_histograms),
            aggregation_temporality=temporalities,
        ),
    ),
    st.builds(Metric, name=names, summary=st.builds(Summary, data_points=data_of(summaries))),
)
resources = st.builds(
    ResourceMetrics,
    resource=st.none()
    | st.builds(Resource, attributes=attributes, dropped_attributes_count=st.integers(0, 5)),
    scope_metrics=st.lists(
        st.builds(
            ScopeMetrics,
            scope=st.none() | st.builds(InstrumentationScope, name=texts, version=texts),
            metrics=st.lists(metrics, max_size=3),
        ),
        max_size=2,
    ),
)
requests = st.builds(ExportMetricsServiceRequest, resource_metrics=st.lists(resources, max_size=2))
