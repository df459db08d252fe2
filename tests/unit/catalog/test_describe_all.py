"""Series that a scanner met together are described as each would be by itself."""

import json
import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from app.catalog import KnownSeries
from app.otlp import BatchBuilder, Decoder, MetricBatch, decode_record
from app.simulator import AccountModel, Format, encode_records
from tests.fuzz.differential import needs_scanner
from tests.unit.otlp import building as build

pytestmark = needs_scanner

START_MS = 1_727_740_800_000
USUAL = [
    (),
    (("TableName", "orders"),),
    (("Operation", "GetItem"), ("TableName", "orders")),
    (("TableName", "orders"), ("Operation", "GetItem")),
    (("Empty", ""),),
    (("ü", "\U0001f600"), ("Namespace", "another")),
]
UNUSUAL = [
    (("Long", "x" * 600),),
    (("Twice", "1"), ("Twice", "2")),
    (("Nul", "a\0b"),),
    tuple((f"n{number}", "v") for number in range(60)),
]


def decoded(known: KnownSeries, records: list[bytes]) -> MetricBatch:
    into = BatchBuilder()
    for index, record in enumerate(records):
        decode_record(index, record, known.keys, into)
    return into.build()


def told(known: KnownSeries, batch: MetricBatch) -> list[object]:
    keys = known.keys
    numbers = keys.numbers(batch.slot).tolist()
    return [
        (
            (identity := keys.description(slot)),
            identity.digest,
            known.origins[number],
            keys.account(slot),
            keys.is_cloudwatch(slot),
        )
        for slot, number in zip(batch.slot.tolist(), numbers, strict=True)
    ]


def check(records: list[bytes]) -> KnownSeries:
    """Both decoders tell the same of every point; returns the table of the native one."""
    native, reference = KnownSeries(Decoder.NATIVE), KnownSeries(Decoder.REFERENCE)
    ours, theirs = decoded(native, records), decoded(reference, records)
    assert told(native, ours) == told(reference, theirs)
    rejected = [(each.reason, each.detail) for each in ours.rejections]
    assert rejected == [(each.reason, each.detail) for each in theirs.rejections]
    assert len(native.keys) == len(reference.keys) > 0
    return native


def message(dimensions: tuple[tuple[str, str], ...], *, nested: bool, account: str) -> bytes:
    labels = build.cloudwatch_nested if nested else build.cloudwatch_flat
    names = ("SystemErrors", "UserErrors")
    points = [build.summary_point(labels("AWS/DynamoDB", name, dimensions)) for name in names]
    return build.message(build.metric(*points, *points), of=build.resource(account))


@pytest.mark.parametrize("nested", [False, True])
def test_usual_and_unusual_series_in_one_record(nested: bool) -> None:
    rng = random.Random(7)
    for unusual in ([], *([one] for one in UNUSUAL), UNUSUAL):
        messages = [
            message(dimensions, nested=nested, account=account)
            for dimensions in [*USUAL, *unusual]
            for account in ("123456789012", "210987654321")
        ]
        rng.shuffle(messages)
        check([build.record(*messages), build.record(*reversed(messages))])


@pytest.mark.parametrize("format_", Format)
def test_series_of_a_simulated_account(format_: Format) -> None:
    points = AccountModel(2, tables=8, accounts=2, regions=2).points(START_MS)
    records = list(encode_records(points, format_))
    check([*records, *records])


def test_lines_of_several_streams_and_accounts() -> None:
    lines = [
        {
            "metric_stream_name": stream,
            "account_id": account,
            "region": "eu-west-1",
            "namespace": "AWS/SQS",
            "metric_name": "Sent",
            "dimensions": dict(dimensions),
            "timestamp": START_MS,
            "value": {"count": 1.0, "sum": 2.0, "max": 2.0, "min": 2.0},
            "unit": "Count",
        }
        for stream in ("one", "two")
        for account in ("123456789012", "", "2")
        for dimensions in USUAL[:5]
    ]
    record = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines).encode()
    native = check([record, record])
    assert len(native.origins) > 2


def test_a_label_means_something_else_in_another_format() -> None:
    pairs = (("TableName", "orders"),)
    listed = build.map_value([(name, build.string_value(value)) for name, value in pairs])
    # What 1.0 writes for a list of dimensions is in 0.7 one dimension with a strange text.
    strange = (("Dimensions", listed.decode()),)
    messages = [
        message(pairs, nested=True, account="123456789012"),
        message(strange, nested=False, account="123456789012"),
    ]
    for order in (messages, messages[::-1]):
        native = check([build.record(*order)])
        found = {each.dimensions for each in native.keys.descriptions(range(4))}
        assert found == {pairs, strange}


def test_usual_series_are_described_together() -> None:
    points = AccountModel(1, tables=20).points(START_MS)
    native = KnownSeries(Decoder.NATIVE)
    batch = decoded(native, list(encode_records(points, Format.OPENTELEMETRY_1_0)))
    identities = native.keys.descriptions(np.unique(batch.slot).tolist())
    # What they have in common there is once.
    assert len({id(identity.head) for identity in identities}) < len(identities) / 3
    assert len({id(head) for _, head in identities}) < len(identities) / 2


def test_threads_that_meet_the_same_series_agree() -> None:
    points = AccountModel(3, tables=40).points(START_MS)
    records = list(encode_records(points, Format.OPENTELEMETRY_1_0))
    native = KnownSeries(Decoder.NATIVE)
    with ThreadPoolExecutor(6) as pool:
        batches = list(pool.map(lambda _: decoded(native, records), range(6)))
    expected = decoded(KnownSeries(Decoder.REFERENCE), records)
    assert len(np.unique(expected.slot)) == len(native.keys)
    for batch in batches:
        assert (batch.slot == batches[0].slot).all()
    check(records)
