/* Big integers as arrays of words, the schoolbook way. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/ref/ref_ring.h"
#include "tests/ref/ref_rns.h"

static void demand(int good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "ref_rns: %s\n", what);
    abort();
}

static void trim_sign(ref_wide *a)
{
    int zero = 1;
    for (int i = 0; i < REF_WIDE_WORDS; i++)
        zero &= a->word[i] == 0;
    if (zero)
        a->negative = 0;
}

ref_wide ref_wide_of(uint64_t x)
{
    ref_wide a = {.word = {(uint32_t)x, (uint32_t)(x >> 32)}};
    return a;
}

int ref_wide_compare(const ref_wide *a, const ref_wide *b)
{
    for (int i = REF_WIDE_WORDS - 1; i >= 0; i--)
        if (a->word[i] != b->word[i])
            return a->word[i] < b->word[i] ? -1 : 1;
    return 0;
}

ref_wide ref_wide_add(const ref_wide *a, const ref_wide *b)
{
    ref_wide out = *a;
    if (a->negative == b->negative) {
        uint64_t carry = 0;
        for (int i = 0; i < REF_WIDE_WORDS; i++) {
            carry += (uint64_t)a->word[i] + b->word[i];
            out.word[i] = (uint32_t)carry;
            carry >>= 32;
        }
        demand(carry == 0, "a sum is too large");
        return out;
    }
    if (ref_wide_compare(a, b) < 0) {
        const ref_wide *t = a;
        a = b;
        b = t;
    }
    out.negative = a->negative;
    int64_t borrow = 0;
    for (int i = 0; i < REF_WIDE_WORDS; i++) {
        int64_t d = (int64_t)a->word[i] - b->word[i] - borrow;
        borrow = d < 0;
        out.word[i] = (uint32_t)d;
    }
    trim_sign(&out);
    return out;
}

ref_wide ref_wide_sub(const ref_wide *a, const ref_wide *b)
{
    ref_wide minus = *b;
    minus.negative = !b->negative;
    trim_sign(&minus);
    return ref_wide_add(a, &minus);
}

ref_wide ref_wide_mul_u64(const ref_wide *a, uint64_t x)
{
    ref_wide out = {.negative = a->negative};
    unsigned __int128 carry = 0;
    for (int i = 0; i < REF_WIDE_WORDS; i++) {
        carry += (unsigned __int128)a->word[i] * x;
        out.word[i] = (uint32_t)carry;
        carry >>= 32;
    }
    demand(carry == 0, "a product is too large");
    trim_sign(&out);
    return out;
}

ref_wide ref_wide_div_u32(const ref_wide *a, uint32_t x, uint32_t *rest)
{
    ref_wide out = {.negative = a->negative};
    uint64_t r = 0;
    for (int i = REF_WIDE_WORDS - 1; i >= 0; i--) {
        r = r << 32 | a->word[i];
        out.word[i] = (uint32_t)(r / x);
        r %= x;
    }
    *rest = (uint32_t)r;
    trim_sign(&out);
    return out;
}

uint32_t ref_wide_mod(const ref_wide *a, uint32_t q)
{
    uint64_t r = 0;
    for (int i = REF_WIDE_WORDS - 1; i >= 0; i--)
        r = (r << 32 | a->word[i]) % q;
    return (uint32_t)(a->negative && r ? q - r : r);
}

double ref_wide_double(const ref_wide *a)
{
    double x = 0;
    for (int i = REF_WIDE_WORDS - 1; i >= 0; i--)
        x = x * 0x1p32 + a->word[i];
    return a->negative ? -x : x;
}

ref_wide ref_rns_product(const uint32_t *primes, uint32_t count)
{
    ref_wide q = ref_wide_of(1);
    for (uint32_t i = 0; i < count; i++)
        q = ref_wide_mul_u64(&q, primes[i]);
    return q;
}

/* One prime after another: the number so far plus a multiple of their product. */
ref_wide ref_rns_compose(const uint32_t *primes, const uint32_t *a, uint32_t count)
{
    ref_wide x = ref_wide_of(0), product = ref_wide_of(1);
    for (uint32_t k = 0; k < count; k++) {
        const uint32_t q = primes[k];
        const uint64_t missing = (a[k] + (uint64_t)q - ref_wide_mod(&x, q)) % q;
        const uint32_t inverse = ref_inverse(ref_wide_mod(&product, q), q);
        const ref_wide step = ref_wide_mul_u64(&product, missing * inverse % q);
        x = ref_wide_add(&x, &step);
        product = ref_wide_mul_u64(&product, q);
    }
    return x;
}

ref_wide ref_rns_centred(const uint32_t *primes, const uint32_t *a, uint32_t count)
{
    const ref_wide q = ref_rns_product(primes, count);
    ref_wide x = ref_rns_compose(primes, a, count), twice = ref_wide_mul_u64(&x, 2);
    return ref_wide_compare(&twice, &q) > 0 ? ref_wide_sub(&x, &q) : x;
}

static uint32_t bit_length(uint32_t q)
{
    uint32_t bits = 0;
    for (; q; q >>= 1)
        bits++;
    return bits;
}

/* |x| <= Q (1/2 + 1.1 m 2^-26), compared as 2^26 |x| 10 <= Q (2^25 10 + 11 m) */
static int keeps_bound(const ref_wide *x, const ref_wide *q, uint32_t m)
{
    const ref_wide left = ref_wide_mul_u64(x, (uint64_t)10 << 26);
    const ref_wide right = ref_wide_mul_u64(q, ((uint64_t)10 << 25) + 11 * m);
    return ref_wide_compare(&left, &right) <= 0;
}

ref_wide ref_rns_lift(const uint32_t *primes, const uint32_t *a, uint32_t count, uint64_t factor)
{
    const ref_wide q = ref_rns_product(primes, count);
    ref_wide x = ref_wide_of(0), correction;
    uint64_t sum = (uint64_t)1 << 25;
    for (uint32_t k = 0; k < count; k++) {
        const uint32_t prime = primes[k], bits = bit_length(prime);
        uint32_t rest;
        const ref_wide others = ref_wide_div_u32(&q, prime, &rest);
        uint64_t y = (uint64_t)a[k] * (factor % prime) % prime;
        y = y * ref_inverse(ref_wide_mod(&others, prime), prime) % prime;
        sum += y * (((uint64_t)1 << (31 + bits)) / prime) >> (bits + 5);
        const ref_wide term = ref_wide_mul_u64(&others, y);
        x = ref_wide_add(&x, &term);
    }
    correction = ref_wide_mul_u64(&q, sum >> 26);
    x = ref_wide_sub(&x, &correction);
    demand(keeps_bound(&x, &q, count), "the lift is out of bounds");
    for (uint32_t k = 0; k < count; k++)
        demand(ref_wide_mod(&x, primes[k]) == (uint64_t)a[k] * (factor % primes[k]) % primes[k],
               "the lift has another residue");
    return x;
}

void ref_rns_divide(const uint32_t *primes, const uint32_t *a, uint32_t count, uint32_t keep,
                    uint64_t factor, uint32_t *out)
{
    const ref_wide x = ref_rns_lift(primes + keep, a + keep, count - keep, factor);
    ref_wide b = ref_rns_compose(primes, a, count);
    b = ref_wide_mul_u64(&b, factor);
    b = ref_wide_sub(&b, &x);
    for (uint32_t k = keep; k < count; k++) {
        uint32_t rest;
        b = ref_wide_div_u32(&b, primes[k], &rest);
        demand(rest == 0, "a division leaves a remainder");
    }
    for (uint32_t i = 0; i < keep; i++)
        out[i] = ref_wide_mod(&b, primes[i]);
}

void ref_rns_primes(uint32_t log_n, const uint32_t *bits, uint32_t kinds, uint32_t *primes,
                    uint32_t count)
{
    const uint32_t step = 2u << log_n;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t top = ((1u << bits[i % kinds]) - 1) / step * step + 1;
        int found = 0;
        for (uint32_t q = top < 1u << bits[i % kinds] ? top : top - step; q > 1u << 17 && !found;
             q -= step) {
            found = ref_is_prime(q);
            for (uint32_t j = 0; j < i; j++)
                found &= primes[j] != q;
            primes[i] = q;
        }
        demand(found, "no prime of that size is left");
    }
}
