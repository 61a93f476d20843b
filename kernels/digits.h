/* Arguments of kernels/digits.cu: the inner product of a key switch. */
#ifndef HEL_KERNELS_DIGITS_H
#define HEL_KERNELS_DIGITS_H

#include "kernels/rows.h"

#define K_INNER_THREADS 256u

/* acc[h] (limb i, item b) = sum over digits of sigma_g(digit) key[digit][h]. Grid (limbs, chunks of
 * threads words): the batch is a loop, so that a key's words come from global memory once and then,
 * while they stay there, from the first-level cache. */
typedef struct k_inner {
    k_ring ring;
    k_rows acc[2];
    const uint32_t *digits; /* [item][digit][limb][N] */
    size_t digits_stride;   /* words between items */
    uint32_t limbs, batch, count, g;
    const uint32_t *key; /* [digit][2][key_limbs][N] */
    uint32_t key_limbs, key_q_limbs;
} k_inner;

#endif
