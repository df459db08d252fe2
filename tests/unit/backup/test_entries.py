"""Compression is told by content, read in bounded memory, and damage is told with its place."""

import gzip
import io
import tracemalloc
import zipfile
import zlib
from typing import IO

import pytest

from app.backup import UnreadableObject, open_entries, read_pieces
from tests.e2e.deliveries import metric_lines
from tests.fixtures.backups import (
    COMPRESSIONS,
    cuts_of,
    failed_object,
    java_snappy,
    otlp_records,
    raw_snappy,
    records_of,
    zipped,
)

JSON = b"".join(metric_lines("UserErrors", table) for table in range(900))
OTLP = b"".join(otlp_records(300))
CONTENTS = {
    "json": JSON,
    "opentelemetry": OTLP,
    "one-line": metric_lines("UserErrors"),
    "one-message": otlp_records(1)[0],
}


def failing(data: bytes) -> tuple[bytes, str]:
    """What could be read of an object, and why it ended."""
    return read_until_it_fails(io.BytesIO(data))


def read_until_it_fails(source: IO[bytes]) -> tuple[bytes, str]:
    found: list[bytes] = []
    try:
        for entry in open_entries(source):
            for piece in read_pieces(entry):
                found += [cut.record or b"" for cut in piece.cuts]
    except UnreadableObject as error:
        return b"".join(found), error.message
    raise AssertionError("nothing is wrong with it")


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("kind", CONTENTS)
def test_every_compression_of_records(compression: str, kind: str) -> None:
    content = CONTENTS[kind]
    assert b"".join(records_of(COMPRESSIONS[compression](content))) == content


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_every_compression_of_failed_records(compression: str) -> None:
    records = [JSON, OTLP, JSON[:400]]
    assert records_of(COMPRESSIONS[compression](failed_object(records))) == records


def test_an_object_compressed_twice() -> None:
    """By a transformation, and by Firehose once more."""
    assert b"".join(records_of(gzip.compress(gzip.compress(JSON)))) == JSON
    assert b"".join(records_of(zipped(gzip.compress(JSON)))) == JSON


def test_files_of_an_archive_are_read_each_for_itself() -> None:
    data = zipped(JSON, ("a/failed", failed_object([OTLP])), ("empty", b""), ("last.gz", OTLP))
    names = []
    found = []
    for entry in open_entries(io.BytesIO(data)):
        names.append(entry.name)
        pieces = list(read_pieces(entry))
        found.append(b"".join(cut.record or b"" for piece in pieces for cut in piece.cuts))
    assert names == ["object", "a/failed", "last.gz"]
    assert found == [JSON, OTLP, OTLP]


def test_an_empty_object_holds_nothing() -> None:
    assert cuts_of(b"") == []
    assert cuts_of(zipped(b"")) == []


STRANGERS = {
    "text": b"hello, world\n" * 1000,
    "letter": b"x",
    "like-a-length": b"x\nfoo",
    "zeros": bytes(100_000),
    "ones": b"\xff" * 100_000,
    "every-byte": bytes(range(256)) * 100,
    "document": b"%PDF-1.7\n" + bytes(range(256)) * 50,
    "table": b"timestamp,metric\n1,2\n",
    "list": b"[1, 2, 3]",
    "gzip": gzip.compress(b"hello"),
    "gzip-of-nothing": gzip.compress(b""),
    "zip": zipped(b"hello"),
    "snappy-raw": raw_snappy(b"hello" * 100),
    "snappy-java": java_snappy(b"hello"),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_what_is_no_object_of_firehose_is_an_error(name: str) -> None:
    read, reason = failing(STRANGERS[name])
    assert read == b""
    assert "neither failed records nor records" in reason


@pytest.mark.parametrize(
    ("compression", "reason"),
    [
        ("gzip", "cut short"),
        ("gzip-members", "cut short"),
        ("zip", "zip archive is damaged"),
        ("snappy-framed", "cut short"),
        ("snappy-hadoop", "cut short"),
        ("snappy-java", "cut short"),
    ],
)
def test_an_object_that_is_cut_short(compression: str, reason: str) -> None:
    data = COMPRESSIONS[compression](JSON).rstrip(b"\0")
    read, said = failing(data[: len(data) * 4 // 5])
    assert reason in said
    assert JSON.startswith(read)
    # What came before is not lost, where that can be told.
    assert read or compression == "zip"
    assert read.endswith(b"\n") or not read


@pytest.mark.parametrize("compression", ["gzip", "gzip-members", "snappy-framed", "zip"])
def test_an_object_that_is_damaged_in_the_middle(compression: str) -> None:
    data = bytearray(COMPRESSIONS[compression](JSON))
    for index in range(len(data) // 2, len(data) // 2 + 8):
        data[index] ^= 0xA5
    read, reason = failing(bytes(data))
    assert "damaged" in reason
    assert JSON.startswith(read)


def test_what_cannot_be_unzipped() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("object", JSON)
    data = bytearray(file.getvalue())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(signature) + flags] |= 1
    assert "cannot be unzipped" in failing(bytes(data))[1]
    for signature, method in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        data[data.find(signature) + method] = 97
        data[data.find(signature) + method - 2] &= 0xFE
    assert "cannot be unzipped" in failing(bytes(data))[1]


def compressed_zeros(begin: bytes, mebibytes: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(1 << 20)
    return (
        packer.compress(begin)
        + b"".join(packer.compress(zeros) for _ in range(mebibytes))
        + packer.flush()
    )


@pytest.mark.parametrize("begin", ["", "opentelemetry", "json"])
def test_a_bomb_is_given_up_in_bounded_memory(begin: str) -> None:
    reason = "given up" if begin else "neither"
    data = compressed_zeros(CONTENTS[begin] if begin else b"", 80)
    assert len(data) < 200_000
    tracemalloc.start()
    try:
        read, said = failing(data)
        # What was read is held by the test.
        assert tracemalloc.get_traced_memory()[1] < (32 << 20) + 2 * len(read)
    finally:
        tracemalloc.stop()
    assert reason in said
    assert len(read) < 20 << 20


def test_too_much_content_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.backup.entries.LARGEST_CONTENT", 100_000)
    for compress in ("gzip", "snappy-framed", "zip"):
        assert "more than 100000 bytes" in failing(COMPRESSIONS[compress](JSON))[1]


@pytest.mark.parametrize("compression", ["snappy-hadoop", "snappy-java"])
@pytest.mark.parametrize(
    "block", [raw_snappy(JSON)[3:], b"", b"\xff\xff\xff\xff\x0f" + raw_snappy(JSON)]
)
def test_blocks_that_are_not_what_they_announce(compression: str, block: bytes) -> None:
    bad = len(block).to_bytes(4, "big") + block
    if compression == "snappy-hadoop":
        bad = (30_000).to_bytes(4, "big") + bad
    read, reason = failing(COMPRESSIONS[compression](JSON) + bad)
    assert read == JSON
    assert "Snappy is damaged" in reason


def test_a_source_that_fails_costs_nothing_of_what_came_before() -> None:
    class Source(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            if not data:
                raise OSError("the connection was reset")
            return data

    read, reason = read_until_it_fails(Source(JSON + b'{"account_id": "1'))
    assert read == JSON
    assert "connection was reset" in reason
