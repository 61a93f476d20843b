/*
 * The arithmetic of the expansion (exactness chapter B), two levels at a time.
 *
 * Level i of the plain tree maps c to c + s_i(c) and X^-(2^i) (c - s_i(c)), s_i: X -> X^(N/2^i+1).
 * Two levels i, i + 1 written out, with s_(i+1)(X^-(2^i)) = X^-(2^i) X^-(N/2): child (a, b) is
 *
 *     X^-(a 2^i + b 2^(i+1)) ( c + (-1)^a s_i c + (-1)^b X^-(aN/2) ( s_(i+1) c + (-1)^a s_i s_(i+1) c ) )
 *
 * so all four need three automorphisms of the same c, whose digits are lifted and transformed
 * once (Halevi, Shoup, "Faster homomorphic linear transformations in HElib", 2018: hoisting). The
 * automorphism acts on the digits in NTT form, where it permutes words: lifting is centred, hence
 * commutes with it. The sums over switched terms are taken before the division by P wherever that
 * saves transforms. Limb transforms per weight at expand 4, special 2, alpha 2, scan 3: 12 + 9 +
 * 12 + 24 for four leaves and 12 + 18 for each step above, 16.8 in all, where a key switch per
 * child and level takes 30.
 */
#include <string.h>

#include "host/ckks/expand_private.h"

enum { DIGIT_TEMPS = 8 };

size_t hel_step_scratch_words(const hel_scheme *scheme)
{
    const hel_params *p = &scheme->params;
    size_t digits = (size_t)scheme->digits * scheme->total;
    size_t switched = (size_t)HEL_STEP_SWITCHES * scheme->total;
    size_t dropped = 8 * (size_t)(scheme->total - p->scan_limbs);
    return (digits + (switched > dropped ? switched : dropped) + DIGIT_TEMPS + HEL_LIMBS_MAX +
            HEL_SPECIAL_MAX) *
           scheme->n;
}

void hel_monomial_ntt(const hel_scheme *scheme, uint32_t i, uint32_t shift, uint32_t *out)
{
    const uint32_t n = scheme->n, k = (2 * n - shift) & (2 * n - 1);
    memset(out, 0, n * sizeof *out);
    out[k & (n - 1)] = k < n ? 1 : scheme->ring->limb[i].q - 1;
    hel_ntt_forward(scheme->ring, i, out);
}

/* digits[j][t]: digit j of c1 lifted to every limb, NTT form */
static void transform_digits(const hel_scheme *scheme, const uint32_t *c1, uint32_t *digits,
                             uint32_t *scratch)
{
    const hel_params *p = &scheme->params;
    const size_t n = scheme->n;
    for (uint32_t j = 0; j < scheme->digits; j++) {
        const uint32_t first = j * p->digit_limbs;
        const uint32_t end = hel_min_u32(first + p->digit_limbs, p->expand_limbs);
        const uint32_t *in[HEL_LIMBS_MAX];
        uint32_t *out[HEL_LIMBS_MAX + HEL_SPECIAL_MAX], *digit = digits + j * scheme->total * n;
        uint32_t target[HEL_LIMBS_MAX + HEL_SPECIAL_MAX], targets = 0;
        for (uint32_t t = 0; t < scheme->total; t++) {
            if (t >= first && t < end) {
                in[t - first] = c1 + t * n;
                memcpy(digit + t * n, c1 + t * n, n * sizeof *digit);
            } else {
                target[targets] = t;
                out[targets++] = digit + t * n;
            }
        }
        hel_lift_limbs(scheme->ring, first, end - first, in, target, targets, out, scratch);
        for (uint32_t t = 0; t < scheme->total; t++)
            hel_ntt_forward(scheme->ring, t, digit + t * n);
    }
}

/* out = sum of the permuted digits times half p of key m, limb t; plus the permuted `add`.
 * scratch: digits x N words. */
static void inner_product(const hel_scheme *scheme, const hel_eval_keys *keys, uint32_t m,
                          uint32_t p, uint32_t t, const uint32_t *digits, const uint32_t *add,
                          uint32_t *out, uint32_t *scratch)
{
    const hel_ring_ops *ops = scheme->ring->ops;
    const hel_limb *l = &scheme->ring->limb[t];
    const size_t n = scheme->n;
    const uint32_t *digit[HEL_LIMBS_MAX], *half[HEL_LIMBS_MAX];
    for (uint32_t j = 0; j < scheme->digits; j++) {
        ops->permute(scratch + j * n, digits + (j * scheme->total + t) * n, keys->map[m], n);
        digit[j] = scratch + j * n;
        half[j] = hel_switch_vector(&keys->galois[m], scheme->n, j, p, t);
    }
    ops->dot(l, out, digit, half, scheme->digits, n);
    if (add) {
        ops->permute(scratch, add, keys->map[m], n);
        ops->add(l, out, out, scratch, n);
    }
}

/* NTT form of one limb: y = the children of (c, b[0..]) before their monomials. */
static void butterfly_ntt(const hel_scheme *scheme, uint32_t t, const uint32_t *c,
                          uint32_t *const *b, uint32_t levels, uint32_t *const *y)
{
    const hel_ring_ops *ops = scheme->ring->ops;
    const hel_limb *l = &scheme->ring->limb[t];
    const size_t n = scheme->n, half = n / 2;
    if (levels == 1) {
        ops->add(l, y[0], c, b[0], n);
        ops->sub(l, y[1], c, b[0], n);
        return;
    }
    /* X^-(N/2) is psi^-(N/2) = -psi^(N/2) at the first half of the words, its negative after */
    const uint32_t root = l->w[1], minus = l->q - root;
    ops->add(l, y[0], c, b[0], n);
    ops->sub(l, y[2], c, b[0], n);
    ops->add(l, y[1], b[1], b[2], n);
    ops->sub_mul_scalar(l, y[3], b[1], b[2], minus, half);
    ops->sub_mul_scalar(l, y[3] + half, b[1] + half, b[2] + half, root, half);
    ops->add(l, b[0], y[0], y[1], n);
    ops->sub(l, y[1], y[0], y[1], n);
    memcpy(y[0], b[0], n * sizeof *b[0]);
    ops->add(l, b[0], y[2], y[3], n);
    ops->sub(l, y[3], y[2], y[3], n);
    memcpy(y[2], b[0], n * sizeof *b[0]);
}

/* The same in coefficient form; b is used up. */
static void butterfly_coef(const hel_scheme *scheme, uint32_t t, const uint32_t *c,
                           uint32_t *const *b, uint32_t levels, uint32_t *const *y)
{
    const hel_ring_ops *ops = scheme->ring->ops;
    const hel_limb *l = &scheme->ring->limb[t];
    const size_t n = scheme->n, half = n / 2;
    if (levels == 1) {
        ops->add(l, y[0], c, b[0], n);
        ops->sub(l, y[1], c, b[0], n);
        return;
    }
    ops->add(l, y[0], c, b[0], n);
    ops->sub(l, y[2], c, b[0], n);
    ops->add(l, b[0], b[1], b[2], n);
    ops->sub(l, b[1], b[1], b[2], n);
    ops->sub(l, y[1], y[0], b[0], n);
    ops->add(l, y[0], y[0], b[0], n);
    /* X^-(N/2) b: the upper half moves down, the lower half moves up negated */
    ops->sub(l, y[3], y[2], b[1] + half, half);
    ops->add(l, y[3] + half, y[2] + half, b[1], half);
    ops->add(l, y[2], y[2], b[1] + half, half);
    ops->sub(l, y[2] + half, y[2] + half, b[1], half);
}

/* c1 of the children: switched terms divided by P, then combined in coefficient form. */
static void step_c1(const hel_scheme *scheme, const hel_eval_keys *keys, uint32_t step,
                    const uint32_t *c1, const uint32_t *digits, uint32_t *const *child,
                    uint32_t *scratch)
{
    const hel_params *prm = &scheme->params;
    const size_t n = scheme->n;
    const uint32_t log_n = prm->log_n, levels = hel_step_levels(log_n, step);
    const uint32_t switches = (1u << levels) - 1, key = hel_step_key(log_n, step);
    uint32_t *temp = scratch + HEL_STEP_SWITCHES * scheme->total * n;
    for (uint32_t m = 0; m < switches; m++) {
        uint32_t *acc = scratch + m * scheme->total * n;
        const uint32_t *in[HEL_SPECIAL_MAX];
        uint32_t target[HEL_LIMBS_MAX], *lifted[HEL_LIMBS_MAX];
        for (uint32_t t = 0; t < scheme->total; t++) {
            inner_product(scheme, keys, key + m, 1, t, digits, NULL, acc + t * n, temp);
            hel_ntt_inverse(scheme->ring, t, acc + t * n);
        }
        if (!prm->special_limbs)
            continue;
        for (uint32_t p = 0; p < prm->special_limbs; p++)
            in[p] = acc + (prm->expand_limbs + p) * n;
        for (uint32_t i = 0; i < prm->expand_limbs; i++) {
            target[i] = i;
            lifted[i] = temp + i * n;
        }
        hel_lift_limbs(scheme->ring, prm->expand_limbs, prm->special_limbs, in, target,
                       prm->expand_limbs, lifted, temp + HEL_LIMBS_MAX * n);
        for (uint32_t i = 0; i < prm->expand_limbs; i++)
            scheme->ring->ops->sub_mul_scalar(&scheme->ring->limb[i], acc + i * n, acc + i * n,
                                              lifted[i], hel_special_inverse(scheme, i), n);
    }
    const uint32_t unit = 1u << hel_step_level(log_n, step);
    for (uint32_t i = 0; i < prm->expand_limbs; i++) {
        uint32_t *b[HEL_STEP_SWITCHES], *y[4];
        for (uint32_t m = 0; m < switches; m++)
            b[m] = scratch + (m * scheme->total + i) * n;
        for (uint32_t k = 0; k <= switches; k++)
            y[k] = temp + k * n;
        butterfly_coef(scheme, i, c1 + i * n, b, levels, y);
        for (uint32_t k = 0; k <= switches; k++) {
            /* child number 2a + b (or a): bit-reversed, the multiple of 2^level to shift by */
            uint32_t shift = levels == 1 ? k * unit : ((k >> 1) + 2 * (k & 1)) * unit;
            hel_monomial_coef(scheme->ring, i, (2 * scheme->n - shift) & (2 * scheme->n - 1),
                              child[k] + (scheme->total + i) * n, y[k]);
        }
    }
}

void hel_expand_step(const hel_scheme *scheme, const hel_eval_keys *keys, uint32_t step,
                     const uint32_t *node, uint32_t *const *child, uint32_t *scratch)
{
    const size_t n = scheme->n;
    const uint32_t log_n = scheme->params.log_n, levels = hel_step_levels(log_n, step);
    const uint32_t switches = (1u << levels) - 1, key = hel_step_key(log_n, step);
    const uint32_t *c1 = node + scheme->total * n;
    uint32_t *digits = scratch, *temp = scratch + scheme->digits * scheme->total * n;
    transform_digits(scheme, c1, digits, temp);
    for (uint32_t t = 0; t < scheme->total; t++) {
        uint32_t *b[HEL_STEP_SWITCHES], *y[4];
        for (uint32_t m = 0; m < switches; m++) {
            b[m] = temp + m * n;
            inner_product(scheme, keys, key + m, 0, t, digits, node + t * n, b[m], temp + 3 * n);
        }
        for (uint32_t k = 0; k <= switches; k++)
            y[k] = child[k] + t * n;
        butterfly_ntt(scheme, t, node + t * n, b, levels, y);
        for (uint32_t k = 1; k <= switches; k++)
            scheme->ring->ops->mul(&scheme->ring->limb[t], y[k], y[k],
                                   keys->shift[key + k - 1] + t * n, n);
    }
    step_c1(scheme, keys, step, c1, digits, child, temp);
}

/* ---- leaves ---- */

/* Rounding of one half of one leaf: the dropped limbs x[] (coefficient form, special primes last)
 * give, modulo scan limb i, the centred remainder r[i] of the division by P q_drop: first by P,
 * then prime by prime, the last first. x is used up. */
static void leaf_remainder(const hel_scheme *scheme, uint32_t *x, uint32_t *const *r,
                           uint32_t *scratch)
{
    const hel_params *p = &scheme->params;
    const hel_ring *ring = scheme->ring;
    const size_t n = scheme->n;
    const uint32_t special = p->special_limbs, drops = p->expand_limbs - p->scan_limbs;
    const uint32_t *in[HEL_SPECIAL_MAX];
    uint32_t target[HEL_LIMBS_MAX], *out[HEL_LIMBS_MAX];
    for (uint32_t i = 0; i < special; i++)
        in[i] = x + (drops + i) * n;
    for (uint32_t i = 0; i < p->expand_limbs; i++) {
        target[i] = i;
        out[i] = i < p->scan_limbs ? r[i] : scratch + (i - p->scan_limbs) * n;
    }
    if (special)
        hel_lift_limbs(ring, p->expand_limbs, special, in, target, p->expand_limbs, out,
                       scratch + drops * n);
    else
        for (uint32_t i = 0; i < p->expand_limbs; i++)
            memset(out[i], 0, n * sizeof *out[i]);
    for (uint32_t d = p->expand_limbs; d-- > p->scan_limbs;) {
        uint32_t *digit = x + (d - p->scan_limbs) * n, *lifted = scratch + drops * n;
        const hel_limb *from = &ring->limb[d];
        uint32_t inverse = hel_special_inverse(scheme, d);
        for (uint32_t e = d + 1; e < p->expand_limbs; e++)
            inverse = hel_mod_mul(inverse, from->q_inv[e], from->q);
        ring->ops->sub_mul_scalar(from, digit, digit, out[d], inverse, n);
        for (uint32_t i = 0; i < d; i++) {
            const hel_limb *l = &ring->limb[i];
            uint32_t weight = 1;
            for (uint32_t e = d + 1; e < scheme->total; e++)
                weight = hel_mod_mul(weight, ring->limb[e].q % l->q, l->q);
            ring->ops->lift1(l, from, lifted, digit, n);
            ring->ops->mul_scalar(l, lifted, lifted, weight, n);
            ring->ops->add(l, out[i], out[i], lifted, n);
        }
    }
}

/* z = X^-shift (z - r) / (P q_drop), shift a multiple of N/4: one factor per quarter. */
static void leaf_divide(const hel_scheme *scheme, uint32_t i, const uint32_t *factor,
                        uint32_t *z, const uint32_t *r)
{
    const size_t quarter = scheme->n / 4;
    for (size_t k = 0; k < 4; k++)
        scheme->ring->ops->sub_mul_scalar(&scheme->ring->limb[i], z + k * quarter,
                                          z + k * quarter, r + k * quarter, factor[k], quarter);
}

/* factor[k]: X^-shift at quarter k of the words, divided by P q_drop */
static void leaf_factors(const hel_scheme *scheme, const uint32_t *shift, uint32_t i,
                         uint32_t factor[4])
{
    const hel_limb *l = &scheme->ring->limb[i];
    for (uint32_t k = 0; k < 4; k++) {
        uint32_t f = shift ? shift[i * scheme->n + k * (scheme->n / 4)] : 1;
        for (uint32_t e = scheme->params.scan_limbs; e < scheme->total; e++)
            f = hel_mod_mul(f, l->q_inv[e], l->q);
        factor[k] = f;
    }
}

void hel_expand_leaves(const hel_scheme *scheme, const hel_eval_keys *keys, const uint32_t *node,
                       uint32_t count, uint32_t *z, uint32_t *scratch)
{
    const hel_params *prm = &scheme->params;
    const hel_ring *ring = scheme->ring;
    const size_t n = scheme->n;
    const uint32_t scan = prm->scan_limbs, dropped = scheme->total - scan;
    const uint32_t key = hel_step_key(prm->log_n, hel_tree_steps(prm->log_n) - 1);
    uint32_t *digits = scratch, *drop = digits + scheme->digits * scheme->total * n;
    uint32_t *temp = drop + 8 * dropped * n;
    const uint32_t *c1 = node + scheme->total * n;
    transform_digits(scheme, c1, digits, drop);
    for (uint32_t p = 0; p < 2; p++)
        for (uint32_t t = 0; t < scheme->total; t++) {
            const hel_limb *l = &ring->limb[t];
            uint32_t *b[3] = {temp, temp + n, temp + 2 * n}, *own = temp + 3 * n, *y[4];
            int coef = p == 1 && t >= scan;
            const uint32_t *c = node + t * n;
            for (uint32_t k = 0; k < 4; k++)
                y[k] = t < scan ? z + ((2 * k + p) * scan + t) * n
                                : drop + ((2 * k + p) * dropped + t - scan) * n;
            for (uint32_t m = 0; m < 3; m++)
                inner_product(scheme, keys, key + m, p, t, digits, p ? NULL : c, b[m],
                              temp + 4 * n);
            if (p == 1) { /* P c1: 0 modulo the special primes */
                uint32_t big = 1;
                for (uint32_t e = prm->expand_limbs; e < scheme->total; e++)
                    big = hel_mod_mul(big, ring->limb[e].q % l->q, l->q);
                c = own;
                if (t >= prm->expand_limbs)
                    memset(own, 0, n * sizeof *own);
                else
                    ring->ops->mul_scalar(
                        l, own,
                        coef ? c1 + t * n
                             : digits + (t / prm->digit_limbs * scheme->total + t) * n,
                        big, n);
            }
            if (coef) {
                for (uint32_t m = 0; m < 3; m++)
                    ring->ops->ntt_inverse(ring, l, b[m]);
                butterfly_coef(scheme, t, c, b, 2, y);
            } else {
                butterfly_ntt(scheme, t, c, b, 2, y);
                for (uint32_t k = 0; t >= scan && k < count; k++)
                    ring->ops->ntt_inverse(ring, l, y[k]);
            }
        }
    for (uint32_t k = 0; k < count; k++)
        for (uint32_t p = 0; p < 2; p++) {
            uint32_t *r[HEL_LIMBS_MAX], factor[4];
            for (uint32_t i = 0; i < scan; i++)
                r[i] = digits + i * n; /* the digits have done their work */
            leaf_remainder(scheme, drop + (2 * k + p) * dropped * n, r, temp);
            for (uint32_t i = 0; i < scan; i++) {
                hel_ntt_forward(ring, i, r[i]);
                leaf_factors(scheme, k ? keys->shift[key + k - 1] : NULL, i, factor);
                leaf_divide(scheme, i, factor, z + ((2 * k + p) * scan + i) * n, r[i]);
            }
        }
}
