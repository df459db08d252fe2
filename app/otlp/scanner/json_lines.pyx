# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Reads lines of CloudWatch JSON straight into columns.

Only the layout that CloudWatch writes is read here: its members in its order, without blanks, in
printable ASCII without escapes. Any other line is left to the reference decoder.
"""

from libc.float cimport DBL_MAX, DBL_MIN
from libc.math cimport fabs
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memchr, memcmp, memcpy

from app.clock import LAST_MS
from app.otlp.key_codes import code_of
from app.otlp.points import _FIRST_MS, _MOST_EXTRA_STATISTICS, CLOUDWATCH_PERIOD_MS, SUMMARY
from app.otlp.rejection import Format

from app.otlp.scanner.sink cimport LEFT, NO_MEMORY, TAKEN, Level, Outcome, Row, Sink
from app.otlp.scanner.table cimport (
    HEAD,
    LONGEST_RECORD,
    NOT_FOUND,
    Guess,
    KeyTable,
    Slice,
    guess_after,
    guess_nothing,
    part_of,
)

cdef extern from *:
    """
    #include <locale.h>
    #include <stdlib.h>
    /* The decimal point of the process' locale is none of JSON's business. */
    static locale_t hydrant_c_locale;
    static int hydrant_make_locale(void) {
        hydrant_c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
        return hydrant_c_locale != (locale_t)0;
    }
    /* Where long doubles have 64 bits, as on x86: an integer of 64 bits times or by a power of ten up
       to 10**27 = 2**27 * 5**27, whose odd part has 63 bits, is one operation on exact numbers. Its
       result is off by half of its last bit at most. Rounding it once more, to 53 bits, gives what
       rounding once gives, unless it stands exactly in the middle between two doubles; those are
       told by their last 11 bits. */
    #include <float.h>
    #include <stdint.h>
    #include <string.h>
    #if LDBL_MANT_DIG == 64
    static const long double hydrant_powers[28] = {
        1e0L, 1e1L, 1e2L, 1e3L, 1e4L, 1e5L, 1e6L, 1e7L, 1e8L, 1e9L, 1e10L, 1e11L, 1e12L, 1e13L,
        1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L, 1e20L, 1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L,
        1e27L};
    static int hydrant_wide(uint64_t digits, int power, double *value) {
        long double wide = (long double)digits;
        uint64_t fraction;
        if (power < -27 || power > 27) return 0;
        wide = power < 0 ? wide / hydrant_powers[-power] : wide * hydrant_powers[power];
        memcpy(&fraction, &wide, sizeof fraction);
        if ((fraction & 0x7FF) == 0x400) return 0;
        *value = (double)wide;
        return 1;
    }
    #else
    static int hydrant_wide(uint64_t digits, int power, double *value) {
        (void)digits, (void)power, (void)value;
        return 0;
    }
    #endif
    static double hydrant_double(const char *text, char **end) {
        return strtod_l(text, end, hydrant_c_locale);
    }
    """
    bint hydrant_make_locale()
    bint hydrant_wide(uint64_t digits, int power, double *value) nogil
    double hydrant_double(const char *text, char **end) nogil

if not hydrant_make_locale():
    raise ImportError("the C locale cannot be made")

cdef enum:
    _LONGEST_NUMBER = 63
    _LONGEST_RESOURCE = 512
    _EXACT_DIGITS = 15
    # As many are below 2**64.
    _WIDE_DIGITS = 19
    _EXACT_POWER = 22

cdef int64_t FIRST_MS = _FIRST_MS
cdef int64_t LATEST_MS = LAST_MS
cdef int64_t PERIOD_MS = CLOUDWATCH_PERIOD_MS
cdef uint32_t MOST_EXTRAS = _MOST_EXTRA_STATISTICS
cdef uint32_t CODE = code_of(Format.JSON, SUMMARY)
cdef int FORMAT = tuple(Format).index(Format.JSON)

cdef double POWERS[_EXACT_POWER + 1]
for _power in range(_EXACT_POWER + 1):
    POWERS[_power] = float(10 ** _power)

cdef struct Reader:
    const uint8_t *at
    const uint8_t *end

cdef struct Around:
    # The parts of the line before, tried first.
    uint32_t numbers[6]
    Guess guess


cdef inline bint _word(Reader *reader, const char *word, size_t size) noexcept nogil:
    if <size_t>(reader.end - reader.at) < size or memcmp(reader.at, word, size) != 0:
        return False
    reader.at += size
    return True


cdef inline bint _text(Reader *reader, Slice *text) noexcept nogil:
    """What stands before the next quotation mark, which is passed; there are no escapes."""
    cdef const uint8_t *end = <const uint8_t *>memchr(reader.at, 0x22, reader.end - reader.at)
    if end == NULL:
        return False
    text.at = reader.at
    text.length = <uint32_t>(end - reader.at)
    reader.at = end + 1
    return True


cdef bint _dimensions(Reader *reader, Slice *text) noexcept nogil:
    """An object of texts, as it stands."""
    cdef Slice part
    text.at = reader.at
    if not _word(reader, b"{", 1):
        return False
    if not _word(reader, b"}", 1):
        while True:
            if not _word(reader, b'"', 1) or not _text(reader, &part):
                return False
            if not _word(reader, b':"', 2) or not _text(reader, &part):
                return False
            if _word(reader, b"}", 1):
                break
            if not _word(reader, b",", 1):
                return False
    text.length = <uint32_t>(reader.at - text.at)
    return True


cdef inline bint _digit(Reader *reader) noexcept nogil:
    return reader.at < reader.end and 0x30 <= reader.at[0] <= 0x39


cdef bint _integer(Reader *reader, int64_t *value) noexcept nogil:
    cdef const uint8_t *start = reader.at
    cdef int64_t read = 0
    while _digit(reader) and reader.at - start <= _EXACT_DIGITS:
        read = read * 10 + reader.at[0] - 0x30
        reader.at += 1
    value[0] = read
    # A 0 in front is no JSON.
    return 0 < reader.at - start <= _EXACT_DIGITS and (start[0] != 0x30 or reader.at - start == 1)


cdef bint _number(Reader *reader, double *value) noexcept nogil:
    """A finite double, rounded correctly."""
    cdef const uint8_t *start = reader.at
    cdef const uint8_t *digits
    cdef char copy[_LONGEST_NUMBER + 1]
    cdef char *end = NULL
    cdef uint64_t mantissa = 0
    cdef int power = 0, exponent = 0, count
    cdef bint is_negative = False, is_small = False
    if reader.at < reader.end and reader.at[0] == 0x2D:
        is_negative = True
        reader.at += 1
    digits = reader.at
    while _digit(reader):
        mantissa = mantissa * 10 + reader.at[0] - 0x30
        reader.at += 1
    count = <int>(reader.at - digits)
    if count == 0 or (count > 1 and digits[0] == 0x30):
        return False
    if reader.at < reader.end and reader.at[0] == 0x2E:
        reader.at += 1
        digits = reader.at
        while _digit(reader):
            mantissa = mantissa * 10 + reader.at[0] - 0x30
            reader.at += 1
        power = -<int>(reader.at - digits)
        if power == 0:
            return False
        count -= power
    if reader.at < reader.end and (reader.at[0] | 0x20) == 0x65:
        reader.at += 1
        if reader.at < reader.end and (reader.at[0] == 0x2D or reader.at[0] == 0x2B):
            is_small = reader.at[0] == 0x2D
            reader.at += 1
        digits = reader.at
        while _digit(reader) and reader.at - digits < 4:
            exponent = exponent * 10 + reader.at[0] - 0x30
            reader.at += 1
        if reader.at == digits or _digit(reader):
            return False
        power += -exponent if is_small else exponent
    if count <= _EXACT_DIGITS and -_EXACT_POWER <= power <= _EXACT_POWER:
        # Both are doubles without an error, so that the one operation rounds correctly.
        value[0] = <double>mantissa
        value[0] = value[0] * POWERS[power] if power >= 0 else value[0] / POWERS[-power]
        if is_negative:
            value[0] = -value[0]
        return True
    if count <= _WIDE_DIGITS and mantissa and hydrant_wide(mantissa, power, value):
        if is_negative:
            value[0] = -value[0]
        return True
    if reader.at - start > _LONGEST_NUMBER:
        return False
    memcpy(copy, start, reader.at - start)
    copy[reader.at - start] = 0
    value[0] = hydrant_double(copy, &end)
    # What is too small for a normal double is seldom, and the reference's to read.
    return end == copy + (reader.at - start) and DBL_MIN <= fabs(value[0]) <= DBL_MAX


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
        if not _word(reader, b'"', 1) or not _text(reader, &name):
            return LEFT
        if not _word(reader, b":", 1) or not _number(reader, &value):
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
        if _word(reader, b"}", 1):
            break
        if not _word(reader, b",", 1):
            return LEFT
    return TAKEN if standard == 15 else LEFT


cdef inline bint _is_plain(const uint8_t *at, const uint8_t *end) noexcept nogil:
    """Whether there are only printable characters of ASCII and no backslash."""
    cdef uint8_t odd = 0
    while at < end:
        odd |= (at[0] < 0x20) | (at[0] == 0x5C) | (at[0] >= 0x7F)
        at += 1
    return odd == 0


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
    if not _is_plain(line.at, line.end) or not _word(&line, b'{"metric_stream_name":"', 23):
        return LEFT
    if not _text(&line, &label[2]) or not _word(&line, b',"account_id":"', 15):
        return LEFT
    # As it stands in the line, with its marks.
    label[2].at -= 1
    label[2].length += 2
    if not _text(&line, &parts[0]) or not _word(&line, b',"region":"', 11):
        return LEFT
    if not _text(&line, &label[3]) or not _word(&line, b',"namespace":"', 14):
        return LEFT
    if not _text(&line, &label[0]) or not _word(&line, b',"metric_name":"', 16):
        return LEFT
    if not _text(&line, &parts[1]) or not _word(&line, b',"dimensions":', 14):
        return LEFT
    if not _dimensions(&line, &label[1]) or not _word(&line, b',"timestamp":', 13):
        return LEFT
    if not _integer(&line, &start_ms) or not FIRST_MS <= start_ms <= LATEST_MS:
        return LEFT
    if not _word(&line, b',"value":{', 10):
        return LEFT
    outcome = _values(&line, &row, sink)
    if outcome != TAKEN:
        return outcome
    if not _word(&line, b',"unit":"', 9) or not _text(&line, &parts[2]):
        return LEFT
    if not _word(&line, b"}", 1) or line.at != line.end:
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


cdef inline bint _is_blank(uint8_t byte) noexcept nogil:
    return byte == 0x20 or 0x09 <= byte <= 0x0D


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
            while reader.at < reader.end and _is_blank(reader.at[0]):
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
