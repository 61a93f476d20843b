/*
 * Arguments of kernels/lift.cu, expand.cu and output.cu: the expansion tree and the outputs of the
 * exact scheme on batches of nodes. C17 and CUDA C.
 *
 * A node is [2][limbs][N]: its c0 half (P c0, NTT form) and its c1 half (coefficient form, of which
 * the expand limbs count). Limbs are the ring's: those of Q', then those of P.
 */
#ifndef HEL_KERNELS_EXPAND_H
#define HEL_KERNELS_EXPAND_H

#include "kernels/ntt.h"
#include "kernels/rows.h"

#define K_LIFT_FUSED    3u  /* sources that k_lift_ntt and k_leaf_ntt take */
#define K_LIFT_ROWS     3u  /* limbs that one of their blocks transforms, at most */
#define K_LIFT_SOURCES  10u /* sources that the kernels by word take */
#define K_WORD_THREADS  256u
#define K_STEP_NODES    8u /* nodes of a block of k_step_* */
#define K_STEP_PART     4u /* for which a thread reads its keys once */
#define K_STEP_DIGITS   8u
#define K_OUTPUT_DIGITS 8u

/* What centred lifts between any limbs of a ring of `limbs` primes take; with Shoup quotients. The
 * primes lie in (2^29, 2^30). */
typedef struct k_radix {
    const k_pair *inverse; /* [b][a]: 1 / prime a modulo prime b */
    const k_pair *weight;  /* [f][t][2]: q_f and q_f q_(f+1) modulo prime t */
    const uint32_t *half;  /* [f][count - 1][t]: (q_f .. q_(f+count-1) - 1) / 2 modulo prime t */
    uint32_t limbs;
} k_radix;

/* Where leaves go: leaf t of group t / segment is column (place % columns) of sample
 * segment (place / columns) + t % segment, place = first_place + group - first_group. */
typedef struct k_leaves {
    uint32_t *weights; /* [sample][column][2][targets][N] */
    uint32_t segment, columns, first_group, first_place;
    uint32_t begin, end; /* leaves wanted */
    uint32_t node;       /* index of node 0 in its level: its leaves are 4 node .. 4 node + 3 */
} k_leaves;

/* Polynomial (y, z) of the input has limb i at in + y in_step + z in_stride + i N; its limbs
 * first + y advance .. are lifted: `count` of them, none from `end` on. Limb t < targets of the
 * result lies at out + y out_step + z out_stride + t N. */
typedef struct k_lift {
    k_ring ring;
    k_radix radix;
    const uint32_t *in;
    size_t in_step, in_stride;
    uint32_t first, advance, count, end;
    uint32_t targets, rows; /* rows: limbs of a block, at most K_LIFT_ROWS */
    uint32_t *out;
    size_t out_step, out_stride;
    const k_pair *scale; /* k_lift_divide: [target], k_leaf_*: [target][child][quarter] */
    k_leaves leaves;     /* k_leaf_*: y = 2 child + half, z = node */
} k_lift;

/* One step of the tree (host/ckks/exact/expand_ops.h): all children of a batch of nodes, both
 * halves in NTT form. Grid (limbs N / threads, 1, nodes / K_STEP_NODES). */
typedef struct k_step_args {
    k_ring ring;
    const uint32_t *node;     /* [node][2][limbs][N] */
    const uint32_t *digit;    /* [node][digit][limbs][N], NTT form */
    const uint32_t *key;      /* [limb][hel_pack_index], Montgomery form */
    size_t key_words;         /* of a limb */
    const uint32_t *shift[3]; /* [limbs][N], Montgomery form, of children 1 ..; NULL: not shifted */
    const k_pair *big;        /* [own_limbs]: P */
    uint32_t *out;            /* [node][child][2][limbs][N] */
    uint32_t limbs, own_limbs, digit_limbs, digits, levels, nodes;
    uint32_t g[3]; /* the automorphisms X -> X^g */
} k_step_args;

/* Outputs: item i is accumulator outputs[(first + i) % count] of block (first + i) / count. */
typedef struct k_output {
    k_ring ring;
    const uint32_t *sums; /* [block][per_block][3][limbs][N] */
    const uint32_t *outputs;
    uint32_t per_block, count, first, limbs;
    const uint32_t *digit; /* k_output_inner: [item][digit][limb][N], digits = limbs */
    const uint32_t *key;   /* [digit][2][limbs][N] */
    uint32_t *out;         /* k_output_take: [item][limbs][N]; _inner: [item][2][limbs][N] */
} k_output;

#define K_LIFT_NAMES(X, n) X(k_lift_ntt_##n) X(k_leaf_ntt_##n)
#define K_EXPAND_NAMES(X)                                                                          \
    K_LIFT_NAMES(X, 10)                                                                            \
    K_LIFT_NAMES(X, 11)                                                                            \
    K_LIFT_NAMES(X, 12)                                                                            \
    K_LIFT_NAMES(X, 13)                                                                            \
    K_LIFT_NAMES(X, 14)                                                                            \
    K_LIFT_NAMES(X, 15)                                                                            \
    X(k_lift_words)                                                                                \
    X(k_lift_divide_few)                                                                           \
    X(k_lift_divide)                                                                               \
    X(k_leaf_words)                                                                                \
    X(k_step_shifted)                                                                              \
    X(k_step_leaves)                                                                               \
    X(k_step_any)                                                                                  \
    X(k_output_take)                                                                               \
    X(k_output_inner)

#endif
