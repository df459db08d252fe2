"""The same points through the three formats of a metric stream are the same data, bit for bit."""

import math
from collections import Counter

from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.catalog import SeriesIdentity
from app.simulator import Format, Point, Series, encode_records
from tests.unit.otlp.decoding import Decoded, bits_of, decode, decode_all

START_MS = 1_727_740_800_000
OTLP = (Format.OPENTELEMETRY_0_7, Format.OPENTELEMETRY_1_0)
UNITS = ["Count", "None", "Percent", "Milliseconds", "Bytes/Second", "Terabits", "Count/Second"]

# What the wire can carry: any Unicode text but NUL, which SQL cannot hold, and lone surrogates.
characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
texts = st.text(characters, min_size=1, max_size=16)
metric_names = texts | st.sampled_from(["UserErrors", "a/b", "Namespace", "Dimensions"])
namespaces = st.sampled_from(
    ["AWS/DynamoDB", "AWS/CloudWatch/MetricStreams", "a/b/c/d", "/", "Käse & Söhne"]
) | st.text(characters, min_size=1, max_size=16)
dimension_names = texts | st.sampled_from(["TableName", "Namespace", "MetricName", "Dimensions"])
dimensions = st.dictionaries(dimension_names, st.text(characters, max_size=16), max_size=6)
# CloudWatch's range is -2^360 to 2^360; beyond it a double is still a double.
values = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [0.0, -0.0, 5e-324, -5e-324, 2.0**360, -(2.0**360), 0.1 + 0.2, 1 / 3, math.pi * 1e-300, 1e22]
)
percentiles = st.sampled_from(
    ["p1", "p7", "p50", "p57", "p90", "p95", "p99", "p99.9", "p99.99", "p0.1", "p33.3333", "p7.07"]
)
series = st.builds(
    Series,
    account=st.from_regex(r"[0-9]{12}", fullmatch=True),
    region=st.sampled_from(["us-east-1", "eu-central-2", "us-gov-west-1", "cn-north-1"]),
    namespace=namespaces,
    metric=metric_names,
    dimensions=dimensions.map(lambda pairs: tuple(pairs.items())),
    unit=st.sampled_from(UNITS),
)


@st.composite
def streams(draw: st.DrawFn) -> list[Point]:
    """Points of a few series over some minutes, in any order, each key once."""
    chosen = draw(st.lists(series, min_size=1, max_size=5, unique_by=identity_of))
    keys = draw(
        st.lists(
            st.tuples(st.sampled_from(chosen), st.integers(-2_000, 2_000)),
            max_size=15,
            unique_by=lambda key: (identity_of(key[0]), key[1]),
        )
    )
    return [
        Point(
            each,
            START_MS + minute * 60_000,
            draw(st.integers(0, 2**53)),
            draw(values),
            draw(values),
            draw(values),
            tuple(draw(st.dictionaries(percentiles, values, max_size=4)).items()),
        )
        for each, minute in keys
    ]


def identity_of(each: Series) -> SeriesIdentity:
    return SeriesIdentity(
        each.account, each.region, each.namespace, each.metric, each.dimensions, each.unit
    )


def expected(point: Point) -> Decoded:
    return Decoded(
        identity_of(point.series),
        point.start_ms,
        60_000,
        float(point.count),
        point.sum + 0.0,
        point.minimum + 0.0,
        point.maximum + 0.0,
        tuple((name, value + 0.0) for name, value in point.percentiles),
    )


def decoded(points: list[Point], format_: Format, *, record_bytes: int) -> list[Decoded]:
    return decode_all(*encode_records(points, format_, max_record_bytes=record_bytes))


def plain(number: float) -> Point:
    each = Series("123456789012", "us-east-1", "AWS/DynamoDB", "UserErrors", (), "Count")
    return Point(each, START_MS, 1, number, number, number, (("p99.9", number),))


@settings(deadline=None)
@given(streams(), st.sampled_from([4_000, 100_000]))
@example([plain(0.0)], 4_000)
@example([plain(-0.0)], 4_000)
@example([plain(5e-324)], 4_000)
@example([plain(-1.7976931348623157e308)], 4_000)
def test_every_format_gives_the_points_that_went_in(points: list[Point], record_bytes: int) -> None:
    wanted = Counter(bits_of(expected(point)) for point in points)
    for format_ in Format:
        found = decoded(points, format_, record_bytes=record_bytes)
        assert Counter(map(bits_of, found)) == wanted, format_


@settings(deadline=None)
@given(streams())
def test_every_format_gives_the_same_series(points: list[Point]) -> None:
    digests = [
        {point.identity.digest for point in decoded(points, format_, record_bytes=100_000)}
        for format_ in Format
    ]
    assert digests[0] == digests[1] == digests[2]
    assert len(digests[0]) == len({identity_of(point.series) for point in points})


@settings(deadline=None)
@given(streams(), st.data())
def test_a_delivery_may_mix_formats(points: list[Point], data: st.DataObject) -> None:
    parts: dict[Format, list[Point]] = {format_: [] for format_ in Format}
    for point in points:
        parts[data.draw(st.sampled_from(Format))].append(point)
    records = [
        record
        for format_, chosen in parts.items()
        for record in encode_records(chosen, format_, max_record_bytes=100_000)
    ]
    found = decode_all(*data.draw(st.permutations(records)))
    assert Counter(map(bits_of, found)) == Counter(bits_of(expected(point)) for point in points)


@settings(deadline=None)
@given(streams(), st.sampled_from(OTLP), st.sampled_from(OTLP))
def test_messages_of_both_versions_may_share_a_record(
    points: list[Point], first: Format, second: Format
) -> None:
    half = len(points) // 2
    record = b"".join(
        record
        for chosen, format_ in ((points[:half], first), (points[half:], second))
        for record in encode_records(chosen, format_)
    )
    found = decode_all(record)
    assert Counter(map(bits_of, found)) == Counter(bits_of(expected(point)) for point in points)


@settings(deadline=None)
@given(streams(), st.sampled_from(Format), st.integers(0, 3))
def test_a_bad_record_between_good_ones_costs_nothing(
    points: list[Point], format_: Format, position: int
) -> None:
    records = encode_records(points, format_, max_record_bytes=4_000)
    records.insert(position, b"not metrics at all")
    found, (rejection,) = decode(*records)
    assert Counter(map(bits_of, found)) == Counter(bits_of(expected(point)) for point in points)
    assert rejection.record == min(position, len(records) - 1)
