/* The prime chain and the tables of a ring, against trial division and the header's definitions. */
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
    cr_assert(q >> 29 == 1 && l->bits == 30);
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
        if (j != index)
            cr_assert_eq((uint64_t)l->q_inv[j] * other % q, 1, "limb %u q_inv[%u]", index, j);
    }
}

Test(prime, ring_tables)
{
    hel_engine *engine;
    hel_ring *ring = ref_ring(&engine, HEL_SIMD_AUTO, 10, HEL_PRIMES_MAX);
    cr_assert_eq(ring->count, HEL_PRIMES_MAX);
    for (uint32_t i = 0; i < ring->count; i += 21)
        check_limb(ring, i);
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
