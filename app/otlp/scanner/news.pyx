# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Series that a scanner met for the first time, as columns: what they have in common, and the rest.

Each is there once, in the order of its first point. Its bytes are slices of the record; the same
bytes at several places have one number. So what many series share is described once for all.
"""

from cpython.array cimport array, clone
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp, memcpy

from app.otlp.key_codes import code_of
from app.otlp.key_table import RawSeries
from app.otlp.points import SUMMARY
from app.otlp.rejection import Format
from app.otlp.scanner.table cimport (
    HEAD, MOST_LABELS, NOT_FOUND, Index, KeyTable, Slice, hashed_of, insert, reserve
)

_FORMATS = tuple(Format)
_CODES = tuple(code_of(format_, SUMMARY) for format_ in Format)

cdef enum:
    _JSON_LABELS = 3
    _OWN_LABELS = 2
    _WORDS = 2 * (HEAD + MOST_LABELS)

cdef array _NUMBERS = array("q")
_JSON = _FORMATS.index(Format.JSON)


cdef class Rows:
    """Rows of numbers, each once, numbered in the order in which they came."""

    def __dealloc__(self):
        free(self.index.entries)
        free(self.words)
        free(self.start)

    cdef uint32_t add(
        self, const uint32_t *row, uint32_t words, KeyTable table
    ) except? 0xFFFFFFFF:
        """The number of a row, which is not empty; a new one is the count before."""
        cdef size_t size = words * sizeof(uint32_t)
        cdef uint32_t hashed = hashed_of(table, <const uint8_t *>row, size)
        cdef uint64_t place, entry
        cdef uint32_t each
        if self.index.entries != NULL:
            place = hashed & self.index.mask
            while self.index.entries[place]:
                entry = self.index.entries[place]
                if <uint32_t>(entry >> 32) == hashed:
                    each = <uint32_t>entry - 1
                    if self.start[each + 1] - self.start[each] == words:
                        if memcmp(self.words + self.start[each], row, size) == 0:
                            return each
                place = (place + 1) & self.index.mask
        self.room = reserve(<void **>&self.words, self.room, self.size + words, sizeof(uint32_t))
        self.start_room = reserve(
            <void **>&self.start, self.start_room, self.count + 2, sizeof(uint64_t)
        )
        insert(&self.index, hashed, self.count)
        memcpy(self.words + self.size, row, size)
        self.start[self.count] = self.size
        self.size += words
        self.count += 1
        self.start[self.count] = self.size
        return self.count - 1


cdef class NewSeries:
    """A sequence of ``RawSeries``, which are made when they are asked for.

    ``head`` and ``rest`` are arrays of 64-bit numbers, one of each series: series with equal ones
    have equal bytes there. See ``app.otlp.scan.NewSeries``.
    """

    def __cinit__(self, KeyTable table, bytes record):
        self.table = table
        self.record = record
        self.joined = []
        self.copies = []
        self.series = Rows()
        self.heads = Rows()
        self.rests = Rows()

    def __dealloc__(self):
        free(self.part_index.entries)
        free(self.part)
        free(self.numbers)

    cdef uint32_t _part(self, const uint8_t *at, uint32_t length) except? 0xFFFFFFFF:
        cdef uint32_t hashed = hashed_of(self.table, at, length)
        cdef uint64_t place, entry
        cdef uint32_t each
        if self.part_index.entries != NULL:
            place = hashed & self.part_index.mask
            while self.part_index.entries[place]:
                entry = self.part_index.entries[place]
                if <uint32_t>(entry >> 32) == hashed:
                    each = <uint32_t>entry - 1
                    if self.part[each].length == length:
                        if memcmp(self.part[each].at, at, length) == 0:
                            return each
                place = (place + 1) & self.part_index.mask
        self.part_room = reserve(
            <void **>&self.part, self.part_room, self.parts + 1, sizeof(Slice)
        )
        insert(&self.part_index, hashed, self.parts)
        self.part[self.parts].at = at
        self.part[self.parts].length = length
        self.parts += 1
        return self.parts - 1

    cdef object read(self, const int64_t *words, uint64_t size):
        """Take what ``Sink.add_new`` has noted: format, number of labels, slices."""
        cdef const uint8_t *base = <const uint8_t *><const char *>self.record
        cdef uint64_t at = 0
        cdef uint32_t labels, each, number, before
        cdef int64_t format_
        cdef uint32_t key[HEAD + MOST_LABELS + 1]
        cdef uint32_t shared[6]
        cdef uint32_t others[MOST_LABELS + 1]
        cdef int64_t seen[_WORDS]
        cdef uint32_t codes[8]
        cdef bytes joined
        cdef array head = clone(_NUMBERS, 0, False), head_first = clone(_NUMBERS, 0, False)
        cdef array rest = clone(_NUMBERS, 0, False)
        cdef uint32_t resource = 0
        cdef int64_t json = _JSON
        cdef int64_t account = -1, region = -1
        for each in range(len(_CODES)):
            codes[each] = _CODES[each]
        for each in range(_WORDS):
            seen[each] = -1
        while at < size:
            format_, labels = words[at], <uint32_t>words[at + 1]
            at += 2
            for each in range(3 + labels):
                # What follows one another is mostly one message's: its resource is one slice.
                if seen[2 * each] != words[at] or seen[2 * each + 1] != words[at + 1]:
                    seen[2 * each], seen[2 * each + 1] = words[at], words[at + 1]
                    key[1 + each] = self._part(base + words[at], <uint32_t>words[at + 1])
                at += 2
            if format_ == json:
                # Account and region do not stand together in the line, the region is the last.
                labels -= 1
                if account != key[1] or region != key[HEAD + labels]:
                    account, region = key[1], key[HEAD + labels]
                    joined = self._bytes(account) + b"\0" + self._bytes(region)
                    before = self.parts
                    resource = self._part(
                        <const uint8_t *><const char *>joined, <uint32_t>len(joined)
                    )
                    if before < self.parts:
                        self.joined.append(joined)
                key[1] = resource
                seen[0] = -1
            key[0] = codes[format_] | (labels << 8)
            before = self.series.count
            if self.series.add(key, HEAD + labels, self.table) < before:
                continue
            if labels < _OWN_LABELS or (format_ == json and labels != _JSON_LABELS):
                head.append(-1)
                rest.append(-1)
                continue
            shared[0], shared[1], shared[2], shared[3] = key[0] & 0xFF, key[1], 0, key[3]
            shared[4], shared[5] = key[HEAD], key[HEAD + 1]
            if format_ == json:
                shared[2], shared[5] = key[2], key[HEAD + 2]
            number = self.heads.add(shared, 6, self.table)
            if number == <uint32_t>len(head_first):
                head_first.append(before)
            head.append(number)
            # The same bytes mean something else in another format.
            others[0] = key[0] & 0xFF
            if format_ == json:
                others[1] = key[HEAD + 1]
                number = self.rests.add(others, 2, self.table)
            else:
                for each in range(_OWN_LABELS, labels):
                    others[1 + each - _OWN_LABELS] = key[HEAD + each]
                number = self.rests.add(others, 1 + labels - _OWN_LABELS, self.table)
            rest.append(number)
        self.head, self.head_first, self.rest, self.rests_met = (
            head, head_first, rest, self.rests.count
        )

    def _bytes(self, number):
        cdef uint32_t part = number
        while len(self.copies) < self.parts:
            self.copies.append(None)
        copy = self.copies[part]
        if copy is None:
            copy = (<const char *>self.part[part].at)[: self.part[part].length]
            self.copies[part] = copy
        return copy

    def __len__(self):
        return self.series.count

    def __getitem__(self, number):
        """Bytes that series share are copied once."""
        cdef int64_t wanted = number
        cdef uint32_t *key
        cdef uint32_t each
        if wanted < 0 or wanted >= self.series.count:
            raise IndexError(number)
        key = self.series.words + self.series.start[wanted]
        format_ = _FORMATS[_CODES.index(key[0] & 0xFF)]
        labels = tuple([self._bytes(key[HEAD + each]) for each in range(key[0] >> 8)])
        return RawSeries(
            format_, SUMMARY, self._bytes(key[1]), self._bytes(key[2]), self._bytes(key[3]), labels
        )

    def others(self, number):
        """The format and the other labels of a series whose rest has a number."""
        cdef int64_t wanted = number
        cdef uint32_t *row
        cdef uint64_t each
        if wanted < 0 or wanted >= self.rests.count:
            raise IndexError(number)
        row = self.rests.words + self.rests.start[wanted]
        labels = []
        for each in range(1, self.rests.start[wanted + 1] - self.rests.start[wanted]):
            labels.append((<const char *>self.part[row[each]].at)[: self.part[row[each]].length])
        return _FORMATS[_CODES.index(row[0])], tuple(labels)

    def slots(self):
        """The slot of each series, -1 where it has none; an array of 64-bit numbers."""
        cdef KeyTable table = self.table
        cdef array slots = clone(_NUMBERS, self.series.count, False)
        cdef uint32_t key[HEAD + MOST_LABELS + 1]
        cdef uint32_t each, slot
        if not self._has_numbers():
            return slots
        with nogil:
            table.begin_reading()
            for each in range(self.parts):
                if self.numbers[each] == NOT_FOUND:
                    self.numbers[each] = table.find_part(self.part[each].at, self.part[each].length)
            for each in range(self.series.count):
                slot = NOT_FOUND
                if self._translated(each, key):
                    slot = table.find_series(key)
                slots.data.as_longlongs[each] = -1 if slot == NOT_FOUND else <int64_t>slot
            table.end()
        return slots

    def add(self, rows, marks):
        """Give the series of some rows, which have none, the next slots, in this order.

        ``marks`` has of each twice the number of its account, and one more if it is CloudWatch's.
        Only one thread may add at a time.
        """
        cdef KeyTable table = self.table
        cdef const int64_t[::1] wanted = rows
        cdef const int32_t[::1] mark = marks
        cdef uint32_t key[HEAD + MOST_LABELS + 1]
        cdef uint32_t part, place, each
        cdef Py_ssize_t row
        if wanted.shape[0] != mark.shape[0]:
            raise ValueError("a mark is needed for each row")
        if not self._has_numbers():
            return
        with nogil:
            table.begin_writing()
        try:
            for row in range(wanted.shape[0]):
                if not 0 <= wanted[row] < self.series.count:
                    raise IndexError(wanted[row])
                each = <uint32_t>wanted[row]
                for place in range(1, self.series.start[each + 1] - self.series.start[each]):
                    part = self.series.words[self.series.start[each] + place]
                    if self.numbers[part] == NOT_FOUND:
                        self.numbers[part] = table._part(
                            self.part[part].at, self.part[part].length
                        )
                self._translated(each, key)
                table.add_key(key, HEAD + (key[0] >> 8), <uint32_t>mark[row])
        finally:
            table.end()

    cdef bint _has_numbers(self) except -1:
        cdef uint32_t each
        if not self.parts:
            return False
        if self.numbers == NULL:
            self.numbers = <uint32_t *>malloc(self.parts * sizeof(uint32_t))
            if self.numbers == NULL:
                raise MemoryError
            for each in range(self.parts):
                self.numbers[each] = NOT_FOUND
        return True

    cdef bint _translated(self, uint32_t number, uint32_t *key) noexcept nogil:
        """The row in the numbers of the table; False where it does not know a part."""
        cdef uint64_t start = self.series.start[number]
        cdef uint64_t each, size = self.series.start[number + 1] - start
        cdef uint32_t part
        key[0] = self.series.words[start]
        for each in range(1, size):
            part = self.numbers[self.series.words[start + each]]
            if part == NOT_FOUND:
                return False
            key[each] = part
        return True
