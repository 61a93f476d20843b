/* Automorphisms and monomials against their definitions, and the two forms against each other. */
#include <string.h>

#include <criterion/criterion.h>

#include "tests/ref/ref_ring.h"

/* out = in(X^g), from the definition */
static void automorph(uint32_t *out, const uint32_t *in, uint32_t n, uint32_t q, uint32_t g)
{
    for (uint64_t j = 0; j < n; j++) {
        uint64_t e = j * g % (2 * n);
        out[e % n] = e < n ? in[j] : (q - in[j]) % q;
    }
}

static void check(const hel_ring *ring, uint32_t limb, uint32_t g, ref_random *r)
{
    const uint32_t n = ring->n, q = ring->limb[limb].q;
    uint32_t *a = ref_words(n), *b = ref_words(n), *want = ref_words(n), *map = ref_words(n);
    ref_fill(r, a, n, q);
    automorph(want, a, n, q, g);
    hel_automorph_coef(ring, limb, g, b, a);
    cr_assert_arr_eq(b, want, n * sizeof *b, "coefficients, log_n %u g %u", ring->log_n, g);
    hel_automorph_map(ring, g, map);
    for (uint32_t j = 0; j < n; j++)
        cr_assert_eq(map[j] / 16, map[j & ~15u] / 16, "run of word %u, g %u", j, g);
    hel_ntt_forward(ring, limb, a);
    hel_ntt_forward(ring, limb, want);
    hel_automorph_ntt(ring, map, b, a);
    cr_assert_arr_eq(b, want, n * sizeof *b, "%s NTT form, log_n %u g %u", ring->ops->name,
                     ring->log_n, g);
    free(a);
    free(b);
    free(want);
    free(map);
}

Test(automorph, both_forms)
{
    ref_random r = ref_random_start(1);
    for (uint32_t t = 0; ref_twin(t) != HEL_SIMD_AUTO; t++)
        for (uint32_t log_n = HEL_LOG_N_MIN; log_n <= HEL_LOG_N_MAX; log_n++) {
            hel_engine *engine;
            hel_ring *ring = ref_ring(&engine, ref_twin(t), log_n, 2);
            const uint32_t corners[] = {1, 3, 2 * ring->n - 1, ring->n - 1, ring->n + 1};
            for (int k = 0; k < 5; k++)
                check(ring, 0, corners[k], &r);
            for (uint32_t i = 0; i < log_n; i++) /* the expansion's */
                check(ring, 1, (ring->n >> i) + 1, &r);
            for (int k = 0; k < 3; k++)
                check(ring, 1, 2 * ref_random_below(&r, ring->n) + 1, &r);
            ref_ring_end(engine, ring);
        }
}

Test(automorph, composition)
{
    ref_random r = ref_random_start(2);
    hel_engine *engine;
    hel_ring *ring = ref_ring(&engine, HEL_SIMD_AUTO, 10, 1);
    const uint32_t n = ring->n, q = ring->limb[0].q;
    uint32_t *a = ref_words(n), *b = ref_words(n), *c = ref_words(n);
    for (int k = 0; k < 20; k++) {
        uint32_t g = 2 * ref_random_below(&r, n) + 1, h = 2 * ref_random_below(&r, n) + 1;
        ref_fill(&r, a, n, q);
        hel_automorph_coef(ring, 0, g, b, a);
        hel_automorph_coef(ring, 0, h, c, b);
        hel_automorph_coef(ring, 0, (uint32_t)((uint64_t)g * h % (2 * n)), b, a);
        cr_assert_arr_eq(b, c, n * sizeof *b, "g %u h %u", g, h);
    }
    free(a);
    free(b);
    free(c);
    ref_ring_end(engine, ring);
}

Test(automorph, monomials)
{
    ref_random r = ref_random_start(3);
    hel_engine *engine;
    hel_ring *ring = ref_ring(&engine, HEL_SIMD_AUTO, 11, 1);
    const uint32_t n = ring->n, q = ring->limb[0].q;
    uint32_t *a = ref_words(n), *b = ref_words(n);
    const uint32_t corners[] = {0, 1, n - 1, n, n + 1, 2 * n - 1};
    for (int k = 0; k < 26; k++) {
        uint32_t shift = k < 6 ? corners[k] : ref_random_below(&r, 2 * n);
        ref_fill(&r, a, n, q);
        hel_monomial_coef(ring, 0, shift, b, a);
        for (uint32_t j = 0; j < n; j++) {
            uint32_t e = (j + shift) % (2 * n);
            cr_assert_eq(b[e % n], e < n ? a[j] : (q - a[j]) % q, "shift %u word %u", shift, j);
        }
    }
    free(a);
    free(b);
    ref_ring_end(engine, ring);
}
