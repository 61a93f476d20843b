/*
 * Oracle of the CKKS evaluator: phases. The phase of a ciphertext is the polynomial c0 + c1 s
 * (+ c2 s^2); exact operations must give exactly the sum, product, ... of their inputs' phases
 * modulo every prime, the others must stay within their stated error of it. Everything here is
 * computed with % on 64 bits, from transforms that tests/ring checks by themselves.
 */
#ifndef HEL_REF_CKKS_H
#define HEL_REF_CKKS_H

#include "host/ckks/evaluator.h"
#include "tests/ref/ref_ring.h"

typedef struct ref_ckks {
    hel_engine *engine;
    hel_ckks *ckks;
    hel_ckks_secret *secret;
    hel_ckks_public *public_key;
    hel_ckks_keys *keys; /* relinearization, conjugation, sums, rotations by 3 and -1 */
} ref_ckks;

/* Slots stay within so many estimates of their standard deviation. An error v e is in every slot
 * the product of two complex Gaussians: it passes t deviations with probability 2 t K_1(2 t), which
 * is 1e-7 at 8.8 and 2e-11 at 13.2, the estimates being 1.1 deviations. */
#define REF_CKKS_SLOT_LIMIT 12

/* A set for tests, security not asked for; ends the test's process on failure. dnum 0: default. */
hel_ckks_params ref_ckks_toy(uint32_t log_n, uint32_t depth, uint32_t scale_bits, uint32_t dnum);
void ref_ckks_setup(ref_ckks *f, const hel_ckks_params *p, hel_simd simd, uint32_t threads);
void ref_ckks_end(ref_ckks *f);

/* Random slots in the unit disc (im NULL: in [-1, 1]). */
void ref_ckks_fill(ref_random *r, double *re, double *im, size_t count);

/* NTT form over the level's limbs, limbs x N words (free()). */
uint32_t *ref_ckks_phase(const ref_ckks *f, const hel_ckks_cipher *x, uint32_t item);
uint32_t *ref_ckks_message(const ref_ckks *f, const hel_ckks_plain *p, uint32_t item);

/* NTT form -> centred coefficients modulo the product of the first `limbs` primes. */
void ref_ckks_centre(const ref_ckks *f, uint32_t limbs, const uint32_t *x, long double *out);
/* NTT form: out(X) = x(X^g), by exponents. */
void ref_ckks_automorph(const ref_ckks *f, uint32_t limbs, uint32_t g, const uint32_t *x,
                        uint32_t *out);

#endif
