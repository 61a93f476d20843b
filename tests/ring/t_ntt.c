/* The transforms of every twin: values at the header's points, products, bounds, equal bits. */
#include <string.h>

#include <criterion/criterion.h>

#include "tests/ref/ref_ring.h"

/* Fills x with the given kind of polynomial. */
static void fill(ref_random *r, uint32_t *x, uint32_t n, uint32_t q, int kind)
{
    for (uint32_t i = 0; i < n; i++)
        x[i] = kind == 0 ? 0 : kind == 1 ? q - 1 : kind == 2 ? (i & 1 ? q - 1 : 0) : 0;
    if (kind == 3)
        x[n - 1] = q - 1;
    if (kind >= 4)
        ref_fill(r, x, n, q);
}

/* Forward against Horner at `points` words, inverse back; both against the portable twin. */
static void check(const hel_ring *ring, uint32_t limb, ref_random *r, size_t points)
{
    const hel_limb *l = &ring->limb[limb];
    const uint32_t n = ring->n, psi = ref_psi(l->q, ring->log_n);
    const hel_ring_ops *portable = hel_ring_ops_portable();
    uint32_t *a = ref_words(n), *b = ref_words(n), *c = ref_words(n);
    for (int kind = 0; kind < 6; kind++) {
        fill(r, a, n, l->q, kind);
        memcpy(b, a, n * sizeof *a);
        memcpy(c, a, n * sizeof *a);
        hel_ntt_forward(ring, limb, b);
        portable->ntt_forward(ring, l, c);
        cr_assert_arr_eq(b, c, n * sizeof *b, "%s forward, log_n %u limb %u kind %d",
                         ring->ops->name, ring->log_n, limb, kind);
        for (size_t p = 0; p < points; p++) {
            uint32_t j = p < 4 ? (uint32_t)p : p == 4 ? n - 1 : ref_random_below(r, n);
            cr_assert_eq(b[j], ref_evaluate(a, n, l->q, psi, j), "%s log_n %u limb %u word %u",
                         ring->ops->name, ring->log_n, limb, j);
        }
        hel_ntt_inverse(ring, limb, b);
        cr_assert_arr_eq(b, a, n * sizeof *b, "%s inverse, log_n %u limb %u kind %d",
                         ring->ops->name, ring->log_n, limb, kind);
        /* any residues are a transform: the inverse alone, too */
        memcpy(b, a, n * sizeof *a);
        memcpy(c, a, n * sizeof *a);
        hel_ntt_inverse(ring, limb, b);
        portable->ntt_inverse(ring, l, c);
        cr_assert_arr_eq(b, c, n * sizeof *b, "%s inverse of anything", ring->ops->name);
    }
    free(a);
    free(b);
    free(c);
}

Test(ntt, values_at_the_points_and_back)
{
    ref_random r = ref_random_start(1);
    hel_engine *engine;
    for (uint32_t i = 0; ref_twin(i) != HEL_SIMD_AUTO; i++)
        for (uint32_t log_n = HEL_LOG_N_MIN; log_n <= HEL_LOG_N_MAX; log_n++) {
            uint32_t count = log_n <= 12 ? HEL_PRIMES_MAX : log_n <= 14 ? 14 : 3;
            hel_ring *ring = ref_ring(&engine, ref_twin(i), log_n, count);
            size_t points = ref_scaled(log_n <= 12 ? 24 : 6);
            check(ring, 0, &r, points);
            check(ring, count / 2, &r, points);
            check(ring, count - 1, &r, points);
            ref_ring_end(engine, ring);
        }
}

/* Primes of every size from 18 bits on, or from what the degree allows. */
Test(ntt, primes_of_all_sizes)
{
    ref_random r = ref_random_start(5);
    hel_engine *engine;
    for (uint32_t i = 0; ref_twin(i) != HEL_SIMD_AUTO; i++)
        for (uint32_t log_n = HEL_LOG_N_MIN; log_n <= HEL_LOG_N_MAX; log_n++) {
            uint32_t primes[26], count = log_n <= 12 ? 26 : log_n <= 14 ? 13 : 8;
            ref_mixed_primes(&r, log_n, primes, count);
            hel_ring *ring = ref_ring_from(&engine, ref_twin(i), log_n, primes, count);
            for (uint32_t limb = 0; limb < count; limb += log_n <= 12 ? 1 : 3)
                check(ring, limb, &r, ref_scaled(log_n <= 12 ? 6 : 2));
            ref_ring_end(engine, ring);
        }
}

/* A build without the vector flags would fall back in silence. */
Test(ntt, the_engine_gets_its_twin)
{
    hel_engine *engine;
    for (uint32_t i = 0; ref_twin(i) != HEL_SIMD_AUTO; i++) {
        hel_ring *ring = ref_ring(&engine, ref_twin(i), HEL_LOG_N_MIN, 1);
        cr_assert_str_eq(ring->ops->name, hel_engine_simd_name(engine));
        ref_ring_end(engine, ring);
    }
}

Test(ntt, all_points_of_the_smallest_ring)
{
    ref_random r = ref_random_start(2);
    hel_engine *engine;
    for (uint32_t i = 0; ref_twin(i) != HEL_SIMD_AUTO; i++) {
        hel_ring *ring = ref_ring(&engine, ref_twin(i), HEL_LOG_N_MIN, 1);
        const uint32_t n = ring->n, q = ring->limb[0].q, psi = ref_psi(q, ring->log_n);
        uint32_t *a = ref_words(n), *b = ref_words(n);
        ref_fill(&r, a, n, q);
        memcpy(b, a, n * sizeof *a);
        hel_ntt_forward(ring, 0, b);
        for (uint32_t j = 0; j < n; j++)
            cr_assert_eq(b[j], ref_evaluate(a, n, q, psi, j), "%s word %u", ring->ops->name, j);
        free(a);
        free(b);
        ref_ring_end(engine, ring);
    }
}

static void multiply(const hel_ring *ring, uint32_t limb, uint32_t *a, uint32_t *b)
{
    hel_ntt_forward(ring, limb, a);
    hel_ntt_forward(ring, limb, b);
    ring->ops->mul(&ring->limb[limb], a, a, b, ring->n);
    hel_ntt_inverse(ring, limb, a);
}

Test(ntt, products_against_schoolbook)
{
    ref_random r = ref_random_start(3);
    hel_engine *engine;
    for (uint32_t i = 0; ref_twin(i) != HEL_SIMD_AUTO; i++)
        for (uint32_t log_n = 10; log_n <= 11; log_n++) {
            hel_ring *ring = ref_ring(&engine, ref_twin(i), log_n, 3);
            const uint32_t n = ring->n;
            uint32_t *a = ref_words(n), *b = ref_words(n), *want = ref_words(n);
            for (uint32_t limb = 0; limb < 3; limb += 2)
                for (int kind = 1; kind <= 5; kind += 4) {
                    fill(&r, a, n, ring->limb[limb].q, kind);
                    fill(&r, b, n, ring->limb[limb].q, kind);
                    ref_negacyclic(want, a, b, n, ring->limb[limb].q);
                    multiply(ring, limb, a, b);
                    cr_assert_arr_eq(a, want, n * sizeof *a, "%s log_n %u limb %u kind %d",
                                     ring->ops->name, log_n, limb, kind);
                }
            free(a);
            free(b);
            free(want);
            ref_ring_end(engine, ring);
        }
}

/* A sparse factor makes the product cheap to define at every N. */
Test(ntt, products_with_sparse_factors)
{
    ref_random r = ref_random_start(4);
    hel_engine *engine;
    for (uint32_t i = 0; ref_twin(i) != HEL_SIMD_AUTO; i++)
        for (uint32_t log_n = 12; log_n <= HEL_LOG_N_MAX; log_n++) {
            hel_ring *ring = ref_ring(&engine, ref_twin(i), log_n, 2);
            const uint32_t n = ring->n, q = ring->limb[1].q;
            uint32_t *a = ref_words(n), *b = ref_words(n), *want = ref_words(n);
            memset(b, 0, n * sizeof *b);
            memset(want, 0, n * sizeof *want);
            ref_fill(&r, a, n, q);
            const uint32_t at[4] = {0, 1, n - 1, 2 + ref_random_below(&r, n - 4)};
            for (int k = 0; k < 4; k++) {
                b[at[k]] = 1 + ref_random_below(&r, q - 1);
                for (uint32_t j = 0; j < n; j++) {
                    uint64_t p = (uint64_t)a[j] * b[at[k]] % q;
                    uint32_t *w = &want[(j + at[k]) & (n - 1)];
                    *w = (uint32_t)((*w + (j + at[k] >= n ? q - p : p)) % q);
                }
            }
            multiply(ring, 1, a, b);
            cr_assert_arr_eq(a, want, n * sizeof *a, "%s log_n %u", ring->ops->name, log_n);
            free(a);
            free(b);
            free(want);
            ref_ring_end(engine, ring);
        }
}
