/*
 * Exact centred lifts in registers. The centred value of residues a_k modulo Q = q0 q1 q2 is
 * d - K with K = (Q - 1) / 2 and d in [0, Q) congruent to a_k + K: no digit of d has a sign. Its
 * mixed radix digits are d0 + q0 d1 + q0 q1 d2 (Garner, 1959). Primes lie in (2^29, 2^30).
 */
#ifndef HEL_KERNELS_LIFT_H
#define HEL_KERNELS_LIFT_H

#include "kernels/expand.h"
#include "kernels/kernel.h"

#ifdef K_KERNEL /* by nvcc or the simulator */

/* One source: add is K modulo it, plus 2q but for the first; i0, i1: 1 / q0, 1 / q1 modulo it. */
typedef struct lift_source {
    uint32_t q2, minus_q, add;
    k_pair i0, i1;
} lift_source;

K_DEVICE lift_source lift_from(const k_lift *a, uint32_t first, uint32_t count, uint32_t k)
{
    const uint32_t limbs = a->radix.limbs, at = first + k;
    const k_pair *inverse = a->radix.inverse + at * limbs + first;
    const k_limb *m = a->ring.limb + at;
    lift_source s;
    s.q2 = m->q2;
    s.minus_q = m->minus_q;
    s.add = a->radix.half[(first * K_LIFT_FUSED + count - 1) * limbs + at] + (k ? s.q2 : 0);
    s.i0 = inverse[0];
    s.i1 = inverse[k ? 1 : 0];
    return s;
}

/* Residues x[0 .. count - 1] -> digits, in place; count is 1, 2 or 3. */
K_DEVICE void lift_digits(const lift_source *s, uint32_t count, uint32_t *x)
{
    x[0] = k_fold(x[0] + s[0].add, s[0].minus_q);
    if (count > 1) /* the difference lies in (0, 4q) */
        x[1] = k_fold(k_shoup(x[1] + s[1].add - x[0], s[1].i0, s[1].minus_q), s[1].minus_q);
    if (count > 2) {
        const uint32_t d = k_shoup(x[2] + s[2].add - x[0], s[2].i0, s[2].minus_q);
        x[2] = k_fold(k_shoup(d + s[2].q2 - x[1], s[2].i1, s[2].minus_q), s[2].minus_q);
    }
}

/* One target: w1, w2: q0, q0 q1; less: -K */
typedef struct lift_target {
    uint32_t minus_q, minus_q2, less;
    k_pair w1, w2;
} lift_target;

K_DEVICE lift_target lift_to(const k_lift *a, uint32_t first, uint32_t count, uint32_t limb)
{
    const uint32_t limbs = a->radix.limbs;
    const k_pair *weight = a->radix.weight + 2 * (first * limbs + limb);
    const k_limb *m = a->ring.limb + limb;
    lift_target t;
    t.minus_q = m->minus_q;
    t.minus_q2 = m->minus_q2;
    t.less = m->q - a->radix.half[(first * K_LIFT_FUSED + count - 1) * limbs + limb];
    t.w1 = weight[0];
    t.w2 = weight[1];
    return t;
}

/* The number with these digits, less K, modulo the target, below 2q + 2^30 < 4q */
K_DEVICE uint32_t lift_value(const uint32_t *d, uint32_t count, const lift_target *t)
{
    uint32_t sum = 0;
    if (count > 1)
        sum = k_shoup(d[1], t->w1, t->minus_q);
    if (count > 2)
        sum = k_fold(sum + k_shoup(d[2], t->w2, t->minus_q), t->minus_q2);
    sum += t->less; /* at most q, and below 3q in all */
    return (count > 1 ? k_fold(sum, t->minus_q2) : sum) + d[0];
}

#endif

#endif
