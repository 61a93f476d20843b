/*
 * What the sources of the embedding share: its tables and the operations of one twin.
 *
 * A transform of s slots works on s complex numbers c_k + i c_(k+s): modulo Y^s - i, where the
 * powers w_s(j) = exp(i pi 5^j / 2s) of all slots are roots, a real polynomial of 2 s coefficients
 * is this complex one of s. With A(Y) = sum over r < 4 of Y^r A_r(Y^4), the values of A at w_4h(j)
 * follow from those of the A_r at w_h(j), one pass of radix 4 from length h to length 4 h:
 *
 *   A(w_4h(j + r h)) = sum over r' of (-i)^(r r') w_4h(j)^r' A_r'(w_h(j))
 *
 * with i instead of -i for h = 1 (5^h is 1 + 12 h modulo 16 h, and 5 for h = 1).
 *
 * The first half of the passes runs on coefficients in natural order, where the factors of a pass
 * are constant over long runs; the data are then brought into bit-reversed order at once, and the
 * second half has long runs of different factors. No pass of a vector twin meets a run shorter than
 * a vector. An odd log2 s begins with a pass of radix 2.
 */
#ifndef HEL_RING_EMBEDDING_PRIVATE_H
#define HEL_RING_EMBEDDING_PRIVATE_H

#include "host/ring/embedding.h"

/* Below this log2 s every twin takes the portable transform: runs are shorter than a vector. */
#define HEL_EMBEDDING_VECTOR_MIN 7
#define HEL_EMBEDDING_GROUP      64   /* vector operations take multiples of this many words */
#define HEL_EMBEDDING_REDUCE     1024 /* numbers in one block of a reduction */
#define HEL_EMBEDDING_EXPONENTS  10   /* bits of an exponent: doubles end at 2^1024 */

/* Factors of the pass from h to 4 h: groups of 8 j, each six vectors: real and imaginary parts of
 * w_4h(j), of its square and of its cube. */
#define HEL_EMBEDDING_RUN 8
static inline size_t hel_embedding_factor_at(size_t j)
{
    return j / HEL_EMBEDDING_RUN * 6 * HEL_EMBEDDING_RUN + j % HEL_EMBEDDING_RUN;
}

/* Constants of the reduction modulo q of v = high 2^32 + low, |high| <= 2^30. */
typedef struct hel_embedding_modulus {
    uint32_t q;
    uint32_t base;               /* multiple of q in [2^30, 2^31) */
    uint32_t pow32, pow32_shoup; /* 2^32 mod q */
    uint32_t one_shoup;          /* floor(2^32 / q) */
} hel_embedding_modulus;

/* The same for v 2^e: 2^(2^b) modulo q. */
typedef struct hel_embedding_powers {
    uint32_t w[HEL_EMBEDDING_EXPONENTS], w_shoup[HEL_EMBEDDING_EXPONENTS];
} hel_embedding_powers;

/* One twin. n is a multiple of HEL_EMBEDDING_GROUP; nothing overlaps. */
typedef struct hel_embedding_ops {
    const char *name;
    void (*forward)(const hel_embedding *e, uint32_t log_slots, double *x);
    void (*inverse)(const hel_embedding *e, uint32_t log_slots, double *x);
    /* (high, low) = round(x scale) in two's complement, ties to even. Returns 1, and nothing of
     * use, when some |x scale| is not below 2^62. */
    int (*split)(const double *x, double scale, uint32_t *low, uint32_t *high, size_t n);
    void (*reduce)(const hel_embedding_modulus *m, const uint32_t *low, const uint32_t *high,
                   uint32_t *out, size_t n);
    /* (high 2^32 + low) 2^exponent; `bits` exponent bits are in use. */
    void (*reduce_big)(const hel_embedding_modulus *m, const hel_embedding_powers *p, uint32_t bits,
                       const uint32_t *low, const uint32_t *high, const uint32_t *exponent,
                       uint32_t *out, size_t n);
    /* Centred mixed-radix digits d_i, |d_i| < q_i / 2: the number with residues a is
     * d_0 + q_0 (d_1 + q_1 (d_2 + ...)). d: rows of HEL_EMBEDDING_BLOCK words; may be a. */
    void (*digits)(const hel_limb *limb, uint32_t limbs, const uint32_t *a, size_t stride,
                   uint32_t *d, size_t n);
    /* x = the number with digits d, over scale; any n up to HEL_EMBEDDING_BLOCK. */
    void (*join)(const hel_limb *limb, uint32_t limbs, const uint32_t *d, double scale, double *x,
                 size_t n);
} hel_embedding_ops;

struct hel_embedding {
    uint32_t log_n;
    const hel_embedding_ops *ops;
    const double *factor[HEL_LOG_N_MAX - 2]; /* [log2 h], h = 1 .. N / 8 */
    double *storage;
    double twist[2 * HEL_EMBEDDING_TWISTS]; /* as hel_embedding_twists has them */
};

const hel_embedding_ops *hel_embedding_ops_portable(void);
const hel_embedding_ops *hel_embedding_ops_avx2(void);   /* NULL: not in this build */
const hel_embedding_ops *hel_embedding_ops_avx512(void); /* NULL: not in this build */

/* Both halves of x (2^log_slots doubles each) into bit-reversed order, times a power of two. */
void hel_embedding_permute(uint32_t log_slots, double factor, double *x);

#endif
