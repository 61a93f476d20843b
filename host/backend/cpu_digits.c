/*
 * Key switching in its three visible parts; mod_down is the third (cpu_divide.c). Hoisted rotations
 * use them: the digits of one polynomial serve many keys. cpu_switch.c is the same in one piece.
 */
#include <string.h>

#include "host/backend/cpu_private.h"

typedef struct decompose {
    const hel_basis *p;
    hel_view out, a;
    uint32_t limbs, digits; /* of a */
    uint32_t *coef;         /* [item][limbs] rows: a in coefficient form */
    size_t stride;
    hel_cpu_groups groups; /* of out's limbs */
} decompose;

static hel_status invert_limb(void *arg, size_t index, uint32_t worker)
{
    const decompose *d = arg;
    const uint32_t items = hel_cpu_distinct(&d->a);
    const uint32_t i = (uint32_t)(index / items), item = (uint32_t)(index % items);
    uint32_t *row = d->coef + ((size_t)item * d->limbs + i) * d->stride;
    (void)worker;
    memcpy(row, hel_cpu_limb(&d->a, d->p, item, i), d->p->shape.ring->n * sizeof *row);
    hel_ntt_inverse(d->p->shape.ring, i, row);
    return HEL_OK;
}

/* All digits of a group of limbs: a limb's twiddle factors are read once for all digits. */
static hel_status lift_group(void *arg, size_t index, uint32_t worker)
{
    const decompose *d = arg;
    const hel_ring *ring = d->p->shape.ring;
    const hel_cpu_group g = hel_cpu_group_at(&d->groups, index);
    const uint32_t *coef = d->coef;
    uint32_t *out = d->out.data + g.item * d->out.stride + (size_t)g.first * ring->n;
    const size_t digit_stride = (size_t)d->out.limbs * ring->n;
    (void)worker;
    if (d->a.stride)
        coef += (size_t)g.item * d->limbs * d->stride;
    for (uint32_t j = 0; j < d->digits; j++) {
        uint32_t *row[CPU_GROUP];
        hel_cpu_rows(out + j * digit_stride, ring->n, g.count, row);
        hel_cpu_lift_digit(d->p, j, d->limbs, coef, d->stride, g.first, g.count, row);
    }
    for (uint32_t i = 0; i < g.count; i++) {
        const uint32_t t = g.first + i, limb = hel_basis_limb(d->p, &d->out, t);
        for (uint32_t j = 0; j < d->digits; j++) {
            uint32_t *x = out + j * digit_stride + (size_t)i * ring->n;
            if (t < d->limbs && t / d->p->shape.digit_limbs == j)
                memcpy(x, hel_cpu_limb(&d->a, d->p, g.item, t), ring->n * sizeof *x);
            else
                hel_ntt_forward(ring, limb, x);
        }
    }
    return HEL_OK;
}

hel_status hel_cpu_decompose(hel_stream *s, const hel_basis *p, hel_view out, hel_view a)
{
    decompose d = {.p = p, .out = out, .a = a, .limbs = a.limbs, .stride = hel_cpu_row_stride(p)};
    const double cost = hel_cpu_cost_ntt(p);
    if (out.batch == 0)
        return HEL_OK;
    d.out.q_limbs = a.limbs;
    d.a.batch = a.stride ? out.batch : 1;
    d.digits = hel_cpu_digits(p, a.limbs);
    d.groups = hel_cpu_cut(s, out.limbs, out.batch);
    const size_t rows = (size_t)d.a.batch * a.limbs;
    HEL_TRY(hel_cpu_alloc(s, &d.coef, rows * d.stride * sizeof *d.coef));
    hel_status status = hel_cpu_loop(s, rows, cost, invert_limb, &d);
    if (status == HEL_OK)
        status = hel_cpu_loop(s, hel_cpu_group_items(&d.groups),
                              cost * 1.5 * d.digits * out.limbs / d.groups.groups, lift_group, &d);
    hel_cpu_release(s, d.coef);
    return status;
}

/* ---- inner product ---- */

typedef struct inner {
    const hel_basis *p;
    hel_view acc[2], digits;
    hel_key_view key;
    uint32_t count;      /* digits */
    const uint32_t *map; /* NULL: no automorphism */
    uint32_t *scratch;   /* `count` blocks for each worker, where there is a map */
} inner;

static hel_status inner_limb(void *arg, size_t index, uint32_t worker)
{
    const inner *in = arg;
    const hel_ring *ring = in->p->shape.ring;
    const uint32_t batch = in->acc[0].batch, limbs = in->acc[0].limbs;
    const uint32_t t = (uint32_t)(index / batch), item = (uint32_t)(index % batch);
    const hel_limb *l = &ring->limb[hel_basis_limb(in->p, &in->digits, t)];
    const uint32_t *x = in->digits.data + item * in->digits.stride + (size_t)t * ring->n;
    const uint32_t *digit[HEL_LIMBS_LIMIT], *b0[HEL_LIMBS_LIMIT], *b1[HEL_LIMBS_LIMIT];
    uint32_t *block = in->scratch + (size_t)worker * in->count * CPU_BLOCK;
    for (size_t at = 0; at < ring->n; at += CPU_BLOCK) {
        for (uint32_t j = 0; j < in->count; j++) {
            digit[j] = x + (size_t)j * limbs * ring->n + at;
            if (in->map) {
                ring->ops->permute(block + j * CPU_BLOCK, x + (size_t)j * limbs * ring->n,
                                   in->map + at, CPU_BLOCK);
                digit[j] = block + j * CPU_BLOCK;
            }
            b0[j] = hel_cpu_key_row(in->p, &in->key, j, 0, &in->digits, t) + at;
            b1[j] = hel_cpu_key_row(in->p, &in->key, j, 1, &in->digits, t) + at;
        }
        ring->ops->dot2(l, hel_cpu_limb(&in->acc[0], in->p, item, t) + at,
                        hel_cpu_limb(&in->acc[1], in->p, item, t) + at, digit, b0, b1, in->count,
                        CPU_BLOCK);
    }
    return HEL_OK;
}

hel_status hel_cpu_key_inner(hel_stream *s, const hel_basis *p, const hel_view acc[2],
                             hel_view digits, hel_key_view key, uint32_t g)
{
    inner in = {.p = p, .acc = {acc[0], acc[1]}, .digits = digits, .key = key};
    const uint32_t limbs = acc[0].limbs - p->shape.p_count;
    const uint32_t workers = hel_engine_threads(s->engine);
    in.digits.q_limbs = limbs;
    in.count = hel_cpu_digits(p, limbs);
    if (g != 1) {
        HEL_TRY(hel_cpu_basis_map(s->engine, p, g, &in.map));
        HEL_TRY(hel_cpu_alloc(s, &in.scratch,
                              (size_t)workers * in.count * CPU_BLOCK * sizeof *in.scratch));
    }
    hel_status status =
        hel_cpu_loop(s, (size_t)acc[0].limbs * acc[0].batch,
                     hel_cpu_cost_words(p, (in.map ? 5.0 : 3.0) * in.count + 2), inner_limb, &in);
    hel_cpu_release(s, in.scratch);
    return status;
}
