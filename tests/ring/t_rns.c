/* Residues to integers and to other primes: chosen integers must come back. */
#include <criterion/criterion.h>

#include "host/base/mem.h"
#include "tests/ref/ref_ring.h"

/* Uniform in [-(Q-1)/2, (Q-1)/2] with the ends, 0 and +-1 strewn in; Q below 2^120. */
static __int128 pick(ref_random *r, __int128 product)
{
    const __int128 half = (product - 1) / 2, corner[] = {0, 1, -1, half, -half, half - 1, 1 - half};
    uint32_t k = ref_random_below(r, 20);
    if (k < 7)
        return corner[k];
    unsigned __int128 x = (unsigned __int128)ref_random_u64(r) << 64 | ref_random_u64(r);
    return (__int128)(x % (unsigned __int128)product) - half;
}

Test(rns, reconstruct)
{
    ref_random r = ref_random_start(1);
    hel_engine *engine;
    hel_ring *ring = ref_ring(&engine, HEL_SIMD_AUTO, 10, HEL_PRIMES_MAX);
    const size_t n = 333;
    const uint32_t sets[][4] = {{0, 1, 2, 3}, {3, 1, 0, 2}, {63, 0, 40, 7}, {60, 61, 62, 63}};
    for (uint32_t count = 1; count <= 4; count++)
        for (int s = 0; s < 4; s++) {
            __int128 product = 1, want[333], got[333];
            uint32_t *a[4];
            for (uint32_t k = 0; k < count; k++) {
                product *= ring->limb[sets[s][k]].q;
                a[k] = ref_words(n);
            }
            for (size_t i = 0; i < n; i++) {
                want[i] = pick(&r, product);
                for (uint32_t k = 0; k < count; k++)
                    a[k][i] = ref_mod(want[i], ring->limb[sets[s][k]].q);
            }
            hel_rns_reconstruct(ring, sets[s], count, (const uint32_t *const *)a, got, n);
            for (size_t i = 0; i < n; i++)
                cr_assert(got[i] == want[i], "set %d count %u word %d", s, count, (int)i);
            for (uint32_t k = 0; k < count; k++)
                free(a[k]);
        }
    ref_ring_end(engine, ring);
}

/* Primes of mixed sizes: the digits of one may be above the next prime. */
Test(rns, primes_of_all_sizes)
{
    ref_random r = ref_random_start(3);
    for (uint32_t t = 0; ref_twin(t) != HEL_SIMD_AUTO; t++) {
        hel_engine *engine;
        uint32_t primes[26];
        ref_mixed_primes(&r, 10, primes, 26);
        hel_ring *ring = ref_ring_from(&engine, ref_twin(t), 10, primes, 26);
        const uint32_t n = ring->n;
        uint32_t *a[4], *out = ref_words(n);
        for (uint32_t k = 0; k < 4; k++)
            a[k] = ref_words(n);
        for (size_t run = 0; run < ref_scaled(40); run++) {
            const uint32_t count = 1 + (uint32_t)(run % 4), to = ref_random_below(&r, 26);
            const uint32_t first = ref_random_below(&r, 26);
            uint32_t from[4];
            __int128 product = 1, want[1024], got[1024];
            for (uint32_t k = 0; k < count; k++) {
                from[k] = (first + 5 * k) % 26;
                product *= ring->limb[from[k]].q;
            }
            for (uint32_t i = 0; i < n; i++) {
                want[i] = pick(&r, product);
                for (uint32_t k = 0; k < count; k++)
                    a[k][i] = ref_mod(want[i], ring->limb[from[k]].q);
            }
            hel_rns_reconstruct(ring, from, count, (const uint32_t *const *)a, got, n);
            cr_assert_eq(
                hel_rns_lift(engine, ring, to, from, count, (const uint32_t *const *)a, out),
                HEL_OK);
            for (uint32_t i = 0; i < n; i++) {
                cr_assert(got[i] == want[i], "count %u word %u", count, i);
                cr_assert_eq(out[i], ref_mod(want[i], ring->limb[to].q), "count %u to %u word %u",
                             count, ring->limb[to].q, i);
            }
        }
        free(out);
        for (uint32_t k = 0; k < 4; k++)
            free(a[k]);
        ref_ring_end(engine, ring);
    }
}

/* Many limbs: small integers (signed, 120 bits) have the same lift whatever the number of limbs. */
Test(rns, lift)
{
    ref_random r = ref_random_start(2);
    for (uint32_t t = 0; ref_twin(t) != HEL_SIMD_AUTO; t++) {
        hel_engine *engine;
        hel_ring *ring = ref_ring(&engine, ref_twin(t), 10, 16);
        const uint32_t n = ring->n, from[] = {3, 0, 5, 1, 9, 15, 2, 4}, to[] = {0, 7, 14, 3};
        uint32_t *a[8], *out = ref_words(n);
        for (uint32_t k = 0; k < 8; k++)
            a[k] = ref_words(n);
        for (uint32_t count = 1; count <= 8; count++) {
            __int128 x[1024], product = 1;
            for (uint32_t k = 0; k < count && k < 4; k++)
                product *= ring->limb[from[k]].q;
            for (uint32_t i = 0; i < n; i++) {
                x[i] = pick(&r, product);
                for (uint32_t k = 0; k < count; k++)
                    a[k][i] = ref_mod(x[i], ring->limb[from[k]].q);
            }
            for (int k = 0; k < 4; k++) {
                cr_assert_eq(
                    hel_rns_lift(engine, ring, to[k], from, count, (const uint32_t *const *)a, out),
                    HEL_OK);
                for (uint32_t i = 0; i < n; i++)
                    cr_assert_eq(out[i], ref_mod(x[i], ring->limb[to[k]].q),
                                 "%s count %u to %u word %u", ring->ops->name, count, to[k], i);
            }
        }
        /* the special cases agree */
        uint32_t *one = ref_words(n);
        const hel_limb *target = &ring->limb[7];
        ref_fill(&r, a[0], n, ring->limb[3].q);
        ref_fill(&r, a[1], n, ring->limb[0].q);
        cr_assert_eq(hel_rns_lift(engine, ring, 7, from, 2, (const uint32_t *const *)a, out),
                     HEL_OK);
        ring->ops->lift2(&target, 1, &ring->limb[3], &ring->limb[0], &one, a[0], a[1], n);
        cr_assert_arr_eq(one, out, n * sizeof *one);
        free(one);
        free(out);
        for (uint32_t k = 0; k < 8; k++)
            free(a[k]);
        ref_ring_end(engine, ring);
    }
}

/* Beyond 128 bits: -1 and the like, and a check in the target of the whole range's ends. */
Test(rns, lift_ends_of_a_wide_range)
{
    hel_engine *engine;
    hel_ring *ring = ref_ring(&engine, HEL_SIMD_AUTO, 10, 9);
    const uint32_t n = ring->n, from[] = {0, 1, 2, 3, 4, 5, 6, 7}, q = ring->limb[8].q;
    uint32_t *a[8], *out = ref_words(n), half = 1;
    for (uint32_t k = 0; k < 8; k++) { /* (Q-1)/2 is 1/2 * (-1) modulo each prime of Q */
        uint32_t p = ring->limb[k].q;
        a[k] = ref_words(n);
        for (uint32_t i = 0; i < n; i++)
            a[k][i] = i & 1 ? (p - 1) / 2 : (p + 1) / 2; /* the top, and the bottom */
        half = (uint32_t)((uint64_t)half * p % q);
    }
    half = ref_mod(((__int128)half - 1) * ref_inverse(2, q), q);
    cr_assert_eq(hel_rns_lift(engine, ring, 8, from, 8, (const uint32_t *const *)a, out), HEL_OK);
    for (uint32_t i = 0; i < n; i++)
        cr_assert_eq(out[i], i & 1 ? half : q - half, "word %u", i);
    cr_assert_eq(hel_rns_lift(engine, ring, 8, from, 0, (const uint32_t *const *)a, out),
                 HEL_E_USAGE);
    hel_mem_fail_nth(1);
    cr_assert_eq(hel_rns_lift(engine, ring, 8, from, 8, (const uint32_t *const *)a, out),
                 HEL_E_MEMORY);
    for (uint32_t k = 0; k < 8; k++)
        free(a[k]);
    free(out);
    ref_ring_end(engine, ring);
}
