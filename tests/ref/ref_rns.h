/*
 * Residue number systems by plain big integers: composition by the Chinese remainder theorem, the
 * lift of convert.h from its formula, division with rounding. One coefficient at a time.
 */
#ifndef HEL_REF_RNS_H
#define HEL_REF_RNS_H

#include <stdint.h>

#include "tests/ref/ref_random.h"

#define REF_WIDE_WORDS 130 /* 4160 bits: 128 primes below 2^30 and some room */

/* An integer: sign and magnitude; zero has no sign. */
typedef struct ref_wide {
    int negative;
    uint32_t word[REF_WIDE_WORDS]; /* little-endian */
} ref_wide;

ref_wide ref_wide_of(uint64_t x);
ref_wide ref_wide_add(const ref_wide *a, const ref_wide *b);
ref_wide ref_wide_sub(const ref_wide *a, const ref_wide *b);
ref_wide ref_wide_mul_u64(const ref_wide *a, uint64_t x);
/* a / x, towards zero; *rest: magnitude of the remainder */
ref_wide ref_wide_div_u32(const ref_wide *a, uint32_t x, uint32_t *rest);
uint32_t ref_wide_mod(const ref_wide *a, uint32_t q);       /* in [0, q) */
int ref_wide_compare(const ref_wide *a, const ref_wide *b); /* of magnitudes: -1, 0, 1 */
double ref_wide_double(const ref_wide *a);

ref_wide ref_rns_product(const uint32_t *primes, uint32_t count);
/* The number in [0, Q) with residue a[k] modulo primes[k]. */
ref_wide ref_rns_compose(const uint32_t *primes, const uint32_t *a, uint32_t count);
/* The same in (-Q/2, Q/2). */
ref_wide ref_rns_centred(const uint32_t *primes, const uint32_t *a, uint32_t count);
/* The representative of factor * a modulo Q that convert.h defines. Ends the test when it misses
 * that header's bound or a residue. */
ref_wide ref_rns_lift(const uint32_t *primes, const uint32_t *a, uint32_t count, uint64_t factor);
/* (factor A - X) / D for A with residues a modulo all primes, D the product of those from `keep` on
 * and X the lift of factor A modulo D: residues modulo the first `keep` primes to out. */
void ref_rns_divide(const uint32_t *primes, const uint32_t *a, uint32_t count, uint32_t keep,
                    uint64_t factor, uint32_t *out);

/* `count` different primes 1 mod 2 N of bits[i % kinds] bits each, largest first within a size. */
void ref_rns_primes(uint32_t log_n, const uint32_t *bits, uint32_t kinds, uint32_t *primes,
                    uint32_t count);

#endif
