# cython: language_level=3
"""``KeyTable`` as other compiled modules see it: looked up without the interpreter's lock."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp

cdef extern from *:
    """
    /* Readers write these while others read them: any of their values will do, half of one not. */
    static inline uint32_t hydrant_peek(const uint32_t *at) {
        return __atomic_load_n(at, __ATOMIC_RELAXED);
    }
    static inline void hydrant_poke(uint32_t *at, uint32_t value) {
        __atomic_store_n(at, value, __ATOMIC_RELAXED);
    }
    """
    uint32_t hydrant_peek(const uint32_t *at) nogil
    void hydrant_poke(uint32_t *at, uint32_t value) nogil

cdef extern from "keyed_hash.h" nogil:
    uint64_t hydrant_hash(const uint8_t *at, size_t length, const uint64_t *seed)

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
    # Lengths are kept in 32 bits.
    LONGEST_RECORD = 0x7FFFFFFF

cdef struct Slice:
    const uint8_t *at
    uint32_t length

cdef struct Reader:
    # What is left to be read.
    const uint8_t *at
    const uint8_t *end

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
    cdef uint32_t *next
    cdef uint64_t series_room
    cdef uint64_t mark_room
    cdef uint64_t next_room
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
    cdef uint32_t find_series(self, const uint32_t *key) noexcept nogil
    cdef int find_quantile(self, double quantile) noexcept nogil
    cdef int find_statistic(
        self, const uint8_t *at, uint32_t length, uint32_t hint
    ) noexcept nogil
    cdef uint32_t _part(self, const uint8_t *at, uint32_t length) except? NOT_FOUND
    cdef object _key(self, object raw, uint32_t *key, bint add)
    cdef uint32_t add_key(
        self, const uint32_t *key, uint32_t words, uint32_t mark
    ) except? NOT_FOUND


cdef uint64_t reserve(void **memory, uint64_t room, uint64_t wanted, size_t item) except 0
cdef int insert(Index *index, uint32_t hashed, uint32_t number) except -1


cdef inline uint32_t hashed_of(KeyTable table, const uint8_t *at, size_t length) noexcept nogil:
    """Where to look; only bytes tell whether it is found."""
    return <uint32_t>(hydrant_hash(at, length, table.seed) & table.hash_mask)


cdef inline bint is_part(
    KeyTable table, uint32_t part, const uint8_t *at, uint32_t length
) noexcept nogil:
    """Whether these are the bytes of a part. Here, so that scanners have it without a call."""
    cdef uint64_t start
    if part >= table.parts:
        return False
    start = table.part_start[part]
    if table.part_start[part + 1] - start != length:
        return False
    return memcmp(table.arena + start, at, length) == 0


cdef struct Guess:
    # The series that a scanner found last, and the row of the one that followed it the last time.
    uint32_t last
    uint32_t slot
    const uint32_t *key


cdef inline void guess_nothing(Guess *guess) noexcept nogil:
    guess.last = guess.slot = NOT_FOUND
    guess.key = NULL


cdef inline void guess_after(KeyTable table, Guess *guess, uint32_t slot) noexcept nogil:
    """Remember what came after the last one, and guess what comes after this one."""
    cdef uint32_t following
    if guess.last != NOT_FOUND and guess.slot != slot:
        hydrant_poke(&table.next[guess.last], slot)
    following = hydrant_peek(&table.next[slot])
    guess.last = slot
    guess.slot = following
    guess.key = NULL
    if following < table.series:
        guess.key = table.keys + table.key_start[following]


cdef inline uint32_t part_of(
    KeyTable table, const Guess *guess, uint32_t place, uint32_t hint,
    const uint8_t *at, uint32_t length,
) noexcept nogil:
    """The number of a part: what is guessed is tried first, then a hint, then it is looked up.

    ``place`` is one that every key has.
    """
    if guess.key != NULL and is_part(table, guess.key[place], at, length):
        return guess.key[place]
    if is_part(table, hint, at, length):
        return hint
    return table.find_part(at, length)
