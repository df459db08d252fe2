# cython: language_level=3
"""Protobuf's wire format, read within bounds: no length is believed before it has been compared."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from app.otlp.scanner.table cimport Reader, Slice

# The tags: the field's number and its wire type in one byte.
cdef enum:
    FIELD_1_BYTES = 0x0A
    FIELD_2_BYTES = 0x12
    FIELD_3_BYTES = 0x1A
    FIELD_6_BYTES = 0x32
    FIELD_7_BYTES = 0x3A
    FIELD_11_BYTES = 0x5A
    FIELD_1_FIXED = 0x09
    FIELD_2_FIXED = 0x11
    FIELD_3_FIXED = 0x19
    FIELD_4_FIXED = 0x21
    FIELD_5_FIXED = 0x29

cdef enum:
    _LONGEST_LENGTH = 4

cdef inline bint _varint(Reader *reader, uint64_t *value) noexcept nogil:
    """A number of up to 28 bits."""
    cdef uint64_t read = 0
    cdef uint32_t shift = 0
    cdef uint8_t byte = 0x80
    while byte >= 0x80:
        if reader.at == reader.end or shift == 7 * _LONGEST_LENGTH:
            return False
        byte = reader.at[0]
        reader.at += 1
        read |= <uint64_t>(byte & 0x7F) << shift
        shift += 7
    value[0] = read
    return True


cdef inline bint read_length(Reader *reader, uint64_t *length) noexcept nogil:
    """A length that is written in as few bytes as can be, and is not beyond the end."""
    cdef const uint8_t *start = reader.at
    if not _varint(reader, length) or length[0] > <uint64_t>(reader.end - reader.at):
        return False
    return reader.at[-1] != 0 or reader.at - start == 1


cdef inline bint read_slice(Reader *reader, Slice *slice_) noexcept nogil:
    """The bytes of a field whose tag has been read."""
    cdef uint64_t length = 0
    if not read_length(reader, &length):
        return False
    slice_.at = reader.at
    slice_.length = <uint32_t>length
    reader.at += length
    return True


cdef inline bint read_inner(Reader *reader, Reader *inner) noexcept nogil:
    cdef Slice slice_
    if not read_slice(reader, &slice_):
        return False
    inner.at = slice_.at
    inner.end = slice_.at + slice_.length
    return True


cdef inline bint read_fixed(Reader *reader, void *value) noexcept nogil:
    if reader.end - reader.at < 8:
        return False
    # Every machine that this is built for is little-endian, as protobuf is; see setup.py.
    memcpy(value, reader.at, 8)
    reader.at += 8
    return True


cdef inline bint read_framed(Reader *record, Reader *message) noexcept nogil:
    """The next message of a record; False if the reference is to tell what stands there."""
    cdef uint64_t length = 0
    # However many bytes its length is written in.
    if not _varint(record, &length) or length > <uint64_t>(record.end - record.at):
        return False
    message.at = record.at
    message.end = record.at + length
    record.at += length
    return True
