/*
 * What the kernels between limbs do at the ends of a transform: conversion of a word, the inner
 * product of digits and key, the end of a division. Formulas: host/ring/convert.h, bit for bit.
 *
 * Words of inner products are taken 32 neighbours to a warp: an automorphism permutes aligned runs
 * of 2^k words among each other for every k, so that a warp's gather is one line of 128 bytes.
 */
#ifndef HEL_KERNELS_SWITCH_ENDS_H
#define HEL_KERNELS_SWITCH_ENDS_H

#include "kernels/kernel.h"
#include "kernels/switch.h"

#ifdef K_KERNEL /* by nvcc or the simulator */

#define K_GROUP 8u /* words of a thread at a time */

/* ---- y ---- */

typedef struct k_y_end {
    uint32_t *out;
    uint32_t shift;
} k_y_end;

K_DEVICE void k_store_y(const void *io, uint32_t j, uint32_t log_step, uint32_t count,
                        const uint32_t *r)
{
    const k_y_end *end = (const k_y_end *)io;
    uint32_t *out = end->out + j;
    K_UNROLL
    for (uint32_t k = 0; k < count; k++)
        out[k << log_step] = r[k] << end->shift;
}

/* The factors of limb i, and the shift: what all transforms that make y end with */
typedef struct k_y_factors {
    k_pair upper, lower;
    uint32_t shift;
} k_y_factors;

K_DEVICE k_y_factors k_y_factors_of(const k_limb *m, const k_pair *top)
{
    const k_y_factors f = {K_LOAD(&top[0]), K_LOAD(&top[1]), 30 - m->bits};
    return f;
}

K_DEVICE k_y_factors k_source_factors(const k_sources *a, const k_limb *m, uint32_t i)
{
    const k_conversion *c = &a->c;
    uint32_t first = 0;
    if (a->digit) {
        first = i - i % a->digit_limbs;
        c = a->digit + K_MIN(first + a->digit_limbs, a->limbs) - 1;
    }
    return k_y_factors_of(m, c->top + 2 * (i - first));
}

/* ---- conversion ---- */

typedef struct k_convert_end {
    const uint32_t *y;
    const k_pair *weight;
    uint32_t count, log_n, q, word_inv;
} k_convert_end;

/* From y, rows of all sources, to target t of c */
K_DEVICE k_convert_end k_convert_to(const k_conversion *c, uint32_t t, const k_limb *m,
                                    uint32_t log_n, const uint32_t *y)
{
    const k_convert_end e = {
        y, c->weight + t * (c->from_count + 1), c->from_count, log_n, m->q, m->word_inv};
    return e;
}

/* x < 2^34 q -> below 2^33 q and congruent */
K_DEVICE uint64_t k_sum_fold(uint64_t x, uint32_t q)
{
    const uint64_t part = (uint64_t)q << 33;
    return x < part ? x : x - part;
}

/* `words` (at most K_GROUP) words, lazily in [0, 3q). Sums stay below 2^34 q as in convert.h:
 * y << (30 - b) is at most 2^30 - 2048, which leaves room for v. */
K_DEVICE void k_convert_words(const k_convert_end *e, uint32_t j, uint32_t log_step, uint32_t words,
                              uint32_t *r)
{
    uint64_t sum[K_GROUP];
    uint32_t part[K_GROUP];
    K_UNROLL
    for (uint32_t i = 0; i < words; i++) {
        sum[i] = 0;
        part[i] = 1u << 25;
    }
    const uint32_t *y = e->y + j;
    const k_pair *weight = e->weight;
    for (uint32_t k = 0; k < e->count;) {
        const uint32_t end = K_MIN(e->count, k ? k + 8 : 16);
        for (; k < end; k++, y += (size_t)1 << e->log_n) {
            const k_pair w = K_LOAD(weight++);
            K_UNROLL
            for (uint32_t i = 0; i < words; i++) {
                const uint32_t x = K_LOAD(&y[i << log_step]);
                sum[i] += (uint64_t)x * w.x;
                part[i] += K_MULHI(x, w.y) >> 3;
            }
        }
        if (k < e->count) {
            K_UNROLL
            for (uint32_t i = 0; i < words; i++)
                sum[i] = k_sum_fold(sum[i], e->q);
        }
    }
    const uint32_t last = K_LOAD(&e->weight[e->count]).x;
    K_UNROLL
    for (uint32_t i = 0; i < words; i++) {
        const uint64_t x = sum[i] + (uint64_t)(part[i] >> 26) * last;
        const uint32_t high = hel_mod_fold((uint32_t)(x >> 32), 2 * e->q);
        r[i] = high + e->q - K_MULHI((uint32_t)x * e->word_inv, e->q);
    }
}

/* The k_load_many_fn of a transform of converted words */
K_DEVICE void k_convert_many(const void *io, uint32_t j, uint32_t log_step, uint32_t count,
                             uint32_t *r)
{
    K_UNROLL
    for (uint32_t h = 0; h < count; h += K_GROUP)
        k_convert_words((const k_convert_end *)io, j + (h << log_step), log_step, K_GROUP, r + h);
}

/* The same for kernels whose threads have few registers */
K_DEVICE void k_convert_many_by4(const void *io, uint32_t j, uint32_t log_step, uint32_t count,
                                 uint32_t *r)
{
    K_UNROLL
    for (uint32_t h = 0; h < count; h += 4)
        k_convert_words((const k_convert_end *)io, j + (h << log_step), log_step, 4, r + h);
}

/* Which digit and limb row `lift` of a k_raise is, and the target's number in the conversion */
typedef struct k_raise_place {
    uint32_t digit, limb, prime, target;
    const k_conversion *c;
} k_raise_place;

K_DEVICE k_raise_place k_raise_place_of(const k_raise *a, uint32_t lift)
{
    k_raise_place p;
    /* all digits but the last, and that one if it is whole, leave `each` limbs to others */
    const uint32_t each = a->all - K_MIN(a->digit_limbs, a->limbs);
    p.digit = each ? K_MIN(lift / each, a->digits - 1) : 0;
    const uint32_t first = p.digit * a->digit_limbs;
    const uint32_t end = K_MIN(first + a->digit_limbs, a->limbs);
    const uint32_t t = lift - p.digit * each;
    p.limb = t < first ? t : t + end - first;
    p.c = a->digit + end - 1;
    p.prime = p.limb < a->limbs ? p.limb : a->q_count + p.limb - a->limbs;
    /* special ones are the last of the list, which goes on to the basis's last prime */
    p.target = p.limb < a->limbs ? t : p.c->to_count - (a->all - p.limb);
    return p;
}

/* ---- inner products ---- */

typedef struct k_place_in {
    uint32_t item, half, row;
} k_place_in;

K_DEVICE k_place_in k_place_in_order(const k_order *o)
{
    const uint32_t half = o->halves == 1 ? 0 : K_BLOCK_X & 1;
    const uint32_t x = o->halves == 1 ? K_BLOCK_X : K_BLOCK_X >> 1;
    const k_place_in p = {o->by_item ? K_BLOCK_Y : x, o->first_half + half,
                          o->by_item ? x : K_BLOCK_Y};
    return p;
}

typedef struct k_product_end {
    const uint32_t *digits, *own, *key;
    size_t digit_step, key_step;
    uint32_t own_digit, count, g, log_n;
    const k_limb *m;
} k_product_end;

/* Limb i (of all) of an item; half of the key */
K_DEVICE k_product_end k_product_of(const k_products *a, const k_limb *m, uint32_t log_n,
                                    k_place_in at, uint32_t limb)
{
    const uint32_t key_row = limb < a->limbs ? limb : a->key_q_limbs + limb - a->limbs;
    const size_t key_half = (size_t)a->key_limbs << log_n, row = (size_t)limb << log_n;
    k_product_end e = {NULL, NULL,  NULL, (size_t)a->all << log_n, 2 * key_half, 0xffffffffu, 0,
                       a->g, log_n, m};
    if (a->key) {
        e.digits = a->digits + at.item * a->stride + row;
        e.key = a->key + at.half * key_half + ((size_t)key_row << log_n);
        e.count = a->count;
    }
    if (a->a.data && limb < a->limbs) {
        e.own_digit = limb / a->digit_limbs;
        e.own = a->a.data + at.item * a->a.stride + row;
    }
    return e;
}

K_DEVICE uint32_t k_reduce_sum(uint64_t x, const k_limb *m)
{
    return hel_mod_reduce_sum(x, m->q, m->barrett, m->bits, m->pow34);
}

/* sum[i] += sigma_g(digits) key at word j + i step, step a power of two above j's bits below it.
 * On entry a sum is below 2^44, so that 16 products and it fit in 64 bits. */
K_DEVICE void k_products_words(const k_product_end *e, uint32_t j, uint32_t step, uint32_t words,
                               uint64_t *sum)
{
    /* word j belongs to exponent 2 reverse(j) + 1; its top bits are the word's lowest ones. Held
     * with the exponent's 1 + log N bits on top, so that wrapping is what 2N does. */
    const uint32_t start = e->g * (K_REVERSE(j) + (1u << (31 - e->log_n)));
    uint32_t from[K_GROUP];
    K_UNROLL
    for (uint32_t i = 0; i < words; i++)
        from[i] = K_REVERSE(start + e->g * K_REVERSE(i * step)) & ((1u << e->log_n) - 1);
    for (uint32_t d = 0; d < e->count; d++) {
        const uint32_t *x = d == e->own_digit ? e->own : e->digits + d * e->digit_step;
        const uint32_t *key = e->key + d * e->key_step + j;
        K_UNROLL
        for (uint32_t i = 0; i < words; i++)
            sum[i] += (uint64_t)x[from[i]] * K_LOAD(&key[i * step]);
        if (d % 16 == 15) {
            K_UNROLL
            for (uint32_t i = 0; i < words; i++)
                sum[i] = k_reduce_sum(sum[i], e->m);
        }
    }
}

/* ---- the end of a division ---- */

typedef struct k_finish_end {
    k_product_end product;
    const uint32_t *from, *add;
    uint32_t *out;
    k_pair inverse;
    uint32_t times;
} k_finish_end;

K_DEVICE k_finish_end k_finish_of(const k_finish *a, const k_limb *m, uint32_t log_n, k_place_in at)
{
    k_finish_end e;
    e.product = k_product_of(&a->in, m, log_n, at, at.row);
    e.from = a->in.key ? NULL : a->from.data + k_at(&a->from, log_n, at.item, at.row, 0);
    const k_rows *add = &a->add[at.half], *out = &a->out[at.half];
    e.add = add->data ? add->data + k_at(add, log_n, at.item, at.row, 0) : NULL;
    e.out = out->data + k_at(out, log_n, at.item, at.row, 0);
    e.inverse = K_LOAD(&a->c.inverse[at.row]);
    e.times = K_LOAD(&a->c.times[at.row]);
    return e;
}

/* Words j, j + step, ..: x the remainder's residues, canonical. Each word is read before it is
 * written, by the thread that writes it. */
K_DEVICE void k_finish_words(const k_finish_end *e, uint32_t j, uint32_t step, uint32_t words,
                             const uint32_t *x)
{
    const k_limb *m = e->product.m;
    uint64_t sum[K_GROUP];
    K_UNROLL
    for (uint32_t i = 0; i < words; i++)
        sum[i] = m->q - x[i];
    if (e->from) {
        K_UNROLL
        for (uint32_t i = 0; i < words; i++)
            sum[i] += (uint64_t)e->from[j + i * step] * e->times;
    } else {
        k_products_words(&e->product, j, step, words, sum);
    }
    K_UNROLL
    for (uint32_t i = 0; i < words; i++) {
        uint32_t r = k_shoup(k_reduce_sum(sum[i], m), e->inverse, m->minus_q);
        r = k_fold(r, m->minus_q);
        if (e->add)
            r = hel_mod_add(r, e->add[j + i * step], m->q);
        e->out[j + i * step] = r;
    }
}

#endif

#endif
