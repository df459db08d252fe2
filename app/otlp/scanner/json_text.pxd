# cython: language_level=3
"""Pieces of JSON without escapes, read within bounds."""

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memchr, memcmp

from app.otlp.scanner.table cimport Reader, Slice

cdef inline bint read_word(Reader *reader, const char *word, size_t size) noexcept nogil:
    if <size_t>(reader.end - reader.at) < size or memcmp(reader.at, word, size) != 0:
        return False
    reader.at += size
    return True


cdef inline bint read_text(Reader *reader, Slice *text) noexcept nogil:
    """What stands before the next quotation mark, which is passed; there are no escapes."""
    cdef const uint8_t *end = <const uint8_t *>memchr(reader.at, 0x22, reader.end - reader.at)
    if end == NULL:
        return False
    text.at = reader.at
    text.length = <uint32_t>(end - reader.at)
    reader.at = end + 1
    return True


cdef inline bint is_plain(const uint8_t *at, const uint8_t *end) noexcept nogil:
    """Whether there are only printable characters of ASCII and no backslash."""
    cdef uint8_t odd = 0
    while at < end:
        odd |= (at[0] < 0x20) | (at[0] == 0x5C) | (at[0] >= 0x7F)
        at += 1
    return odd == 0


cdef inline bint is_blank(uint8_t byte) noexcept nogil:
    return byte == 0x20 or 0x09 <= byte <= 0x0D
