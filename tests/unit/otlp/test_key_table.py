"""The native table: what it takes for equal, what it costs, and who may use it at once."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.catalog import SeriesIdentity, describe
from app.otlp import BatchBuilder, Decoder, Format, RawSeries, SeriesKeys, decode_record, decoder
from app.simulator import AccountModel, encode_records
from app.simulator import Format as StreamFormat
from tests.fuzz.differential import Pair, needs_scanner, said
from tests.fuzz.seeds import START_MS

pytestmark = needs_scanner

THREADS = 6


def raw(number: int) -> RawSeries:
    labels = (b"k%d" % (number % 7), b"v%d" % number)
    return RawSeries(Format.OTLP_0_7, "summary", b"resource", b"metric", b"unit", labels)


@pytest.mark.parametrize("constant_hash", [False, True])
def test_keys_that_collide_are_kept_apart(constant_hash: bool) -> None:
    keys = decoder.NativeTable(constant_hash=constant_hash)
    slots = [keys.add(raw(number), number % 5, number % 3 == 0) for number in range(600)]
    assert slots == list(range(600)) == [keys.find(raw(number)) for number in range(600)]
    assert [keys.find(raw(number)) for number in range(600, 700)] == [-1] * 100
    assert [keys.account(slot) for slot in slots] == [number % 5 for number in slots]
    assert [keys.is_cloudwatch(slot) for slot in slots] == [number % 3 == 0 for number in slots]


@pytest.mark.parametrize("constant_hash", [False, True])
def test_where_one_part_ends_and_the_next_begins_counts(constant_hash: bool) -> None:
    keys = decoder.NativeTable(constant_hash=constant_hash)
    plain = RawSeries(Format.OTLP_1_0, "summary", b"ab", b"c", b"", (b"d", b"e"))
    others = [
        plain._replace(resource=b"a", metric=b"bc"),
        plain._replace(metric=b"", unit=b"c"),
        plain._replace(labels=(b"de",)),
        plain._replace(labels=(b"de", b"")),
        plain._replace(labels=(b"e", b"d")),
        plain._replace(labels=(b"d", b"e", b"")),
        plain._replace(labels=()),
        plain._replace(kind="gauge"),
        plain._replace(format=Format.OTLP_0_7),
        plain._replace(format=Format.JSON),
    ]
    for number, each in enumerate([plain, *others]):
        assert keys.find(each) == -1
        assert keys.add(each, 0, False) == number
    assert [keys.find(each) for each in [plain, *others]] == list(range(11))


def test_a_series_of_empty_parts_is_found_again() -> None:
    keys = decoder.NativeTable()
    nothing = RawSeries(Format.OTLP_0_7, "summary", b"", b"", b"", ())
    others = [nothing._replace(metric=b"m"), nothing._replace(labels=(b"",))]
    for number, each in enumerate([nothing, *others]):
        assert keys.find(each) == -1
        assert keys.add(each, 0, False) == number
        assert keys.find(each) == number


def test_a_slot_that_is_not_there() -> None:
    keys = decoder.NativeTable()
    for slot in (-1, 0, 2**40):
        with pytest.raises(IndexError):
            keys.account(slot)


@pytest.mark.parametrize("format_", StreamFormat)
def test_a_series_takes_less_than_two_hundred_bytes(format_: StreamFormat) -> None:
    keys: SeriesKeys[SeriesIdentity] = SeriesKeys(describe, decoder=Decoder.NATIVE)
    into = BatchBuilder()
    points = AccountModel(1, tables=300, regions=2).points(START_MS)
    for record in encode_records(points, format_):
        decode_record(0, record, keys, into)
    assert len(keys) > 3_000
    assert keys.native is not None
    assert keys.native.nbytes / len(keys) < 200


def test_threads_that_read_new_and_known_series_agree() -> None:
    pair = Pair()
    records = [
        record
        for format_ in StreamFormat
        for record in encode_records(
            AccountModel(4, tables=20, regions=2).points(START_MS), format_, max_record_bytes=9_000
        )
    ]
    expected = BatchBuilder()
    for record in sorted(records):
        decode_record(0, record, pair.reference, expected)
    barrier = threading.Barrier(THREADS)

    def read(seed: int) -> dict[bytes, object]:
        barrier.wait()
        found: dict[bytes, object] = {}
        for record in random.Random(seed).sample(records, len(records)):
            builder = BatchBuilder()
            decode_record(0, record, pair.native, builder)
            found[record] = said(builder.build(), pair.native)
        return found

    with ThreadPoolExecutor(THREADS) as pool:
        first, *others = pool.map(read, range(THREADS))
    assert all(other == first for other in others)
    assert len(pair.native) == len(pair.reference)
    pair.check(*records)
