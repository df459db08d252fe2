# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""Raw bytes of series to slots, found without the interpreter's lock and without an object.

A key is a row of numbers: format and kind, then the number of its resource, of the metric's name,
of the unit and of each label. Each such part is stored once, in an arena, however many series have
it. A series so costs about 64 bytes. Hashes are keyed by a random seed and only tell where to look:
parts are compared byte by byte, and rows number by number. Streams repeat themselves, so that each
slot remembers the one that followed it: a guess, which is compared just so.
"""

from libc.math cimport isnan
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcmp, memcpy

import os

from app.otlp.key_codes import code_of

cdef extern from "<pthread.h>" nogil:
    int pthread_mutex_init(pthread_mutex_t *, void *)
    int pthread_mutex_lock(pthread_mutex_t *)
    int pthread_mutex_unlock(pthread_mutex_t *)
    int pthread_mutex_destroy(pthread_mutex_t *)
    int pthread_rwlock_init(pthread_rwlock_t *, void *)
    int pthread_rwlock_rdlock(pthread_rwlock_t *)
    int pthread_rwlock_wrlock(pthread_rwlock_t *)
    int pthread_rwlock_unlock(pthread_rwlock_t *)
    int pthread_rwlock_destroy(pthread_rwlock_t *)

cdef enum:
    _FIRST_ENTRIES = 256
    _LABEL_COUNT_BITS = 24


cdef uint64_t reserve(void **memory, uint64_t room, uint64_t wanted, size_t item) except 0:
    """Room for ``wanted`` items, one at least, and some more; returns how many."""
    if wanted <= room:
        return room
    cdef uint64_t grown = wanted + wanted // 2 + 64
    cdef void *moved = realloc(memory[0], grown * item)
    if moved == NULL:
        raise MemoryError
    memory[0] = moved
    return grown


cdef int insert(Index *index, uint32_t hashed, uint32_t number) except -1:
    """An entry is the hash above the number plus one; 0 is a free place."""
    cdef uint64_t *old
    cdef uint64_t *entries
    cdef uint64_t at, size, each
    if (index.used + 1) * 3 > (index.mask + 1) * 2 or index.entries == NULL:
        size = _FIRST_ENTRIES if index.entries == NULL else (index.mask + 1) * 2
        entries = <uint64_t *>calloc(size, sizeof(uint64_t))
        if entries == NULL:
            raise MemoryError
        old = index.entries
        if old != NULL:
            for each in range(index.mask + 1):
                if old[each]:
                    at = (old[each] >> 32) & (size - 1)
                    while entries[at]:
                        at = (at + 1) & (size - 1)
                    entries[at] = old[each]
            free(old)
        index.entries = entries
        index.mask = size - 1
    at = hashed & index.mask
    while index.entries[at]:
        at = (at + 1) & index.mask
    index.entries[at] = (<uint64_t>hashed << 32) | (number + 1)
    index.used += 1
    return 0


cdef class KeyTable:
    """Thread-safe. ``constant_hash`` lets every key collide with every other, for tests."""

    def __cinit__(self, *, bint constant_hash=False):
        if pthread_mutex_init(&self.gate, NULL) or pthread_rwlock_init(&self.lock, NULL):
            raise MemoryError
        self.locks_made = True
        cdef bytes seed = os.urandom(32)
        memcpy(self.seed, <const uint8_t *>seed, 32)
        self.hash_mask = 0 if constant_hash else ~<uint64_t>0
        self.statistic_names = []

    def __dealloc__(self):
        free(self.part_index.entries)
        free(self.series_index.entries)
        free(self.arena)
        free(self.part_start)
        free(self.keys)
        free(self.key_start)
        free(self.mark)
        free(self.next)
        if self.locks_made:
            pthread_rwlock_destroy(&self.lock)
            pthread_mutex_destroy(&self.gate)

    def __len__(self):
        return self.series

    @property
    def nbytes(self):
        """Bytes that are held, with the room to grow."""
        cdef uint64_t held = self.arena_room + self.part_room * 8 + self.key_room * 4
        held += self.series_room * 8 + (self.mark_room + self.next_room) * 4
        if self.part_index.entries != NULL:
            held += (self.part_index.mask + 1) * 8
        if self.series_index.entries != NULL:
            held += (self.series_index.mask + 1) * 8
        return held

    # Readers wait at the gate while a writer waits for those before them: else many readers that
    # take turns would keep a writer out for ever.

    cdef void begin_reading(self) noexcept nogil:
        pthread_mutex_lock(&self.gate)
        pthread_rwlock_rdlock(&self.lock)
        pthread_mutex_unlock(&self.gate)

    cdef void begin_writing(self) noexcept nogil:
        pthread_mutex_lock(&self.gate)
        pthread_rwlock_wrlock(&self.lock)
        pthread_mutex_unlock(&self.gate)

    cdef void end(self) noexcept nogil:
        pthread_rwlock_unlock(&self.lock)

    cdef uint32_t find_part(self, const uint8_t *at, uint32_t length) noexcept nogil:
        cdef uint64_t entry, place
        cdef uint32_t hashed
        if self.part_index.entries == NULL:
            return NOT_FOUND
        hashed = hashed_of(self, at, length)
        place = hashed & self.part_index.mask
        while True:
            entry = self.part_index.entries[place]
            if entry == 0:
                return NOT_FOUND
            if <uint32_t>(entry >> 32) == hashed:
                if is_part(self, <uint32_t>entry - 1, at, length):
                    return <uint32_t>entry - 1
            place = (place + 1) & self.part_index.mask

    cdef uint32_t find_series(self, const uint32_t *key) noexcept nogil:
        """``key[0]`` holds the number of labels above the code of format and kind."""
        cdef uint64_t entry, place
        cdef uint32_t hashed, slot
        cdef size_t size = ((key[0] >> 8) + HEAD) * sizeof(uint32_t)
        if self.series_index.entries == NULL:
            return NOT_FOUND
        hashed = hashed_of(self, <const uint8_t *>key, size)
        place = hashed & self.series_index.mask
        while True:
            entry = self.series_index.entries[place]
            if entry == 0:
                return NOT_FOUND
            if <uint32_t>(entry >> 32) == hashed:
                slot = <uint32_t>entry - 1
                # The first number tells the length, so a longer row is never read past its end.
                if self.keys[self.key_start[slot]] == key[0]:
                    if memcmp(&self.keys[self.key_start[slot]], key, size) == 0:
                        return slot
            place = (place + 1) & self.series_index.mask

    cdef int find_quantile(self, double quantile) noexcept nogil:
        """The number of the statistic's name; -1 for a quantile that has not been named."""
        cdef uint32_t each
        for each in range(self.quantiles):
            if self.quantile[each] == quantile:
                return self.quantile_name[each]
        return -1

    cdef int find_statistic(
        self, const uint8_t *at, uint32_t length, uint32_t hint
    ) noexcept nogil:
        """The number of a statistic's name, tried first at ``hint``; -1 for an unknown one."""
        cdef uint32_t each
        if hint < self.statistics and is_part(self, self.statistic_part[hint], at, length):
            return hint
        for each in range(self.statistics):
            if is_part(self, self.statistic_part[each], at, length):
                return each
        return -1

    cdef uint32_t _part(self, const uint8_t *at, uint32_t length) except? NOT_FOUND:
        cdef uint32_t found = self.find_part(at, length)
        cdef uint32_t hashed
        if found != NOT_FOUND:
            return found
        if self.parts == NOT_FOUND - 1:
            raise MemoryError
        # One more than is needed: the first part may be empty.
        self.arena_room = reserve(
            <void **>&self.arena, self.arena_room, self.arena_size + length + 1, 1
        )
        self.part_room = reserve(
            <void **>&self.part_start, self.part_room, self.parts + 2, sizeof(uint64_t)
        )
        hashed = hashed_of(self, at, length)
        insert(&self.part_index, hashed, self.parts)
        memcpy(self.arena + self.arena_size, at, length)
        self.part_start[self.parts] = self.arena_size
        self.arena_size += length
        self.part_start[self.parts + 1] = self.arena_size
        self.parts += 1
        return self.parts - 1

    cdef object _key(self, object raw, uint32_t *key, bint add):
        """Fill ``key``; False if a part is unknown and is not to be added."""
        cdef bytes part
        cdef uint32_t number
        cdef Py_ssize_t at = 1
        labels = raw.labels
        if len(labels) >> _LABEL_COUNT_BITS:
            if add:
                raise MemoryError
            return False
        key[0] = <uint32_t>code_of(raw.format, raw.kind) | (<uint32_t>len(labels) << 8)
        for part in (raw.resource, raw.metric, raw.unit, *labels):
            if <uint64_t>len(part) > LONGEST_RECORD:
                raise OverflowError("a part of a series is longer than a table keeps")
            if add:
                number = self._part(<const uint8_t *>part, <uint32_t>len(part))
            else:
                number = self.find_part(<const uint8_t *>part, <uint32_t>len(part))
                if number == NOT_FOUND:
                    return False
            key[at] = number
            at += 1
        return True

    def find(self, raw):
        """The slot of a series, -1 if it has none."""
        cdef uint32_t slot = NOT_FOUND
        cdef uint32_t *key = <uint32_t *>malloc((HEAD + len(raw.labels)) * sizeof(uint32_t))
        if key == NULL:
            raise MemoryError
        with nogil:
            self.begin_reading()
        try:
            if self._key(raw, key, False):
                slot = self.find_series(key)
        finally:
            self.end()
            free(key)
        return -1 if slot == NOT_FOUND else <int64_t>slot

    def add(self, raw, uint32_t account, bint is_cloudwatch):
        """Give a series that has none the next slot; only one thread may add at a time."""
        cdef uint32_t words = HEAD + len(raw.labels)
        cdef uint32_t slot
        cdef uint32_t *key = <uint32_t *>malloc(words * sizeof(uint32_t))
        if key == NULL:
            raise MemoryError
        with nogil:
            self.begin_writing()
        try:
            self._key(raw, key, True)
            slot = self.add_key(key, words, (account << 1) | is_cloudwatch)
        finally:
            self.end()
            free(key)
        return <int64_t>slot

    cdef uint32_t add_key(
        self, const uint32_t *key, uint32_t words, uint32_t mark
    ) except? NOT_FOUND:
        """Give a row that is not there the next slot, while nobody reads."""
        cdef uint32_t hashed, slot = self.series
        if slot == NOT_FOUND - 1:
            raise MemoryError
        self.key_room = reserve(
            <void **>&self.keys, self.key_room, self.keys_size + words, sizeof(uint32_t)
        )
        self.series_room = reserve(
            <void **>&self.key_start, self.series_room, slot + 1, sizeof(uint64_t)
        )
        self.mark_room = reserve(
            <void **>&self.mark, self.mark_room, slot + 1, sizeof(uint32_t)
        )
        self.next_room = reserve(
            <void **>&self.next, self.next_room, slot + 1, sizeof(uint32_t)
        )
        hashed = hashed_of(self, <const uint8_t *>key, words * sizeof(uint32_t))
        insert(&self.series_index, hashed, slot)
        memcpy(self.keys + self.keys_size, key, words * sizeof(uint32_t))
        self.key_start[slot] = self.keys_size
        self.keys_size += words
        self.mark[slot] = mark
        # In the order in which they were met, until it is known better.
        self.next[slot] = slot + 1
        self.series += 1
        return slot

    def _marked(self, slot):
        cdef uint32_t mark
        cdef int64_t at = slot
        with nogil:
            self.begin_reading()
        if at < 0 or at >= self.series:
            self.end()
            raise IndexError(f"there is no slot {slot}")
        mark = self.mark[at]
        self.end()
        return mark

    def is_cloudwatch(self, slot):
        """Whether the series of a slot is CloudWatch's."""
        return bool(self._marked(slot) & 1)

    def account(self, slot):
        """The number of the account of the series in this slot."""
        return self._marked(slot) >> 1

    def name_statistic(self, bytes name):
        """Let points with an extra statistic be read; those beyond the first 256 are not."""
        with nogil:
            self.begin_writing()
        try:
            self._statistic(name)
        finally:
            self.end()

    def name_quantile(self, double quantile, bytes name):
        """Let points with this quantile be read under the name of a statistic."""
        cdef int number
        with nogil:
            self.begin_writing()
        try:
            if isnan(quantile) or self.quantiles == MOST_QUANTILES:
                return
            number = self._statistic(name)
            if number < 0 or self.find_quantile(quantile) >= 0:
                return
            self.quantile[self.quantiles] = quantile
            self.quantile_name[self.quantiles] = <uint8_t>number
            self.quantiles += 1
        finally:
            self.end()

    def _statistic(self, bytes name):
        cdef int number = self.find_statistic(<const uint8_t *>name, <uint32_t>len(name), 0)
        if number >= 0 or self.statistics == MOST_STATISTICS:
            return number
        self.statistic_part[self.statistics] = self._part(
            <const uint8_t *>name, <uint32_t>len(name)
        )
        self.statistic_names.append(name.decode())
        self.statistics += 1
        return self.statistics - 1
