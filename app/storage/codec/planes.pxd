# cython: language_level=3
"""Bytes by significance: the first bytes of all numbers, the second bytes, and so on, and back."""

from libc.stdint cimport INT8_MIN, INT16_MIN, INT32_MIN, INT64_MIN
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy


cdef inline void split_planes(const int32_t *values, Py_ssize_t size, int width, uint8_t *at) noexcept nogil:
    """The first bytes of all values, the second bytes, ..."""
    cdef Py_ssize_t i
    cdef int byte
    cdef uint8_t *plane
    for byte in range(width):
        plane = at + byte * size
        if byte == 0:
            for i in range(size):
                plane[i] = <uint8_t>values[i]
        elif byte == 1:
            for i in range(size):
                plane[i] = <uint8_t>(<uint32_t>values[i] >> 8)
        elif byte == 2:
            for i in range(size):
                plane[i] = <uint8_t>(<uint32_t>values[i] >> 16)
        else:
            for i in range(size):
                plane[i] = <uint8_t>(<uint32_t>values[i] >> 24)


cdef inline void _transpose(uint64_t *rows) noexcept nogil:
    """Eight rows of eight bytes become columns."""
    cdef int i
    cdef uint64_t moved
    for i in range(4):
        moved = ((rows[i] >> 32) ^ rows[i + 4]) & 0x00000000FFFFFFFFu
        rows[i + 4] ^= moved
        rows[i] ^= moved << 32
    for i in range(6):
        if i & 2:
            continue
        moved = ((rows[i] >> 16) ^ rows[i + 2]) & 0x0000FFFF0000FFFFu
        rows[i + 2] ^= moved
        rows[i] ^= moved << 16
    for i in range(0, 8, 2):
        moved = ((rows[i] >> 8) ^ rows[i + 1]) & 0x00FF00FF00FF00FFu
        rows[i + 1] ^= moved
        rows[i] ^= moved << 8


cdef inline void shuffle(const uint8_t *values, Py_ssize_t size, uint8_t *at) noexcept nogil:
    cdef Py_ssize_t first = 0, i
    cdef int byte
    cdef uint64_t[8] rows
    while first + 8 <= size:
        memcpy(rows, values + 8 * first, 64)
        _transpose(rows)
        for byte in range(8):
            memcpy(at + byte * size + first, &rows[byte], 8)
        first += 8
    for i in range(first, size):
        for byte in range(8):
            at[byte * size + i] = values[8 * i + byte]


cdef inline void unshuffle(const uint8_t *stored, Py_ssize_t size, uint8_t *values) noexcept nogil:
    cdef Py_ssize_t first = 0, i
    cdef int byte
    cdef uint64_t[8] rows
    while first + 8 <= size:
        for byte in range(8):
            memcpy(&rows[byte], stored + byte * size + first, 8)
        _transpose(rows)
        memcpy(values + 8 * first, rows, 64)
        first += 8
    for i in range(first, size):
        for byte in range(8):
            values[8 * i + byte] = stored[byte * size + i]


cdef inline int64_t least_of(int width) noexcept nogil:
    return (
        INT8_MIN if width == 1 else INT16_MIN if width == 2 else INT32_MIN if width == 4 else INT64_MIN
    )


cdef inline int64_t element_at(
    const uint8_t *content, Py_ssize_t place, Py_ssize_t size, int width
) noexcept nogil:
    """The element at a place, with its sign; of a double its bits."""
    cdef uint64_t bits = 0
    cdef int byte
    for byte in range(width):
        bits |= <uint64_t>content[byte * size + place] << (8 * byte)
    if width == 1:
        return <int8_t>bits
    if width == 2:
        return <int16_t>bits
    if width == 4:
        return <int32_t>bits
    return <int64_t>bits


cdef inline void widen(const uint8_t *at, Py_ssize_t size, int width, int64_t *values) noexcept nogil:
    cdef Py_ssize_t i
    if width == 1:
        for i in range(size):
            values[i] = <int8_t>at[i]
    elif width == 2:
        for i in range(size):
            values[i] = <int16_t>(at[i] | <uint16_t>at[size + i] << 8)
    elif width == 4:
        for i in range(size):
            values[i] = <int32_t>(
                at[i] | <uint32_t>at[size + i] << 8 | <uint32_t>at[2 * size + i] << 16
                | <uint32_t>at[3 * size + i] << 24
            )
    else:
        unshuffle(at, size, <uint8_t *>values)
