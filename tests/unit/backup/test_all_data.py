"""Records that were run together come apart again, and damage costs what it touches."""

import io
import random

import pytest

from app.backup import open_entries, pieces, read_pieces
from app.simulator import Format, encode_records
from tests.e2e.deliveries import metric_lines
from tests.fixtures.backups import cuts_of, otlp_records, points, records_of
from tests.unit.otlp.decoding import bits_of, decode

LINES = [metric_lines("UserErrors", table) for table in range(40)]
OLD = encode_records(points(40), Format.OPENTELEMETRY_0_7, max_record_bytes=2_000)
NEW = otlp_records(40, 3_000)


def decoded(*records: bytes) -> set[object]:
    found, rejections = decode(*records)
    assert rejections == []
    return {bits_of(point) for point in found}


def readable(data: bytes) -> tuple[set[object], bytes]:
    """Points of an object, and the bytes that gave none."""
    found, rejections = decode(*(cut.record or b"" for cut in cuts_of(data)))
    return {bits_of(point) for point in found}, b"".join(each.data for each in rejections)


@pytest.mark.parametrize("records", [LINES, OLD, NEW], ids=["json", "0.7", "1.0"])
def test_records_run_together(records: list[bytes]) -> None:
    assert decoded(*records_of(b"".join(records))) == decoded(*records)


@pytest.mark.parametrize("delimiter", [b"\n", b"\r\n", b" "])
def test_records_with_a_delimiter(delimiter: bytes) -> None:
    """Firehose can append one to each record."""
    for records in (LINES, OLD, NEW):
        assert decoded(*records_of(delimiter.join(records))) == decoded(*records)


def test_lines_without_line_ends() -> None:
    together = b"".join(line.strip() for line in LINES)
    assert decoded(*records_of(together)) == decoded(*LINES)


def test_the_last_line_need_not_end() -> None:
    assert decoded(*records_of(b"".join(LINES).rstrip())) == decoded(*LINES)


def test_a_stream_that_changes_its_format() -> None:
    for seed in range(20):
        mixed = [*LINES, *OLD, *NEW, *(line.strip() for line in LINES)]
        random.Random(seed).shuffle(mixed)
        assert decoded(*records_of(b"".join(mixed))) == decoded(*mixed)


def test_damage_costs_the_messages_that_it_touches() -> None:
    whole = [bits_of(point) for record in NEW for point in decode(record)[0]]
    data = b"".join(NEW)
    for seed in range(60):
        draw = random.Random(seed)
        damaged = bytearray(data)
        at = draw.randrange(len(data) - 40)
        kind = seed % 4
        if kind == 0:
            damaged[at : at + 20] = draw.randbytes(20)
        elif kind == 1:
            del damaged[at : at + 15]
        elif kind == 2:
            damaged[at:at] = draw.randbytes(30)
        else:
            damaged[at : at + 20] = bytes(20)
        found, _ = readable(bytes(damaged))
        # Those of at most two messages of the 40 are lost.
        most = max(len(decode(record)[0]) for record in NEW)
        assert len(set(whole) - found) <= 2 * most, seed


def test_damage_in_lines_costs_the_lines_that_it_touches() -> None:
    data = b"".join(LINES)
    for seed in range(30):
        draw = random.Random(seed)
        damaged = bytearray(data)
        at = draw.randrange(len(data) - 40)
        damaged[at : at + 20] = draw.randbytes(20).replace(b"\n", b"-")
        found, lost = readable(bytes(damaged))
        assert len(decoded(*LINES) - found) <= 2
        assert lost


def test_garbage_between_records_is_set_aside_and_nothing_else() -> None:
    for garbage in (b"\x00", b"garbage", b"\xff" * 5_000, bytes(range(256)) * 20, b"{}{}{"):
        for records in (LINES, NEW):
            data = b"".join([*records[:5], garbage, b"\n", *records[5:]])
            found, lost = readable(data)
            assert found >= decoded(*records)
            assert len(lost) <= len(garbage) + 1


def test_damage_at_the_beginning() -> None:
    for records in (LINES, NEW):
        found, lost = readable(b"\x07\x01" + b"".join(records))
        assert len(decoded(*records) - found) <= len(decode(records[0])[0])
        assert lost


def test_parts_of_a_message_are_not_taken_for_one() -> None:
    """A resource or a metric looks like a message, and has no points."""
    message = NEW[0]
    for at in range(1, len(message), 11):
        found, _ = readable(message[at:] + NEW[1])
        assert found >= decoded(NEW[1])
        assert found <= decoded(NEW[0], NEW[1])


def test_pieces_are_bounded_and_the_same_from_any_of_their_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.backup.all_data._RECORD_BYTES", 3_000)
    monkeypatch.setattr(pieces, "PIECE_BYTES", 5_000)
    for records in (LINES, NEW, [*OLD, b"garbage", *LINES]):
        data = b"".join(records)

        def read(start: int, data: bytes = data) -> list[pieces.Piece]:
            (entry,) = open_entries(io.BytesIO(data))
            return list(read_pieces(entry, start))

        found = read(0)
        assert len(found) > 1
        assert found[-1].end == len(data)
        for number, piece in enumerate(found):
            assert sum(len(cut.record or b"") for cut in piece.cuts) < 9_000
            again = read(piece.end)
            assert again == found[number + 1 :]
            assert [p.digest("") for p in again] == [p.digest("") for p in found[number + 1 :]]
        assert found[0].digest("") != found[0].digest("1") != found[1].digest("1")
