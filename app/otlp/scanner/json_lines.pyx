# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Reads lines of CloudWatch JSON straight into columns.

Only the layout that CloudWatch writes is read here: its members in its order, without blanks, in
printable ASCII without escapes. Any other line is left to the reference decoder.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memchr, memcmp, memcpy

from app.clock import LAST_MS
from app.otlp.key_codes import code_of
from app.otlp.points import _FIRST_MS, _MOST_EXTRA_STATISTICS, CLOUDWATCH_PERIOD_MS, SUMMARY
from app.otlp.rejection import Format

from app.otlp.scanner.json_numbers cimport hydrant_make_locale, read_integer, read_number
from app.otlp.scanner.json_text cimport is_blank, is_plain, read_text, read_word
from app.otlp.scanner.sink cimport LEFT, NO_MEMORY, TAKEN, Level, Outcome, Row, Sink
from app.otlp.scanner.table cimport (
    HEAD,
    LONGEST_RECORD,
    NOT_FOUND,
    Guess,
    KeyTable,
    Reader,
    Slice,
    guess_after,
    guess_nothing,
    part_of,
)

if not hydrant_make_locale():
    raise ImportError("the C locale cannot be made")

cdef enum:
    _LONGEST_RESOURCE = 512

cdef int64_t FIRST_MS = _FIRST_MS
cdef int64_t LATEST_MS = LAST_MS
cdef int64_t PERIOD_MS = CLOUDWATCH_PERIOD_MS
cdef uint32_t MOST_EXTRAS = _MOST_EXTRA_STATISTICS
cdef uint32_t CODE = code_of(Format.JSON, SUMMARY)
cdef int FORMAT = tuple(Format).index(Format.JSON)

cdef struct Around:
    # The parts of the line before, tried first.
    uint32_t numbers[6]
    Guess guess


cdef bint _dimensions(Reader *reader, Slice *text) noexcept nogil:
    """An object of texts, as it stands."""
    cdef Slice part
    text.at = reader.at
    if not read_word(reader, b"{", 1):
        return False
    if not read_word(reader, b"}", 1):
        while True:
            if not read_word(reader, b'"', 1) or not read_text(reader, &part):
                return False
            if not read_word(reader, b':"', 2) or not read_text(reader, &part):
                return False
            if read_word(reader, b"}", 1):
                break
            if not read_word(reader, b",", 1):
                return False
    text.length = <uint32_t>(reader.at - text.at)
    return True


cdef Outcome _values(Reader *reader, Row *row, Sink sink) noexcept nogil:
    """The members of ``value`` behind its bracket."""
    cdef Slice name
    cdef double value = 0.0
    cdef uint64_t seen[4]
    cdef uint64_t extras = sink.level.extras, names = sink.level.names, news
    cdef uint32_t standard = 0, bit
    cdef int statistic, hint = -1
    cdef Outcome outcome
    seen[0] = seen[1] = seen[2] = seen[3] = 0
    while True:
        if not read_word(reader, b'"', 1) or not read_text(reader, &name):
            return LEFT
        if not read_word(reader, b":", 1) or not read_number(reader, &value):
            return LEFT
        bit = 0
        if name.length == 3:
            if memcmp(name.at, b"max", 3) == 0:
                bit = 1
                row.maximum = value
            elif memcmp(name.at, b"min", 3) == 0:
                bit = 2
                row.minimum = value
            elif memcmp(name.at, b"sum", 3) == 0:
                bit = 4
                row.total = value
        elif name.length == 5 and memcmp(name.at, b"count", 5) == 0:
            bit = 8
            row.count = value
        if bit:
            if standard & bit:
                return LEFT
            standard |= bit
        else:
            statistic = sink.table.find_statistic(name.at, name.length, hint + 1)
            if statistic < 0:
                outcome = sink.add_name(&name)
            else:
                hint = statistic
                if seen[statistic >> 6] >> (statistic & 63) & 1:
                    return LEFT
                seen[statistic >> 6] |= <uint64_t>1 << (statistic & 63)
                outcome = sink.add_extra(statistic, value)
            if outcome != TAKEN:
                return outcome
            news = sink.level.names - names
            if sink.level.extras - extras + news > MOST_EXTRAS:
                return LEFT
        if read_word(reader, b"}", 1):
            break
        if not read_word(reader, b",", 1):
            return LEFT
    return TAKEN if standard == 15 else LEFT


cdef Outcome _line(Reader line, Around *around, Sink sink) noexcept nogil:
    cdef Slice parts[3]
    cdef Slice label[4]
    cdef Slice piece[6]
    cdef uint8_t resource[_LONGEST_RESOURCE]
    cdef uint32_t key[HEAD + 3]
    cdef uint32_t slot = NOT_FOUND, each, part, hint
    cdef Guess *guess = &around.guess
    cdef int64_t start_ms = 0
    cdef bint is_known = True
    cdef Row row
    cdef Outcome outcome
    if not is_plain(line.at, line.end) or not read_word(&line, b'{"metric_stream_name":"', 23):
        return LEFT
    if not read_text(&line, &label[2]) or not read_word(&line, b',"account_id":"', 15):
        return LEFT
    # As it stands in the line, with its marks.
    label[2].at -= 1
    label[2].length += 2
    if not read_text(&line, &parts[0]) or not read_word(&line, b',"region":"', 11):
        return LEFT
    if not read_text(&line, &label[3]) or not read_word(&line, b',"namespace":"', 14):
        return LEFT
    if not read_text(&line, &label[0]) or not read_word(&line, b',"metric_name":"', 16):
        return LEFT
    if not read_text(&line, &parts[1]) or not read_word(&line, b',"dimensions":', 14):
        return LEFT
    if not _dimensions(&line, &label[1]) or not read_word(&line, b',"timestamp":', 13):
        return LEFT
    if not read_integer(&line, &start_ms) or not FIRST_MS <= start_ms <= LATEST_MS:
        return LEFT
    if not read_word(&line, b',"value":{', 10):
        return LEFT
    outcome = _values(&line, &row, sink)
    if outcome != TAKEN:
        return outcome
    if not read_word(&line, b',"unit":"', 9) or not read_text(&line, &parts[2]):
        return LEFT
    if not read_word(&line, b"}", 1) or line.at != line.end:
        return LEFT
    if <uint64_t>parts[0].length + label[3].length >= _LONGEST_RESOURCE:
        return LEFT
    memcpy(resource, parts[0].at, parts[0].length)
    resource[parts[0].length] = 0
    memcpy(resource + parts[0].length + 1, label[3].at, label[3].length)
    piece[0].at = resource
    piece[0].length = parts[0].length + 1 + label[3].length
    piece[1], piece[2] = parts[1], parts[2]
    piece[3], piece[4], piece[5] = label[0], label[1], label[2]
    key[0] = CODE | (3 << 8)
    # All keys but those of this format and this many labels are shorter, or may be.
    if guess.key != NULL and guess.key[0] != key[0]:
        guess_nothing(guess)
    for each in range(6):
        hint = around.numbers[each]
        part = part_of(
            sink.table, guess, 1 + each, hint, piece[each].at, piece[each].length
        )
        if part == NOT_FOUND:
            is_known = False
            break
        around.numbers[each] = key[1 + each] = part
    if is_known:
        if guess.key != NULL and memcmp(guess.key, key, sizeof(key)) == 0:
            slot = guess.slot
        else:
            slot = sink.table.find_series(key)
    if slot == NOT_FOUND:
        return sink.add_new(FORMAT, parts, 4, label)
    if not sink.may_deliver(sink.table.mark[slot]):
        return LEFT
    guess_after(sink.table, guess, slot)
    row.slot = slot
    row.start_ms = start_ms
    row.period_ms = PERIOD_MS
    return sink.add(&row)


def scan_lines(
    KeyTable table not None, bytes record, int64_t position, int64_t told_until, allowed, into
):
    """Append the points of lines from ``position`` on to a ``BatchBuilder``.

    Stops where a line has to be left to the reference decoder, and returns a ``Scan``. Lines before
    ``told_until`` have had their turn: what is still unknown there is left, too. Raises
    ``MemoryError``.
    """
    if not 0 <= position <= len(record) <= <int64_t>LONGEST_RECORD:
        raise IndexError(f"byte {position} of a record of {len(record)}")
    cdef Sink sink = Sink(table, record, allowed, max(0, into.extra_room))
    cdef Reader reader, line
    cdef Around around
    cdef Level before
    cdef Outcome outcome = TAKEN
    cdef bint has_room = True
    cdef int64_t start = position
    cdef uint32_t each
    reader.at = sink.base + position
    reader.end = sink.base + len(record)
    guess_nothing(&around.guess)
    for each in range(6):
        around.numbers[each] = NOT_FOUND
    with nogil:
        table.begin_reading()
        while has_room and outcome == TAKEN:
            while reader.at < reader.end and is_blank(reader.at[0]):
                reader.at += 1
            if reader.at == reader.end:
                break
            start = reader.at - sink.base
            has_room = sink.has_room()
            if not has_room:
                break
            line.at = reader.at
            line.end = <const uint8_t *>memchr(reader.at, 0x0A, reader.end - reader.at)
            if line.end == NULL:
                line.end = reader.end
            reader.at = line.end
            if line.end[-1] == 0x0D:
                line.end -= 1
            before = sink.level
            sink.is_final = start < told_until
            outcome = _line(line, &around, sink)
            sink.close(outcome, &before, start)
        table.end()
    if outcome == NO_MEMORY:
        raise MemoryError
    if has_room and outcome == TAKEN:
        start = len(record)
    return sink.finish(record, into, start, reader.at - sink.base, True)
