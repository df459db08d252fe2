"""Objects that Firehose left in S3, stored as if they had been delivered.

A piece of an object is a delivery, and how far the object is done is written in its transaction.
So a replay may be killed at any instant and goes on behind the last piece that was committed.
Another process may be receiving meanwhile; marks tell its evaluator which minutes have changed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from app.backup import BackupObject, Entry, Piece, UnreadableObject, open_entries, read_pieces
from app.catalog import SeriesRegistry
from app.clock import Clock
from app.otlp import BatchBuilder, Decoder, Rejection
from app.pipeline.ingest import Ingest, Receipt, decode_piece
from app.pipeline.patience import patiently, rest
from app.storage import (
    Connection,
    ReplayedObject,
    Store,
    advance_replayed,
    finish_replayed,
    object_digest,
    read_replayed,
    restart_replayed,
)


@dataclass(frozen=True, slots=True)
class ReplayedPiece:
    """What became of a piece; of a ``duplicate`` nothing was to be done.

    ``expired`` points were left out, as their minutes are no longer kept.
    """

    records: int
    points: int
    rejections: Sequence[Rejection]
    duplicate: bool = False
    expired: int = 0


@dataclass(frozen=True, slots=True)
class _Target:
    """An object or a file of an archive, and its key in the database, if it can have one."""

    name: str
    digest: bytes | None
    state: ReplayedObject
    archive: bytes | None = None


class Replay:
    """Stores objects.

    ``hold`` is called before what must not be interrupted half-way, which lasts until something is
    yielded or returned.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        hold: Callable[[], None] = lambda: None,
        decoder: Decoder = Decoder.AUTO,
    ) -> None:
        self._store = store
        self._clock = clock
        self._hold = hold
        self._ingest = Ingest(store, SeriesRegistry(decoder=decoder), clock)

    def restart(self, objects: Sequence[BackupObject]) -> None:
        """Have objects that were replayed before done again, from their beginning."""
        digests = [digest for each in objects if (digest := _digest(each))]
        self._write(lambda connection: restart_replayed(connection, digests))

    def is_finished(self, each: BackupObject) -> bool:
        """Whether an object has been replayed as a whole."""
        return self._state(_digest(each)).finished

    def replay(
        self, each: BackupObject, on_read: Callable[[int], None] = lambda _: None
    ) -> Iterator[ReplayedPiece]:
        """Store what is left of an object, a piece at a time.

        Raises ``UnreadableObject`` at the end when some of it could not be read, and
        ``StorageUnavailable`` when the database stays away.
        """
        digest = _digest(each)
        target = _Target(each.name, digest, self._state(digest))
        if target.state.finished:
            return
        yield from _entries(each, on_read, lambda entry: self._entry(target, entry, each.version))
        self._finish(target)

    def _entry(self, whole: _Target, entry: Entry, version: str | None) -> Iterator[ReplayedPiece]:
        target = whole
        if entry.name and whole.digest and version is not None:
            parts = whole.name, version, str(whole.state.round), entry.name
            digest = object_digest(*parts)
            target = _Target(
                f"{whole.name}/{entry.name}", digest, self._state(digest), whole.digest
            )
        if target.state.finished:
            return
        for piece in read_pieces(entry, target.state.position):
            began = self._clock.monotonic()
            stored = self._piece(target, piece, str(whole.state.round))
            took = self._clock.monotonic() - began
            yield stored
            rest(self._clock, took)
        if target is not whole:
            self._finish(target)

    def _state(self, digest: bytes | None) -> ReplayedObject:
        if digest is None:
            return ReplayedObject()

        def read() -> ReplayedObject:
            with self._store.read() as connection:
                return read_replayed(connection, digest)

        return patiently(self._clock, read)

    def _piece(self, target: _Target, piece: Piece, salt: str) -> ReplayedPiece:
        opened = self._ingest.open_piece(target.name, piece, salt)

        def advance(connection: Connection, receipt: Receipt) -> None:
            now_ms = self._clock.now_ms()
            if target.archive:
                # So that it is known when the archive is to be done again.
                advance_replayed(connection, target.archive, target.name, 0, now_ms)
            if target.digest:
                advance_replayed(
                    connection,
                    target.digest,
                    target.name,
                    piece.end,
                    now_ms,
                    records=0 if receipt.duplicate else len(piece.cuts),
                    points=0 if receipt.duplicate else receipt.points,
                    rejections=0 if receipt.duplicate else len(receipt.rejections),
                )

        self._hold()
        receipt = patiently(self._clock, lambda: self._ingest.store(opened, advance))
        return ReplayedPiece(
            len(piece.cuts),
            receipt.points,
            receipt.rejections,
            receipt.duplicate,
            receipt.expired,
        )

    def _finish(self, target: _Target) -> None:
        digest = target.digest
        if digest is not None:
            self._write(
                lambda connection: finish_replayed(
                    connection, digest, target.name, self._clock.now_ms()
                )
            )

    def _write(self, job: Callable[[Connection], None]) -> None:
        self._hold()
        patiently(self._clock, lambda: self._store.write(job))


class DryRun:
    """Reads and decodes objects, and stores nothing."""

    def __init__(self, decoder: Decoder = Decoder.AUTO) -> None:
        self._registry = SeriesRegistry(decoder=decoder)

    def replay(
        self, each: BackupObject, on_read: Callable[[int], None] = lambda _: None
    ) -> Iterator[ReplayedPiece]:
        """What is in an object, a piece at a time. Raises ``UnreadableObject`` at the end."""
        return _entries(
            each, on_read, lambda entry: (self._piece(piece) for piece in read_pieces(entry))
        )

    def _piece(self, piece: Piece) -> ReplayedPiece:
        builder = BatchBuilder()
        records = decode_piece(piece, self._registry.known.keys, builder)
        return ReplayedPiece(records, len(builder.slot), builder.rejections)


def _entries(
    each: BackupObject,
    on_read: Callable[[int], None],
    pieces: Callable[[Entry], Iterator[ReplayedPiece]],
) -> Iterator[ReplayedPiece]:
    """The pieces of all entries; one that cannot be read does not keep the others from it."""
    failure: UnreadableObject | None = None
    try:
        with each.open() as source:
            for entry in open_entries(source, on_read):
                try:
                    yield from pieces(entry)
                except UnreadableObject as error:
                    failure = failure or _named(error, entry)
    except OSError as error:
        raise UnreadableObject(f"it cannot be read: {error.strerror or error}") from error
    if failure:
        raise failure


def _digest(each: BackupObject) -> bytes | None:
    return None if each.version is None else object_digest(each.name, each.version)


def _named(error: UnreadableObject, entry: Entry) -> UnreadableObject:
    return UnreadableObject(f"{entry.name}: {error.message}") if entry.name else error
