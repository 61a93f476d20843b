/*
 * Key switching in one piece: the residues of decompose, key_inner and mod_down, without their
 * intermediate arrays. Three loops:
 *
 *   1. limbs of a:            copy, inverse transform                               -> A
 *   2. groups of P's primes:  lift A's digits, forward transforms, inner products,
 *                             inverse transforms of both sums                       -> S
 *   3. groups of Q's primes:  lift A's digits and divide S, forward transforms, then block by block
 *                             inner products, (sum - quotient) / P, addition        -> out
 *
 * A group is up to CPU_GROUP primes of one item; its rows belong to one thread, which uses every
 * transformed digit at once. For L limbs of a, K special primes and d digits:
 *
 *   transforms  L + d (L + K) - L + 2 K + 2 L    of N log N / 2 butterflies
 *   conversion  per 16 coefficients and group of targets 16 instructions a source, and per target
 *               4.5 a source and 13; sources are L (all digits) and 2 K
 *   inner       per 16 coefficients and prime 12 d + 26 instructions
 *   bytes       8 d (L + K) N of key; 4 N (L + 2 K) of A and S for every group; d (L + K) + L rows
 *               of groups, each written, fetched for that and read again where a group does not
 *               fit the second-level cache; 20 N L of a, add and out
 *
 * At N = 2^15, L = 20, K = 8, d = 3: 140 transforms of 20 us = 2.8 ms, 16 M instructions beside
 * them = 1.3 ms, 21 MB of key, 14 MB of A and S, 41 MB of rows and 13 MB at the ends = 3.6 ms at
 * 25 GB/s, in part hidden. Measured: 7.2 ms on one thread. Larger groups save conversions and reads
 * of A, smaller ones keep rows in the cache; large ones won at every N from 2^13 to 2^16: 9.9, 8.4,
 * 7.6, 7.5 ms with groups of 2, 4, 8, 16 at this shape, 66, 48, 37, 33 ms at N = 2^16, 40 + 14
 * primes, three digits.
 *
 * Noise of the result (coefficient form, standard deviations; the test in t_backend_switch.c holds
 * it to this): |digit| <= D_j / 2 (1 + 2^-20), uniform to good accuracy, so that sum_j digit_j e_j
 * has sigma_e sqrt(N / 12) sqrt(sum D_j^2), divided by P; the rounding of the two divisions adds
 * sqrt((1 + N 2/3) / 12) for a uniform ternary secret.
 */
#include <string.h>

#include "host/backend/cpu_private.h"

typedef struct switching {
    const hel_basis *p;
    const hel_ring *ring;
    hel_view out[2], a;
    const hel_view *add[2];
    hel_view shape; /* limbs of a and the special ones: for limb numbers */
    hel_key_view key;
    uint32_t limbs, special, digits, batch;
    const uint32_t *map; /* NULL: no automorphism */
    int own_first;       /* a's limb is an output's memory: permuted before that is written */
    size_t stride;       /* of rows */
    uint32_t *coef;      /* [item of a][limbs] rows: A */
    uint32_t *sums;      /* [item][2][special] rows: S */
    uint32_t *scratch;   /* per worker: (digits + 2) group rows, then digits blocks */
    size_t scratch_words;
    uint32_t group;           /* limbs of the largest group */
    hel_cpu_groups low, high; /* of Q's and of P's primes */
} switching;

/* A worker's rows. */
typedef struct desk {
    uint32_t *digit, *quotient; /* [digit][group] rows, [half][group] rows */
    uint32_t *block;            /* digits x CPU_BLOCK words */
} desk;

static desk desk_of(const switching *w, uint32_t worker)
{
    uint32_t *words = w->scratch + worker * w->scratch_words;
    const size_t group = w->group * w->stride;
    return (desk){words, words + w->digits * group, words + (w->digits + 2) * group};
}

static hel_status invert_limb(void *arg, size_t index, uint32_t worker)
{
    const switching *w = arg;
    const uint32_t items = hel_cpu_distinct(&w->a);
    const uint32_t i = (uint32_t)(index / items), item = (uint32_t)(index % items);
    uint32_t *row = w->coef + ((size_t)item * w->limbs + i) * w->stride;
    (void)worker;
    memcpy(row, hel_cpu_limb(&w->a, w->p, item, i), w->ring->n * sizeof *row);
    hel_ntt_inverse(w->ring, i, row);
    return HEL_OK;
}

/* All digits at view limbs first .. first + count - 1, coefficient form. */
static void lift(const switching *w, const desk *k, hel_cpu_group g)
{
    const uint32_t *coef = w->coef + (w->a.stride ? (size_t)g.item * w->limbs * w->stride : 0);
    for (uint32_t j = 0; j < w->digits; j++) {
        uint32_t *row[CPU_GROUP];
        hel_cpu_rows(k->digit + (size_t)j * w->group * w->stride, w->stride, g.count, row);
        hel_cpu_lift_digit(w->p, j, w->limbs, coef, w->stride, g.first, g.count, row);
    }
}

/* What the inner product at one limb reads. */
typedef struct operands {
    const hel_limb *l;
    const uint32_t *digit[HEL_LIMBS_LIMIT], *key0[HEL_LIMBS_LIMIT], *key1[HEL_LIMBS_LIMIT];
} operands;

/* Brings the digits at view limb t, row i of the group, to NTT form; the digit that owns the limb
 * is a itself. */
static void transform(const switching *w, const desk *k, operands *o, uint32_t item, uint32_t t,
                      uint32_t i)
{
    const uint32_t limb = hel_basis_limb(w->p, &w->shape, t);
    o->l = &w->ring->limb[limb];
    for (uint32_t j = 0; j < w->digits; j++) {
        uint32_t *row = k->digit + ((size_t)j * w->group + i) * w->stride;
        o->digit[j] = row;
        o->key0[j] = hel_cpu_key_row(w->p, &w->key, j, 0, &w->shape, t);
        o->key1[j] = hel_cpu_key_row(w->p, &w->key, j, 1, &w->shape, t);
        if (t >= w->limbs || t / w->p->shape.digit_limbs != j) {
            hel_ntt_forward(w->ring, limb, row);
            continue;
        }
        o->digit[j] = hel_cpu_limb(&w->a, w->p, item, t);
        if (w->own_first) {
            memcpy(row, o->digit[j], w->ring->n * sizeof *row);
            o->digit[j] = row;
        }
    }
}

/* n words from `at` on of both inner products. */
static void multiply(const switching *w, const desk *k, const operands *o, size_t at, size_t n,
                     uint32_t *out0, uint32_t *out1)
{
    const uint32_t *digit[HEL_LIMBS_LIMIT], *key0[HEL_LIMBS_LIMIT], *key1[HEL_LIMBS_LIMIT];
    for (uint32_t j = 0; j < w->digits; j++) {
        digit[j] = o->digit[j] + at;
        if (w->map) {
            w->ring->ops->permute(k->block + j * CPU_BLOCK, o->digit[j], w->map + at, n);
            digit[j] = k->block + j * CPU_BLOCK;
        }
        key0[j] = o->key0[j] + at;
        key1[j] = o->key1[j] + at;
    }
    w->ring->ops->dot2(o->l, out0, out1, digit, key0, key1, w->digits, n);
}

static hel_status switch_special(void *arg, size_t index, uint32_t worker)
{
    const switching *w = arg;
    const desk k = desk_of(w, worker);
    hel_cpu_group g = hel_cpu_group_at(&w->high, index);
    g.first += w->limbs;
    lift(w, &k, g);
    for (uint32_t i = 0; i < g.count; i++) {
        const uint32_t t = g.first + i;
        uint32_t *sum0 = w->sums + ((2 * (size_t)g.item) * w->special + t - w->limbs) * w->stride;
        uint32_t *sum1 = sum0 + w->special * w->stride;
        operands o;
        transform(w, &k, &o, g.item, t, i);
        for (size_t at = 0; at < w->ring->n; at += CPU_BLOCK)
            multiply(w, &k, &o, at, CPU_BLOCK, sum0 + at, sum1 + at);
        w->ring->ops->ntt_inverse(w->ring, o.l, sum0);
        w->ring->ops->ntt_inverse(w->ring, o.l, sum1);
    }
    return HEL_OK;
}

/* The last step at limb t: x[h] is the quotient's remainder of half h in NTT form. */
static void finish(const switching *w, const desk *k, const operands *o, uint32_t item, uint32_t t,
                   uint32_t *const x[2])
{
    const hel_ring_ops *ops = w->ring->ops;
    const uint32_t inverse = hel_cpu_basis_of(w->p)->special_inverse[t];
    _Alignas(64) uint32_t sum[2][CPU_BLOCK];
    for (size_t at = 0; at < w->ring->n; at += CPU_BLOCK) {
        multiply(w, k, o, at, CPU_BLOCK, sum[0], sum[1]);
        for (uint32_t h = 0; h < 2; h++) {
            uint32_t *out = hel_cpu_limb(&w->out[h], w->p, item, t) + at;
            if (!w->add[h]) {
                ops->sub_mul_scalar(o->l, out, sum[h], x[h] + at, inverse, CPU_BLOCK);
                continue;
            }
            ops->sub_mul_scalar(o->l, sum[h], sum[h], x[h] + at, inverse, CPU_BLOCK);
            ops->add(o->l, out, sum[h], hel_cpu_limb(w->add[h], w->p, item, t) + at, CPU_BLOCK);
        }
    }
}

static hel_status switch_group(void *arg, size_t index, uint32_t worker)
{
    const switching *w = arg;
    const desk k = desk_of(w, worker);
    const hel_cpu_group g = hel_cpu_group_at(&w->low, index);
    lift(w, &k, g);
    for (uint32_t h = 0; h < 2; h++) {
        uint32_t *row[CPU_GROUP];
        hel_cpu_rows(k.quotient + (size_t)h * w->group * w->stride, w->stride, g.count, row);
        hel_cpu_convert_range(w->p, hel_cpu_basis_of(w->p)->special,
                              w->sums + (2 * (size_t)g.item + h) * w->special * w->stride,
                              w->stride, g.first, g.count, row);
    }
    for (uint32_t i = 0; i < g.count; i++) {
        uint32_t *const x[2] = {k.quotient + i * w->stride,
                                k.quotient + ((size_t)w->group + i) * w->stride};
        operands o;
        transform(w, &k, &o, g.item, g.first + i, i);
        hel_ntt_forward(w->ring, g.first + i, x[0]);
        hel_ntt_forward(w->ring, g.first + i, x[1]);
        finish(w, &k, &o, g.item, g.first + i, x);
    }
    return HEL_OK;
}

static hel_status run(hel_stream *s, switching *w)
{
    const double cost = hel_cpu_cost_ntt(w->p) * 1.4;
    const uint32_t items = w->a.batch;
    HEL_TRY(hel_cpu_loop(s, (size_t)items * w->limbs, cost, invert_limb, w));
    HEL_TRY(hel_cpu_loop(s, hel_cpu_group_items(&w->high), cost * (w->digits + 2) * w->group,
                         switch_special, w));
    return hel_cpu_loop(s, hel_cpu_group_items(&w->low), cost * (w->digits + 2) * w->group,
                        switch_group, w);
}

hel_status hel_cpu_key_switch(hel_stream *s, const hel_basis *p, const hel_view out[2], hel_view a,
                              hel_key_view key, uint32_t g, const hel_view *add0,
                              const hel_view *add1)
{
    const uint32_t special = p->shape.p_count, batch = out[0].batch;
    switching w = {.p = p,
                   .ring = p->shape.ring,
                   .out = {out[0], out[1]},
                   .a = a,
                   .add = {add0, add1},
                   .shape = {.limbs = a.limbs + special, .q_limbs = a.limbs},
                   .key = key,
                   .limbs = a.limbs,
                   .special = special,
                   .digits = hel_cpu_digits(p, a.limbs),
                   .batch = batch,
                   .stride = hel_cpu_row_stride(p)};
    size_t coef, sums, desks;

    if (batch == 0)
        return HEL_OK;
    if (g != 1)
        HEL_TRY(hel_cpu_basis_map(s->engine, p, g, &w.map));
    w.a.batch = a.stride ? batch : 1;
    w.own_first = a.data == out[0].data || a.data == out[1].data;
    w.low = hel_cpu_cut(s, a.limbs, batch);
    w.high = hel_cpu_cut(s, special, batch);
    w.group = w.low.largest > w.high.largest ? w.low.largest : w.high.largest;
    w.scratch_words = (w.digits + 2) * w.group * w.stride + (size_t)w.digits * CPU_BLOCK;
    coef = (size_t)w.a.batch * a.limbs * w.stride;
    sums = (size_t)batch * 2 * special * w.stride;
    desks = (w.low.workers > w.high.workers ? w.low.workers : w.high.workers) * w.scratch_words;
    HEL_TRY(hel_cpu_alloc(s, &w.coef, (coef + sums + desks) * sizeof *w.coef));
    w.sums = w.coef + coef;
    w.scratch = w.sums + sums;
    hel_status status = run(s, &w);
    hel_cpu_release(s, w.coef);
    return status;
}
