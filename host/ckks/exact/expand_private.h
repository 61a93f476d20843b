/*
 * One step of the expansion tree: one or two levels at once, from a node to 2 or 4 children.
 *
 * A node at level i is an encryption c = (c0, c1) under Q' that is held as
 *     big   P c0 over all primes of Q' and P, NTT form, not yet rounded: total x N words
 *     c1    over Q', coefficient form: expand_limbs x N words
 * so that big + P c1 s = P (message + noise). The c0 half is divided by P only at the leaves.
 */
#ifndef HEL_CKKS_EXPAND_PRIVATE_H
#define HEL_CKKS_EXPAND_PRIVATE_H

#include "host/ckks/exact/scheme_private.h"

#define HEL_STEP_SWITCHES 3 /* automorphisms of a two-level step, the most */

/* ---- the steps of a ring: two levels each, the first one level where log N is odd ---- */

static inline uint32_t hel_tree_steps(uint32_t log_n)
{
    return (log_n + 1) / 2;
}

static inline uint32_t hel_step_level(uint32_t log_n, uint32_t step)
{
    return step == 0 ? 0 : 2 * step - log_n % 2;
}

static inline uint32_t hel_step_levels(uint32_t log_n, uint32_t step)
{
    return step == 0 && log_n % 2 ? 1 : 2;
}

/* Index of the step's first Galois key; it uses 1 or 3 consecutive ones. */
static inline uint32_t hel_step_key(uint32_t log_n, uint32_t step)
{
    return step == 0 ? 0 : 3 * step - (log_n % 2 ? 2 : 0);
}

static inline uint32_t hel_tree_keys(uint32_t log_n)
{
    return hel_step_key(log_n, hel_tree_steps(log_n));
}

/* Words of a step's packed keys, one limb: terms x digits x halves x N. */
static inline size_t hel_packed_words(const hel_scheme *scheme, uint32_t step)
{
    size_t terms = (1u << hel_step_levels(scheme->params.log_n, step)) - 1;
    return terms * scheme->digits * 2 * scheme->n;
}

/* 2^32 modulo ring limb i: the factor of Montgomery form */
static inline uint32_t hel_montgomery_one(const hel_scheme *scheme, uint32_t i)
{
    return (uint32_t)(((uint64_t)1 << 32) % scheme->ring->limb[i].q);
}

static inline size_t hel_node_words(const hel_scheme *scheme)
{
    return (size_t)(scheme->total + scheme->params.expand_limbs) * scheme->n + 16;
}

/* Words of scratch of either function below. */
size_t hel_step_scratch_words(const hel_scheme *scheme);

/* All children of a node (step not the last): child[i] has hel_node_words words. */
void hel_expand_step(const hel_scheme *scheme, const hel_eval_keys *keys, uint32_t step,
                     const uint32_t *node, uint32_t *const *child, uint32_t *scratch);

/* Words from one half of a leaf to the next one: scan_limbs x N and a cache line. */
static inline size_t hel_leaf_words(const hel_scheme *scheme)
{
    return (size_t)scheme->params.scan_limbs * scheme->n + 16;
}

/* The last step: four leaves over the scan limbs in NTT form; half p of leaf k at
 * z + (2 k + p) hel_leaf_words. */
void hel_expand_leaves(const hel_scheme *scheme, const hel_eval_keys *keys, const uint32_t *node,
                       uint32_t *z, uint32_t *scratch);

#endif
