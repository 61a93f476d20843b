/*
 * The arithmetic of the expansion (exactness chapter B), two levels at a time.
 *
 * Level i of the plain tree maps c to c + s_i(c) and X^-(2^i) (c - s_i(c)), s_i: X -> X^(N/2^i+1).
 * Two levels i, i + 1 written out, with s_(i+1)(X^-(2^i)) = X^-(2^i) X^-(N/2): child (a, b) is
 *
 *   X^-(a 2^i + b 2^(i+1)) ( c + (-1)^a s_i c
 *                            + (-1)^b X^-(aN/2) ( s_(i+1) c + (-1)^a s_i s_(i+1) c ) )
 *
 * so all four need three automorphisms of the same c, whose digits are lifted and transformed
 * once (Halevi, Shoup, "Faster homomorphic linear transformations in HElib", 2018: hoisting). The
 * automorphism acts on the digits in NTT form, where it permutes words: lifting is centred, hence
 * commutes with it. Switched terms are added up modulo Q'P, and each child is rounded once: its c1
 * by P, a leaf by P q_drop, both halves.
 *
 * Limb transforms per weight at expand 4, special 2, alpha 2, scan 3: (12 + 24 + 24) / 4 in the
 * last step and (12 + 24) / 16, / 64, ... in those above: 18, where a key switch per level and
 * child with its own rounding takes 24 + 6.
 */
#include <string.h>

#include "host/ckks/exact/expand_ops.h"
#include "host/ckks/exact/expand_private.h"

/* Buffers of several limb vectors that a fused loop walks in parallel are a cache line apart from
 * multiples of the page size, or all of their lines would compete for the same cache sets. */
enum { SKEW = 16 };

typedef struct layout {
    size_t digit, block; /* strides: digits of a limb; the children's halves */
    uint32_t *digits, *blocks, *temp;
} layout;

static size_t digit_words(const hel_scheme *scheme)
{
    return (size_t)scheme->digits * (scheme->n + SKEW);
}

/* blocks: eight halves of the dropped limbs, or four of all limbs. */
static layout place(const hel_scheme *scheme, size_t block_limbs, uint32_t blocks,
                    uint32_t *scratch)
{
    layout l;
    l.digit = digit_words(scheme);
    l.block = block_limbs * scheme->n + SKEW;
    l.digits = scratch;
    l.blocks = l.digits + scheme->total * l.digit;
    l.temp = l.blocks + blocks * l.block;
    return l;
}

size_t hel_step_scratch_words(const hel_scheme *scheme)
{
    size_t children = 4 * (size_t)scheme->total;
    size_t dropped = 8 * (size_t)(scheme->total - scheme->params.scan_limbs);
    size_t lift = HEL_LIMBS_MAX + HEL_SPECIAL_MAX + 1;
    return scheme->total * digit_words(scheme) +
           ((children > dropped ? children : dropped) + lift) * scheme->n + 8 * SKEW;
}

/* digits[t][j] = digit j of c1 lifted to limb t, coefficient form */
static void lift_digits(const hel_scheme *scheme, const uint32_t *c1, const layout *at)
{
    const hel_params *p = &scheme->params;
    const size_t n = scheme->n;
    for (uint32_t j = 0; j < scheme->digits; j++) {
        const uint32_t first = j * p->digit_limbs;
        const uint32_t end = hel_min_u32(first + p->digit_limbs, p->expand_limbs);
        const uint32_t *in[HEL_LIMBS_MAX];
        uint32_t *out[HEL_LIMBS_MAX + HEL_SPECIAL_MAX];
        uint32_t target[HEL_LIMBS_MAX + HEL_SPECIAL_MAX], targets = 0;
        for (uint32_t t = 0; t < scheme->total; t++) {
            uint32_t *digit = at->digits + t * at->digit + j * (n + SKEW);
            if (t >= first && t < end) {
                in[t - first] = c1 + t * n;
                memcpy(digit, c1 + t * n, n * sizeof *digit);
            } else {
                target[targets] = t;
                out[targets++] = digit;
            }
        }
        hel_lift_limbs(scheme, first, end - first, in, target, targets, out, at->blocks);
    }
}

/* Transforms limb t's digits; all of the arguments but mode, outputs and factors. */
static void prepare(const hel_scheme *scheme, const hel_eval_keys *keys, uint32_t step,
                    const uint32_t *node, const layout *at, uint32_t t, hel_step_args *a)
{
    const hel_params *p = &scheme->params;
    const size_t n = scheme->n;
    const uint32_t key = hel_step_key(p->log_n, step);
    a->l = &scheme->ring->limb[t];
    a->n = n;
    a->levels = hel_step_levels(p->log_n, step);
    a->digits = scheme->digits;
    for (uint32_t j = 0; j < scheme->digits; j++) {
        uint32_t *digit = at->digits + t * at->digit + j * (n + SKEW);
        hel_ntt_forward(scheme->ring, t, digit);
        a->digit[j] = digit;
    }
    a->key = keys->packed[step] + t * hel_packed_words(scheme, step);
    for (uint32_t m = 0; m + 1 < 1u << a->levels; m++) {
        a->map[m] = keys->map[key + m];
        a->shift[m + 1] = keys->shift[key + m] + t * n;
    }
    a->c0 = node + t * n;
    /* P c1 vanishes modulo the primes of P; elsewhere its own digit holds c1 in NTT form */
    a->own = t < p->expand_limbs ? a->digit[t / p->digit_limbs] : NULL;
    a->big = t < p->expand_limbs ? hel_special_product(scheme, t) : 0;
}

/* c1 = (big c1 - remainder) / P; big in coefficient form over all limbs. */
static void divide_c1(const hel_scheme *scheme, const uint32_t *big, uint32_t *c1,
                      uint32_t *scratch)
{
    const hel_params *p = &scheme->params;
    const size_t n = scheme->n;
    const uint32_t *in[HEL_SPECIAL_MAX];
    uint32_t target[HEL_LIMBS_MAX], *out[HEL_LIMBS_MAX];
    if (!p->special_limbs) {
        memcpy(c1, big, p->expand_limbs * n * sizeof *c1);
        return;
    }
    for (uint32_t i = 0; i < p->special_limbs; i++)
        in[i] = big + (p->expand_limbs + i) * n;
    for (uint32_t i = 0; i < p->expand_limbs; i++) {
        target[i] = i;
        out[i] = c1 + i * n;
    }
    hel_lift_limbs(scheme, p->expand_limbs, p->special_limbs, in, target, p->expand_limbs, out,
                   scratch);
    for (uint32_t i = 0; i < p->expand_limbs; i++)
        scheme->ring->ops->sub_mul_scalar(&scheme->ring->limb[i], out[i], big + i * n, out[i],
                                          hel_special_inverse(scheme, i), n);
}

void hel_expand_step(const hel_scheme *scheme, const hel_eval_keys *keys, uint32_t step,
                     const uint32_t *node, uint32_t *const *child, uint32_t *scratch)
{
    const size_t n = scheme->n;
    const uint32_t count = 1u << hel_step_levels(scheme->params.log_n, step);
    const layout at = place(scheme, scheme->total, 4, scratch);
    lift_digits(scheme, node + scheme->total * n, &at);
    for (uint32_t t = 0; t < scheme->total; t++) {
        hel_step_args a;
        prepare(scheme, keys, step, node, &at, t, &a);
        a.mode = HEL_STEP_SHIFT;
        for (uint32_t k = 0; k < count; k++) {
            a.out[k][0] = child[k] + t * n;
            a.out[k][1] = at.blocks + k * at.block + t * n;
        }
        scheme->expand_ops->step(&a);
        for (uint32_t k = 0; k < count; k++)
            hel_ntt_inverse(scheme->ring, t, a.out[k][1]);
    }
    for (uint32_t k = 0; k < count; k++)
        divide_c1(scheme, at.blocks + k * at.block, child[k] + scheme->total * n, at.temp);
}

/* ---- leaves ---- */

/* X^-shift at quarter k of the words (shift a multiple of N/4), divided by P q_drop */
static void set_factors(const hel_scheme *scheme, hel_step_args *a)
{
    const uint32_t q = a->l->q, one = hel_montgomery_one(scheme, a->l->index);
    uint32_t inverse = hel_mod_inv(one, q);
    for (uint32_t e = scheme->params.scan_limbs; e < scheme->total; e++)
        inverse = hel_mod_mul(inverse, a->l->q_inv[e], q);
    for (uint32_t child = 0; child < 4; child++)
        for (uint32_t k = 0; k < 4; k++) {
            uint32_t x = child ? a->shift[child][k * (scheme->n / 4)] : one;
            a->factor[child][k] = hel_mod_mul(x, inverse, q);
        }
}

/* The remainders of a leaf's division, modulo every scan limb, where the leaf itself will be:
 * exact centred lift of the dropped limbs (those of Q' and of P at once). */
static void leaf_remainder(const hel_scheme *scheme, const uint32_t *dropped, uint32_t *z,
                           uint32_t *scratch)
{
    const size_t n = scheme->n;
    const uint32_t scan = scheme->params.scan_limbs, drops = scheme->total - scan;
    const uint32_t *in[HEL_LIMBS_MAX + HEL_SPECIAL_MAX];
    uint32_t target[HEL_LIMBS_MAX], *out[HEL_LIMBS_MAX];
    if (!drops) {
        memset(z, 0, scan * n * sizeof *z);
        return;
    }
    for (uint32_t d = 0; d < drops; d++)
        in[d] = dropped + d * n;
    for (uint32_t i = 0; i < scan; i++) {
        target[i] = i;
        out[i] = z + i * n;
    }
    hel_lift_limbs(scheme, scan, drops, in, target, scan, out, scratch);
}

void hel_expand_leaves(const hel_scheme *scheme, const hel_eval_keys *keys, const uint32_t *node,
                       uint32_t *z, uint32_t *scratch)
{
    const hel_params *p = &scheme->params;
    const size_t n = scheme->n;
    const uint32_t scan = p->scan_limbs, drops = scheme->total - scan;
    const uint32_t step = hel_tree_steps(p->log_n) - 1;
    const size_t leaf = hel_leaf_words(scheme);
    const layout at = place(scheme, drops, 8, scratch);
    hel_step_args a;
    lift_digits(scheme, node + scheme->total * n, &at);
    for (uint32_t t = scan; t < scheme->total; t++) {
        prepare(scheme, keys, step, node, &at, t, &a);
        a.mode = HEL_STEP_STORE;
        for (uint32_t k = 0; k < 8; k++)
            a.out[k / 2][k % 2] = at.blocks + k * at.block + (t - scan) * n;
        scheme->expand_ops->step(&a);
        for (uint32_t k = 0; k < 8; k++)
            hel_ntt_inverse(scheme->ring, t, a.out[k / 2][k % 2]);
    }
    for (uint32_t k = 0; k < 8; k++)
        leaf_remainder(scheme, at.blocks + k * at.block, z + k * leaf, at.temp);
    for (uint32_t t = 0; t < scan; t++) {
        prepare(scheme, keys, step, node, &at, t, &a);
        set_factors(scheme, &a);
        a.mode = HEL_STEP_FINISH;
        for (uint32_t k = 0; k < 8; k++) {
            a.out[k / 2][k % 2] = z + k * leaf + t * n;
            hel_ntt_forward(scheme->ring, t, z + k * leaf + t * n);
        }
        scheme->expand_ops->step(&a);
    }
}
