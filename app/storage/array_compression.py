"""How the bytes of columns are compressed: what lies for minutes by LZ4, for days by zstd.

A context of zstd takes longer to make than such bytes to compress, so each thread keeps its own.
"""

import threading

import cramjam
import zstandard

PLAIN, ZSTD, LZ4, EQUAL = 0, 1, 2, 3
"""How content is stored: as it is, compressed, or one element that stands for all."""

_LEVEL = 1
# The shortest block of 128 KiB has 4 bytes.
_MOST_ZSTD = 2**15
# What a byte of LZ4 stands for at most.
_MOST_LZ4 = 255


class _Contexts(threading.local):
    """What a thread compresses with."""

    def __init__(self) -> None:
        # The head of a column says how long it is.
        compressor = zstandard.ZstdCompressor(level=_LEVEL, write_content_size=False)
        self.compress = compressor.compress
        self.decompress = zstandard.ZstdDecompressor().decompress


_contexts = _Contexts()


def compress_quickly(content: bytes) -> bytes:
    """The bytes of ``LZ4``."""
    return bytes(cramjam.lz4.compress_block(content, store_size=False))


def compress(content: bytes) -> bytes:
    """The bytes of ``ZSTD``."""
    return _contexts.compress(content)


def expanded(form: int, stored: bytes, size: int) -> bytes:
    """The content of which ``size`` bytes are wanted. Raises ``ValueError`` where it is damaged."""
    if size > (_MOST_LZ4 if form == LZ4 else _MOST_ZSTD) * len(stored):
        raise ValueError(f"{len(stored)} bytes cannot stand for {size}")
    try:
        if form == LZ4:
            content = bytearray(size)
            found = cramjam.lz4.decompress_block_into(stored, content, output_len=size)
            return bytes(content[:found])
        if form != ZSTD:
            raise ValueError(f"there is no way {form} to store a column")
        if zstandard.frame_content_size(stored) > size:
            raise ValueError(f"there are more than {size} bytes in it")
        return _contexts.decompress(stored, max_output_size=size)
    except (cramjam.DecompressionError, zstandard.ZstdError) as error:
        raise ValueError(str(error)) from error
