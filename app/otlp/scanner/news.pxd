# cython: language_level=3
"""``NewSeries`` as a scanner's sink sees it."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from app.otlp.scanner.table cimport Index, KeyTable, Slice

cdef class Rows:
    cdef Index index
    cdef uint32_t *words
    cdef uint64_t room
    cdef uint64_t size
    cdef uint64_t *start
    cdef uint64_t start_room
    cdef uint32_t count

    cdef uint32_t add(self, const uint32_t *row, uint32_t words, KeyTable table) except? 0xFFFFFFFF

cdef class NewSeries:
    cdef KeyTable table
    cdef bytes record
    # Bytes that do not stand in the record as they are.
    cdef list joined
    cdef Index part_index
    cdef Slice *part
    cdef uint64_t part_room
    cdef uint32_t parts
    cdef uint32_t *numbers
    cdef Rows series
    cdef Rows heads
    cdef Rows rests
    cdef list copies
    cdef readonly object head
    cdef readonly object head_first
    cdef readonly object rest
    cdef readonly uint32_t rests_met

    cdef uint32_t _part(self, const uint8_t *at, uint32_t length) except? 0xFFFFFFFF
    cdef object read(self, const int64_t *words, uint64_t size)
    cdef bint _has_numbers(self) except -1
    cdef bint _translated(self, uint32_t number, uint32_t *key) noexcept nogil
