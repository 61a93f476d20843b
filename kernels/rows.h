/*
 * What the kernels know of primes and of batches. C17 and CUDA C.
 */
#ifndef HEL_KERNELS_ROWS_H
#define HEL_KERNELS_ROWS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __CUDACC__
typedef uint2 k_pair;
typedef uint4 k_quad;
#else /* aligned as those: accesses that are not show under UBSan */
typedef struct __attribute__((aligned(8))) k_pair {
    uint32_t x, y;
} k_pair;
typedef struct __attribute__((aligned(16))) k_quad {
    uint32_t x, y, z, w;
} k_quad;
#endif

/* One prime's constants on the device. q stands in four forms, loaded rather than computed: a
 * compiler that knew them to be multiples of q would make each a multiplication of its own. */
typedef struct k_limb {
    uint32_t q, q2, minus_q, minus_q2;
    uint32_t barrett, bits, pow34, word_inv; /* as in hel_limb */
    k_pair n_inv, n_inv_w;                   /* 1/N and w_inv[1]/N, each with its Shoup quotient */
    const k_pair *w; /* N forward twiddles: (w, quotient) in the order of hel_limb.w */
    const k_pair *w_inv;
} k_limb;

/* A batch x limbs x N array: word j of limb i of item b lies at data[b stride + (i << log_n) + j];
 * limb i < q_limbs is modulo limb[i], the others are modulo limb[i + skip]. */
typedef struct k_rows {
    uint32_t *data;
    size_t stride; /* words between items; 0: one item for all */
    uint32_t q_limbs, skip;
} k_rows;

typedef struct k_ring {
    const k_limb *limb;
    uint32_t log_n;
} k_ring;

#endif
