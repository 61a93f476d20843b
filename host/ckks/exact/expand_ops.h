/*
 * The two fused loops of the expansion, with twins: all that happens to one limb of a node in NTT
 * form in one pass over memory, and the centred lift of three limbs. Canonical residues in and
 * out, so the twins agree bit for bit.
 *
 * Constant tables are in Montgomery form (x 2^32 mod q): the sum S of products with them becomes
 * (S + (S (-1/q) mod 2^32) q) / 2^32. Montgomery, "Modular multiplication without trial division",
 * 1985.
 */
#ifndef HEL_CKKS_EXPAND_OPS_H
#define HEL_CKKS_EXPAND_OPS_H

#include "host/ckks/exact/scheme_private.h"

typedef enum hel_step_mode {
    HEL_STEP_STORE, /* out = y */
    HEL_STEP_SHIFT, /* out = y shift, children 1.. ; child 0 as it is */
    HEL_STEP_FINISH /* out = (y - out) factor[child][quarter of the words] */
} hel_step_mode;

/* One limb of one node. Half p of switched term m is
 *     b[m][p] = sum over j of s_m(digit[j]) key[m][j][p],  plus s_m(c0) for p = 0,
 * s_m the permutation map[m]; with base[0] = c0, base[1] = big own (0 where own is NULL) the
 * children of two levels are, for both halves, i = X^-(N/2):
 *     y0, y1 = base + b0 +- (b1 + b2)        y2, y3 = base - b0 +- i (b1 - b2)
 * and of one level y0, y1 = base +- b0. */
typedef struct hel_step_args {
    const hel_limb *l;
    size_t n;
    uint32_t levels, digits;
    hel_step_mode mode;
    const uint32_t *digit[HEL_LIMBS_MAX];
    const uint32_t *key; /* packed by hel_pack_index, Montgomery form */
    const uint32_t *map[3];
    const uint32_t *c0, *own;
    uint32_t big;
    uint32_t *out[4][2];      /* distinct from all inputs */
    const uint32_t *shift[4]; /* Montgomery form */
    uint32_t factor[4][4];
} hel_step_args;

/* Word i of half p of digit j of term m: what one run of 16 words needs lies together, in the
 * order of use. vectors = terms x digits x 2. */
static inline size_t hel_pack_index(uint32_t vectors, uint32_t digits, uint32_t m, uint32_t j,
                                    uint32_t p, size_t i)
{
    return (i / 16 * vectors + (m * digits + j) * 2 + p) * 16 + i % 16;
}

/* -1/q mod 2^32: Newton's iteration from the 3 bits that q itself gives right */
static inline uint32_t hel_montgomery_factor(uint32_t q)
{
    uint32_t x = q;
    for (int i = 0; i < 4; i++)
        x *= 2 - q * x;
    return 0 - x;
}

typedef struct hel_expand_ops {
    void (*step)(const hel_step_args *args);
    /* hel_lift_limbs for three limbs; NULL where the general code is as good */
    void (*lift3)(const hel_limb *const *to, uint32_t count, const hel_limb *from,
                  uint32_t *const *out, const uint32_t *const *in, size_t n);
} hel_expand_ops;

const hel_expand_ops *hel_expand_ops_portable(void);
const hel_expand_ops *hel_expand_ops_avx2(void);
const hel_expand_ops *hel_expand_ops_avx512(void);

#endif
