"""What is in an object: decompressed, and of a zip archive each file by itself.

How an object is compressed is told by its bytes alone. Names lie: S3 keeps what it is given, and
browsers and command-line clients unpack without renaming.
"""

import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import IO

from app.backup import snappy
from app.backup.content import Content, Source, UnreadableObject, too_large
from app.backup.kinds import Kind, recognise
from app.otlp.boundaries import LARGEST_MESSAGE

LARGEST_CONTENT = 8 * 1024**3
"""Bytes of one object after decompression; Firehose's buffer has at most 128 MiB."""

_AT_ONCE = 256 * 1024
_PEEK = LARGEST_MESSAGE + 1024
_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_GZIP_WINDOW_BITS = 31
_MOST_ENTRIES = 10_000
_IN_MEMORY = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """Records of one kind or the other. ``name`` is empty but for files of an archive.

    ``open`` tells the kind and gives the content, once. It raises ``UnreadableObject``, and so does
    reading the content.
    """

    name: str
    open: Callable[[], tuple[Kind, Content]]


def open_entries(
    source: Source, on_read: Callable[[int], None] = lambda _: None
) -> Iterator[Entry]:
    """The entries of an object, one after another; each must be read before the next.

    ``on_read`` is told how many bytes have been read from the source each time. Raises
    ``UnreadableObject`` for a damaged archive. An empty object has no entries.
    """
    content = Content(_read(source, on_read), LARGEST_CONTENT)
    if not content.fill(1):
        return
    content.fill(len(_ZIP_MAGIC[0]))
    if content.window.startswith(_ZIP_MAGIC):
        yield from _unzipped(content)
        return
    yield Entry("", lambda: _opened(content))


def _read(source: Source, on_read: Callable[[int], None]) -> Iterator[bytes]:
    while chunk := source.read(_AT_ONCE):
        on_read(len(chunk))
        yield chunk


def _opened(content: Content) -> tuple[Kind, Content]:
    """The content without its compression, and what it is."""
    content.fill(_PEEK)
    if decompress := _decompression(content):
        content = Content(decompress(content), LARGEST_CONTENT)
        # Damage at the very beginning is found by what follows.
        content.fill(_PEEK)
        if content.window.startswith(_GZIP_MAGIC):
            # Compressed before it was put in, by a transformation, and once more by Firehose.
            content = Content(_gunzip(content), LARGEST_CONTENT)
            content.fill(_PEEK)
    kind = recognise(content.window, certain=False)
    if kind is None:
        content.end()
        raise UnreadableObject(
            "it holds neither failed records nor records of a metric stream, plain or compressed"
            " with gzip, zip or Snappy"
        )
    return kind, content


def _decompression(content: Content) -> Callable[[Content], Iterator[bytes]] | None:
    window = content.window
    if window.startswith(_GZIP_MAGIC):
        return _gunzip
    if window.startswith(snappy.FRAMED_MAGIC):
        return snappy.framed
    if window.startswith(snappy.JAVA_MAGIC):
        return snappy.java_blocks
    if recognise(window, certain=True):
        return None
    head = snappy.hadoop_head(window)
    if head and recognise(head, certain=False):
        return snappy.hadoop_blocks
    if snappy.may_be_raw(window) and _is_raw(content):
        return snappy.raw
    return None


def _is_raw(content: Content) -> bool:
    try:
        (whole,) = snappy.raw(content)
    except UnreadableObject:
        return False
    return recognise(whole[:_PEEK], certain=False) is not None


def _gunzip(content: Content) -> Iterator[bytes]:
    """Every member of a gzip stream; zeros that pad it are left out.

    Damaged members decompress to wrong numbers long before their checksum tells, so each is read
    once without being used. One that is cut short is right as far as it goes.
    """
    while content.fill(1):
        if content.window[0] == 0:
            content.take(len(content.window) - len(content.window.lstrip(b"\0")))
            continue
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as copy:
            whole = _copy_member(content, copy)
            copy.seek(0)
            member = zlib.decompressobj(_GZIP_WINDOW_BITS)
            while fed := member.unconsumed_tail or copy.read(_AT_ONCE):
                if piece := member.decompress(fed, _AT_ONCE):
                    yield piece
        if not whole:
            content.end()
            raise UnreadableObject(f"its gzip is cut short at byte {content.start}")


def _copy_member(content: Content, copy: IO[bytes]) -> bool:
    """Copy a member and verify it; False when it is cut short."""
    member = zlib.decompressobj(_GZIP_WINDOW_BITS)
    at, size = content.start, 0
    while not member.eof:
        if not content.window and not _has_more(content):
            return False
        fed = content.take(min(len(content.window), _AT_ONCE))
        copy.write(fed)
        while True:
            try:
                size += len(member.decompress(fed, _AT_ONCE))
            except zlib.error as error:
                raise UnreadableObject(
                    f"its gzip is damaged between bytes {at} and {content.start}: {error};"
                    " nothing of it can be trusted"
                ) from error
            if size > LARGEST_CONTENT:
                raise UnreadableObject(too_large(LARGEST_CONTENT))
            fed = member.unconsumed_tail
            if not fed or member.eof:
                break
    content.give_back(member.unused_data)
    copy.truncate(copy.tell() - len(member.unused_data))
    return True


def _has_more(content: Content) -> bool:
    try:
        return content.fill(1)
    except UnreadableObject:
        # The caller raises it behind what has been read.
        return False


def _unzipped(content: Content) -> Iterator[Entry]:
    """An archive's directory stands at its end, so it is copied to a file first."""
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as copy:
        for chunk in content.chunks():
            copy.write(chunk)
        try:
            with zipfile.ZipFile(copy) as archive:
                members = [member for member in archive.infolist() if not member.is_dir()]
                if len(members) > _MOST_ENTRIES:
                    raise UnreadableObject(f"its zip archive has more than {_MOST_ENTRIES} files")
                for member in members:
                    if member.file_size:
                        yield Entry(member.filename, partial(_member, archive, member))
        except zipfile.BadZipFile as error:
            raise UnreadableObject(f"its zip archive is damaged: {error}") from error


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> tuple[Kind, Content]:
    try:
        if member.file_size > LARGEST_CONTENT:
            raise UnreadableObject(too_large(LARGEST_CONTENT))
        # As with gzip, the checksum comes last.
        with archive.open(member) as source:
            for _ in _unzip(source):
                pass
        return _opened(Content(_unzip(archive.open(member)), LARGEST_CONTENT))
    except (NotImplementedError, RuntimeError, zipfile.BadZipFile) as error:
        # An unknown method, a password, or a header that is not where the directory says.
        raise UnreadableObject(f"it cannot be unzipped: {error}") from error


def _unzip(source: IO[bytes]) -> Iterator[bytes]:
    try:
        while chunk := source.read(_AT_ONCE):
            yield chunk
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise UnreadableObject(f"it is damaged in its zip archive: {error}") from error
