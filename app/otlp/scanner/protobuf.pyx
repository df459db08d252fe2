# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Reads OpenTelemetry 0.7 and 1.0 messages of a record straight into columns.

Only what CloudWatch writes is read here: summaries whose fields have the usual wire types. Whatever
else occurs, from a gauge to a byte too few, leaves its whole message to the reference decoder, so
that what is rejected, and why, is decided in one place. No length is believed before it has been
compared with what is left.
"""

from libc.math cimport NAN, isfinite
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from app.clock import LAST_MS
from app.otlp.key_codes import code_of
from app.otlp.points import (
    _FIRST_MS,
    _LONGEST_PERIOD_MS,
    _MOST_EXTRA_STATISTICS,
    CLOUDWATCH_PERIOD_MS,
    SUMMARY,
)
from app.otlp.rejection import Format

from app.otlp.scanner.sink cimport LEFT, NO_MEMORY, TAKEN, Level, Outcome, Row, Sink
from app.otlp.scanner.table cimport (
    HEAD,
    LONGEST_RECORD,
    MOST_LABELS,
    NOT_FOUND,
    Guess,
    KeyTable,
    Reader,
    Slice,
    guess_after,
    guess_nothing,
    is_part,
    part_of,
)
from app.otlp.scanner.wire cimport (
    FIELD_1_BYTES,
    FIELD_1_FIXED,
    FIELD_2_BYTES,
    FIELD_2_FIXED,
    FIELD_3_BYTES,
    FIELD_3_FIXED,
    FIELD_4_FIXED,
    FIELD_5_FIXED,
    FIELD_6_BYTES,
    FIELD_7_BYTES,
    FIELD_11_BYTES,
    read_fixed,
    read_framed,
    read_inner,
    read_slice,
)

cdef enum:
    # The reference counts the parts of messages from this size on before it parses them.
    _LARGEST_MESSAGE = 1024 * 1024 - 1

cdef int64_t FIRST_MS = _FIRST_MS
cdef int64_t LATEST_MS = LAST_MS
cdef int64_t PERIOD_MS = CLOUDWATCH_PERIOD_MS
cdef int64_t LONGEST_MS = _LONGEST_PERIOD_MS
cdef uint32_t MOST_EXTRAS = _MOST_EXTRA_STATISTICS
cdef uint32_t CODE_0_7 = code_of(Format.OTLP_0_7, SUMMARY)
cdef uint32_t CODE_1_0 = code_of(Format.OTLP_1_0, SUMMARY)
cdef int FORMAT_0_7 = tuple(Format).index(Format.OTLP_0_7)
cdef int FORMAT_1_0 = tuple(Format).index(Format.OTLP_1_0)


cdef struct Around:
    # What a point shares with others: resource, metric and unit as slices and as parts.
    Slice parts[3]
    uint32_t numbers[3]
    # The parts that the labels of the point before had, tried first.
    uint32_t hints[MOST_LABELS]
    Guess guess


cdef Outcome _quantile(Reader *reader, Row *row, uint64_t *seen, Sink sink) noexcept nogil:
    """One ValueAtQuantile; ``seen`` has a bit for each statistic that the point has."""
    cdef Reader inner
    cdef double quantile = 0.0
    cdef double value = 0.0
    cdef uint8_t tag
    cdef int name
    if not read_inner(reader, &inner):
        return LEFT
    while inner.at < inner.end:
        tag = inner.at[0]
        inner.at += 1
        if tag == FIELD_1_FIXED:
            if not read_fixed(&inner, &quantile):
                return LEFT
        elif tag == FIELD_2_FIXED:
            if not read_fixed(&inner, &value):
                return LEFT
        else:
            return LEFT
    if not isfinite(value):
        return LEFT
    if quantile == 0.0:
        if row.minimum == row.minimum:
            return LEFT
        row.minimum = value
        return TAKEN
    if quantile == 1.0:
        if row.maximum == row.maximum:
            return LEFT
        row.maximum = value
        return TAKEN
    name = sink.table.find_quantile(quantile)
    if name < 0:
        return sink.add_quantile(quantile)
    if seen[name >> 6] >> (name & 63) & 1:
        return LEFT
    seen[name >> 6] |= <uint64_t>1 << (name & 63)
    return sink.add_extra(name, value)


cdef inline bint _times(
    bint is_cloudwatch, uint64_t start_ns, uint64_t end_ns, Row *row
) noexcept nogil:
    """The period, as ``points.interval_ms`` and ``points.instant_ms`` have it."""
    cdef int64_t end_ms = <int64_t>(end_ns // 1000000)
    if not FIRST_MS <= end_ms <= LATEST_MS:
        return False
    if not is_cloudwatch:
        row.start_ms, row.period_ms = end_ms, 0
        return True
    row.start_ms, row.period_ms = end_ms - PERIOD_MS, PERIOD_MS
    if start_ns:
        row.start_ms = <int64_t>(start_ns // 1000000)
        row.period_ms = end_ms - row.start_ms
    return 0 < row.period_ms <= LONGEST_MS


cdef inline uint32_t _guessed(
    Around *around, uint32_t head, const Slice *label, uint32_t labels, Sink sink
) noexcept nogil:
    """The slot that is guessed, if it is the one: all of its key is compared."""
    cdef const uint32_t *key = around.guess.key
    cdef uint32_t each
    # The head tells the number of labels, so that no row is read past its end.
    if key == NULL or key[0] != head:
        return NOT_FOUND
    for each in range(3):
        if key[1 + each] != around.numbers[each]:
            return NOT_FOUND
    for each in range(labels):
        if not is_part(sink.table, key[HEAD + each], label[each].at, label[each].length):
            return NOT_FOUND
        around.hints[each] = key[HEAD + each]
    return around.guess.slot


cdef Outcome _point(Reader *reader, Around *around, Sink sink) noexcept nogil:
    cdef Reader inner
    cdef Slice label[MOST_LABELS]
    cdef uint32_t key[HEAD + MOST_LABELS]
    cdef uint64_t seen[4]
    cdef uint64_t start_ns = 0, end_ns = 0, count = 0
    cdef uint64_t extras = sink.level.extras, quantiles = sink.level.quantiles, news
    cdef uint32_t labels = 0, each, part, slot = NOT_FOUND
    cdef uint8_t tag, label_tag = 0
    cdef Row row
    cdef Outcome outcome
    cdef bint is_known = True
    seen[0] = seen[1] = seen[2] = seen[3] = 0
    row.total = 0.0
    row.minimum = row.maximum = NAN
    if not read_inner(reader, &inner):
        return LEFT
    while inner.at < inner.end:
        tag = inner.at[0]
        inner.at += 1
        if tag == FIELD_6_BYTES:
            outcome = _quantile(&inner, &row, seen, sink)
            if outcome != TAKEN:
                return outcome
            news = sink.level.quantiles - quantiles
            if sink.level.extras - extras + news > MOST_EXTRAS:
                return LEFT
        elif tag == FIELD_7_BYTES or tag == FIELD_1_BYTES:
            # Labels of both versions on one point: not CloudWatch's.
            if labels == MOST_LABELS or (label_tag and label_tag != tag):
                return LEFT
            label_tag = tag
            if not read_slice(&inner, &label[labels]):
                return LEFT
            labels += 1
        elif tag == FIELD_2_FIXED:
            if not read_fixed(&inner, &start_ns):
                return LEFT
        elif tag == FIELD_3_FIXED:
            if not read_fixed(&inner, &end_ns):
                return LEFT
        elif tag == FIELD_4_FIXED:
            if not read_fixed(&inner, &count):
                return LEFT
        elif tag == FIELD_5_FIXED:
            if not read_fixed(&inner, &row.total):
                return LEFT
        else:
            return LEFT
    if not isfinite(row.total):
        return LEFT
    key[0] = (CODE_0_7 if label_tag == FIELD_1_BYTES else CODE_1_0) | (labels << 8)
    for each in range(3):
        key[1 + each] = around.numbers[each]
        is_known = is_known and around.numbers[each] != NOT_FOUND
    if is_known:
        slot = _guessed(around, key[0], label, labels, sink)
    if is_known and slot == NOT_FOUND:
        for each in range(labels):
            part = around.hints[each]
            if not is_part(sink.table, part, label[each].at, label[each].length):
                part = sink.table.find_part(label[each].at, label[each].length)
                around.hints[each] = part
                if part == NOT_FOUND:
                    is_known = False
                    break
            key[HEAD + each] = part
        if is_known:
            slot = sink.table.find_series(key)
    if slot == NOT_FOUND:
        return sink.add_new(
            FORMAT_0_7 if label_tag == FIELD_1_BYTES else FORMAT_1_0, around.parts, labels, label
        )
    if not sink.may_deliver(sink.table.mark[slot]):
        return LEFT
    if not _times(sink.table.mark[slot] & 1, start_ns, end_ns, &row):
        return LEFT
    guess_after(sink.table, &around.guess, slot)
    row.slot = slot
    row.count = <double>count
    return sink.add(&row)


cdef Outcome _metric(Reader *reader, Around *around, Sink sink) noexcept nogil:
    cdef Reader inner, summary
    cdef Slice skipped
    cdef uint8_t tag, last = 0
    cdef uint32_t each
    cdef Outcome outcome
    cdef bint has_points = False
    if not read_inner(reader, &inner):
        return LEFT
    around.parts[1].at = around.parts[2].at = inner.at
    around.parts[1].length = around.parts[2].length = 0
    while inner.at < inner.end:
        tag = inner.at[0]
        inner.at += 1
        # Each field once and in the order of their numbers: the name is known before the points.
        if tag <= last:
            return LEFT
        last = tag
        if tag == FIELD_1_BYTES:
            if not read_slice(&inner, &around.parts[1]):
                return LEFT
        elif tag == FIELD_2_BYTES:
            if not read_slice(&inner, &skipped):
                return LEFT
        elif tag == FIELD_3_BYTES:
            if not read_slice(&inner, &around.parts[2]):
                return LEFT
        elif tag == FIELD_11_BYTES:
            if not read_inner(&inner, &summary):
                return LEFT
            for each in range(1, 3):
                around.numbers[each] = part_of(
                    sink.table,
                    &around.guess,
                    1 + each,
                    around.numbers[each],
                    around.parts[each].at,
                    around.parts[each].length,
                )
            while summary.at < summary.end:
                tag = summary.at[0]
                summary.at += 1
                if tag != FIELD_1_BYTES:
                    return LEFT
                outcome = _point(&summary, around, sink)
                if outcome != TAKEN:
                    return outcome
                has_points = True
        else:
            return LEFT
    return TAKEN if has_points else LEFT


cdef Outcome _scope(Reader *reader, Around *around, Sink sink) noexcept nogil:
    cdef Reader inner
    cdef Slice skipped
    cdef uint8_t tag
    cdef Outcome outcome
    cdef bint has_metrics = False
    if not read_inner(reader, &inner):
        return LEFT
    while inner.at < inner.end:
        tag = inner.at[0]
        inner.at += 1
        if tag == FIELD_2_BYTES:
            outcome = _metric(&inner, around, sink)
            if outcome != TAKEN:
                return outcome
            has_metrics = True
        elif tag == FIELD_1_BYTES or tag == FIELD_3_BYTES:
            # The scope and its schema are read by nobody.
            if not read_slice(&inner, &skipped):
                return LEFT
        else:
            return LEFT
    return TAKEN if has_metrics else LEFT


cdef Outcome _resource(Reader *reader, Around *around, Sink sink) noexcept nogil:
    cdef Reader inner
    cdef Slice skipped
    cdef uint8_t tag
    cdef Outcome outcome
    cdef bint has_scopes = False, has_resource = False
    if not read_inner(reader, &inner):
        return LEFT
    around.parts[0].at = inner.at
    around.parts[0].length = 0
    while inner.at < inner.end:
        tag = inner.at[0]
        inner.at += 1
        if tag == FIELD_2_BYTES:
            if not has_scopes:
                around.numbers[0] = part_of(
                    sink.table,
                    &around.guess,
                    1,
                    around.numbers[0],
                    around.parts[0].at,
                    around.parts[0].length,
                )
            outcome = _scope(&inner, around, sink)
            if outcome != TAKEN:
                return outcome
            has_scopes = True
        elif tag == FIELD_1_BYTES:
            if has_scopes or has_resource or not read_slice(&inner, &around.parts[0]):
                return LEFT
            has_resource = True
        elif tag == FIELD_3_BYTES:
            if not read_slice(&inner, &skipped):
                return LEFT
        else:
            return LEFT
    return TAKEN if has_scopes else LEFT


cdef Outcome _message(Reader message, Around *around, Sink sink) noexcept nogil:
    cdef Outcome outcome
    while message.at < message.end:
        if message.at[0] != FIELD_1_BYTES:
            return LEFT
        message.at += 1
        outcome = _resource(&message, around, sink)
        if outcome != TAKEN:
            return outcome
    return TAKEN


def scan_messages(
    KeyTable table not None, bytes record, int64_t position, int64_t told_until, allowed, into
):
    """Append the points of messages from ``position`` on to a ``BatchBuilder``.

    Stops where a message has to be left to the reference decoder, and returns a ``Scan``. Messages
    before ``told_until`` have had their turn: what is still unknown there is left, too. Raises
    ``MemoryError``.
    """
    if not 0 <= position <= len(record) <= <int64_t>LONGEST_RECORD:
        raise IndexError(f"byte {position} of a record of {len(record)}")
    cdef Sink sink = Sink(table, record, allowed, max(0, into.extra_room))
    cdef Reader reader, message
    cdef Around around
    cdef Level before
    cdef Outcome outcome = TAKEN
    cdef bint is_framed = True, has_room = True
    cdef int64_t start = position
    cdef uint32_t each
    reader.at = sink.base + position
    reader.end = sink.base + len(record)
    guess_nothing(&around.guess)
    for each in range(3):
        around.numbers[each] = NOT_FOUND
    for each in range(MOST_LABELS):
        around.hints[each] = NOT_FOUND
    with nogil:
        table.begin_reading()
        while has_room and is_framed and outcome == TAKEN and reader.at < reader.end:
            start = reader.at - sink.base
            # Told in pieces, so that what is new takes little memory at once.
            has_room = sink.has_room()
            is_framed = has_room and read_framed(&reader, &message)
            if not is_framed or message.at == message.end:
                continue
            before = sink.level
            sink.is_final = start < told_until
            outcome = LEFT
            if message.end - message.at <= _LARGEST_MESSAGE:
                outcome = _message(message, &around, sink)
            sink.close(outcome, &before, start)
        table.end()
    if outcome == NO_MEMORY:
        raise MemoryError
    if has_room and is_framed and outcome == TAKEN:
        start = len(record)
    return sink.finish(
        record, into, start, reader.at - sink.base, is_framed or not has_room
    )
