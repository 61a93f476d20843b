/*
 * Generation of switching keys, one digit at a time, on the CPU: the engine under the scan's Galois
 * and relinearization keys (exact/eval_keys.c) and under the evaluator's (switch_keys.c).
 *
 * A key from s' to s over Q (ring limbs 0 .. q_limbs - 1) and P (`special` limbs from special_first
 * on) holds for every digit j a pair in NTT form,
 *
 *   b_j = -a_j s + e_j + P g_j s',   g_j = 1 modulo the primes of digit j, 0 modulo Q's others,
 *
 * in the layout [digit][2: b, a][q_limbs + special][N]. a_j is a stream of a public seed; e_j is a
 * stream of a second seed, which must be fresh and is never stored.
 */
#ifndef HEL_CKKS_SWITCH_KEY_H
#define HEL_CKKS_SWITCH_KEY_H

#include "host/ring/ring.h"

typedef struct hel_switch_shape {
    uint32_t q_limbs, special, special_first;
    uint32_t digit_limbs; /* digit j: limbs j digit_limbs .. of Q */
} hel_switch_shape;

/* What one digit is made of. */
typedef struct hel_switch_digit {
    uint32_t digit;
    hel_domain domain_a, domain_e;
    uint64_t object;      /* of both streams */
    const uint32_t *from; /* s' in NTT form, limb t at from + t N; NULL: 0 (an encryption of 0) */
    const uint32_t *map;  /* NTT-form automorphism that is applied to `from` first; NULL: none */
} hel_switch_digit;

typedef struct hel_switch_generator hel_switch_generator;

/* s_ntt: NTT form of s modulo every limb of the ring that keys will use; borrowed. */
hel_status hel_switch_generator_create(hel_engine *engine, hel_switch_generator **out,
                                       const hel_ring *ring, const uint32_t *s_ntt,
                                       const uint8_t a_seed[HEL_SEED_BYTES],
                                       const uint8_t e_seed[HEL_SEED_BYTES]);
void hel_switch_generator_free(hel_switch_generator *g); /* wipes; NULL allowed */

/* Writes [2: b, a][limbs][N]; limbs are done in parallel. Whatever the result, `pair` never holds
 * anything but finished halves. */
hel_status hel_switch_generate(hel_switch_generator *g, const hel_switch_shape *shape,
                               const hel_switch_digit *d, uint32_t *pair);

/* Ring limb of a key's limb t. */
static inline uint32_t hel_switch_shape_limb(const hel_switch_shape *shape, uint32_t t)
{
    return t < shape->q_limbs ? t : shape->special_first + t - shape->q_limbs;
}

/* The product of `count` ring limbs' primes from `first` on, modulo limb i. */
uint32_t hel_limb_product(const hel_ring *ring, uint32_t first, uint32_t count, uint32_t i);

/* Residues of small integers, |x| < q: no branch depends on them. */
static inline void hel_small_residues(const hel_limb *l, uint32_t *out, const int8_t *x, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        const uint32_t v = (uint32_t)(int32_t)x[j];
        out[j] = hel_min_u32(v, v + l->q); /* a negative number wraps around to below q */
    }
}

#endif
