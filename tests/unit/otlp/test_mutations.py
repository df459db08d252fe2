"""Damaged records: the decoder never raises, never hangs, and keeps the bytes it gives up."""

import random
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.otlp import Rejection
from app.otlp.framing import split_messages
from app.simulator import AccountModel, Format, encode_records
from app.simulator.points import Point
from tests.unit.otlp import building as build
from tests.unit.otlp.building import DELTA
from tests.unit.otlp.decoding import Decoded, decode

START_MS = 1_727_740_800_000
MUTATIONS = 3_000

Mutation = Callable[[random.Random, bytearray], None]


def flip(rng: random.Random, data: bytearray) -> None:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def replace(rng: random.Random, data: bytearray) -> None:
    special = [0x00, 0x0A, 0x22, 0x5C, 0x7B, 0x7D, 0x7F, 0x80, 0xFF, rng.randrange(256)]
    data[rng.randrange(len(data))] = rng.choice(special)


def delete(rng: random.Random, data: bytearray) -> None:
    start = rng.randrange(len(data))
    del data[start : start + rng.choice([1, 1, 2, 8, 64])]


def insert(rng: random.Random, data: bytearray) -> None:
    start = rng.randrange(len(data) + 1)
    data[start:start] = rng.choice(
        [rng.randbytes(rng.randrange(1, 9)), b"\xff" * 10, bytes(8), b'"', b"\n", b"[" * 2000]
    )


def duplicate(rng: random.Random, data: bytearray) -> None:
    start = rng.randrange(len(data))
    span = data[start : start + rng.randrange(1, 200)]
    target = rng.randrange(len(data) + 1)
    data[target:target] = span


def truncate(rng: random.Random, data: bytearray) -> None:
    del data[rng.randrange(1, len(data)) :]


KINDS: list[Mutation] = [flip, replace, delete, insert, duplicate, truncate]


def mutated(rng: random.Random, record: bytes) -> bytes:
    data = bytearray(record)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        rng.choice(KINDS)(rng, data)
        if len(data) < 2:
            break
    return bytes(data)


def account_points(seed: int) -> list[Point]:
    return AccountModel(seed, tables=2, accounts=2).points(START_MS)


def other_source(seed: int) -> bytes:
    """A record with every kind of point, labels flat and nested."""
    rng = random.Random(seed)
    labels = build.flat([("colour", "red"), ("size", str(seed))])
    head = labels + build.times()
    nested = build.attributes([("a", build.map_value([("k", build.string_value("v"))]))])
    counts = build.packed(6, "Q", [1, 2, 3]) + build.packed(7, "d", [0.5, rng.random()])
    buckets = build.attributes([("a", build.number(3, 5))], field=1) + build.times()
    metrics = [
        build.metric(head + build.sfixed64(4, rng.randrange(9)), data=build.INT_GAUGE),
        build.metric(head + build.double(4, rng.random()), data=build.GAUGE),
        build.metric(nested + build.times() + build.sfixed64(6, 5), data=build.GAUGE),
        build.metric(head + build.sfixed64(4, 5), data=build.INT_SUM, temporality=DELTA),
        build.metric(head + build.double(4, 5.0), data=build.SUM, temporality=DELTA),
        build.metric(head + counts, data=build.INT_HISTOGRAM, temporality=DELTA),
        build.metric(head + counts, data=build.HISTOGRAM, temporality=DELTA),
        build.metric(buckets, data=build.EXPONENTIAL_HISTOGRAM, temporality=DELTA),
        build.metric(build.summary_point(nested), build.summary_point()),
    ]
    return build.record(build.message(*metrics), build.message(*reversed(metrics)))


def originals(kind: str) -> Iterator[bytes]:
    """Endless records of a format, small enough that a mutation hits every part of one."""
    seed = 0
    while True:
        seed += 1
        if kind == "other":
            yield other_source(seed)
        else:
            points = account_points(seed)
            chosen = random.Random(seed).sample(points, min(len(points), 1 + seed % 40))
            yield from encode_records(chosen, Format(kind))


def checked(record: bytes) -> tuple[list[Decoded], list[Rejection]]:
    points, rejections = decode(record)
    for rejection in rejections:
        assert rejection.data
        # What is set aside can be decoded again, and is set aside again.
        assert rejection.data in {again.data for again in decode(rejection.data)[1]}
        assert rejection.detail
        assert rejection.record == 0
    return points, rejections


@pytest.mark.parametrize("kind", [*(format_.value for format_ in Format), "other"])
def test_mutated_records_are_decoded_or_set_aside(kind: str) -> None:
    rng = random.Random(kind)
    source = originals(kind)
    read = rejected = 0
    original = next(source)
    for number in range(MUTATIONS):
        if number % 10 == 9:
            original = next(source)
        points, rejections = checked(mutated(rng, original))
        read += bool(points)
        rejected += bool(rejections)
    # The mutations reach both ends: some do no harm to some points, many do.
    assert read > MUTATIONS / 10
    assert rejected > MUTATIONS / 10


@pytest.mark.parametrize("format_", [Format.OPENTELEMETRY_0_7, Format.OPENTELEMETRY_1_0])
def test_a_mutated_message_costs_its_neighbours_nothing(format_: Format) -> None:
    rng = random.Random(5)
    good = build.record_of_points(build.summary_point())
    for seed in range(300):
        points = account_points(seed % 20)
        (record,) = encode_records(rng.sample(points, 5), format_)
        harmed = mutated(rng, rng.choice(list(split_messages(record))))
        found, _ = checked(good + build.record(harmed) + good)
        assert found[0].identity == found[-1].identity
        assert found[0].statistics == found[-1].statistics == (3.0, 6.0, 1.0, 3.0)


def test_a_mutated_line_costs_its_neighbours_nothing() -> None:
    rng = random.Random(6)
    lines = encode_records(account_points(1), Format.JSON)[0].splitlines(keepends=True)
    expected = {line: decode(line)[0] for line in lines}
    for _ in range(1_000):
        before, harmed, after = rng.sample(lines, 3)
        changed = mutated(rng, harmed.rstrip(b"\n")).replace(b"\n", b" ") + b"\n"
        found, rejections = checked(before + changed + after)
        assert [found[0]] == expected[before]
        assert [found[-1]] == expected[after]
        assert len(found) + len(rejections) in (2, 3)


@settings(deadline=None)
@given(st.binary(max_size=2_000))
def test_arbitrary_bytes_are_decoded_or_set_aside(record: bytes) -> None:
    checked(record)


@settings(deadline=None)
@given(st.binary(max_size=500), st.sampled_from([b"{", b'{"', b'\n{"', b"\x0a", b"\x05\x0a"]))
def test_arbitrary_bytes_behind_a_known_beginning(rest: bytes, beginning: bytes) -> None:
    checked(beginning + rest)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes_as_a_message(message: bytes) -> None:
    checked(build.record(b"\x0a" + message))


@pytest.mark.parametrize(
    "record",
    [
        bytes(1_024_000),
        b"\n" * 1_024_000,
        b" " * 1_024_000,
        b"\xff" * 1_024_000,
        b"{" * 1_024_000,
        b"[" * 1_024_000,
        b'{"' * 512_000,
        b'{"":' * 256_000,
        b'{"\\' + b"\\" * 1_000_000,
        build.record(b"\x0a" * 1_000_000),
        build.record(b"\x0a\x00" * 500_000),
        build.record(build.message(*[b""] * 300_000)),
    ],
    ids=range(12),
)
def test_monotonous_records_of_the_largest_size_are_decoded_or_set_aside(record: bytes) -> None:
    # The time limit of the test runner stands guard.
    _, rejections = decode(record)
    assert all(rejection.data for rejection in rejections)
