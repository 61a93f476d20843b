/* Slow oracles of the scheme core, and the fixture that its tests share. */
#ifndef HEL_TESTS_REF_SCHEME_H
#define HEL_TESTS_REF_SCHEME_H

#include "host/ckks/exact/scheme_private.h"
#include "tests/ref/ref_ring.h"

/* ---- fixture ---- */

typedef struct ref_fixture {
    hel_engine *engine;
    hel_scheme *scheme;
    hel_secret_key *key;
    hel_eval_keys *keys; /* NULL unless asked for */
} ref_fixture;

/* Aborts the test on failure. simd: HEL_SIMD_AUTO for the machine's best. */
void ref_setup(ref_fixture *f, const hel_params *p, hel_simd simd, int eval_keys);
void ref_teardown(ref_fixture *f);

/* Profile S, and a toy set of the same shape at another ring and chunk (unchecked). */
hel_params ref_profile_s(void);
hel_params ref_toy(uint32_t log_n);

/* ---- arithmetic ---- */

/* Product with a ternary polynomial. */
void ref_negacyclic_ternary(uint32_t q, uint32_t n, uint32_t *out, const uint32_t *a,
                            const int8_t *s);

/* phase[j] = centred (c0 + c1 s)[j] modulo the first `limbs` <= 4 primes; coefficient form. */
void ref_phase(const hel_scheme *scheme, const hel_secret_key *key, uint32_t limbs,
               const uint32_t *c0, const uint32_t *c1, __int128 *phase);
/* The same from NTT form, by inverse transforms of copies. */
void ref_phase_ntt(const hel_scheme *scheme, const hel_secret_key *key, uint32_t limbs,
                   const uint32_t *c0, const uint32_t *c1, __int128 *phase);

/* Bit-exact key switch from the definitions: integer digits, schoolbook products, integer rounding;
 * coefficient form. Digits and P of at most 4 primes. */
void ref_keyswitch(const hel_scheme *scheme, const hel_switch_key *key, const uint32_t *c,
                   uint32_t *out0, uint32_t *out1);

#endif
