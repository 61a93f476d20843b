/*
 * Numbers of the tables, digit for digit as printf("%.*g") prints them.
 *
 * snprintf was most of the time of a table. The fast path scales by an exact power of ten (at most
 * 10^22, one correctly rounded operation), so the scaled value is off by less than 1e9 * 2^-53 =
 * 1.2e-7; whenever that could decide the rounding (a fraction within 1e-6 of one half) or the
 * magnitude is outside the exact powers, snprintf does it.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "host/assoc/writer_private.h"

#define FAST_MIN 1e-13
#define FAST_MAX 1e22

static const double power10[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

char *hel_print_u64(char *p, uint64_t value)
{
    char digits[20];
    int n = 0;
    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (n > 0)
        *p++ = digits[--n];
    return p;
}

static char *put_slow(char *p, double value, int digits)
{
    return p + snprintf(p, HEL_NUMBER_BYTES, "%.*g", digits, value);
}

/* Lays out n (a number of `digits` digits) x 10^(exponent - digits + 1) by the rules of %g. */
static char *lay_out(char *p, uint32_t n, int digits, int exponent)
{
    char text[16];
    for (int i = digits; i-- > 0; n /= 10)
        text[i] = (char)('0' + n % 10);
    int used = digits;
    while (used > 1 && text[used - 1] == '0')
        used--;
    int point = 1; /* digits in front of the decimal point */
    int scientific = exponent < -4 || exponent >= digits;
    if (!scientific && exponent < 0) {
        *p++ = '0';
        *p++ = '.';
        for (int i = -1; i > exponent; i--)
            *p++ = '0';
        point = digits;
    } else if (!scientific) {
        point = exponent + 1;
    }
    for (int i = 0; i < used || (i < point && exponent >= 0); i++) {
        if (i == point)
            *p++ = '.';
        *p++ = text[i];
    }
    if (scientific) {
        int size = exponent < 0 ? -exponent : exponent; /* at most 22 */
        *p++ = 'e';
        *p++ = exponent < 0 ? '-' : '+';
        *p++ = (char)('0' + size / 10);
        *p++ = (char)('0' + size % 10);
    }
    return p;
}

char *hel_print_g(char *p, double value, int digits)
{
    if (!isfinite(value)) {
        memcpy(p, "NA", 2);
        return p + 2;
    }
    double size = fabs(value);
    if (!(size >= FAST_MIN && size < FAST_MAX))
        return put_slow(p, value, digits);
    int exponent = (int)floor(log10(size)), shift = digits - 1 - exponent;
    if (shift > 22 || shift < -22)
        return put_slow(p, value, digits);
    double scaled = shift >= 0 ? size * power10[shift] : size / power10[-shift];
    double whole = floor(scaled), fraction = scaled - whole;
    if (fabs(fraction - 0.5) < 1e-6 || whole < power10[digits - 1] - 1 || whole >= power10[digits])
        return put_slow(p, value, digits); /* a tie, or log10 rounded over a power of ten */
    uint32_t n = (uint32_t)whole + (fraction > 0.5);
    if (n < (uint32_t)power10[digits - 1])
        return put_slow(p, value, digits);
    if (n == (uint32_t)power10[digits]) {
        n /= 10;
        exponent++;
    }
    if (value < 0)
        *p++ = '-';
    return lay_out(p, n, digits, exponent);
}

void hel_format_g(char *out, size_t bytes, double value)
{
    char text[HEL_NUMBER_BYTES];
    size_t length = (size_t)(hel_print_g(text, value, 6) - text);
    if (bytes == 0)
        return;
    if (length >= bytes)
        length = bytes - 1;
    memcpy(out, text, length);
    out[length] = 0;
}
