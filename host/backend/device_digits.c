/*
 * Entries between limbs, as launches. Noise and definitions: the CPU instance (cpu_divide.c,
 * cpu_digits.c), whose residues these give. A division is one inverse transform of the dropped
 * limbs and one forward transform of what they convert to, with all else at the ends of the two.
 */
#include "host/backend/device_private.h"

typedef struct division {
    const hel_dev_conversion *c;
    k_rows dropped; /* rows of a ring that begins at their first prime */
    uint32_t first, count, items;
    uint32_t *y;
    size_t y_stride;
    hel_view out, from;
    const hel_view *add;
} division;

static hel_status divide(hel_stream *s, const hel_basis *p, const division *d)
{
    const size_t n = p->shape.ring->n;
    uint32_t *between = NULL;
    k_sources up = {.ring = hel_dev_ring(p),
                    .in = d->dropped,
                    .y = d->y,
                    .y_stride = d->y_stride,
                    .c = d->c->c};
    up.ring.limb += d->first;
    k_finish end = {.ring = hel_dev_ring(p),
                    .order = {.halves = 1, .by_item = d->out.batch <= 65535},
                    .y = d->y,
                    .y_item = d->items > 1 ? d->y_stride : 0,
                    .from = hel_dev_rows(p, &d->from),
                    .out = {hel_dev_rows(p, &d->out)},
                    .scratch_item = d->items > 1 ? d->out.limbs * n : 0,
                    .c = d->c->c};
    if (d->add)
        end.add[0] = hel_dev_rows(p, d->add);
    if (!hel_dev_once(s, p))
        HEL_TRY(hel_dev_alloc(s, &between, d->items * d->out.limbs * n * sizeof *between));
    end.scratch = between;
    hel_status status = hel_dev_sources(s, p, &up, d->count, d->items);
    if (status == HEL_OK)
        status = hel_dev_finish(s, p, &end, d->out.limbs, d->out.batch, d->items);
    hel_dev_release(s, between);
    return status;
}

hel_status hel_dev_rescale(hel_stream *s, const hel_basis *p, hel_view out, hel_view a)
{
    const size_t n = p->shape.ring->n;
    const uint32_t c = out.limbs, dropped = a.limbs - c;
    const size_t at = (size_t)(c - 1) * p->shape.drop_max + dropped - 1;
    const uint32_t items = a.stride ? out.batch : 1;
    division d = {.c = &hel_dev_basis_of(p)->drop[at],
                  .dropped = {a.data + c * n, a.stride, dropped, 0},
                  .first = c,
                  .count = dropped,
                  .items = items,
                  .y_stride = dropped * n,
                  .out = out,
                  .from = a};
    if (out.batch == 0)
        return HEL_OK;
    HEL_TRY(hel_dev_alloc(s, &d.y, items * d.y_stride * sizeof *d.y));
    hel_status status = divide(s, p, &d);
    hel_dev_release(s, d.y);
    return status;
}

/* The special limbs' y take their place. */
hel_status hel_dev_mod_down(hel_stream *s, const hel_basis *p, hel_view out, hel_view acc,
                            const hel_view *add)
{
    uint32_t *special = acc.data + (size_t)acc.q_limbs * p->shape.ring->n;
    const division d = {.c = hel_dev_basis_of(p)->special,
                        .dropped = {special, acc.stride, p->shape.p_count, 0},
                        .first = p->shape.q_count,
                        .count = p->shape.p_count,
                        .items = acc.stride ? out.batch : 1,
                        .y = special,
                        .y_stride = acc.stride,
                        .out = out,
                        .from = acc,
                        .add = add};
    return out.batch ? divide(s, p, &d) : HEL_OK;
}

hel_status hel_dev_decompose(hel_stream *s, const hel_basis *p, hel_view out, hel_view a)
{
    uint32_t *y;
    if (out.batch == 0)
        return HEL_OK;
    a.batch = a.stride ? out.batch : 1;
    a.q_limbs = a.limbs;
    HEL_TRY(hel_dev_alloc(s, &y, (size_t)a.batch * a.limbs * p->shape.ring->n * sizeof *y));
    hel_status status = hel_dev_digits(s, p, &out, &a, y, 1);
    hel_dev_release(s, y);
    return status;
}

hel_status hel_dev_key_inner(hel_stream *s, const hel_basis *p, const hel_view acc[2],
                             hel_view digits, hel_key_view key, uint32_t g)
{
    const uint32_t limbs = acc[0].limbs - p->shape.p_count;
    hel_view shape[2] = {acc[0], acc[1]};
    shape[0].q_limbs = shape[1].q_limbs = limbs;
    const k_inner args = {.ring = hel_dev_ring(p),
                          .acc = {hel_dev_rows(p, &shape[0]), hel_dev_rows(p, &shape[1])},
                          .digits = digits.data,
                          .digits_stride = digits.stride,
                          .limbs = acc[0].limbs,
                          .batch = acc[0].batch,
                          .count = hel_cpu_digits(p, limbs),
                          .g = g,
                          .key = key.data,
                          .key_limbs = key.q_limbs + p->shape.p_count,
                          .key_q_limbs = key.q_limbs};
    const uint32_t grid[3] = {acc[0].limbs, p->shape.ring->n / K_INNER_THREADS, 1};
    return hel_dev_launch(s, K_ID_k_key_inner, grid, K_INNER_THREADS, 0, &args, sizeof args);
}

hel_status hel_dev_mod_up(hel_stream *s, const hel_basis *p, hel_view out, hel_view a)
{
    const hel_cpu_basis *host = hel_cpu_basis_of(hel_dev_basis_of(p)->host);
    uint32_t zero[HEL_LIMBS_LIMIT] = {0};
    hel_view low = out, high = out;
    low.limbs = low.q_limbs = out.q_limbs;
    HEL_TRY(hel_dev_mul_scalar(s, p, low, a, host->special_product));
    /* a view of P's limbs alone: none of Q's before them */
    high.data += (size_t)out.q_limbs * p->shape.ring->n;
    high.limbs = out.limbs - out.q_limbs;
    high.q_limbs = 0;
    return hel_dev_mul_scalar(s, p, high, high, zero);
}
