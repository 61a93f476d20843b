/*
 * A ring: a list of primes (the chain's first, or the caller's) with their tables, and the twin
 * that the engine chose. All tables lie in one allocation and never change afterwards.
 */
#include "host/base/cpu.h"
#include "host/base/mem.h"
#include "host/ring/ring.h"
#include "host/ring/ring_private.h"

static const hel_ring_ops *choose_ops(const hel_engine *engine)
{
    const hel_ring_ops *ops = NULL;
    switch (hel_engine_simd(engine)) {
    case HEL_SIMD_AVX512:
        ops = hel_ring_ops_avx512();
        break;
    case HEL_SIMD_AVX2:
        ops = hel_ring_ops_avx2();
        break;
    case HEL_SIMD_AUTO:
    case HEL_SIMD_PORTABLE:
        break;
    }
    return ops ? ops : hel_ring_ops_portable();
}

/* Smallest g >= 2 whose power (q-1)/2N has order 2N: that power raised to N is -1. */
static uint32_t find_psi(uint32_t q, uint32_t log_n)
{
    for (uint32_t g = 2;; g++) {
        uint32_t psi = hel_mod_pow(g, (q - 1) >> (log_n + 1), q);
        if (hel_mod_pow(psi, (uint64_t)1 << log_n, q) == q - 1)
            return psi;
    }
}

/* w[bitrev(i)] = root^i with Shoup's quotients */
static void fill_powers(uint32_t *w, uint32_t *w_shoup, uint32_t root, uint32_t q, uint32_t log_n)
{
    uint32_t power = 1, root_shoup = hel_mod_shoup(root, q);
    for (uint32_t i = 0; i < 1u << log_n; i++) {
        uint32_t at = hel_bit_reverse(i, log_n);
        w[at] = power;
        w_shoup[at] = hel_mod_shoup(power, q);
        power = hel_mod_mul_shoup(power, root, root_shoup, q);
    }
}

/* Fills limb i from `words`, 4 N + 2 count words, and its twin's table `extra`. */
static void fill_limb(hel_ring *ring, const uint32_t *primes, uint32_t i, uint32_t *words,
                      void *extra)
{
    hel_limb *l = &ring->limb[i];
    uint32_t n = ring->n, q = primes[i], psi = find_psi(q, ring->log_n);
    uint32_t *w = words, *w_shoup = w + n, *w_inv = w_shoup + n, *w_inv_shoup = w_inv + n;
    uint32_t *q_inv = w_inv_shoup + n, *q_inv_shoup = q_inv + ring->count;

    l->q = q;
    l->index = i;
    l->bits = hel_mod_bits(q);
    l->barrett = hel_mod_barrett(q);
    l->pow34 = hel_mod_pow34(q);
    l->word_inv = hel_mod_word_inverse(q);
    l->n_inv = hel_mod_inv(n, q);
    l->n_inv_shoup = hel_mod_shoup(l->n_inv, q);
    fill_powers(w, w_shoup, psi, q, ring->log_n);
    fill_powers(w_inv, w_inv_shoup, hel_mod_inv(psi, q), q, ring->log_n);
    for (uint32_t j = 0; j < ring->count; j++) {
        q_inv[j] = j == i ? 0 : hel_mod_inv(primes[j], q);
        q_inv_shoup[j] = hel_mod_shoup(q_inv[j], q);
    }
    l->w = w;
    l->w_shoup = w_shoup;
    l->w_inv = w_inv;
    l->w_inv_shoup = w_inv_shoup;
    l->q_inv = q_inv;
    l->q_inv_shoup = q_inv_shoup;
    l->extra = NULL;
    if (extra) {
        ring->ops->extra_fill(ring, l, extra);
        l->extra = extra;
    }
}

/* A list of different primes that a ring of this degree can have. */
static hel_status check_primes(hel_engine *engine, uint32_t log_n, const uint32_t *primes,
                               uint32_t count)
{
    HEL_REQUIRE(engine, log_n >= HEL_LOG_N_MIN && log_n <= HEL_LOG_N_MAX, HEL_E_USAGE,
                "ring: log2 N = %u is not in %d..%d", log_n, HEL_LOG_N_MIN, HEL_LOG_N_MAX);
    HEL_REQUIRE(engine, count >= 1 && count <= HEL_LIMBS_LIMIT, HEL_E_USAGE,
                "ring: %u primes given, a ring has 1..%d", count, HEL_LIMBS_LIMIT);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t q = primes[i], order = 2u << log_n;
        HEL_REQUIRE(engine, q >> 17 && q < 1u << 30, HEL_E_USAGE,
                    "ring: prime %u, %u, is not between 2^17 and 2^30", i, q);
        HEL_REQUIRE(engine, q % order == 1, HEL_E_USAGE, "ring: prime %u, %u, is not 1 modulo %u",
                    i, q, order);
        HEL_REQUIRE(engine, hel_is_prime(q), HEL_E_USAGE, "ring: prime %u, %u, is composite", i, q);
        for (uint32_t j = 0; j < i; j++)
            HEL_REQUIRE(engine, primes[j] != q, HEL_E_USAGE, "ring: primes %u and %u are both %u",
                        j, i, q);
    }
    return HEL_OK;
}

hel_status hel_ring_create(hel_engine *engine, hel_ring **out, uint32_t log_n, uint32_t count)
{
    uint32_t primes[HEL_PRIMES_MAX];
    *out = NULL;
    HEL_TRY(hel_prime_chain(engine, log_n, count, primes));
    return hel_ring_create_from(engine, out, log_n, primes, count);
}

hel_status hel_ring_create_from(hel_engine *engine, hel_ring **out, uint32_t log_n,
                                const uint32_t *primes, uint32_t count)
{
    hel_ring *ring = NULL;
    hel_status status;
    size_t words, limb_bytes, extra_bytes;
    uint8_t *at;

    *out = NULL;
    HEL_TRY(check_primes(engine, log_n, primes, count));
    HEL_TRY(hel_calloc(engine, &ring, 1, sizeof *ring));
    ring->log_n = log_n;
    ring->n = 1u << log_n;
    ring->count = count;
    ring->ops = choose_ops(engine);
    words = 4 * (size_t)ring->n + 2 * count;
    words = (words + 15) / 16 * 16; /* every limb's tables start on a cache line */
    extra_bytes = ring->ops->extra_bytes ? ring->ops->extra_bytes(log_n) : 0;
    limb_bytes = words * sizeof(uint32_t) + (extra_bytes + HEL_ALIGN - 1) / HEL_ALIGN * HEL_ALIGN;
    HEL_TRY_GOTO(hel_calloc(engine, &ring->limb, count, sizeof *ring->limb), fail);
    HEL_TRY_GOTO(hel_calloc(engine, &ring->storage, count, limb_bytes), fail);
    at = ring->storage;
    for (uint32_t i = 0; i < count; i++, at += limb_bytes)
        fill_limb(ring, primes, i, (uint32_t *)(void *)at,
                  extra_bytes ? at + words * sizeof(uint32_t) : NULL);
    *out = ring;
    return HEL_OK;
fail:
    hel_ring_free(ring);
    return status;
}

void hel_ring_free(hel_ring *ring)
{
    if (!ring)
        return;
    hel_free(ring->storage);
    hel_free(ring->limb);
    hel_free(ring);
}
