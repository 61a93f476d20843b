/*
 * Exact division with rounding, in NTT form: rescale by the last primes of Q, mod_down by P.
 *
 *   out = (m a - X) / D modulo each remaining prime,  X = m a modulo D, centred,
 *
 * where X comes from the divisor's limbs alone (convert.h, which also bounds it): inverse
 * transforms of these, conversion, forward transforms of the result. For d divisor limbs and c
 * remaining ones that are d + c transforms, c (d + 4) words moved per coefficient, most of them
 * inside the second-level cache, since a group of limbs is converted, transformed and used by one
 * thread. The multiplier m is a factor of the conversion; the remaining limbs get it block by block
 * on the way.
 */
#include <string.h>

#include "host/backend/cpu_private.h"

typedef struct divide {
    const hel_basis *p;
    hel_view out, a;
    const hel_view *add; /* NULL: none */
    const hel_conversion *conversion;
    const uint32_t *inverse; /* 1 / D modulo the primes of out */
    uint64_t multiplier;
    uint32_t divisors;  /* limbs of a from out.limbs on */
    uint32_t *coef;     /* those limbs in coefficient form */
    size_t coef_stride; /* words between rows */
    size_t item_stride; /* words between items, 0: one for all */
    int in_place;       /* coef is a's own memory */
    hel_cpu_groups groups;
    uint32_t *scratch; /* groups.largest rows for each worker */
    size_t stride;
} divide;

static hel_status invert_limb(void *arg, size_t index, uint32_t worker)
{
    const divide *d = arg;
    const hel_ring *ring = d->p->shape.ring;
    const uint32_t items = hel_cpu_distinct(&d->a);
    const uint32_t k = (uint32_t)(index / items), item = (uint32_t)(index % items);
    uint32_t *row = d->coef + item * d->item_stride + k * d->coef_stride;
    const uint32_t i = d->out.limbs + k;
    (void)worker;
    if (!d->in_place)
        memcpy(row, hel_cpu_limb(&d->a, d->p, item, i), ring->n * sizeof *row);
    hel_ntt_inverse(ring, hel_basis_limb(d->p, &d->a, i), row);
    return HEL_OK;
}

/* x: NTT form of the converted remainder. out may be a or *add: blocks are read before written. */
static void combine(const divide *d, uint32_t item, uint32_t i, const uint32_t *x)
{
    const hel_ring *ring = d->p->shape.ring;
    const hel_limb *l = &ring->limb[i];
    const uint32_t *a = hel_cpu_limb(&d->a, d->p, item, i);
    const uint32_t *add = d->add ? hel_cpu_limb(d->add, d->p, item, i) : NULL;
    uint32_t *out = hel_cpu_limb(&d->out, d->p, item, i);
    const uint32_t factor = (uint32_t)(d->multiplier % l->q);
    _Alignas(64) uint32_t block[CPU_BLOCK];
    for (size_t at = 0; at < ring->n; at += CPU_BLOCK) {
        const uint32_t *from = a + at;
        if (d->multiplier != 1) {
            ring->ops->mul_scalar(l, block, from, factor, CPU_BLOCK);
            from = block;
        }
        if (add) {
            ring->ops->sub_mul_scalar(l, block, from, x + at, d->inverse[i], CPU_BLOCK);
            ring->ops->add(l, out + at, block, add + at, CPU_BLOCK);
        } else {
            ring->ops->sub_mul_scalar(l, out + at, from, x + at, d->inverse[i], CPU_BLOCK);
        }
    }
}

static hel_status divide_group(void *arg, size_t index, uint32_t worker)
{
    const divide *d = arg;
    const hel_cpu_group g = hel_cpu_group_at(&d->groups, index);
    uint32_t *row[CPU_GROUP];
    hel_cpu_rows(d->scratch + (size_t)worker * d->groups.largest * d->stride, d->stride, g.count,
                 row);
    hel_cpu_convert_range(d->p, d->conversion, d->coef + g.item * d->item_stride, d->coef_stride,
                          g.first, g.count, row);
    for (uint32_t i = 0; i < g.count; i++) {
        hel_ntt_forward(d->p->shape.ring, g.first + i, row[i]);
        combine(d, g.item, g.first + i, row[i]);
    }
    return HEL_OK;
}

/* Fills in the rest of d and runs it. */
static hel_status run(hel_stream *s, divide *d)
{
    const hel_basis *p = d->p;
    const size_t n = p->shape.ring->n;
    const uint32_t items = hel_cpu_distinct(&d->a);
    const double cost = hel_cpu_cost_ntt(p);
    size_t rows;
    uint32_t *words;

    if (d->out.batch == 0)
        return HEL_OK;
    d->stride = hel_cpu_row_stride(p);
    d->groups = hel_cpu_cut(s, d->out.limbs, d->out.batch);
    rows = (size_t)d->groups.workers * d->groups.largest + (d->in_place ? 0 : items * d->divisors);
    HEL_TRY(hel_cpu_alloc(s, &words, rows * d->stride * sizeof *words));
    d->scratch = words;
    if (d->in_place) {
        d->coef = d->a.data + d->out.limbs * n;
        d->coef_stride = n;
        d->item_stride = d->a.stride;
    } else {
        d->coef = words + (size_t)d->groups.workers * d->groups.largest * d->stride;
        d->coef_stride = d->stride;
        d->item_stride = items > 1 ? d->divisors * d->stride : 0;
    }
    hel_status status = hel_cpu_loop(s, (size_t)d->divisors * items, cost, invert_limb, d);
    if (status == HEL_OK)
        status = hel_cpu_loop(s, hel_cpu_group_items(&d->groups),
                              cost * d->out.limbs / d->groups.groups * 1.5, divide_group, d);
    hel_cpu_release(s, words);
    return status;
}

hel_status hel_cpu_rescale(hel_stream *s, const hel_basis *p, hel_view out, hel_view a)
{
    const hel_cpu_basis *b = hel_cpu_basis_of(p);
    const uint32_t c = out.limbs, dropped = a.limbs - c;
    const size_t at = (size_t)(c - 1) * p->shape.drop_max + dropped - 1;
    a.batch = a.stride ? out.batch : hel_min_u32(out.batch, 1);
    divide d = {.p = p,
                .out = out,
                .a = a,
                .conversion = b->drop[at],
                .inverse = b->drop_inverse + at * p->shape.q_count,
                .multiplier = p->shape.multiplier[c],
                .divisors = dropped};
    return run(s, &d);
}

hel_status hel_cpu_mod_down(hel_stream *s, const hel_basis *p, hel_view out, hel_view acc,
                            const hel_view *add)
{
    const hel_cpu_basis *b = hel_cpu_basis_of(p);
    acc.batch = acc.stride ? out.batch : hel_min_u32(out.batch, 1);
    divide d = {.p = p,
                .out = out,
                .a = acc,
                .add = add,
                .conversion = b->special,
                .inverse = b->special_inverse,
                .multiplier = 1,
                .divisors = p->shape.p_count,
                .in_place = 1};
    return run(s, &d);
}

/* ---- the way up ---- */

typedef struct mod_up {
    const hel_basis *p;
    hel_view out, a;
} mod_up;

static hel_status mod_up_limb(void *arg, size_t index, uint32_t worker)
{
    const mod_up *u = arg;
    const hel_ring *ring = u->p->shape.ring;
    const uint32_t i = (uint32_t)(index / u->out.batch), item = (uint32_t)(index % u->out.batch);
    uint32_t *out = hel_cpu_limb(&u->out, u->p, item, i);
    (void)worker;
    if (i < u->out.q_limbs)
        ring->ops->mul_scalar(&ring->limb[i], out, hel_cpu_limb(&u->a, u->p, item, i),
                              hel_cpu_basis_of(u->p)->special_product[i], ring->n);
    else
        memset(out, 0, ring->n * sizeof *out);
    return HEL_OK;
}

hel_status hel_cpu_mod_up(hel_stream *s, const hel_basis *p, hel_view out, hel_view a)
{
    mod_up u = {.p = p, .out = out, .a = a};
    return hel_cpu_loop(s, (size_t)out.limbs * out.batch, hel_cpu_cost_words(p, 2), mod_up_limb,
                        &u);
}
