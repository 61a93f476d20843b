/* Arguments of kernels/sample.cu. */
#ifndef HEL_KERNELS_SAMPLE_H
#define HEL_KERNELS_SAMPLE_H

#include "kernels/rows.h"

#define K_SAMPLE_THREADS 64u

/* The stream of host/ring/ring.h: key, nonce (object, domain << 24 | prime index << 8 | try). Item
 * b is object + b step. */
typedef struct k_sample {
    k_ring ring;
    k_rows out;
    uint32_t key[8];
    uint32_t object_low, object_high, step, domain;
    uint32_t wide;    /* k_uniform: the wide rule of hel_domain */
    uint32_t ternary; /* k_small: ternary polynomials instead of CBD(21) */
    uint32_t limbs;   /* k_small: of out, all of which get the same polynomial */
} k_sample;

#endif
