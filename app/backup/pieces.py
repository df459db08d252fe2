"""Pieces: as many records of an object as are stored in one transaction.

Where a piece ends depends on the object's content alone, so a replay that is repeated, or goes on
where another one stopped, makes the same pieces.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

from app.backup.all_data import cut_records
from app.backup.content import Content, UnreadableObject
from app.backup.cuts import Cut
from app.backup.entries import Entry
from app.backup.failed_records import cut_failed_records
from app.backup.kinds import Kind

PIECE_BYTES = 2 * 1024 * 1024
MOST_RECORDS = 10_000


@dataclass(frozen=True, slots=True)
class Piece:
    """Cuts of an object, in order; ``start`` and ``end`` are bytes of its content."""

    start: int
    end: int
    cuts: tuple[Cut, ...]

    def digest(self, salt: str) -> bytes:
        """16 bytes that identify what is in the piece, wherever it stands."""
        digest = blake2b(digest_size=16, person=b"hydrant replay")
        digest.update(len(salt).to_bytes(4, "big") + salt.encode())
        for cut in self.cuts:
            data = cut.record
            if data is None:
                data = cut.rejection.data if cut.rejection else b""
            digest.update(len(data).to_bytes(8, "big") + data)
        return digest.digest()


def read_pieces(entry: Entry, start: int = 0) -> Iterator[Piece]:
    """The pieces of an entry from byte ``start`` of its content on, where an earlier piece ended.

    Raises ``UnreadableObject`` after the last piece that could be read.
    """
    kind, content = entry.open()
    content.skip_to(start)
    cut = cut_failed_records if kind is Kind.FAILED else cut_records
    yield from _gathered(cut(content), content, start)


def _gathered(cuts: Iterator[Cut], content: Content, start: int) -> Iterator[Piece]:
    gathered: list[Cut] = []
    size = 0
    try:
        for cut in cuts:
            gathered.append(cut)
            size += len(cut.record or b"")
            if size >= PIECE_BYTES or len(gathered) >= MOST_RECORDS:
                yield Piece(start, cut.end, tuple(gathered))
                gathered, size, start = [], 0, cut.end
    except UnreadableObject:
        if gathered:
            yield Piece(start, gathered[-1].end, tuple(gathered))
        raise
    if gathered or content.start > start:
        yield Piece(start, content.start, tuple(gathered))
