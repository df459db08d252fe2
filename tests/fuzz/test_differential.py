"""The native scanner against the reference decoder, on everything there is."""

from itertools import pairwise

import pytest

from app.firehose import open_envelope
from app.otlp import BatchBuilder
from app.otlp.scanned import LeftMessages, left_lines
from app.simulator import AccountModel, Format, encode_records
from tests.fixtures.samples import sample
from tests.fuzz.differential import Difference, Pair, damaged, needs_scanner
from tests.fuzz.mutations import mutated
from tests.fuzz.seeds import START_MS
from tests.unit.otlp.test_captures import CAPTURES, Capture

pytestmark = needs_scanner

FORMATS = list(Format)
# Together 100,000 mutations: an eighth are of the tree of fields, which takes ten times as long.
TREES = {Format.JSON: 3_000, Format.OPENTELEMETRY_0_7: 5_000, Format.OPENTELEMETRY_1_0: 5_000}
BYTES = {Format.JSON: 27_000, Format.OPENTELEMETRY_0_7: 30_000, Format.OPENTELEMETRY_1_0: 30_000}
# As the records of a request: what is compared is compared for all of them at once.
TOGETHER = 20
ACCOUNTS = 2


def streamed(format_: Format, seed: int, size: int = 20_000) -> list[bytes]:
    """Records of an account over two minutes, with percentiles."""
    model = AccountModel(seed, tables=30, accounts=ACCOUNTS, regions=2)
    points = [*model.points(START_MS), *model.points(START_MS + 60_000)]
    return list(encode_records(points, format_, max_record_bytes=size))


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: str(capture.name))
def test_captures(capture: Capture) -> None:
    records = [data for _, data in open_envelope(sample(capture.name)[1]).records]
    pair = Pair()
    for _ in range(2):
        assert len(pair.check(*records)) == capture.points


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("constant_hash", [False, True])
def test_streams(format_: Format, constant_hash: bool) -> None:
    records = streamed(format_, 1)
    pair = Pair(constant_hash=constant_hash)
    for _ in range(2):
        assert len(pair.check(*records)) > 1_000
    assert len(pair.native) == len(pair.reference)


@pytest.mark.parametrize("format_", FORMATS)
def test_what_cloudwatch_writes_is_not_left_to_the_reference(format_: Format) -> None:
    keys = Pair().native
    into = BatchBuilder()
    for record in streamed(format_, 2):
        if format_ is Format.JSON:
            assert list(left_lines(record, keys, into)) == []
        else:
            assert list(LeftMessages(record, keys, into)) == []
    assert len(into.slot) > 1_000


@pytest.mark.parametrize("format_", FORMATS)
def test_bound_keys(format_: Format) -> None:
    model = AccountModel(3, tables=2, accounts=ACCOUNTS)
    points = model.points(START_MS)
    account = points[0].series.account
    pair = Pair(frozenset({account, "999999999999"}))
    for _ in range(2):
        batch = pair.check(*encode_records(points, format_, max_record_bytes=5_000))
        assert len(batch)
        assert batch.rejections


@pytest.mark.timeout(300)
@pytest.mark.parametrize("format_", FORMATS)
def test_mutations(format_: Format) -> None:
    assert sum(TREES.values()) + sum(BYTES.values()) >= 100_000
    pair = Pair()
    good = bad = 0
    count = BYTES[format_] + TREES[format_]
    for first in range(0, count, TOGETHER):
        numbers = range(first, min(first + TOGETHER, count))
        records = [
            mutated(format_.value, number) if number < TREES[format_] else damaged(format_, number)
            for number in numbers
        ]
        try:
            batch = pair.check(*records)
        except Difference as error:
            raise AssertionError(f"{format_} {first} {records!r}") from error
        rows = [0, *(row for _, row in batch.records)]
        good += sum(row > before for before, row in pairwise(rows))
        bad += len({rejection.record for rejection in batch.rejections})
    # Otherwise the mutations would be too weak, or too strong, to say anything.
    assert min(good, bad) > 0.1 * count
