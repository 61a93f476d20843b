/* Definitions, not algorithms: see ref_embedding.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/ref/ref_embedding.h"
#include "tests/ref/ref_ring.h"

ref_roots ref_roots_of(uint32_t log_n)
{
    const long double pi = acosl(-1.0L);
    ref_roots r = {1u << log_n, NULL, NULL};
    r.re = malloc(2 * sizeof *r.re << log_n);
    r.im = malloc(2 * sizeof *r.im << log_n);
    if (!r.re || !r.im)
        abort();
    for (uint32_t t = 0; t < 2 * r.n; t++) {
        r.re[t] = cosl(pi * (long double)t / (long double)r.n);
        r.im[t] = sinl(pi * (long double)t / (long double)r.n);
    }
    return r;
}

void ref_roots_free(ref_roots *r)
{
    free(r->re);
    free(r->im);
}

void ref_slot(const ref_roots *r, const double *x, uint32_t count, uint32_t gap, uint32_t j,
              long double value[2])
{
    uint64_t five = 1;
    for (uint32_t i = 0; i < j; i++)
        five = 5 * five % (2 * r->n);
    value[0] = value[1] = 0;
    for (uint32_t k = 0; k < count; k++) {
        uint32_t t = (uint32_t)(five * k * gap % (2 * r->n));
        value[0] += (long double)x[k] * r->re[t];
        value[1] += (long double)x[k] * r->im[t];
    }
}

ref_integer ref_integer_of(int64_t v)
{
    ref_integer a = {v < 0, {0}};
    uint64_t m = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    a.word[0] = (uint32_t)m;
    a.word[1] = (uint32_t)(m >> 32);
    return a;
}

ref_integer ref_integer_product(const uint32_t *q, uint32_t count)
{
    ref_integer a = ref_integer_of(1);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t carry = 0;
        for (uint32_t w = 0; w < REF_INTEGER_WORDS; w++, carry >>= 32) {
            carry += (uint64_t)a.word[w] * q[i];
            a.word[w] = (uint32_t)carry;
        }
    }
    return a;
}

void ref_integer_half(ref_integer *a)
{
    for (uint32_t w = 0; w < REF_INTEGER_WORDS; w++)
        a->word[w] = a->word[w] >> 1 | (w + 1 < REF_INTEGER_WORDS ? a->word[w + 1] << 31 : 0);
}

void ref_integer_sub(ref_integer *a, uint32_t v)
{
    uint64_t borrow = v;
    for (uint32_t w = 0; w < REF_INTEGER_WORDS && borrow; w++) {
        uint64_t d = (uint64_t)a->word[w] - borrow;
        a->word[w] = (uint32_t)d;
        borrow = d >> 63;
    }
}

ref_integer ref_integer_random(ref_random *r, uint32_t bits)
{
    ref_integer a = {(int)(ref_random_u64(r) & 1), {0}};
    for (uint32_t b = 0; b < bits; b++)
        a.word[b / 32] |= (uint32_t)(ref_random_u64(r) >> 63) << b % 32;
    return a;
}

uint32_t ref_integer_bits(const ref_integer *a)
{
    for (uint32_t b = 32 * REF_INTEGER_WORDS; b-- > 0;)
        if (a->word[b / 32] >> b % 32 & 1)
            return b + 1;
    return 0;
}

uint32_t ref_integer_mod(const ref_integer *a, uint32_t q)
{
    uint64_t r = 0;
    for (uint32_t w = REF_INTEGER_WORDS; w-- > 0;)
        r = (r << 32 | a->word[w]) % q;
    return (uint32_t)(a->negative && r ? q - r : r);
}

long double ref_integer_value(const ref_integer *a)
{
    const uint32_t bits = ref_integer_bits(a), low = bits > 64 ? bits - 64 : 0;
    uint64_t top = 0;
    for (uint32_t b = bits; b-- > low;)
        top = top << 1 | (a->word[b / 32] >> b % 32 & 1);
    return ldexpl(a->negative ? -(long double)top : (long double)top, (int)low);
}

uint32_t ref_double_mod(double p, uint32_t q)
{
    int exponent = 0;
    if (fabs(p) < 0x1p53) {
        double down = floor(p), part = p - down; /* both exact */
        int odd = fmod(down, 2) != 0;
        return ref_mod((__int128)down + (part > 0.5 || (part == 0.5 && odd)), q);
    }
    double m = ldexp(frexp(p, &exponent), 53); /* p = m 2^(exponent - 53) */
    uint64_t r = ref_mod((__int128)m, q);
    return (uint32_t)(r * ref_pow(2, (uint64_t)(exponent - 53), q) % q);
}
