/*
 * Arguments of the kernels that work between limbs: kernels/switch.cu (a row to a block, N up to
 * 2^15) and kernels/switch_split.cu (two passes). Digits are lifted, multiplied by a key and
 * divided by the special primes, each step fused with the transform beside it. C17 and CUDA C.
 */
#ifndef HEL_KERNELS_SWITCH_H
#define HEL_KERNELS_SWITCH_H

#include "kernels/ntt.h"

/* A conversion of host/ring/convert.h, or a division by its sources. What travels between kernels
 * is y_k << (30 - b_k), b_k the bits of q_k: the sum of fractions then needs no shift of its own,
 * and the weights have the inverse of that power of two in them. */
typedef struct k_conversion {
    uint32_t from_count, to_count;
    const k_pair *top;     /* [from][2]: 1/N and w_inv[1]/N times the factor that makes y_k */
    const k_pair *inverse; /* [to]: 1 / product of the sources */
    const k_pair *weight;  /* [to][from + 1]: times 2^32 / 2^(30 - b_k), and R_k; last that of v */
    const uint32_t *times; /* [to]: what a division multiplies by first */
} k_conversion;

/* y of the limbs of `in`: grid (limbs, items). digit: conversions by the last limb of the digit;
 * NULL: the limbs are the sources of c. */
typedef struct k_sources {
    k_ring ring;
    k_rows in;
    uint32_t *y;
    size_t y_stride; /* words between items */
    const k_conversion *digit;
    uint32_t limbs, digit_limbs; /* of the polynomial; of a whole digit */
    k_conversion c;
} k_sources;

/* Digits to the limbs that they do not own: grid (lifts, items), row `lift` being the pair (digit,
 * limb) in this order; rows from `lifts` on copy the own limbs of a. */
typedef struct k_raise {
    k_ring ring;
    const uint32_t *y;
    size_t y_stride;
    uint32_t *out; /* [item][digit][all][N] */
    size_t out_stride;
    k_rows a;
    const k_conversion *digit;
    uint32_t limbs, all, q_count, digits, digit_limbs, lifts;
} k_raise;

/* Digits and the key they meet. a.data: where the digits' own limbs are, NULL: with the others. */
typedef struct k_products {
    const uint32_t *digits; /* [item][digit][all][N] */
    size_t stride;
    k_rows a;
    uint32_t limbs, all, count, digit_limbs, g;
    const uint32_t *key; /* [digit][2][key_limbs][N]; NULL: no product */
    uint32_t key_limbs, key_q_limbs;
} k_products;

/* How blocks are numbered: with by_item grid (halves x rows, items), else (halves x items, rows),
 * the first running fastest: items that read the same rows of a large key are neighbours, and so
 * are the rows of one item where the key is small. */
typedef struct k_order {
    uint32_t halves, first_half, by_item;
} k_order;

/* y of the special limbs of the sum of digits times key */
typedef struct k_sums {
    k_ring ring;
    k_products in;
    k_order order;
    uint32_t *y; /* [item][half][special][N] */
    size_t y_item, y_half;
    k_conversion c;
} k_sums;

/* out = (times (products or rows of from) - conversion of y) inverse + add */
typedef struct k_finish {
    k_ring ring;
    k_products in;
    k_order order;
    const uint32_t *y;
    size_t y_item, y_half;
    k_rows from, out[2], add[2]; /* from: where in.key is NULL; add[h].data may be NULL */
    uint32_t *scratch;           /* [item][half][row][N] between the two passes */
    size_t scratch_item, scratch_half;
    k_conversion c;
} k_finish;

#define K_SWITCH_ONCE_NAMES(X, n)                                                                  \
    X(k_sources_##n)                                                                               \
    X(k_raise_##n)                                                                                 \
    X(k_sums_##n)                                                                                  \
    X(k_finish_##n)
#define K_SWITCH_SPLIT_NAMES(X, n)                                                                 \
    X(k_sources_columns_##n)                                                                       \
    X(k_raise_columns_##n)                                                                         \
    X(k_finish_columns_##n)
#define K_SWITCH_NAMES(X)                                                                          \
    K_SWITCH_ONCE_NAMES(X, 10)                                                                     \
    K_SWITCH_ONCE_NAMES(X, 11)                                                                     \
    K_SWITCH_ONCE_NAMES(X, 12)                                                                     \
    K_SWITCH_ONCE_NAMES(X, 13)                                                                     \
    K_SWITCH_ONCE_NAMES(X, 14)                                                                     \
    K_SWITCH_ONCE_NAMES(X, 15)                                                                     \
    K_SWITCH_SPLIT_NAMES(X, 15)                                                                    \
    K_SWITCH_SPLIT_NAMES(X, 16)                                                                    \
    K_SWITCH_SPLIT_NAMES(X, 17)                                                                    \
    X(k_sources_rows)                                                                              \
    X(k_raise_rows)                                                                                \
    X(k_sums_rows)                                                                                 \
    X(k_finish_rows)

#endif
