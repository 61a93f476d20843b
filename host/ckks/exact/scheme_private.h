/* What the sources of this layer, and tests that force unsafe sets, share beyond scheme.h. */
#ifndef HEL_CKKS_SCHEME_PRIVATE_H
#define HEL_CKKS_SCHEME_PRIVATE_H

#include "host/ckks/exact/scheme.h"
#include "host/ckks/security.h"

#define HEL_LIMBS_MAX     8 /* of Q' */
#define HEL_SPECIAL_MAX   4 /* of P */
#define HEL_OUT_LIMBS_MAX 4 /* a phase stays below 2^120 */
#define HEL_CHUNK_MAX     (1u << 24)
#define HEL_PLANE_MAX     (1u << 12)
#define HEL_CBD_VARIANCE  10.5 /* of CBD(21) */

/* ---- noise.c: standard deviations, exactness chapter B and E ---- */

typedef struct hel_noise {
    double ks;    /* one hybrid key switch under Q' */
    double first; /* constant coefficient of a leaf under Q', before its division */
    double rest;  /* its other coefficients */
    double z;     /* a leaf after the switch to the scan limbs, mean over coefficients */
    double relin; /* relinearization without P */
    double out;   /* rounding of the output switch, in units of the phase before it */
    double e;     /* a sum's phase, worst-case data: sigma_E */
} hel_noise;

/* primes: chain primes 0..expand_limbs + special_limbs - 1 */
void hel_noise_predict(const hel_params *p, const uint32_t *primes, hel_noise *out);

/* ---- params.c ---- */

/* Shape rules, the two proofs and the table. *proof is filled as far as the shape allows. */
hel_status hel_params_evaluate(hel_engine *engine, const hel_params *p, hel_params_proof *proof);
/* The rules that the code itself relies on: sizes and counts. */
hel_status hel_params_shape(hel_engine *engine, const hel_params *p);
/* Largest integer that 2^da_shift Dz may be for the range condition; 0 when there is none. */
uint64_t hel_params_scale_limit(const hel_params *p, const uint32_t *primes);

/* ---- scheme.c ---- */

/* hel_scheme_create without security and exactness: for tests that show why both are refused. */
hel_status hel_scheme_create_unchecked(hel_engine *engine, hel_scheme **out,
                                       const hel_params *params);

/* ---- keyswitch.c ---- */

/* Ring limb of a switching key's limb t: those of Q first, then those of P. */
static inline uint32_t hel_switch_limb(const hel_scheme *scheme, const hel_switch_key *key,
                                       uint32_t t)
{
    return t < key->q_limbs ? t : scheme->params.expand_limbs + t - key->q_limbs;
}

/* Vector t of half p (0: b, 1: a) of digit j. */
static inline uint32_t *hel_switch_vector(const hel_switch_key *key, uint32_t n, uint32_t j,
                                          uint32_t p, uint32_t t)
{
    return key->data + (((size_t)j * 2 + p) * (key->q_limbs + key->special) + t) * n;
}

/* Exact centred lift of ring limbs first .. first + count - 1 (residues in[0..count-1]) to the
 * ring limbs target[]; out distinct from in. scratch: (count + 1) N words when count > 2. */
void hel_lift_limbs(const hel_scheme *scheme, uint32_t first, uint32_t count,
                    const uint32_t *const *in, const uint32_t *target, uint32_t target_count,
                    uint32_t *const *out, uint32_t *scratch);

/* acc = (2 x (q_limbs + special) x N), NTT form: sum over digits of the lifted digit times the
 * key, a phase of P c s'. c in coefficient form; c_ntt its NTT form or NULL: it saves the
 * transform of each digit's own limbs. */
void hel_switch_inner(const hel_scheme *scheme, const hel_switch_key *key, const uint32_t *c,
                      const uint32_t *c_ntt, uint32_t *acc, uint32_t *scratch);

/* P and P^-1 modulo ring limb i, P the product of the scheme's special primes. */
uint32_t hel_special_product(const hel_scheme *scheme, uint32_t i);
uint32_t hel_special_inverse(const hel_scheme *scheme, uint32_t i);

#endif
