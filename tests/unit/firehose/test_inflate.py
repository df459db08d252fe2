"""Body limits and gzip, with ISA-L and with the standard library's zlib."""

import functools
import gzip
import random
import sys
import tracemalloc
import zlib
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from isal import isal_zlib

from app.errors import InvalidRequest, TooLarge
from app.firehose import MAX_BODY_BYTES, MAX_DECODED_BYTES, inflate

MEBIBYTE = 1024 * 1024
TEXT = b'{"requestId": "r", "records": []}' * 50


@pytest.fixture(params=[isal_zlib, zlib], ids=["isal", "zlib"], autouse=True)
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    chosen: ModuleType = request.param
    # The package gives the function the name of its module.
    monkeypatch.setattr(sys.modules["app.firehose.inflate"], "_zlib", chosen)
    return chosen


@functools.cache
def zeros(count: int) -> bytes:
    """A gzip stream of so many zeros, made without holding them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = bytes(MEBIBYTE)
    parts = [packer.compress(piece) for _ in range(count // MEBIBYTE)]
    return b"".join([*parts, packer.compress(bytes(count % MEBIBYTE)), packer.flush()])


@pytest.mark.parametrize("encoding", [None, "", "identity", " Identity "])
def test_a_body_without_encoding_is_returned_as_it_is(encoding: str | None) -> None:
    assert inflate(TEXT, encoding) is TEXT


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", " gzip ", "x-gzip"])
@pytest.mark.parametrize("level", [0, 1, 9])
def test_gzip_is_inflated(encoding: str, level: int) -> None:
    assert inflate(gzip.compress(TEXT, level), encoding) == TEXT


@pytest.mark.parametrize("encoding", ["deflate", " Deflate "])
@pytest.mark.parametrize("level", [0, 1, 9])
def test_deflate_is_inflated(encoding: str, level: int) -> None:
    assert inflate(zlib.compress(TEXT, level), encoding) == TEXT


@pytest.mark.parametrize(
    "body",
    [
        TEXT,
        zlib.compress(TEXT)[:-1],
        zlib.compress(TEXT)[2:],
        gzip.compress(TEXT, mtime=0),
        zlib.compress(TEXT) + b"more",
        zlib.compress(TEXT) * 2,
    ],
    ids=["plain", "cut", "raw", "gzip", "rest", "twice"],
)
def test_what_is_not_one_whole_zlib_stream_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest, match="deflate"):
        inflate(body, "deflate")


def test_a_deflate_bomb_is_refused_at_the_limit() -> None:
    with pytest.raises(TooLarge, match="exceeds 1000 bytes"):
        inflate(zlib.compress(bytes(50 * MEBIBYTE)), "deflate", limit=1000)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip;q=1", "utf-8"])
def test_another_encoding_is_refused_by_name(encoding: str) -> None:
    with pytest.raises(InvalidRequest, match="not supported") as refusal:
        inflate(TEXT, encoding)
    assert repr(encoding) in refusal.value.message


MEMBER = gzip.compress(b"one", mtime=0)


@pytest.mark.parametrize(
    ("body", "inflated"),
    [
        (MEMBER + gzip.compress(b"two", mtime=0), b"onetwo"),
        (gzip.compress(b"", mtime=0) * 3 + MEMBER, b"one"),
        (MEMBER * 1000, b"one" * 1000),
        (MEMBER + bytes(512), b"one"),
        (MEMBER + bytes(70_000), b"one"),
        (MEMBER + bytes(7) + gzip.compress(b"two", mtime=0) + bytes(9), b"onetwo"),
        (b"", b""),
    ],
    ids=["two", "empty-first", "thousand", "padding", "much-padding", "padding-between", "nothing"],
)
def test_every_member_is_read_and_zero_padding_is_ignored(body: bytes, inflated: bytes) -> None:
    assert inflate(body, "gzip") == inflated


def test_members_larger_than_a_slice_are_read_whole() -> None:
    noise = random.Random(1).randbytes(3 * MEBIBYTE)
    body = gzip.compress(noise, 1) + gzip.compress(bytes(5 * MEBIBYTE)) + gzip.compress(noise, 0)
    assert inflate(body, "gzip") == noise + bytes(5 * MEBIBYTE) + noise


@pytest.mark.parametrize("cut", [1, 4, 8, 9, 10, 18, 30, -9, -8, -4, -1])
def test_a_truncated_stream_is_refused(cut: int) -> None:
    with pytest.raises(InvalidRequest, match="gzip"):
        inflate(gzip.compress(TEXT)[:cut], "gzip")


@pytest.mark.parametrize(
    "junk", [b"x", b"junk", b"\x1f", b"\x1f\x8b", b"\x00x", b'{"records": []}' * 9, MEMBER[:-1]]
)
def test_junk_after_a_member_is_refused(junk: bytes) -> None:
    with pytest.raises(InvalidRequest, match="gzip"):
        inflate(MEMBER + junk, "gzip")


@pytest.mark.parametrize("position", [0, 1, 2, 12, -8, -1])
def test_a_damaged_stream_is_refused(position: int) -> None:
    # Position -8 is the checksum's, -1 the length's.
    damaged = bytearray(gzip.compress(TEXT))
    damaged[position] ^= 0x55
    with pytest.raises(InvalidRequest, match="gzip"):
        inflate(bytes(damaged), "gzip")


@pytest.mark.parametrize("body", [b"\x00", TEXT, zlib.compress(TEXT), b"\xff" * 100])
def test_what_is_not_gzip_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest, match="gzip"):
        inflate(body, "gzip")


@pytest.mark.parametrize("encoding", [None, "gzip"])
@pytest.mark.parametrize("limit", [1, 1000, MEBIBYTE, MEBIBYTE + 1, 3 * MEBIBYTE])
def test_the_limit_itself_passes_and_one_byte_more_does_not(
    encoding: str | None, limit: int
) -> None:
    def sent(size: int) -> bytes:
        return zeros(size) if encoding else bytes(size)

    assert len(inflate(sent(limit), encoding, limit=limit)) == limit
    with pytest.raises(TooLarge, match=f"exceeds {limit} bytes") as refusal:
        inflate(sent(limit + 1), encoding, limit=limit)
    assert refusal.value.status == 413


def test_the_limit_is_for_all_members_together() -> None:
    body = gzip.compress(bytes(600)) + gzip.compress(bytes(500))
    assert len(inflate(body, "gzip", limit=1100)) == 1100
    with pytest.raises(TooLarge):
        inflate(body, "gzip", limit=1099)


def test_the_limit_lets_64_mebibytes_of_decoded_data_through() -> None:
    frame = b'{"data":""},'
    envelope = len(b'{"requestId":"","timestamp":1700000000000,"records":[]}') + 4096
    # 10,000 records: each has its frame, and base64 rounds each up to four characters.
    records = 10_000
    encoded = (MAX_DECODED_BYTES + 2) // 3 * 4 + 4 * records + records * len(frame)
    assert MAX_DECODED_BYTES == 64 * MEBIBYTE
    assert encoded + envelope <= MAX_BODY_BYTES


def test_a_bomb_is_stopped_at_the_limit_in_little_memory() -> None:
    gibibyte = zeros(1024 * MEBIBYTE)
    assert len(gibibyte) < 1_100_000
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            inflate(gibibyte, "gzip", limit=4 * MEBIBYTE)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10 * MEBIBYTE


def test_many_members_cost_no_more_than_their_number() -> None:
    # Handing on the rest of the body after each member would copy it 10,000 times.
    body = gzip.compress(b"") * 9_999 + gzip.compress(bytes(MEBIBYTE), 0) + bytes(8 * MEBIBYTE)
    assert inflate(body, "gzip") == bytes(MEBIBYTE)


def test_more_members_than_a_delivery_has_records_are_refused() -> None:
    assert inflate(MEMBER * 10_000, "gzip") == b"one" * 10_000
    with pytest.raises(InvalidRequest, match="more than 10000 members"):
        inflate(MEMBER * 10_001, "gzip")


UNCHANGED_FIXTURE = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@UNCHANGED_FIXTURE
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5), st.integers(0, 9))
def test_any_members_give_their_content(parts: list[bytes], level: int) -> None:
    body = b"".join(gzip.compress(part, level) for part in parts)
    assert inflate(body, "gzip") == b"".join(parts)


@UNCHANGED_FIXTURE
@given(st.binary(max_size=400), st.data())
def test_any_damage_is_refused_or_gives_the_content(content: bytes, data: st.DataObject) -> None:
    body = bytearray(gzip.compress(content))
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert inflate(bytes(body), "gzip") == content
    except InvalidRequest:
        return


@UNCHANGED_FIXTURE
@given(st.binary(max_size=200), st.sampled_from([None, "gzip"]))
def test_any_bytes_are_refused_or_inflated(body: bytes, encoding: str | None) -> None:
    try:
        inflate(body, encoding, limit=100)
    except (InvalidRequest, TooLarge):
        return
