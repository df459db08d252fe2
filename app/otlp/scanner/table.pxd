# cython: language_level=3
"""``KeyTable`` as other compiled modules see it: looked up without the interpreter's lock."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

cdef extern from "<pthread.h>" nogil:
    ctypedef struct pthread_mutex_t:
        pass
    ctypedef struct pthread_rwlock_t:
        pass

cdef enum:
    NOT_FOUND = 0xFFFFFFFF
    MOST_QUANTILES = 256
    MOST_STATISTICS = 256
    MOST_LABELS = 64
    HEAD = 4

cdef struct Slice:
    const uint8_t *at
    uint32_t length

cdef struct Index:
    uint64_t *entries
    uint64_t mask
    uint64_t used

cdef class KeyTable:
    cdef pthread_mutex_t gate
    cdef pthread_rwlock_t lock
    cdef bint locks_made
    cdef uint64_t seed[4]
    cdef uint64_t hash_mask
    cdef Index part_index
    cdef Index series_index
    cdef uint8_t *arena
    cdef uint64_t arena_size
    cdef uint64_t *part_start
    cdef uint64_t part_room
    cdef uint32_t parts
    cdef uint32_t *keys
    cdef uint64_t keys_size
    cdef uint64_t *key_start
    cdef uint32_t *mark
    cdef uint64_t series_room
    cdef uint64_t mark_room
    cdef uint64_t key_room
    cdef uint64_t arena_room
    cdef uint32_t series
    cdef double quantile[MOST_QUANTILES]
    cdef uint8_t quantile_name[MOST_QUANTILES]
    cdef uint32_t quantiles
    cdef uint32_t statistic_part[MOST_STATISTICS]
    cdef uint32_t statistics
    cdef readonly list statistic_names

    cdef void begin_reading(self) noexcept nogil
    cdef void begin_writing(self) noexcept nogil
    cdef void end(self) noexcept nogil
    cdef uint32_t find_part(self, const uint8_t *at, uint32_t length) noexcept nogil
    cdef bint is_part(self, uint32_t part, const uint8_t *at, uint32_t length) noexcept nogil
    cdef uint32_t find_series(self, const uint32_t *key) noexcept nogil
    cdef int find_quantile(self, double quantile) noexcept nogil
    cdef int find_statistic(
        self, const uint8_t *at, uint32_t length, uint32_t hint
    ) noexcept nogil
    cdef uint32_t _part(self, const uint8_t *at, uint32_t length) except? NOT_FOUND
    cdef object _key(self, object raw, uint32_t *key, bint add)
