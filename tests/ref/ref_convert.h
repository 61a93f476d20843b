/*
 * Base conversion by its definition: the integer X of host/ring/convert.h is written out in full,
 * in words of 32 bits, and reduced by long division.
 */
#ifndef HEL_REF_CONVERT_H
#define HEL_REF_CONVERT_H

#include "host/ring/convert.h"

#define REF_BIG_WORDS 64 /* 63 primes below 2^30, times a word, with a bit to spare */

typedef struct ref_big {
    int negative;
    uint32_t word[REF_BIG_WORDS]; /* absolute value, lowest word first */
} ref_big;

typedef struct ref_sources {
    uint32_t count, q[HEL_CONVERT_SOURCES];
    uint64_t factor[HEL_CONVERT_SOURCES];
    uint32_t inverse[HEL_CONVERT_SOURCES]; /* of Q/q_k modulo q_k */
    ref_big product, part[HEL_CONVERT_SOURCES];
} ref_sources;

/* factor: NULL for ones */
void ref_sources_start(ref_sources *s, const uint32_t *q, uint32_t count, const uint64_t *factor);
/* X of one coefficient with residues a[k] */
ref_big ref_convert(const ref_sources *s, const uint32_t *a);
uint32_t ref_big_mod(const ref_big *x, uint32_t q); /* in [0, q) */
/* X = a f modulo every source and |X| <= Q (1/2 + 1.1 count 2^-26) */
int ref_convert_holds(const ref_sources *s, const uint32_t *a, const ref_big *x);

#endif
