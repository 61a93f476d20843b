/*
 * Base conversion: from the residues of a number modulo some primes to its residues modulo others.
 *
 * Sources q_0 .. q_(m-1) with product Q, targets t. For one coefficient with residues a_k:
 *
 *   y_k = a_k f_k (Q/q_k)^-1 mod q_k                         in [0, q_k)
 *   v   = (sum_k (y_k R_k >> (b_k + 5)) + 2^25) >> 26        R_k = floor(2^(31 + b_k) / q_k),
 *                                                            b_k = bits of q_k
 *   out = sum_k y_k (Q/q_k) - v Q   mod t
 *
 * This is the representative X of f a modulo Q with |X| <= Q (1/2 + 1.1 m 2^-26): centred but for
 * a sliver beside the half, and the same integer for every target. The formula is the definition:
 * all twins and every backend give these residues bit for bit. (The idea of recovering v from
 * fractions: Halevi, Polyakov, Shoup, "An improved RNS variant of the BFV scheme", CT-RSA 2019,
 * there in floating point.)
 */
#ifndef HEL_RING_CONVERT_H
#define HEL_RING_CONVERT_H

#include "host/ring/ring.h"

#define HEL_CONVERT_SOURCES 63   /* fractions of 26 bits are summed in 32 */
#define HEL_CONVERT_BLOCK   1024 /* coefficients that one call of a twin's op may take */

/* Immutable. */
typedef struct hel_conversion {
    uint32_t from_count, to_count;
    const hel_limb *from[HEL_CONVERT_SOURCES];
    uint32_t y[HEL_CONVERT_SOURCES], y_shoup[HEL_CONVERT_SOURCES]; /* f_k (Q/q_k)^-1 mod q_k */
    uint32_t fraction[HEL_CONVERT_SOURCES];                        /* R_k */
    const hel_limb *to[HEL_LIMBS_LIMIT];
    /* [from_count + 1][to_count]: 2^32 Q/q_k modulo the target, in the last row -2^32 Q:
     * Montgomery's reduction of the sum takes the 2^32 away */
    uint32_t *weight;
    void *storage;
} hel_conversion;

/* factor[k] (any 64-bit number, reduced modulo q_k here) multiplies the input first; NULL = 1.
 * Sources and targets name limbs of the ring and may overlap (a target that is a source gets the
 * residue of X too). */
hel_status hel_conversion_create(hel_engine *engine, hel_conversion **out, const hel_ring *ring,
                                 const uint32_t *from, uint32_t from_count, const uint32_t *to,
                                 uint32_t to_count, const uint64_t *factor);
void hel_conversion_free(hel_conversion *c); /* NULL allowed */

/* n coefficients, a multiple of 16, in blocks that stay in the first-level cache. in: from_count
 * vectors; out: to_count vectors, NULL where a target is not wanted; no aliasing. */
void hel_convert(const hel_ring *ring, const hel_conversion *c, const uint32_t *const *in,
                 uint32_t *const *out, size_t n);

#endif
