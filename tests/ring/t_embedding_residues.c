/* Between doubles and residues, in every twin: rounding, numbers of any size, refusals, exact
 * lifts, equal bits. */
#include <float.h>
#include <math.h>

#include "tests/ring/embedding_test.h"

/* ---- doubles to residues ---- */

/* A prime of exactly `bits` bits, 1 mod 2N, the skip-th from below; 0 when there is none. */
static uint32_t prime_of(uint32_t log_n, uint32_t bits, uint32_t skip)
{
    const uint32_t step = 2u << log_n;
    for (uint32_t q = (1u << (bits - 1)) + 1; q >> bits == 0; q += step)
        if (ref_is_prime(q) && skip-- == 0)
            return q;
    return 0;
}

/* 13 or fewer primes of 30 down to 18 bits, large and small ones in turn */
static uint32_t mixed_primes(uint32_t log_n, uint32_t *primes)
{
    const uint32_t bits[] = {24, 18, 30, 19, 29, 25, 20, 30, 21, 28, 22, 26, 23};
    uint32_t count = 0;
    for (uint32_t i = 0; i < sizeof bits / sizeof *bits; i++) {
        const uint32_t q = prime_of(log_n, bits[i], i);
        const uint32_t other = q ? q : prime_of(log_n, bits[i], 0);
        if (other)
            primes[count++] = other;
    }
    return count;
}

static hel_ring *mixed_ring(const fixture *f)
{
    uint32_t primes[16];
    const uint32_t count = mixed_primes(f->log_n, primes);
    hel_ring *ring = NULL;
    cr_assert_geq(count, 10);
    cr_assert_eq(hel_ring_create_from(f->engine, &ring, f->log_n, primes, count), HEL_OK, "%s",
                 hel_engine_error(f->engine));
    return ring;
}

#define UNTOUCHED 0xdeadbeefu

/* Compares the residues of round(x[k] scale), and the zeros between them. */
static void check_reduce(const fixture *f, const hel_ring *ring, const uint32_t *map,
                         uint32_t limbs, uint32_t log_s, const double *x, double scale)
{
    const uint32_t n = ring->n, gap = n >> (log_s + 1);
    const size_t stride = n + 16;
    uint32_t *out = ref_words(limbs * stride);
    for (size_t k = 0; k < limbs * stride; k++)
        out[k] = UNTOUCHED;
    cr_assert_eq(
        hel_embedding_reduce(f->engine, f->e, ring, map, limbs, log_s, x, scale, out, stride),
        HEL_OK, "%s", hel_engine_error(f->engine));
    for (uint32_t i = 0; i < limbs; i++) {
        const uint32_t q = ring->limb[map ? map[i] : i].q;
        for (uint32_t k = 0; k < stride; k++) {
            const uint32_t want = k >= n    ? UNTOUCHED
                                  : k % gap ? 0
                                            : ref_double_mod(x[k / gap] * scale, q);
            cr_assert_eq(out[i * stride + k], want, "%s log_n %u log_s %u q %u word %u of %a: %u",
                         f->twin, f->log_n, log_s, q, k, x[k % n / gap] * scale,
                         out[i * stride + k]);
        }
    }
    free(out);
}

/* Corners of rounding and of the split into two words; each also negative. */
static const double corners[] = {0.0,
                                 0.25,
                                 0.5,
                                 0x1.fffffffffffffp-2,
                                 0x1.0000000000001p-1,
                                 1.0,
                                 1.5,
                                 2.5,
                                 3.5,
                                 0x1p-1074,
                                 0x1p31 - 0.5,
                                 0x1p31,
                                 0x1p31 + 0.5,
                                 0x1p31 + 1.5,
                                 0x1p32 - 0.5,
                                 0x1p32,
                                 0x1p32 + 0.5,
                                 0x1p32 + 1.5,
                                 0x1p33 + 0x1p31,
                                 0x1.8p32,
                                 0x1p51 + 0.5,
                                 0x1p51 + 1.5,
                                 0x1p52 - 0.5,
                                 0x1p52 + 1,
                                 0x1p53 - 1,
                                 0x1p53,
                                 0x1p61,
                                 0x1p62 - 512,
                                 0x1.fffffffffffffp60,
                                 0x1.00000001p61,
                                 0x1.7fffffffp61};

Test(embedding_residues, reduce_small_numbers)
{
    ref_random r = ref_random_start(7);
    const uint32_t cornered = sizeof corners / sizeof *corners;
    for (uint32_t i = 0; ref_twin(i) != HEL_SIMD_AUTO; i++)
        for (uint32_t log_n = 10; log_n <= 12; log_n += 2) {
            fixture f = start(ref_twin(i), log_n);
            hel_ring *ring = mixed_ring(&f);
            double *x = doubles(f.n);
            const uint32_t map[] = {ring->count - 1, 3, 0, 3};
            for (uint32_t log_s = 0; log_s < log_n; log_s++)
                for (int size = 0; size <= 62; size += 31) {
                    for (uint32_t k = 0; k < 2u << log_s; k++) {
                        const uint32_t pick = ref_random_below(&r, 2 * cornered);
                        x[k] = pick < cornered
                                   ? corners[pick]
                                   : (2 * ref_random_double(&r) - 1) *
                                         ldexp(1, (int)ref_random_below(&r, (uint32_t)size + 1));
                        if (ref_random_below(&r, 2))
                            x[k] = -x[k];
                    }
                    check_reduce(&f, ring, size ? map : NULL, size ? 4 : ring->count, log_s, x, 1);
                }
            hel_ring_free(ring);
            free(x);
            end(&f);
        }
}

/* The product with the scale is the double nearest to it. */
Test(embedding_residues, reduce_with_scales)
{
    ref_random r = ref_random_start(8);
    const double scales[] = {0x1p20, 0x1p40, 0x1p55, 1099511480321.0, 0x1.23456789abcdep50, 0x1p-3};
    for (uint32_t i = 0; ref_twin(i) != HEL_SIMD_AUTO; i++) {
        fixture f = start(ref_twin(i), 11);
        hel_ring *ring = mixed_ring(&f);
        double *x = doubles(f.n);
        for (size_t k = 0; k < sizeof scales / sizeof *scales; k++) {
            fill(&r, x, f.n, 0);
            check_reduce(&f, ring, NULL, ring->count, 10, x, scales[k]);
        }
        hel_ring_free(ring);
        free(x);
        end(&f);
    }
}

/* Numbers of more than 62 bits, alone, and among small ones. */
Test(embedding_residues, reduce_big_numbers)
{
    ref_random r = ref_random_start(9);
    const double big[] = {0x1p62,
                          -0x1.8p62,
                          -0x1.fffffffffffffp62,
                          0x1.8p62,
                          0x1p63,
                          -0x1p63,
                          -0x1.fffffffffffffp63,
                          0x1p100,
                          -0x1.23456p200,
                          0x1p900,
                          DBL_MAX,
                          -0x1.fffffffffffffp900};
    for (uint32_t i = 0; ref_twin(i) != HEL_SIMD_AUTO; i++) {
        fixture f = start(ref_twin(i), 12);
        hel_ring *ring = mixed_ring(&f);
        double *x = doubles(f.n);
        for (uint32_t log_s = 0; log_s < 12; log_s += 11)
            for (size_t b = 0; b < sizeof big / sizeof *big; b++) {
                fill(&r, x, f.n, 5);
                x[1] = big[b];
                check_reduce(&f, ring, NULL, ring->count, log_s, x, 1);
                for (uint32_t k = 0; k < f.n; k++)
                    x[k] = (2 * ref_random_double(&r) - 1) *
                           ldexp(1, (int)ref_random_below(&r, (uint32_t)(64 + 80 * b)));
                x[0] = big[b];
                x[1] = 2.5;
                check_reduce(&f, ring, NULL, ring->count, log_s, x, 1);
            }
        for (uint32_t k = 0; k < f.n; k++)
            x[k] = (2 * ref_random_double(&r) - 1) * 0x1p60;
        check_reduce(&f, ring, NULL, ring->count, 11, x, 0x1p900);
        hel_ring_free(ring);
        free(x);
        end(&f);
    }
}

Test(embedding_residues, reduce_refuses_what_is_no_number)
{
    const double bad[] = {NAN, -NAN, INFINITY, -INFINITY, 0x1p1000};
    for (uint32_t i = 0; ref_twin(i) != HEL_SIMD_AUTO; i++) {
        fixture f = start(ref_twin(i), 11);
        hel_ring *ring = NULL;
        double *x = doubles(f.n);
        uint32_t *out = ref_words(f.n);
        cr_assert_eq(hel_ring_create(f.engine, &ring, 11, 1), HEL_OK);
        for (size_t b = 0; b < sizeof bad / sizeof *bad; b++)
            for (uint32_t log_s = 0; log_s <= 10; log_s += 10)
                for (uint32_t at = 0; at < 2u << log_s; at += (2u << log_s) - 1) {
                    char text[32];
                    memset(x, 0, f.n * sizeof *x);
                    x[at] = bad[b];
                    cr_assert_eq(hel_embedding_reduce(f.engine, f.e, ring, NULL, 1, log_s, x,
                                                      0x1p40, out, f.n),
                                 HEL_E_USAGE);
                    snprintf(text, sizeof text, "coefficient %u ", at);
                    cr_assert_not_null(strstr(hel_engine_error(f.engine), text), "%s",
                                       hel_engine_error(f.engine));
                    hel_error_clear(f.engine);
                }
        memset(x, 0, f.n * sizeof *x);
        cr_assert_eq(hel_embedding_reduce(f.engine, f.e, ring, NULL, 1, 10, x, INFINITY, out, f.n),
                     HEL_E_USAGE);
        free(x);
        free(out);
        hel_ring_free(ring);
        end(&f);
    }
}

/* ---- residues to doubles ---- */

/* What a number of the lattice of kinds is: 0 and 1, small, any, close to +-Q/2. */
static ref_integer number(ref_random *r, const ref_integer *half, uint32_t kind)
{
    const uint32_t bits = ref_integer_bits(half);
    ref_integer v;
    switch (kind % 6) {
    case 0:
        return ref_integer_of((int64_t)ref_random_below(r, 5) - 2);
    case 1: /* below 2^53 and Q/2 */
        return ref_integer_random(r, ref_random_below(r, bits < 54 ? bits : 54));
    case 2:
        return ref_integer_random(r, ref_random_below(r, bits));
    case 3:
        v = *half;
        v.negative = (int)ref_random_below(r, 2);
        return v;
    case 4:
        v = *half;
        ref_integer_sub(&v, ref_random_below(r, 1000));
        v.negative = (int)ref_random_below(r, 2);
        return v;
    default:
        return ref_integer_random(r, bits - 1);
    }
}

/* Lifts s-slot polynomials of such numbers, words between them full of noise. */
static void check_lift(const fixture *f, const hel_ring *ring, uint32_t limbs, uint32_t log_s,
                       double scale, ref_random *r)
{
    const uint32_t n = ring->n, count = 2u << log_s, gap = n / count;
    const size_t stride = n + 16;
    uint32_t *a = ref_words(limbs * stride);
    uint32_t *scratch = ref_words((size_t)limbs * HEL_EMBEDDING_BLOCK), q[HEL_LIMBS_LIMIT];
    ref_integer *v = malloc(count * sizeof *v), half;
    double *x = doubles(count + 1);
    for (uint32_t i = 0; i < limbs; i++) {
        q[i] = ring->limb[i].q;
        ref_fill(r, a + i * stride, n, q[i]);
    }
    half = ref_integer_product(q, limbs);
    ref_integer_half(&half); /* (Q - 1) / 2 */
    for (uint32_t k = 0; k < count; k++) {
        v[k] = number(r, &half, ref_random_below(r, 6));
        for (uint32_t i = 0; i < limbs; i++)
            a[i * stride + (size_t)k * gap] = ref_integer_mod(&v[k], q[i]);
    }
    x[count] = 42;
    hel_embedding_lift(f->e, ring, limbs, log_s, a, stride, scale, x, scratch);
    cr_assert_eq(x[count], 42);
    for (uint32_t k = 0; k < count; k++) {
        const long double exact = ref_integer_value(&v[k]), want = exact / (long double)scale;
        if (ref_integer_bits(&v[k]) <= 53)
            cr_assert_eq(x[k], (double)exact / scale, "%s limbs %u number %La: %a", f->twin, limbs,
                         exact, x[k]);
        else
            cr_assert_leq(fabsl(x[k] - want), limbs * 0x1p-52L * fabsl(want),
                          "%s limbs %u number %La over %a: %a", f->twin, limbs, exact, scale, x[k]);
    }
    free(a);
    free(scratch);
    free(v);
    free(x);
}

Test(embedding_residues, lift_of_few_limbs)
{
    ref_random r = ref_random_start(10);
    const double scales[] = {1, 0x1p40, 1099511480321.0, 0x1p-20};
    for (uint32_t i = 0; ref_twin(i) != HEL_SIMD_AUTO; i++)
        for (uint32_t log_n = 10; log_n <= 12; log_n += 2) {
            fixture f = start(ref_twin(i), log_n);
            hel_ring *ring = mixed_ring(&f), *chain = NULL;
            cr_assert_eq(hel_ring_create(f.engine, &chain, log_n, 12), HEL_OK);
            for (uint32_t limbs = 1; limbs <= 12; limbs++) {
                const double scale = scales[limbs % 4];
                if (limbs <= ring->count)
                    check_lift(&f, ring, limbs, log_n == 12 ? limbs - 1 : 9, scale, &r);
                check_lift(&f, chain, limbs, log_n == 12 ? 12 - limbs : limbs % 10, scale, &r);
            }
            hel_ring_free(ring);
            hel_ring_free(chain);
            end(&f);
        }
}

Test(embedding_residues, lift_of_many_limbs)
{
    ref_random r = ref_random_start(11);
    for (uint32_t i = 0; ref_twin(i) != HEL_SIMD_AUTO; i++) {
        fixture f = start(ref_twin(i), 10);
        uint32_t primes[HEL_LIMBS_LIMIT], count = 0;
        hel_ring *ring = NULL;
        for (uint32_t q = (1u << 30) - (2u << 10) + 1; count < HEL_LIMBS_LIMIT; q -= 2u << 10)
            if (ref_is_prime(q))
                primes[count++] = q;
        cr_assert_eq(hel_ring_create_from(f.engine, &ring, 10, primes, count), HEL_OK, "%s",
                     hel_engine_error(f.engine));
        check_lift(&f, ring, 34, 9, 0x1p900, &r); /* all of 1020 bits */
        check_lift(&f, ring, 33, 4, 1, &r);
        { /* a small number in the largest ring; one that no double holds */
            const uint32_t limbs = HEL_LIMBS_LIMIT;
            uint32_t *a = ref_words((size_t)limbs * f.n);
            uint32_t *scratch = ref_words((size_t)limbs * HEL_EMBEDDING_BLOCK);
            double x[2];
            const ref_integer v = ref_integer_of(-123456789012345),
                              w = ref_integer_random(&r, 3000);
            for (uint32_t k = 0; k < limbs; k++) {
                a[k * f.n] = ref_integer_mod(&v, primes[k]);
                a[k * f.n + f.n / 2] = ref_integer_mod(&w, primes[k]);
            }
            hel_embedding_lift(f.e, ring, limbs, 0, a, f.n, 0x1p10, x, scratch);
            cr_assert_eq(x[0], -123456789012345 * 0x1p-10);
            cr_assert_eq(x[1], w.negative ? -INFINITY : INFINITY);
            free(a);
            free(scratch);
        }
        hel_ring_free(ring);
        end(&f);
    }
}

Test(embedding_residues, lift_is_equal_in_all_twins_and_undoes_reduce)
{
    ref_random r = ref_random_start(12);
    for (uint32_t log_n = 10; log_n <= HEL_LOG_N_MAX; log_n++) {
        const size_t n = (size_t)1 << log_n;
        const uint32_t limbs = log_n < 14 ? 7 : 3, log_s = log_n - 1 - log_n % 3;
        double *x = doubles(n), *first = doubles(n), *y = doubles(n);
        uint32_t *a = ref_words(limbs * n), *b = ref_words(limbs * n);
        fill(&r, x, n, 0);
        for (uint32_t i = 0; ref_twin(i) != HEL_SIMD_AUTO; i++) {
            fixture f = start(ref_twin(i), log_n);
            hel_ring *ring = NULL;
            const size_t bytes = sizeof *x * 2 << log_s;
            cr_assert_eq(hel_ring_create(f.engine, &ring, log_n, limbs), HEL_OK);
            cr_assert_eq(
                hel_embedding_reduce(f.engine, f.e, ring, NULL, limbs, log_s, x, 0x1p52, a, n),
                HEL_OK);
            hel_embedding_lift(f.e, ring, limbs, log_s, a, n, 0x1p52, y, b);
            for (size_t k = 0; k < (size_t)2 << log_s; k++)
                cr_assert_eq(y[k] * 0x1p52, nearbyint(x[k] * 0x1p52), "%s number %zu", f.twin, k);
            for (uint32_t l = 0; l < limbs; l++) /* any residues */
                for (size_t k = 0; k < n; k++)
                    a[l * n + k] = (uint32_t)((k * 0x9e3779b9u + l) % ring->limb[l].q);
            hel_embedding_lift(f.e, ring, limbs, log_s, a, n, 1e9, y, b);
            if (i == 0)
                memcpy(first, y, bytes);
            cr_assert_arr_eq(first, y, bytes, "%s log_n %u", f.twin, log_n);
            hel_ring_free(ring);
            end(&f);
        }
        free(x);
        free(first);
        free(y);
        free(a);
        free(b);
    }
}
