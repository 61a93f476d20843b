/*
 * Between residues and integers, exactly: mixed-radix digits (Garner) in centred form. With
 * centred digits d_k, |d_k| <= (q_k - 1)/2, the value d_0 + q_0 (d_1 + q_1 (d_2 + ...)) runs
 * through exactly the integers of absolute value at most (Q - 1)/2.
 */
#include <assert.h>
#include <string.h>

#include "host/base/mem.h"
#include "host/ring/ring.h"

/* x / prime j of the ring modulo the limb */
static uint32_t divide_by_prime(const hel_limb *l, uint32_t x, uint32_t j)
{
    return hel_mod_mul_shoup(x, l->q_inv[j], l->q_inv_shoup[j], l->q);
}

/* Signed words below 2^29 in absolute value -> residues, in constant time: a multiple of q at least
 * 2^29 makes them positive, and Shoup's product with 1 reduces any word. */
typedef struct signed_words {
    uint32_t q, offset, one_shoup;
} signed_words;

static signed_words signed_words_of(uint32_t q)
{
    return (signed_words){q, ((1u << 29) / q + 1) * q, hel_mod_shoup(1, q)};
}

static inline uint32_t reduce_signed(int32_t v, signed_words s)
{
    return hel_mod_mul_shoup((uint32_t)v + s.offset, 1, s.one_shoup, s.q);
}

void hel_rns_reconstruct(const hel_ring *ring, const uint32_t *limbs, uint32_t count,
                         const uint32_t *const *a, __int128 *out, size_t n)
{
    signed_words s[4];
    assert(count >= 1 && count <= 4);
    for (uint32_t k = 0; k < count; k++)
        s[k] = signed_words_of(ring->limb[limbs[k]].q);
    for (size_t i = 0; i < n; i++) {
        int32_t digit[4] = {0};
        for (uint32_t k = 0; k < count; k++) {
            const hel_limb *l = &ring->limb[limbs[k]];
            uint32_t x = a[k][i];
            for (uint32_t j = 0; j < k; j++) {
                x = hel_mod_sub(x, reduce_signed(digit[j], s[k]), l->q);
                x = divide_by_prime(l, x, limbs[j]);
            }
            digit[k] = hel_mod_centre(x, l->q);
        }
        __int128 v = digit[count - 1];
        for (uint32_t k = count - 1; k-- > 0;)
            v = v * ring->limb[limbs[k]].q + digit[k];
        out[i] = v;
    }
}

/* out = centred(a mod from) mod to, for primes of any two sizes */
static void lift_any(const hel_ring *ring, const hel_limb *to, const hel_limb *from, uint32_t *out,
                     const uint32_t *a)
{
    const signed_words s = signed_words_of(to->q);
    if (to->bits == 30 && from->bits == 30) {
        ring->ops->lift1(to, from, out, a, ring->n);
        return;
    }
    for (size_t i = 0; i < ring->n; i++)
        out[i] = reduce_signed(hel_mod_centre(a[i], from->q), s);
}

/* digits: from_count vectors; digit k holds its centred value modulo its own prime. */
static void garner_digits(const hel_ring *ring, const uint32_t *from, uint32_t from_count,
                          const uint32_t *const *a, uint32_t *digits, uint32_t *lifted)
{
    const size_t n = ring->n;
    for (uint32_t k = 0; k < from_count; k++) {
        const hel_limb *l = &ring->limb[from[k]];
        uint32_t *d = digits + k * n;
        const uint32_t *x = a[k];
        if (k == 0)
            memcpy(d, x, n * sizeof *d);
        for (uint32_t j = 0; j < k; j++, x = d) {
            lift_any(ring, l, &ring->limb[from[j]], lifted, digits + j * n);
            ring->ops->sub_mul_scalar(l, d, x, lifted, l->q_inv[from[j]], n);
        }
    }
}

hel_status hel_rns_lift(hel_engine *engine, const hel_ring *ring, uint32_t to, const uint32_t *from,
                        uint32_t from_count, const uint32_t *const *a, uint32_t *out)
{
    const size_t n = ring->n;
    const hel_limb *t = &ring->limb[to];
    uint32_t *digits, *lifted;
    HEL_REQUIRE(engine, from_count >= 1 && from_count <= ring->count, HEL_E_USAGE,
                "ring: a lift from %u limbs, the ring has %u", from_count, ring->count);
    HEL_TRY(hel_secret_alloc(engine, &digits, (from_count + 1) * n * sizeof *digits));
    lifted = digits + from_count * n;
    garner_digits(ring, from, from_count, a, digits, lifted);
    for (uint32_t k = from_count; k-- > 0;) { /* Horner from the top digit */
        const hel_limb *l = &ring->limb[from[k]];
        if (k == from_count - 1) {
            lift_any(ring, t, l, out, digits + k * n);
            continue;
        }
        ring->ops->mul_scalar(t, out, out, l->q % t->q, n);
        lift_any(ring, t, l, lifted, digits + k * n);
        ring->ops->add(t, out, out, lifted, n);
    }
    hel_secret_free(digits);
    return HEL_OK;
}
