# cython: language_level=3
"""Numbers of JSON as doubles, rounded correctly."""

from libc.float cimport DBL_MAX, DBL_MIN
from libc.math cimport fabs
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy

from app.otlp.scanner.table cimport Reader

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
    static const double hydrant_exact_powers[23] = {
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    static double hydrant_double(const char *text, char **end) {
        return strtod_l(text, end, hydrant_c_locale);
    }
    """
    bint hydrant_make_locale()
    bint hydrant_wide(uint64_t digits, int power, double *value) nogil
    const double hydrant_exact_powers[23]
    double hydrant_double(const char *text, char **end) nogil

cdef enum:
    _LONGEST_NUMBER = 63
    _EXACT_DIGITS = 15
    # As many are below 2**64.
    _WIDE_DIGITS = 19
    _EXACT_POWER = 22


cdef inline bint _digit(Reader *reader) noexcept nogil:
    return reader.at < reader.end and 0x30 <= reader.at[0] <= 0x39


cdef inline bint read_integer(Reader *reader, int64_t *value) noexcept nogil:
    cdef const uint8_t *start = reader.at
    cdef int64_t read = 0
    while _digit(reader) and reader.at - start <= _EXACT_DIGITS:
        read = read * 10 + reader.at[0] - 0x30
        reader.at += 1
    value[0] = read
    # A 0 in front is no JSON.
    return 0 < reader.at - start <= _EXACT_DIGITS and (start[0] != 0x30 or reader.at - start == 1)


cdef inline bint read_number(Reader *reader, double *value) noexcept nogil:
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
        value[0] = value[0] * hydrant_exact_powers[power] if power >= 0 else value[0] / hydrant_exact_powers[-power]
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
