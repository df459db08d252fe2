"""Snappy in the four ways in which it is written: framed, Hadoop's blocks, snappy-java's, raw.

Firehose's "Snappy" and "Hadoop-Compatible Snappy" are not specified to the byte, so whatever a
reader may meet is recognised by its content. Blocks are decompressed one after another; only the
raw form, which has none, is held in memory as a whole.
"""

from collections.abc import Iterator

import cramjam

from app.backup.content import Content, UnreadableObject

FRAMED_MAGIC = b"\xff\x06\x00\x00sNaPpY"
JAVA_MAGIC = b"\x82SNAPPY\x00"
_JAVA_HEADER = len(JAVA_MAGIC) + 8
_FRAME_HEADER = 4
_LENGTH = 4
_LARGEST_BLOCK = 64 * 1024 * 1024
_LARGEST_RAW = 256 * 1024 * 1024
_SKIPPABLE = 0x80


def framed(content: Content) -> Iterator[bytes]:
    """The framing format: chunks of at most 64 KiB with checksums, which are verified."""
    while content.fill(1):
        if not content.fill(_FRAME_HEADER):
            raise _cut_short(content)
        kind, size = content.window[0], int.from_bytes(content.window[1:_FRAME_HEADER], "little")
        if not content.fill(_FRAME_HEADER + size):
            raise _cut_short(content)
        at = content.start
        chunk = content.take(_FRAME_HEADER + size)
        if kind < _SKIPPABLE:
            try:
                yield bytes(cramjam.snappy.decompress(FRAMED_MAGIC + chunk))
            except cramjam.DecompressionError as error:
                raise UnreadableObject(f"its Snappy is damaged at byte {at}: {error}") from error


def java_blocks(content: Content) -> Iterator[bytes]:
    """The stream of snappy-java: a header, then blocks after their length."""
    content.take(_JAVA_HEADER)
    while content.fill(1):
        # Streams that were appended to each other have a header each.
        if content.fill(len(JAVA_MAGIC)) and content.window.startswith(JAVA_MAGIC):
            content.take(_JAVA_HEADER)
            continue
        yield _block(content, _LARGEST_BLOCK)


def hadoop_blocks(content: Content) -> Iterator[bytes]:
    """Hadoop's blocks: the length of what comes out, then parts after their own lengths."""
    while content.fill(1):
        if not content.fill(_LENGTH):
            raise _cut_short(content)
        left = _number(content.take(_LENGTH))
        if left > _LARGEST_BLOCK:
            raise UnreadableObject(f"its Snappy is damaged at byte {content.start - _LENGTH}")
        while left:
            part = _block(content, left)
            left -= len(part)
            yield part


def hadoop_head(window: bytes | bytearray) -> bytes | None:
    """What the first part of Hadoop's first block holds; None when it does not begin so."""
    if len(window) < 2 * _LENGTH:
        return None
    whole, size = _number(window[:_LENGTH]), _number(window[_LENGTH : 2 * _LENGTH])
    part = bytes(window[2 * _LENGTH : 2 * _LENGTH + size])
    if len(part) < size:
        # Hadoop's blocks have 256 KiB, far less than what is at hand.
        return None
    try:
        if 0 < cramjam.snappy.decompress_raw_len(part) <= min(whole, _LARGEST_BLOCK):
            return bytes(cramjam.snappy.decompress_raw(part))
    except cramjam.DecompressionError:
        pass
    return None


def raw(content: Content) -> Iterator[bytes]:
    """One block without anything around it. Raises ``UnreadableObject`` when it is none."""
    if content.fill(_LARGEST_RAW + 1):
        raise UnreadableObject(f"it is too large for raw Snappy: more than {_LARGEST_RAW} bytes")
    content.end()
    yield _decompressed(content, bytes(content.window), _LARGEST_RAW)


def may_be_raw(window: bytes | bytearray) -> bool:
    """Whether an object may be one raw block: its length, then a literal from the start of text."""
    try:
        size = int(cramjam.snappy.decompress_raw_len(bytes(window[:16])))
    except cramjam.DecompressionError:
        return False
    # The first element of a block can only be a literal, whose tag ends in two zero bits.
    first = next((index for index, byte in enumerate(window[:5]) if byte < _SKIPPABLE), None)
    return (
        0 < size <= _LARGEST_RAW
        and first is not None
        and first + 1 < len(window)
        and window[first + 1] & 3 == 0
    )


def _block(content: Content, most: int) -> bytes:
    """A block after its length; it has at most ``most`` bytes when decompressed."""
    at = content.start
    if not content.fill(_LENGTH):
        raise _cut_short(content)
    size = _number(content.take(_LENGTH))
    if not 0 < size <= _LARGEST_BLOCK:
        raise UnreadableObject(f"its Snappy is damaged at byte {at}: a block of {size} bytes")
    if not content.fill(size):
        raise _cut_short(content)
    return _decompressed(content, content.take(size), most)


def _decompressed(content: Content, block: bytes, most: int) -> bytes:
    try:
        size = cramjam.snappy.decompress_raw_len(block)
        if 0 < size <= most:
            return bytes(cramjam.snappy.decompress_raw(block))
        reason = f"a block announces {size} bytes"
    except cramjam.DecompressionError as error:
        reason = str(error)
    raise UnreadableObject(f"its Snappy is damaged before byte {content.start}: {reason}")


def _number(data: bytes | bytearray) -> int:
    return int.from_bytes(data, "big")


def _cut_short(content: Content) -> UnreadableObject:
    content.end()
    return UnreadableObject(
        f"its Snappy is cut short: it ends inside a block at byte {content.start}"
    )
