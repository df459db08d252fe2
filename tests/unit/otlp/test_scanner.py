"""Messages and lines that no stream of CloudWatch holds, through both decoders."""

import random
import struct
import tracemalloc
from collections.abc import Sequence

import pytest

from app.otlp import BatchBuilder, decoder
from app.simulator import AccountModel, Format, encode_records, wire
from tests.fuzz.differential import Pair, needs_scanner
from tests.fuzz.seeds import START_MS
from tests.unit.otlp import building as build

pytestmark = needs_scanner

NAN, INFINITY = float("nan"), float("inf")
LABELS = build.cloudwatch_nested("AWS/DynamoDB", "Latency", [("TableName", "t")])
POINT = build.summary_point(LABELS)
NOT_CLOUDWATCH = build.attributes([("host", build.string_value("h"))])


def of(*quantiles: tuple[float, float], total: float = 6.0, labels: bytes = LABELS) -> bytes:
    point = build.summary_point(labels, total=total, quantiles=quantiles)
    return build.record_of_points(point, POINT)


def in_record(metric: bytes) -> bytes:
    """A message with the metric between two good ones."""
    return build.record(build.message(build.metric(POINT), metric, build.metric(POINT)))


def long_varint(value: int, size: int) -> bytes:
    """A varint in more bytes than it needs."""
    groups = [value >> (7 * at) & 0x7F | 0x80 for at in range(size)]
    return bytes([*groups[:-1], groups[-1] & 0x7F])


def with_length(payload: bytes, size: int) -> bytes:
    """The record's message with a length of so many bytes."""
    return long_varint(len(payload), size) + payload


MESSAGE = build.message(build.metric(POINT))
METRIC = build.metric(POINT)
EMPTY_QUANTILE = wire.delimited(6, b"")
BARE = LABELS + build.times()
GROUP = wire.varint(13 << 3 | 3) + build.double(1, 1.0) + wire.varint(13 << 3 | 4)
SCOPES = wire.delimited(2, wire.delimited(2, METRIC))

ODDITIES: dict[str, bytes] = {
    "percentiles": of((0.0, 1.0), (0.5, 2.0), (0.99, 2.5), (0.999, 2.7), (1.0, 3.0)),
    "a computed percentile": of((99.9 / 100, 2.0)),
    "two quantiles of one name": of((99.9 / 100, 2.0), (0.999, 2.0)),
    "a minimum twice": of((0.0, 1.0), (0.0, 1.0)),
    "a percentile twice": of((0.5, 1.0), (0.5, 1.0)),
    "no quantiles": of(),
    "no quantile": of((1.5, 1.0)),
    "a negative quantile": of((-0.5, 1.0)),
    "a negative zero of a quantile": of((-0.0, 1.0)),
    "NaN as quantile": of((NAN, 1.0)),
    "NaN as value": of((0.5, NAN)),
    "infinity as value": of((0.5, INFINITY)),
    "NaN as value, not CloudWatch's": of((0.0, NAN), (0.5, 1.0), labels=NOT_CLOUDWATCH),
    "not CloudWatch's": of((0.0, 1.0), (0.5, 1.0), labels=NOT_CLOUDWATCH),
    "many quantiles": of(*((number / 150, 1.0) for number in range(1, 150))),
    "too many quantiles": of(*((number / 300, 1.0) for number in range(1, 300))),
    "a negative sum": of((0.0, -2.0), (1.0, -0.0), total=-3.0),
    "NaN as sum": of(total=NAN),
    "infinity as sum": of(total=-INFINITY),
    "an empty quantile": build.record_of_points(BARE + EMPTY_QUANTILE),
    "neither count nor sum": build.record_of_points(BARE),
    "a large count": build.record_of_points(BARE + wire.fixed64(4, 2**64 - 1)),
    "an empty point": build.record_of_points(b"", POINT),
    "no labels": build.record_of_points(build.times()),
    "labels of both versions": build.record_of_points(LABELS + build.LABELS + build.times()),
    "empty labels": build.record_of_points(wire.delimited(7, b"") + build.times()),
    "flags": build.record_of_points(POINT + build.number(8, 1), POINT + build.number(8, 2)),
    "flags of 0": build.record_of_points(POINT + build.number(8, 0)),
    "scalars twice": build.record_of_points(POINT + build.times() + build.double(5, 9.0)),
    "values twice in a quantile": build.record_of_points(
        BARE + wire.delimited(6, build.double(2, 1.0) + build.double(2, 4.0))
    ),
    "fields in another order": build.record_of_points(
        build.quantile(1.0, 5.0) + build.double(5, 5.0) + build.times() + LABELS
    ),
    "a group": build.record_of_points(POINT + GROUP),
    "an open group": build.record_of_points(POINT + wire.varint(13 << 3 | 3)),
    "an unknown field": build.record_of_points(POINT + build.number(15, 7)),
    "a field of number 0": build.record_of_points(POINT + b"\x02\x00"),
    "a time as varint": build.record_of_points(LABELS + build.number(3, 5)),
    "a tag of two bytes": build.record_of_points(POINT + b"\xba\x00\x00"),
    "a time in seconds": build.record_of_points(LABELS + wire.fixed64(3, build.END_MS)),
    "a time of the far future": build.record_of_points(LABELS + wire.fixed64(3, 2**64 - 1)),
    "no start": build.record_of_points(LABELS + wire.fixed64(3, build.END_MS * 1_000_000)),
    "an empty period": build.record_of_points(LABELS + build.times(build.END_MS)),
    "a negative period": build.record_of_points(LABELS + build.times(build.END_MS + 1)),
    "a period of two years": build.record_of_points(LABELS + build.times(1_600_000_000_000)),
    "times between milliseconds": build.record_of_points(
        LABELS
        + wire.fixed64(2, 1_727_740_800_000_999_999)
        + wire.fixed64(3, 1_727_740_860_000_001_000)
    ),
    "the unit behind the points": in_record(METRIC + wire.text(3, "By")),
    "the name behind the points": in_record(METRIC + wire.text(1, "other")),
    "a description": in_record(wire.text(1, "m") + wire.text(2, "what") + METRIC[3:]),
    "a gauge": in_record(build.metric(build.times() + build.double(4, 1.0), data=build.GAUGE)),
    "no data": in_record(wire.text(1, "m")),
    "no points": in_record(wire.text(1, "m") + wire.delimited(11, b"")),
    "two summaries": in_record(METRIC + wire.delimited(11, wire.delimited(1, POINT))),
    "a summary and a gauge": in_record(METRIC + wire.delimited(5, wire.delimited(1, b""))),
    "no name": in_record(build.metric(POINT, name="", unit="")),
    "resource behind scopes": build.record(
        wire.delimited(1, SCOPES + wire.delimited(1, build.resource()))
    ),
    "a resource in two parts": build.record(
        wire.delimited(1, wire.delimited(1, build.resource()) * 2 + SCOPES)
    ),
    "no resource": build.record(wire.delimited(1, SCOPES)),
    "no scopes": build.record(wire.delimited(1, wire.delimited(1, build.resource())), MESSAGE),
    "an empty scope": build.record(wire.delimited(1, wire.delimited(2, b"")), MESSAGE),
    "schemas and scopes": build.record(
        wire.delimited(1, wire.text(3, "url") + wire.delimited(2, wire.text(1, "s") + SCOPES[2:]))
    ),
    "an unknown field of a message": build.record(MESSAGE + build.number(9, 1), MESSAGE),
    "another kind of message first": build.record(build.number(9, 1), MESSAGE),
    "another kind of message later": build.record(MESSAGE, build.number(9, 1), MESSAGE),
    "empty messages": b"\0\0\0" + build.record(MESSAGE) + b"\0\0" + build.record(MESSAGE) + b"\0",
    "overlong empty messages": b"\x80\0" + build.record(MESSAGE) + b"\x80\x80\0",
    **{f"a length of {size} bytes": with_length(MESSAGE, size) for size in range(3, 12)},
    **{
        f"an inner length of {size} bytes": build.record(b"\x0a" + with_length(MESSAGE[3:], size))
        for size in range(3, 12)
    },
    "a length beyond the end": build.record(MESSAGE) + b"\x05ab",
    "a length without an end": build.record(MESSAGE) + b"\xff",
    "an inner length beyond the end": build.record(MESSAGE, b"\x0a\x7f", MESSAGE),
    "bytes that are no protobuf": build.record(MESSAGE, b"\x0a\x03\xff\xff\xff", MESSAGE),
    "labels that are no UTF-8": build.record_of_points(
        wire.delimited(7, wire.text(1, "k") + wire.delimited(2, wire.delimited(1, b"\xff"))) + BARE
    ),
    "labels that are no protobuf": build.record_of_points(wire.delimited(7, b"\xff") + BARE),
    "a hundred labels": build.record_of_points(
        build.flat([(f"n{number}", "v") for number in range(100)]) + build.times()
    ),
    "too many labels": build.record_of_points(
        build.flat([(f"n{number}", "v") for number in range(200)]) + build.times()
    ),
}


@pytest.mark.parametrize("record", ODDITIES.values(), ids=ODDITIES)
def test_oddities_of_protobuf(record: bytes) -> None:
    pair = Pair()
    for _ in range(2):
        pair.check(build.record(MESSAGE), record, build.record(MESSAGE))


def test_series_without_a_resource_come_first() -> None:
    pair = Pair()
    for _ in range(2):
        pair.check(ODDITIES["no resource"])
    assert len(pair.native) == len(pair.reference) == 1


def test_points_share_the_copy_of_a_long_resource() -> None:
    long = build.resource(more=[("name", "x" * 100_000)])
    labels = (build.cloudwatch_flat("AWS/DynamoDB", f"m{number}") for number in range(3_000))
    points = [build.summary_point(each) for each in labels]
    record = build.record(build.message(build.metric(*points, *points), of=long))
    keys = Pair().native
    assert keys.native is not None
    tracemalloc.start()
    scan = decoder.scan_messages(keys.native, record, 0, 0, None, BatchBuilder())
    series = list(scan.news.series or ())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Each once, however many points it has.
    assert len(series) == 3_000 == len(set(series))
    # Copied for each of its points it would be 300 MB.
    assert most < 10_000_000


def test_names_of_a_line_with_too_many_are_not_gathered() -> None:
    names = ",".join(f'"p{number}":1' for number in range(30_000))
    record = line(('"count":2.0', f'"count":2.0,{names}'))
    keys = Pair().native
    assert keys.native is not None
    scan = decoder.scan_lines(keys.native, record, 0, 0, None, BatchBuilder())
    assert (scan.start, scan.news.names) == (0, set())


def test_series_that_follow_in_another_order_each_time() -> None:
    rng = random.Random(5)
    for format_ in Format:
        pair = Pair()
        points = AccountModel(1, tables=6, accounts=2).points(START_MS)
        for _ in range(6):
            rng.shuffle(points)
            pair.check(*encode_records(points, format_))
        assert len(pair.native) == len(pair.reference) > 50


@pytest.mark.parametrize("record", ODDITIES.values(), ids=ODDITIES)
def test_no_end_of_a_record_is_read_beyond(record: bytes) -> None:
    pair = Pair()
    step = 1 + len(record) // 60
    for end in range(0, len(record), step):
        pair.check(record[:end])


HEAD = (
    '{"metric_stream_name":"s","account_id":"1","region":"r","namespace":"AWS/DynamoDB",'
    '"metric_name":"m","dimensions":{"TableName":"t"},'
)
TAIL = (
    '"timestamp":1727740800000,"value":{"max":2.0,"min":1.0,"sum":3.0,"count":2.0},"unit":"None"}'
)


def line(*changes: Sequence[str]) -> bytes:
    text = HEAD + TAIL
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text.encode("utf-8", "surrogatepass")


def valued(text: str) -> bytes:
    return line(('"max":2.0', f'"max":{text}'))


NUMBERS = (
    *("0", "-0", "0.0", "-0.0", "1", "12", "01", "-", ".5", "5.", "1.5", "1e5", "1E5", "1e+5"),
    *("1e-5", "1e", "1e+", "1.e5", "1e05", "1e400", "-1e400", "1e-400", "4.9e-324", "2e-308"),
    *("2.2250738585072014e-308", "1.7976931348623157e308", "1.7976931348623159e308"),
    *("10.011666666666667", "0.1", "0.3", "123456789012345678", "9007199254740993"),
    *("9007199254740993.0", "18446744073709551616", "1234567890123456789012345678901234567890"),
    *("0." + "1" * 80, "1" * 400, "1e22", "1e23", "123456789012345e22", "123456789012345e23"),
    *("123456789012345e-22", "8.41e21", "6.02214076E23", "5e-324", "0e0", "0e999", "0.0e-9999"),
    *("1_0", "0x1", "NaN", "Infinity", "null", '"1"', "true", "[1]", "1 ", " 1", "+1", "--1"),
)
LINES: dict[str, bytes] = {
    "as CloudWatch writes it": line(),
    "no dimensions": line(('{"TableName":"t"}', "{}")),
    "two dimensions": line(('"t"}', '"t","Operation":"Get"}')),
    "a dimension twice": line(('"t"}', '"t","TableName":"u"}')),
    "a number as dimension": line(('"t"}', "5}")),
    "an open dimension": line(('"t"}', '"t",}')),
    "an escape": line(('"t"}', '"\\u00e9\\""}')),
    "a character beyond ASCII": line(('"t"}', '"é"}')),
    "half a surrogate": line(('"t"}', '"\ud800"}')),
    "a tab in a text": line(('"t"}', '"a\tb"}')),
    "DEL in a text": line(('"t"}', '"a\x7fb"}')),
    "a stream's name that is none": line(('"s"', "[1,2]")),
    "blanks": line((",", ", ")),
    "blanks around": b"  " + line() + b" ",
    "carriage returns": line() + b"\r\n\r\n" + line() + b"\r",
    "blank lines": b"\n\n" + line() + b"\n \n\x0b\n" + line() + b"\n\n",
    "two objects on a line": line() + line(),
    "text behind": line() + b"x",
    "extra statistics": line(('"count":2.0', '"count":2.0,"p99":1.5,"TM(25%:75%)":1.0')),
    "an extra statistic first": line(('"max"', '"p50":1.0,"max"')),
    "an extra statistic twice": line(('"count":2.0', '"p99":1.0,"count":2.0,"p99":1.5')),
    "a statistic twice": line(('"count":2.0', '"count":2.0,"count":3.0')),
    "a statistic without a name": line(('"count":2.0', '"count":2.0,"":1.0')),
    "a statistic with a long name": line(('"count":2.0', f'"count":2.0,"{"x" * 65}":1.0')),
    "many statistics": line(
        ('"count":2.0', '"count":2.0,' + ",".join(f'"p{number}":1' for number in range(190)))
    ),
    "too many statistics": line(
        ('"count":2.0', '"count":2.0,' + ",".join(f'"p{number}":1' for number in range(300)))
    ),
    "no count": line((',"count":2.0', "")),
    "an empty value": line(('"max":2.0,"min":1.0,"sum":3.0,"count":2.0', "")),
    "no unit": line((',"unit":"None"', "")),
    "an unknown member": line((',"unit":"None"', ',"unit":"None","more":{}')),
    "members in another order": line(
        ('"account_id":"1","region":"r"', '"region":"r","account_id":"1"')
    ),
    "a member twice": line(('"region":"r"', '"region":"r","region":"q"')),
    "no metric": line(('"m"', '""')),
    "a long account": line(('"1"', f'"{"1" * 250}"'), ('"r"', f'"{"r" * 250}"')),
    "a very long account": line(('"1"', f'"{"1" * 600}"')),
    **{
        f"a time of {text}": line(("1727740800000", text))
        for text in ("0", "-1", "01727740800000", "1727740800000.0", "1e12", "9" * 20, "1.5", '"1"')
    },
    **{f"the number {text[:40]}": valued(text) for text in NUMBERS},
}


@pytest.mark.parametrize("text", LINES.values(), ids=LINES)
def test_oddities_of_json(text: bytes) -> None:
    pair = Pair()
    for _ in range(2):
        pair.check(line() + b"\n" + text + b"\n" + line(), text)
    pair.check(*(text[:end] for end in range(0, len(text), 1 + len(text) // 40)))


def test_doubles_are_read_to_the_last_bit() -> None:
    pair = Pair()
    texts = [repr(struct.unpack("<d", struct.pack("<Q", bits))[0]) for bits in _bits()]
    batch = pair.check(b"\n".join(valued(text) for text in texts))
    assert [float(text) for text in texts] == batch.maximum.tolist()


def test_decimals_beside_the_middle_of_two_doubles_are_read_to_the_last_bit() -> None:
    rng = random.Random(3)
    texts = []
    for _ in range(3_000):
        digits = str(rng.randrange(10**15, 10 ** rng.randrange(16, 21)))
        point = rng.randrange(1, len(digits))
        power = rng.choice(("", f"e{rng.randrange(-30, 30)}"))
        texts.append(f"{digits[:point]}.{digits[point:]}{power}")
        # The 19 digits nearest to the middle of two doubles from 8 to 10: rounded to 64 bits, which
        # are no finer there, it is that middle, which tells nothing of the side.
        odd = rng.randrange(2**52, 10 * 2**49) * 2 + 1
        scaled = (odd * 10**18 + 2**49) >> 50
        texts.append(f"{scaled // 10**18}.{scaled % 10**18:018}")
        # Halfway between two doubles of 53 bits, as a whole number, and beside it.
        middle = (rng.getrandbits(52) | 1 << 52) * 2 + 1 << rng.randrange(9)
        texts += [str(middle), str(middle - 1), str(middle + 1), f"{middle}.0"]
    texts = [text.lstrip("0") if text[1:2].isdigit() else text for text in texts]
    batch = Pair().check(b"\n".join(valued(text) for text in texts))
    assert [float(text) for text in texts] == batch.maximum.tolist()


def _bits() -> list[int]:
    """Finite doubles of all sizes."""
    step = 0x7FEF_FFFF_FFFF_FFFF // 3_001
    return [number * step + number % 7 for number in range(3_000)]
