/* Arguments of kernels/digits.cu: base conversion and the inner product of a key switch. */
#ifndef HEL_KERNELS_DIGITS_H
#define HEL_KERNELS_DIGITS_H

#include "kernels/rows.h"

#define K_CONVERT_THREADS 128u
#define K_CONVERT_TARGETS 16u /* of one block */
#define K_CONVERT_SOURCES 63
#define K_INNER_THREADS   256u

/* The constants of host/ring/convert.h on the device. */
typedef struct k_conversion {
    uint32_t from_count, to_count;
    const uint32_t *from; /* limbs of the ring */
    const uint32_t *to;
    const k_pair *y;          /* [from] */
    const uint32_t *fraction; /* [from] */
    const uint32_t *weight;   /* [from_count + 1][to_count], times 2^32 */
} k_conversion;

/* in: from_count limbs of item b at in + b in_stride; target t goes to limb place[t] of out, -1:
 * not wanted. Grid (N / threads, batch, groups of targets). Shared memory: (from_count + 1)
 * threads words. */
typedef struct k_convert {
    k_ring ring;
    k_conversion c;
    const uint32_t *in;
    size_t in_stride;
    uint32_t *out;
    size_t out_stride;
    int16_t place[128];
} k_convert;

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
