/* The prime chain and the tables of a ring, against trial division and the header's definitions. */
#include <string.h>

#include <criterion/criterion.h>

#include "host/base/mem.h"
#include "tests/ref/ref_ring.h"

Test(prime, chain_is_what_trial_division_finds)
{
    for (uint32_t log_n = HEL_LOG_N_MIN; log_n <= HEL_LOG_N_MAX; log_n++) {
        uint32_t primes[HEL_PRIMES_MAX], found = 0, step = 2u << log_n;
        cr_assert_eq(hel_prime_chain(NULL, log_n, HEL_PRIMES_MAX, primes), HEL_OK);
        for (uint32_t q = (1u << 30) - step + 1; found < HEL_PRIMES_MAX; q -= step)
            if (ref_is_prime(q)) {
                cr_assert_eq(primes[found], q, "log_n %u index %u", log_n, found);
                found++;
            }
        cr_assert_gt(primes[HEL_PRIMES_MAX - 1], 1u << 29);
    }
}

Test(prime, known_first_primes)
{
    uint32_t q;
    cr_assert_eq(hel_prime_chain(NULL, 13, 1, &q), HEL_OK);
    cr_assert_eq(q, (1u << 30) - 49151);
}

Test(prime, refuses_what_it_cannot_do)
{
    uint32_t primes[HEL_PRIMES_MAX];
    cr_assert_eq(hel_prime_chain(NULL, HEL_LOG_N_MIN - 1, 1, primes), HEL_E_USAGE);
    cr_assert_eq(hel_prime_chain(NULL, HEL_LOG_N_MAX + 1, 1, primes), HEL_E_USAGE);
    cr_assert_eq(hel_prime_chain(NULL, 12, 0, primes), HEL_E_USAGE);
    cr_assert_eq(hel_prime_chain(NULL, 12, HEL_PRIMES_MAX + 1, primes), HEL_E_USAGE);
}

static void check_limb(const hel_ring *ring, uint32_t index)
{
    const hel_limb *l = &ring->limb[index];
    const uint32_t n = ring->n, q = l->q, psi = ref_psi(q, ring->log_n);
    cr_assert_eq(l->index, index);
    cr_assert(q >> (l->bits - 1) == 1);
    cr_assert_eq(l->barrett, ((unsigned __int128)1 << (31 + l->bits)) / q);
    cr_assert_eq(l->pow34, ((uint64_t)1 << 34) % q);
    cr_assert_eq(l->word_inv * q, 1u);
    cr_assert_eq((uint64_t)l->n_inv * n % q, 1);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t power = ref_pow(psi, ref_bit_reverse(i, ring->log_n), q);
        cr_assert_eq(l->w[i], power, "limb %u w[%u]", index, i);
        cr_assert_eq((uint64_t)l->w_inv[i] * power % q, 1, "limb %u w_inv[%u]", index, i);
        cr_assert_eq(l->w_shoup[i], ((uint64_t)l->w[i] << 32) / q);
        cr_assert_eq(l->w_inv_shoup[i], ((uint64_t)l->w_inv[i] << 32) / q);
    }
    for (uint32_t j = 0; j < ring->count; j++) {
        uint32_t other = ring->limb[j].q;
        if (j == index)
            cr_assert_eq(l->q_inv[j], 0);
        else
            cr_assert_eq((uint64_t)l->q_inv[j] * (other % q) % q, 1, "limb %u q_inv[%u]", index, j);
        cr_assert_eq(l->q_inv_shoup[j], ((uint64_t)l->q_inv[j] << 32) / q);
    }
}

Test(prime, ring_tables)
{
    hel_engine *engine;
    hel_ring *ring = ref_ring(&engine, HEL_SIMD_AUTO, 10, HEL_PRIMES_MAX);
    cr_assert_eq(ring->count, HEL_PRIMES_MAX);
    for (uint32_t i = 0; i < ring->count; i += 21) {
        check_limb(ring, i);
        cr_assert_eq(ring->limb[i].bits, 30);
    }
    ref_ring_end(engine, ring);
    ring = ref_ring(&engine, HEL_SIMD_AUTO, 14, 2);
    check_limb(ring, 1);
    ref_ring_end(engine, ring);
}

Test(prime, ring_create_fails_cleanly)
{
    hel_engine *engine;
    hel_ring *ring = ref_ring(&engine, HEL_SIMD_AUTO, 10, 1);
    hel_ring_free(ring);
    uint64_t before = hel_mem_in_use();
    cr_assert_eq(hel_ring_create(engine, &ring, 9, 1), HEL_E_USAGE);
    cr_assert_null(ring);
    for (uint64_t nth = 1; nth <= 3; nth++) {
        hel_mem_fail_nth(nth);
        cr_assert_eq(hel_ring_create(engine, &ring, 10, 2), HEL_E_MEMORY, "allocation %d",
                     (int)nth);
        cr_assert_null(ring);
        cr_assert_eq(hel_mem_in_use(), before);
    }
    hel_mem_fail_nth(0);
    hel_ring_free(NULL);
    hel_engine_free(engine);
}

Test(prime, primality)
{
    ref_random r = ref_random_start(1);
    for (uint32_t q = 0; q < 5000; q++)
        cr_assert_eq(hel_is_prime(q), ref_is_prime(q), "%u", q);
    for (uint32_t q = UINT32_MAX - 100; q >= UINT32_MAX - 100; q++)
        cr_assert_eq(hel_is_prime(q), ref_is_prime(q), "%u", q);
    /* strong pseudoprimes to the bases 2; 2, 3; 2, 3, 5; 7; 61 */
    const uint32_t liars[] = {2047, 1373653, 25326001, 3215031751u, 25, 217};
    for (int k = 0; k < 6; k++)
        cr_assert_not(hel_is_prime(liars[k]), "%u", liars[k]);
    for (size_t i = 0; i < ref_scaled(2000); i++) {
        uint32_t q = (uint32_t)ref_random_u64(&r) >> ref_random_below(&r, 16);
        cr_assert_eq(hel_is_prime(q), ref_is_prime(q), "%u", q);
    }
}

/* Any primes in any order, the chain's among them: the same tables but for the index. */
Test(prime, ring_from_a_list)
{
    ref_random r = ref_random_start(2);
    hel_engine *engine;
    uint32_t primes[HEL_LIMBS_LIMIT];
    ref_mixed_primes(&r, 10, primes, HEL_LIMBS_LIMIT);
    hel_ring *ring = ref_ring_from(&engine, HEL_SIMD_AUTO, 10, primes, HEL_LIMBS_LIMIT), *chain,
             *list;
    cr_assert_eq(ring->count, HEL_LIMBS_LIMIT);
    for (uint32_t i = 0; i < ring->count; i++) {
        cr_assert_eq(ring->limb[i].q, primes[i]);
        if (i % 5 == 0)
            check_limb(ring, i);
    }
    hel_ring_free(ring);
    cr_assert_eq(hel_ring_create(engine, &chain, 12, 9), HEL_OK);
    for (uint32_t i = 0; i < 9; i++)
        primes[i] = chain->limb[i].q;
    cr_assert_eq(hel_ring_create_from(engine, &list, 12, primes, 9), HEL_OK);
    for (uint32_t i = 0; i < 9; i++)
        cr_assert_arr_eq(list->limb[i].w, chain->limb[i].w, 4 * 4096);
    hel_ring_free(list);
    hel_ring_free(chain);
    for (uint32_t log_n = HEL_LOG_N_MIN; log_n <= HEL_LOG_N_MAX; log_n++) {
        ref_mixed_primes(&r, log_n, primes, 14);
        cr_assert_eq(hel_ring_create_from(engine, &ring, log_n, primes, 1), HEL_OK, "%s",
                     hel_engine_error(engine));
        hel_ring_free(ring);
    }
    hel_engine_free(engine);
}

Test(prime, ring_from_refuses)
{
    hel_engine *engine;
    hel_ring *ring = ref_ring(&engine, HEL_SIMD_AUTO, 10, 2);
    const uint32_t good = ring->limb[0].q, other = ring->limb[1].q;
    uint32_t many[HEL_LIMBS_LIMIT + 1] = {0};
    hel_ring_free(ring);
    const struct {
        uint32_t log_n, count, primes[3];
        const char *says;
    } bad[] = {
        {9, 1, {good}, "log2 N = 9"},
        {18, 1, {good}, "log2 N = 18"},
        {10, 0, {good}, "0 primes"},
        {10, 2, {good, 114689}, "114689"},          /* 1 mod 2^14, below 2^17 */
        {10, 2, {good, 1073750017u}, "1073750017"}, /* 1 mod 2^13, above 2^30 */
        {10, 2, {good, 1073741789}, "1073741789"},  /* 2^30 - 35 is not 1 mod 2048 */
        {10, 2, {good, 131073}, "composite"},       /* 2^17 + 1 = 3 * 43691 */
        {10, 3, {good, other, good}, "0 and 2"},
    };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        cr_assert_eq(hel_ring_create_from(engine, &ring, bad[k].log_n, bad[k].primes, bad[k].count),
                     HEL_E_USAGE, "case %zu", k);
        cr_assert_null(ring);
        cr_assert(strstr(hel_engine_error(engine), bad[k].says), "case %zu: %s", k,
                  hel_engine_error(engine));
        hel_error_clear(engine);
    }
    cr_assert_eq(hel_ring_create_from(engine, &ring, 10, many, HEL_LIMBS_LIMIT + 1), HEL_E_USAGE);
    hel_engine_free(engine);
}
