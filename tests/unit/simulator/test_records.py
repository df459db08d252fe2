"""Encoders against opentelemetry-proto and json, with the account's and with arbitrary points."""

import json
import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.simulator import AccountModel, Format, Point, Series, encode_records
from app.simulator.cloudwatch_json import number
from app.simulator.otlp import quantile_of, unit_text
from app.simulator.records import TYPICAL_RECORD_BYTES, RecordTooLarge
from tests.unit.simulator.reading import Read, messages, metrics, read

START_MS = 1_727_740_800_000

names = st.text(min_size=1, max_size=20)
values = st.floats(min_value=-(2.0**360), max_value=2.0**360)
series = st.builds(
    Series,
    account=st.from_regex(r"[0-9]{12}", fullmatch=True),
    region=st.sampled_from(["us-east-1", "eu-west-1"]),
    namespace=names,
    metric=names,
    dimensions=st.dictionaries(names, st.text(max_size=30), max_size=5).map(
        lambda pairs: tuple(pairs.items())
    ),
    unit=st.sampled_from(["Count", "Milliseconds", "Bytes/Second", "None", "Percent"]),
)
points = st.builds(
    Point,
    series=series,
    start_ms=st.integers(1, 30_000_000).map(lambda minute: minute * 60_000),
    count=st.integers(0, 2**53),
    sum=values,
    minimum=values,
    maximum=values,
    percentiles=st.dictionaries(
        st.sampled_from(["p50", "p99", "p99.9", "TM(25%:75%)", "IQM"]), values
    ).map(lambda pairs: tuple(pairs.items())),
)


def expected(point: Point, format_: Format) -> Read:
    extra: tuple[tuple[float | str, float], ...]
    if format_ is Format.JSON:
        unit, extra = point.series.unit, point.percentiles
    else:
        unit = unit_text(point.series.unit)
        quantiles = [(quantile_of(name), value) for name, value in point.percentiles]
        extra = tuple(sorted((q, value) for q, value in quantiles if q is not None))
    return Read(
        point.series.account,
        point.series.region,
        point.series.namespace,
        point.series.metric,
        point.series.dimensions,
        unit,
        point.start_ms,
        point.count,
        point.sum,
        point.minimum,
        point.maximum,
        extra,
    )


@pytest.mark.parametrize("format_", Format)
@given(st.lists(points, max_size=12))
def test_arbitrary_points_read_back_equal(format_: Format, given_points: list[Point]) -> None:
    records = encode_records(given_points, format_, max_record_bytes=20_000)
    assert all(len(record) <= 20_000 for record in records)
    found = [point for record in records for point in read(record, format_)]
    assert Counter(found) == Counter(expected(point, format_) for point in given_points)


@pytest.mark.parametrize("format_", Format)
def test_an_account_reads_back_equal(format_: Format) -> None:
    model = AccountModel(3, tables=30, accounts=3, regions=2)
    given_points = [
        point for minute in range(3) for point in model.points(START_MS + minute * 60_000)
    ]
    records = encode_records(given_points, format_, max_record_bytes=TYPICAL_RECORD_BYTES)
    assert len(records) > 1
    assert all(len(record) <= TYPICAL_RECORD_BYTES for record in records)
    found = [point for record in records for point in read(record, format_)]
    assert Counter(found) == Counter(expected(point, format_) for point in given_points)


def test_sizes_per_point_are_those_of_the_captures() -> None:
    given_points = AccountModel(3, tables=50).points(START_MS)
    sizes = {
        format_: sum(map(len, encode_records(given_points, format_))) / len(given_points)
        for format_ in Format
    }
    assert 180 < sizes[Format.OPENTELEMETRY_0_7] < sizes[Format.OPENTELEMETRY_1_0]
    assert sizes[Format.OPENTELEMETRY_1_0] < sizes[Format.JSON] < 400


def idle(*, dimensions: tuple[tuple[str, str], ...] = ()) -> Point:
    identity = Series(
        "123456789012", "us-east-1", "AWS/DynamoDB", "UserErrors", dimensions, "Count"
    )
    return Point(identity, START_MS, 1, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("format_", [Format.OPENTELEMETRY_0_7, Format.OPENTELEMETRY_1_0])
def test_an_idle_minute_has_no_sum_and_an_empty_minimum(format_: Format) -> None:
    (record,) = encode_records([idle()], format_)
    assert b"\x32\x00\x32\x09" in record
    (metric,) = metrics(record)
    (point,) = metric.summary.data_points
    assert not any(field.name == "sum" for field, _ in point.ListFields())
    assert point.quantile_values[0].ByteSize() == 0


def test_no_dimensions_is_an_empty_list_in_1_0() -> None:
    (record,) = encode_records([idle()], Format.OPENTELEMETRY_1_0)
    assert record.endswith(b"\n\nDimensions\x12\x02\x32\x00")


def test_several_accounts_make_several_messages_and_resources() -> None:
    model = AccountModel(1, tables=1, accounts=3)
    (record,) = encode_records(model.points(START_MS), Format.OPENTELEMETRY_1_0)
    assert [len(message.resource_metrics) for message in messages(record)] == [1, 2]
    arns = {
        attribute.value.string_value
        for message in messages(record)
        for resource in message.resource_metrics
        for attribute in resource.resource.attributes
        if attribute.key == "aws.exporter.arn"
    }
    assert arns == {
        f"arn:aws:cloudwatch:us-east-1:{model.accounts[0]}:metric-stream/hydrant-simulated"
    }


def test_points_of_a_series_share_a_metric_newest_first() -> None:
    identity = idle().series
    given_points = [Point(identity, START_MS + i * 60_000, 1, 1.0, 1.0, 1.0) for i in range(7)]
    (record,) = encode_records(given_points, Format.OPENTELEMETRY_1_0)
    found = [
        [point.start_time_unix_nano // 60_000_000_000 for point in metric.summary.data_points]
        for metric in metrics(record)
    ]
    first = START_MS // 60_000
    assert found == [[first + 6, first + 5, first + 4, first + 3, first + 2], [first + 1, first]]


def test_json_keys_and_numbers_are_spelt_as_in_the_captures() -> None:
    point = Point(idle().series, START_MS, 5, 1.0626048e7, -0.25, 1e-5, (("TM(25%:75%)", 3.0),))
    (record,) = encode_records([point], Format.JSON, stream_name="s")
    assert record == (
        b'{"metric_stream_name":"s","account_id":"123456789012","region":"us-east-1",'
        b'"namespace":"AWS/DynamoDB","metric_name":"UserErrors","dimensions":{},'
        b'"timestamp":1727740800000,"value":{"max":1.0E-5,"min":-0.25,"sum":1.0626048E7,'
        b'"count":5.0,"TM(25%:75%)":3.0},"unit":"Count"}\n'
    )


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_round_trip_exactly(value: float) -> None:
    back = json.loads(number(value))
    assert back == value
    assert math.copysign(1, back) == math.copysign(1, value)


@pytest.mark.parametrize("format_", Format)
def test_a_point_that_fits_no_record_is_refused(format_: Format) -> None:
    huge = idle(dimensions=(("Name", "x" * 5000),))
    with pytest.raises(RecordTooLarge):
        encode_records([huge], format_, max_record_bytes=4000)


@pytest.mark.parametrize("format_", Format)
def test_nothing_makes_no_record(format_: Format) -> None:
    assert encode_records([], format_) == []


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        ("Bytes/Second", "By/s"),
        ("Count/Second", "{Count}/s"),
        ("Terabits", "Tbit"),
        ("None", "1"),
        ("Furlongs/Second", "Furlongs/Second"),
    ],
)
def test_units(unit: str, text: str) -> None:
    assert unit_text(unit) == text


@pytest.mark.parametrize(
    ("statistic", "quantile"),
    [("p99", 0.99), ("p99.9", 0.999), ("p0.1", 0.001), ("p0", None), ("TM(25%:75%)", None)],
)
def test_quantiles(statistic: str, quantile: float | None) -> None:
    assert quantile_of(statistic) == quantile
