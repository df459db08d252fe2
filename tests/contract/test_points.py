"""Points and extra statistics: what a store promises, on both engines."""

from collections.abc import Iterator
from dataclasses import replace

import orjson
import pytest

from app.clock import MILLISECONDS_PER_MINUTE
from app.simulator import Format, Point, Series, encode_records
from app.storage import read_minute_points
from tests.fixtures.house import NOW_MS, House, envelope, house

START_MS = 29_000_000 * MILLISECONDS_PER_MINUTE
SERIES = Series(
    account="111122223333",
    region="eu-west-1",
    namespace="AWS/DynamoDB",
    metric="SuccessfulRequestLatency",
    dimensions=(("TableName", "orders"), ("Operation", "GetItem")),
    unit="Milliseconds",
)


@pytest.fixture
def new_house(database_url: str) -> Iterator[House]:
    with house(database_url) as made:
        yield made


def a_point(count: int, total: float, **percentiles: float) -> Point:
    return Point(
        series=SERIES,
        start_ms=START_MS,
        count=count,
        sum=total,
        minimum=0.25,
        maximum=7.5,
        percentiles=tuple(percentiles.items()),
    )


def deliver(inside: House, *points: Point, request_id: str = "r") -> None:
    inside.post(encode_records(points, Format.JSON), request_id)


def stored(inside: House) -> list[tuple[object, ...]]:
    return inside.rows("SELECT sample_count, sum, minimum, maximum FROM v_points")


def percentiles(inside: House) -> list[tuple[object, ...]]:
    return inside.rows("SELECT statistic, value FROM v_extra_statistics")


def test_a_point_is_stored_to_the_last_bit(new_house: House) -> None:
    total = 0.1 + 0.2
    deliver(new_house, a_point(3, total, p99=1 / 3))
    assert stored(new_house) == [(3.0, total, 0.25, 7.5)]
    assert percentiles(new_house) == [("p99", 1 / 3)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_higher_sample_count_stands_whichever_came_first(
    new_house: House, order: tuple[int, int]
) -> None:
    versions = [a_point(5, 10.0, p99=5.0), a_point(7, 12.0, p90=3.0)]
    for number in order:
        deliver(new_house, versions[number], request_id=str(number))
    assert stored(new_house) == [(7.0, 12.0, 0.25, 7.5)]
    assert percentiles(new_house) == [("p90", 3.0)]
    with new_house.store.read() as connection:
        minute = read_minute_points(connection, START_MS // MILLISECONDS_PER_MINUTE)
    assert (minute.extra_name, minute.extra_value.tolist()) == (("p90",), [3.0])


@pytest.mark.parametrize("together", [True, False])
def test_at_equal_sample_count_the_later_values_stand(new_house: House, together: bool) -> None:
    first, second = a_point(5, 10.0), a_point(5, 11.0)
    if together:
        deliver(new_house, first, second)
    else:
        deliver(new_house, first, request_id="1")
        deliver(new_house, second, request_id="2")
    assert stored(new_house) == [(5.0, 11.0, 0.25, 7.5)]


def test_percentiles_of_two_streams_of_one_point_unite(new_house: House) -> None:
    deliver(new_house, a_point(5, 10.0, p50=1.0), request_id="1")
    deliver(new_house, a_point(5, 10.0, p99=2.0), request_id="2")
    assert percentiles(new_house) == [("p50", 1.0), ("p99", 2.0)]


def test_the_same_request_id_over_another_body_is_another_delivery(new_house: House) -> None:
    deliver(new_house, a_point(5, 10.0), request_id="same")
    deliver(new_house, a_point(6, 11.0), request_id="same")
    assert stored(new_house) == [(6.0, 11.0, 0.25, 7.5)]
    assert len(new_house.rows("SELECT digest FROM delivery")) == 2


def test_the_same_delivery_twice_is_one(new_house: House) -> None:
    for _ in range(2):
        deliver(new_house, a_point(5, 10.0))
    assert len(new_house.rows("SELECT digest FROM delivery")) == 1


def test_a_retry_that_is_written_anew_is_the_same_delivery(new_house: House) -> None:
    body = envelope(encode_records([a_point(5, 10.0)], Format.JSON))
    later = orjson.loads(body) | {"timestamp": NOW_MS + 60_000}
    escaped = orjson.dumps(later, option=orjson.OPT_INDENT_2).replace(b"data", b"d\\u0061ta")
    post = new_house.ingest
    assert not post.store(post.open("r", body)).duplicate
    for again in (orjson.dumps(later), escaped):
        assert post.store(post.open("r", bytearray(again))).duplicate
    assert not post.store(post.open("another", body)).duplicate


def test_unknown_minimum_and_maximum_are_null(new_house: House) -> None:
    # A 0.7 point with neither quantile: Namespace and MetricName, count 2, sum 3.
    labels = b"".join(
        b"\x0a" + bytes([len(pair)]) + pair
        for pair in (b"\x0a\x09Namespace\x12\x01N", b"\x0a\x0aMetricName\x12\x01M")
    )
    times = b"\x11" + (START_MS * 10**6).to_bytes(8, "little")
    times += b"\x19" + ((START_MS + 60_000) * 10**6).to_bytes(8, "little")
    point = labels + times + b"\x21" + (2).to_bytes(8, "little")
    message = point
    for tag in (0x0A, 0x5A, 0x12, 0x12, 0x0A):  # data_points, summary, metrics, scope, resource
        message = bytes([tag, *_varint(len(message))]) + message
    new_house.post([bytes(_varint(len(message))) + message])
    assert stored(new_house) == [(2.0, 0.0, None, None)]
    assert new_house.rows("SELECT namespace, metric FROM v_points") == [("N", "M")]


def _varint(number: int) -> list[int]:
    groups = []
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return [*groups, number]


def test_a_minute_reads_back_in_the_order_of_series_and_time(new_house: House) -> None:
    later = Point(SERIES, START_MS + 30_000, 1, 2.0, 2.0, 2.0, (("p50", 4.0),))
    deliver(new_house, later, a_point(5, 10.0, p99=3.0))
    with new_house.store.read() as connection:
        minute = read_minute_points(connection, START_MS // MILLISECONDS_PER_MINUTE)
    assert minute.offset_ms.tolist() == [0, 30_000]
    assert minute.count.tolist() == [5.0, 1.0]
    extras = zip(minute.extra_row.tolist(), minute.extra_name, minute.extra_value, strict=True)
    assert sorted(extras) == [(0, "p99", 3.0), (1, "p50", 4.0)]


def test_extreme_doubles_survive(new_house: House) -> None:
    deliver(new_house, Point(SERIES, START_MS, 2**60, -1e300, 5e-324, 2.0**360))
    assert stored(new_house) == [(float(2**60), -1e300, 5e-324, 2.0**360)]


@pytest.mark.parametrize("length", [255, 256])
def test_the_longest_names_are_stored_and_longer_ones_do_no_harm(
    new_house: House, length: int
) -> None:
    """Four bytes a character: what is kept must fit every index, what is not goes aside."""
    name = "".join(chr(0x1F300 + number) for number in range(length))
    dimensions = tuple((f"{number}{name}"[:255], name * 16) for number in range(30))
    series = Series("1", "eu-west-1", name, name, dimensions, "Count")
    neighbour = a_point(5, 10.0)
    deliver(new_house, replace(neighbour, series=series), neighbour)
    assert len(stored(new_house)) == (2 if length == 255 else 1)
    rejected = new_house.rows("SELECT reason, points FROM quarantine")
    assert rejected == ([] if length == 255 else [("invalid_labels", 1)])
