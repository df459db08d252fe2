"""The short way through the usual label bytes gives what protobuf and the checks give."""

import json
import random
from collections.abc import Iterator
from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue, KeyValueList

from app.catalog import SeriesIdentity, describe
from app.catalog.describe import MAX_LABELS, describe_slowly
from app.catalog.usual_labels import LONGEST_LABEL, flat_pair, nested_dimensions, nested_pair
from app.errors import WireError
from app.firehose import open_envelope
from app.otlp import BatchBuilder, Format, RawSeries, decode_record
from app.otlp.descriptor import StringKeyValue
from app.otlp.points import GAUGE, SUMMARY
from app.simulator import AccountModel, encode_records
from app.simulator import Format as StreamFormat
from tests.fixtures.samples import sample

START_MS = 1_727_740_800_000


class Names:
    """A table of slots that keeps what names each series."""

    native = None

    def __init__(self) -> None:
        self.slots: dict[RawSeries, int] = {}

    def slot(self, raw: RawSeries) -> int:
        return self.slots.setdefault(raw, len(self.slots))

    def is_cloudwatch(self, _slot: int) -> bool:
        return True

    def allowed(self) -> None:
        return None


def named(records: list[bytes]) -> list[RawSeries]:
    names = Names()
    builder = BatchBuilder()
    for record in records:
        decode_record(0, record, names, builder)  # type: ignore[arg-type, unused-ignore]
    return list(names.slots)


def simulated(format_: StreamFormat) -> list[RawSeries]:
    return named(encode_records(AccountModel(tables=15).points(START_MS), format_))


def outcome(function: object, raw: RawSeries) -> object:
    try:
        found: SeriesIdentity = function(raw)  # type: ignore[operator]
    except WireError as error:
        return str(error)
    return found, type(found.dimensions), found.digest


def same(raw: RawSeries) -> object:
    expected = outcome(describe_slowly, raw)
    # Twice, as the second time remembers the first.
    assert [outcome(describe, raw), outcome(describe, raw)] == [expected, expected]
    return expected


def old_digest(identity: SeriesIdentity) -> bytes:
    """How every release so far has made the digests that databases hold."""
    i = identity
    parts = [i.account, i.region, i.namespace, i.metric, i.unit, i.kind, i.dimensions]
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
    return blake2b(text.encode(), digest_size=16).digest()


@pytest.mark.parametrize("format_", StreamFormat)
def test_series_of_a_simulated_account_are_described_alike(format_: StreamFormat) -> None:
    for raw in simulated(format_):
        same(raw)
        found = describe(raw)
        assert found.digest == old_digest(found)
        stored = json.dumps(dict(found.dimensions), ensure_ascii=False, separators=(",", ":"))
        assert found.dimensions_json == stored


@pytest.mark.parametrize(
    "name",
    ["json/record.json", "json/records.json", "otlp-0.7/capture.json", "otlp-1.0/capture.json"],
)
def test_captured_series_are_described_alike(name: str) -> None:
    _, body = sample(name)
    raws = named([record for _, record in open_envelope(body).records])
    assert raws
    for raw in raws:
        assert isinstance(same(raw), tuple)


def mutations(raw: RawSeries, rng: random.Random) -> Iterator[RawSeries]:
    """Bytes flipped, taken out, put in and repeated; labels left out, doubled and moved."""
    labels = list(raw.labels)
    place = rng.randrange(len(labels))
    label = bytearray(labels[place])
    at = rng.randrange(len(label) + 1)
    changed = [
        label[:at] + bytes([rng.randrange(256)]) + label[at + 1 :],
        label[:at] + label[at + 1 :],
        label[:at] + bytes([rng.randrange(256)]) + label[at:],
        label[:at] + label[at:] * 2,
        label[:at] + b"\0" + label[at + 1 :],
    ]
    for one in changed:
        yield raw._replace(labels=(*labels[:place], bytes(one), *labels[place + 1 :]))
    yield raw._replace(labels=(*labels[:place], *labels[place + 1 :]))
    yield raw._replace(labels=(*labels, labels[place]))
    yield raw._replace(labels=tuple(rng.sample(labels, len(labels))))
    resource = bytearray(raw.resource)
    resource[rng.randrange(len(resource))] = rng.randrange(256)
    yield raw._replace(resource=bytes(resource))
    yield raw._replace(kind=GAUGE, metric=b"m")


@pytest.mark.parametrize("format_", StreamFormat)
def test_mutated_series_are_described_alike_or_refused_alike(format_: StreamFormat) -> None:
    rng = random.Random(1)
    raws = simulated(format_)
    outcomes = [
        same(mutated)
        for _ in range(400)
        for mutated in mutations(rng.choice(raws), rng)
        if format_ is not StreamFormat.JSON or len(mutated.labels) > 1
    ]
    refused = sum(isinstance(found, str) for found in outcomes)
    assert 300 < refused < len(outcomes) - 300


texts = st.text(max_size=9) | st.text(min_size=120, max_size=300)
pairs = st.lists(st.tuples(texts, texts), max_size=4)


def dimensions_label(given_pairs: list[tuple[str, str]]) -> bytes:
    entries = [KeyValue(key=k, value=AnyValue(string_value=v)) for k, v in given_pairs]
    value = AnyValue(kvlist_value=KeyValueList(values=entries))
    return KeyValue(key="Dimensions", value=value).SerializeToString()


def own_labels() -> tuple[bytes, ...]:
    own = {"Namespace": "AWS/X", "MetricName": "M"}
    return tuple(
        KeyValue(key=k, value=AnyValue(string_value=v)).SerializeToString() for k, v in own.items()
    )


@given(pairs)
def test_any_dimensions_are_read_alike(given_pairs: list[tuple[str, str]]) -> None:
    label = dimensions_label(given_pairs)
    raw = RawSeries(Format.OTLP_1_0, SUMMARY, b"", b"", b"1", (*own_labels(), label))
    same(raw)
    quick = nested_dimensions(label)
    if quick is not None:
        assert list(quick) == sorted(given_pairs)
    encoded = json.dumps(dict(given_pairs)).encode()
    same(RawSeries(Format.JSON, SUMMARY, b"1\0r", b"m", b"None", (b"n", encoded, b"")))


@given(texts, texts)
def test_a_pair_is_read_as_protobuf_reads_it(key: str, value: str) -> None:
    nested = KeyValue(key=key, value=AnyValue(string_value=value)).SerializeToString()
    flat = StringKeyValue(key=key, value=value).SerializeToString()
    usual = 0 < len(key.encode()) < 128 and "\0" not in key + value
    assert nested_pair(nested) == ((key, value) if usual else None)
    assert flat_pair(flat) == ((key, value) if usual and value else None)


@given(st.binary(max_size=24) | st.binary(max_size=20).map(lambda tail: b"\n\1k\x12" + tail))
def test_bytes_that_are_taken_are_sound(label: bytes) -> None:
    quick = nested_pair(label)
    if quick is not None:
        read = KeyValue.FromString(label)
        assert quick == (read.key, read.value.string_value)
        assert read.value.HasField("string_value")
    quick = flat_pair(label)
    if quick is not None:
        flat = StringKeyValue.FromString(label)
        assert quick == (flat.key, flat.value)


def test_what_is_too_much_is_refused_as_ever() -> None:
    many = [(f"k{n}", "v") for n in range(MAX_LABELS + 1)]
    flat = tuple(
        StringKeyValue(key=k, value=v).SerializeToString()
        for k, v in [("Namespace", "n"), ("MetricName", "m"), *many]
    )
    assert "at most 128" in str(same(RawSeries(Format.OTLP_0_7, SUMMARY, b"", b"", b"1", flat)))
    nested = (*own_labels(), dimensions_label([("a", "1"), ("a", "2")]))
    assert "twice" in str(same(RawSeries(Format.OTLP_1_0, SUMMARY, b"", b"", b"1", nested)))


def test_invented_labels_are_not_remembered_whatever_their_size() -> None:
    bound = nested_pair.cache_info().maxsize
    assert bound is not None
    long = KeyValue(key="k", value=AnyValue(string_value="v" * LONGEST_LABEL)).SerializeToString()
    before = nested_pair.cache_info().currsize
    assert describe(RawSeries(Format.OTLP_1_0, GAUGE, b"", b"m", b"", (long,))).dimensions
    assert nested_pair.cache_info().currsize == before
    for number in range(bound + 100):
        label = KeyValue(key="k", value=AnyValue(string_value=str(number))).SerializeToString()
        describe(RawSeries(Format.OTLP_1_0, GAUGE, b"", b"m", b"", (label,)))
    assert nested_pair.cache_info().currsize == bound
