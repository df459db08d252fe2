# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Where a scanner leaves what it reads: rows, extra statistics, and series nobody knows yet.

A scanner notes the ``level`` before each message or line and returns to it when it leaves that one
to the reference decoder, so that a message is taken as a whole or not at all.
"""

from cpython.array cimport array, resize_smart
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc

from app.otlp.scan import News, Scan
from app.otlp.scanner.news cimport NewSeries

cdef enum:
    _MOST_NEWS = 4096


cdef void *_grown(void *memory, uint64_t *room, uint64_t wanted, size_t item) noexcept nogil:
    cdef uint64_t grown = wanted + wanted // 2 + 256
    cdef void *moved = realloc(memory, grown * item)
    if moved != NULL:
        room[0] = grown
    return moved


cdef class Sink:
    def __cinit__(self, KeyTable table, bytes record, allowed, uint64_t extras_left):
        self.table = table
        self.base = <const uint8_t *><const char *>record
        self.again = -1
        self.extras_left = extras_left
        self.is_bound = allowed is not None
        if allowed is not None:
            self.allowed = <const uint8_t *><const char *><bytes>allowed
            self.allowed_size = len(allowed)

    def __dealloc__(self):
        free(self.rows)
        free(self.extras)
        free(self.words)
        free(self.quantiles)
        free(self.names)

    cdef Outcome add(self, Row *row) noexcept nogil:
        cdef void *moved
        if self.level.rows == self.row_room:
            moved = _grown(self.rows, &self.row_room, self.level.rows + 1, sizeof(Row))
            if moved == NULL:
                return NO_MEMORY
            self.rows = <Row *>moved
        self.rows[self.level.rows] = row[0]
        self.level.rows += 1
        return TAKEN

    cdef Outcome add_extra(self, uint32_t statistic, double value) noexcept nogil:
        """One of the row that is added next; how many there may be is the reference's to tell."""
        cdef void *moved
        if self.level.extras >= self.extras_left:
            return LEFT
        if self.level.extras == self.extra_room:
            moved = _grown(self.extras, &self.extra_room, self.level.extras + 1, sizeof(Extra))
            if moved == NULL:
                return NO_MEMORY
            self.extras = <Extra *>moved
        self.extras[self.level.extras].row = self.level.rows
        self.extras[self.level.extras].statistic = statistic
        self.extras[self.level.extras].value = value
        self.level.extras += 1
        return TAKEN

    cdef Outcome add_quantile(self, double quantile) noexcept nogil:
        """A quantile without a name yet; the message is read again when it has one."""
        cdef void *moved
        self.level.unknown = True
        if self.is_final:
            return LEFT
        if self.level.quantiles == self.quantile_room:
            moved = _grown(
                self.quantiles, &self.quantile_room, self.level.quantiles + 1, sizeof(double)
            )
            if moved == NULL:
                return NO_MEMORY
            self.quantiles = <double *>moved
        self.quantiles[self.level.quantiles] = quantile
        self.level.quantiles += 1
        return TAKEN

    cdef Outcome add_name(self, const Slice *name) noexcept nogil:
        """The name of a statistic nobody has told about yet."""
        cdef void *moved
        self.level.unknown = True
        if self.is_final:
            return LEFT
        if self.level.names == self.name_room:
            moved = _grown(self.names, &self.name_room, self.level.names + 1, sizeof(Slice))
            if moved == NULL:
                return NO_MEMORY
            self.names = <Slice *>moved
        self.names[self.level.names] = name[0]
        self.level.names += 1
        return TAKEN

    cdef Outcome add_new(
        self, int format_, Slice *parts, uint32_t labels, const Slice *label
    ) noexcept nogil:
        """A series without a slot yet: resource, metric and unit, and its labels, as slices."""
        cdef void *moved
        cdef uint64_t at = self.level.words
        cdef uint32_t each
        cdef uint64_t wanted = at + 2 + 2 * (3 + labels)
        self.level.unknown = True
        if self.is_final:
            return LEFT
        if wanted > self.word_room:
            moved = _grown(self.words, &self.word_room, wanted, sizeof(int64_t))
            if moved == NULL:
                return NO_MEMORY
            self.words = <int64_t *>moved
        self.words[at] = format_
        self.words[at + 1] = labels
        at += 2
        for each in range(3):
            self.words[at] = parts[each].at - self.base
            self.words[at + 1] = parts[each].length
            at += 2
        for each in range(labels):
            self.words[at] = label[each].at - self.base
            self.words[at + 1] = label[each].length
            at += 2
        self.level.words = at
        self.level.news += 1
        return TAKEN

    cdef bint may_deliver(self, uint32_t mark) noexcept nogil:
        cdef uint32_t account = mark >> 1
        if not self.is_bound:
            return True
        return account < self.allowed_size and self.allowed[account] != 0

    cdef bint has_room(self) noexcept nogil:
        """Whether more news may be gathered before they are told."""
        return self.level.news + self.level.quantiles + self.level.names <= _MOST_NEWS

    cdef void close(self, Outcome outcome, const Level *before, int64_t start) noexcept nogil:
        """End the message or line that began at ``start``."""
        if outcome != TAKEN:
            self.level = before[0]
            return
        if self.level.unknown and self.again < 0:
            self.again = start
            self.known = before[0]
        self.level.unknown = False
        if self.again < 0:
            self.level.taken += 1

    cdef object finish(
        self, bytes record, object into, int64_t start, int64_t end, bint is_framed
    ):
        """Hand over what was read. From the first unknown on it is read again, in its order."""
        series = self._new_series(record)
        news = News(series, self._new_quantiles(), self._new_names())
        if self.again >= 0:
            self.level.rows = self.known.rows
            self.level.extras = self.known.extras
        self._flush(into)
        return Scan(self.level.taken, start, end, is_framed, news, self.again)

    def _flush(self, into):
        cdef array slot = into.slot
        cdef array start_ms = into.start_ms
        cdef array period_ms = into.period_ms
        cdef array count = into.count
        cdef array total = into.total
        cdef array minimum = into.minimum
        cdef array maximum = into.maximum
        cdef uint64_t rows = self.level.rows
        cdef uint64_t held = len(slot)
        cdef uint64_t each
        cdef Row *row
        if not rows:
            return
        for column in (slot, start_ms, period_ms, count, total, minimum, maximum):
            resize_smart(column, held + rows)
        for each in range(rows):
            row = &self.rows[each]
            slot.data.as_longlongs[held + each] = row.slot
            start_ms.data.as_longlongs[held + each] = row.start_ms
            period_ms.data.as_longlongs[held + each] = row.period_ms
            count.data.as_doubles[held + each] = row.count
            total.data.as_doubles[held + each] = row.total
            minimum.data.as_doubles[held + each] = row.minimum
            maximum.data.as_doubles[held + each] = row.maximum
        if self.level.extras:
            self._flush_extras(into, held)

    def _flush_extras(self, into, uint64_t first_row):
        cdef array extra_row = into.extra_row
        cdef array extra_statistic = into.extra_statistic
        cdef array extra_value = into.extra_value
        cdef uint64_t held = len(extra_row)
        cdef uint64_t each
        cdef int64_t number
        cdef int64_t numbers[256]
        for each in range(256):
            numbers[each] = -1
        for column in (extra_row, extra_statistic, extra_value):
            resize_smart(column, held + self.level.extras)
        for each in range(self.level.extras):
            number = numbers[self.extras[each].statistic]
            if number < 0:
                number = into.statistic(self.table.statistic_names[self.extras[each].statistic])
                numbers[self.extras[each].statistic] = number
            extra_row.data.as_longlongs[held + each] = first_row + self.extras[each].row
            extra_statistic.data.as_longlongs[held + each] = number
            extra_value.data.as_doubles[held + each] = self.extras[each].value

    cdef object _new_series(self, bytes record):
        """The series without a slot; each copy of bytes that points share is made once."""
        cdef NewSeries found
        if not self.level.news:
            return None
        found = NewSeries(self.table, record)
        found.read(self.words, self.level.words)
        return found

    def _new_names(self):
        cdef uint64_t each
        return {
            (<const char *>self.names[each].at)[: self.names[each].length]
            for each in range(self.level.names)
        }

    def _new_quantiles(self):
        cdef uint64_t each
        return {self.quantiles[each] for each in range(self.level.quantiles)}
