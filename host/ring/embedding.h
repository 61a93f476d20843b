/*
 * The canonical embedding of CKKS: N/2 complex slots <-> a real polynomial modulo X^N + 1.
 * Slot j is the value at zeta^(5^j), zeta = exp(i pi / N): Cheon, Kim, Kim, Song, ASIACRYPT 2017;
 * the transform is the one of Chen, Chillotti, Song, EUROCRYPT 2019, an FFT over the group of
 * powers of 5. A message of s < N/2 slots (s a power of two) lies in the subring of X^(N/2s): the
 * same slots repeated.
 *
 * Doubles: the relative error of a transform is below 2^-50 log2 N of the largest slot. The twins
 * do the same operations in the same order without contraction, so that they agree bit for bit.
 */
#ifndef HEL_RING_EMBEDDING_H
#define HEL_RING_EMBEDDING_H

#include "host/ring/ring.h"

typedef struct hel_embedding hel_embedding; /* tables for one N and the engine's twin; immutable */

hel_status hel_embedding_create(hel_engine *engine, hel_embedding **out, uint32_t log_n);
void hel_embedding_free(hel_embedding *e); /* NULL allowed */

/* Roots of unity of which a transform of another kind (a device's) makes its own: real and
 * imaginary parts, in turn, of exp(i pi a / 128), a < 64, of exp(i pi b / 2^12), b < 32, and of
 * exp(i pi c / 2^17), c < 32. One of each multiply to exp(i pi k / 2^17), k < 2^16. */
#define HEL_EMBEDDING_TWISTS 128
const double *hel_embedding_twists(const hel_embedding *e);

/* slots -> coefficients: x holds s real parts, then s imaginary parts on entry; the 2 s real
 * coefficients of X^(k N/2s), k < 2 s, on return. s = 2^log_slots, log_slots < log_n. */
void hel_embedding_inverse(const hel_embedding *e, uint32_t log_slots, double *x);
/* coefficients -> slots, the inverse of the above. */
void hel_embedding_forward(const hel_embedding *e, uint32_t log_slots, double *x);

/* Residues, coefficient form, of round(x[k] scale) at X^(k N/2s), 0 elsewhere, modulo `limbs` ring
 * limbs (0 .. limbs - 1 of the ring when map is NULL, map[i] otherwise; at most HEL_LIMBS_LIMIT), N
 * words each. The product is the double nearest to it; ties round to even. It may be as large as
 * doubles are, each of which is an exact integer times a power of two from 2^52 on. HEL_E_USAGE
 * when a product is not finite; out holds nothing of use then. Time depends on x only through the
 * size of products of 2^62 and more. */
hel_status hel_embedding_reduce(hel_engine *engine, const hel_embedding *e, const hel_ring *ring,
                                const uint32_t *map, uint32_t limbs, uint32_t log_slots,
                                const double *x, double scale, uint32_t *out, size_t limb_stride);

#define HEL_EMBEDDING_BLOCK 256 /* coefficients that are lifted at a time */

/* The reverse: the centred number with residues a (limbs 0 .. limbs - 1 of the ring, coefficient
 * form) at each X^(k N/2s), as a double, divided by scale, k < 2 s. Exact mixed-radix digits, most
 * significant first: numbers below 2^53 are exact before the division, larger ones have a relative
 * error below limbs 2^-52 and are infinite beyond 2^1023. limbs >= 1, any number.
 * scratch: limbs x HEL_EMBEDDING_BLOCK words. */
void hel_embedding_lift(const hel_embedding *e, const hel_ring *ring, uint32_t limbs,
                        uint32_t log_slots, const uint32_t *a, size_t limb_stride, double scale,
                        double *x, uint32_t *scratch);

#endif
