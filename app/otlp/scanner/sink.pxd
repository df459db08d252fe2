# cython: language_level=3
"""``Sink`` as the scanners see it."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from app.otlp.scanner.table cimport KeyTable, Slice

cdef enum Outcome:
    TAKEN = 0
    LEFT = 1
    NO_MEMORY = 2

cdef struct Row:
    int64_t slot
    int64_t start_ms
    int64_t period_ms
    double count
    double total
    double minimum
    double maximum

cdef struct Extra:
    int64_t row
    int64_t statistic
    double value

cdef struct Level:
    uint64_t rows
    uint64_t extras
    uint64_t words
    uint64_t news
    uint64_t quantiles
    uint64_t names
    uint64_t taken
    bint unknown

cdef class Sink:
    cdef KeyTable table
    cdef const uint8_t *base
    cdef const uint8_t *allowed
    cdef uint64_t allowed_size
    cdef bint is_bound
    cdef bint is_final
    cdef uint64_t extras_left
    cdef Level level
    cdef Level known
    cdef int64_t again
    cdef Row *rows
    cdef uint64_t row_room
    cdef Extra *extras
    cdef uint64_t extra_room
    cdef int64_t *words
    cdef uint64_t word_room
    cdef double *quantiles
    cdef uint64_t quantile_room
    cdef Slice *names
    cdef uint64_t name_room

    cdef Outcome add(self, Row *row) noexcept nogil
    cdef Outcome add_extra(self, uint32_t statistic, double value) noexcept nogil
    cdef Outcome add_quantile(self, double quantile) noexcept nogil
    cdef Outcome add_name(self, const Slice *name) noexcept nogil
    cdef Outcome add_new(
        self, int format_, Slice *parts, uint32_t labels, const Slice *label
    ) noexcept nogil
    cdef bint may_deliver(self, uint32_t mark) noexcept nogil
    cdef bint has_room(self) noexcept nogil
    cdef void close(self, Outcome outcome, const Level *before, int64_t start) noexcept nogil
    cdef object _new_series(self, bytes record)
    cdef object finish(
        self, bytes record, object into, int64_t start, int64_t end, bint is_framed
    )
