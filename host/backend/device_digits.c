/*
 * Entries between limbs, as launches. Noise and definitions: the CPU instance (cpu_divide.c,
 * cpu_digits.c), whose residues these give.
 */
#include "host/backend/device_private.h"

typedef struct conversion_job {
    const hel_dev_conversion *c;
    const uint32_t *in; /* rows of the sources, coefficient form */
    size_t in_stride;
    hel_view out;     /* its limbs are the wanted targets */
    uint32_t q_limbs; /* targets from this prime of Q on are not wanted */
} conversion_job;

/* Target limb numbers to rows of job->out: Q's below q_limbs as they are, P's behind them. */
static hel_status convert(hel_stream *s, const hel_basis *p, const conversion_job *job)
{
    k_convert args = {.ring = hel_dev_ring(p),
                      .c = job->c->c,
                      .in = job->in,
                      .in_stride = job->in_stride,
                      .out = job->out.data,
                      .out_stride = job->out.stride};
    const uint32_t groups = (args.c.to_count + K_CONVERT_TARGETS - 1) / K_CONVERT_TARGETS;
    const uint32_t grid[3] = {p->shape.ring->n / K_CONVERT_THREADS, job->out.batch, groups};
    for (uint32_t t = 0; t < args.c.to_count; t++) {
        const uint32_t limb = job->c->to[t];
        uint32_t row = limb;
        if (limb >= p->shape.q_count)
            row = job->q_limbs + limb - p->shape.q_count;
        else if (limb >= job->q_limbs)
            row = UINT32_MAX;
        args.place[t] = row < job->out.limbs ? (int16_t)row : -1;
    }
    return hel_dev_launch(s, K_ID_k_convert_rows, grid, K_CONVERT_THREADS,
                          (args.c.from_count + 1) * K_CONVERT_THREADS * sizeof(uint32_t), &args,
                          sizeof args);
}

/* A view of scratch of the given shape; release its data. */
static hel_status scratch(hel_stream *s, const hel_basis *p, hel_view *v, uint32_t batch,
                          uint32_t limbs, uint32_t q_limbs)
{
    *v = (hel_view){NULL, batch, limbs, q_limbs, (size_t)limbs * p->shape.ring->n};
    return hel_dev_alloc(s, &v->data, (size_t)batch * v->stride * sizeof *v->data);
}

/* out = (a times - x) inverse + add over out's limbs */
static hel_status divide(hel_stream *s, const hel_basis *p, const hel_view *out, const hel_view *a,
                         const hel_view *x, const uint32_t *inverse, uint64_t times,
                         const hel_view *add)
{
    k_elem_divide args = {.ring = hel_dev_ring(p),
                          .out = hel_dev_rows(p, out),
                          .a = hel_dev_rows(p, a),
                          .b = hel_dev_rows(p, x)};
    const uint32_t grid[3] = {out->limbs, out->batch, p->shape.ring->n / K_ELEM_WORDS};
    if (add)
        args.add = hel_dev_rows(p, add);
    for (uint32_t i = 0; i < out->limbs; i++) {
        const uint32_t q = p->shape.ring->limb[i].q;
        args.s[i] = (k_pair){inverse[i], hel_mod_shoup(inverse[i], q)};
        args.times[i] = hel_mod_reduce64(times, q);
    }
    return hel_dev_launch(s, K_ID_k_divide, grid, K_ELEM_THREADS, 0, &args, sizeof args);
}

hel_status hel_dev_rescale(hel_stream *s, const hel_basis *p, hel_view out, hel_view a)
{
    const hel_cpu_basis *host = hel_cpu_basis_of(hel_dev_basis_of(p)->host);
    const uint32_t c = out.limbs, d = a.limbs - c;
    const size_t at = (size_t)(c - 1) * p->shape.drop_max + d - 1;
    hel_view dropped = {0}, x = {0};
    hel_status status;
    if (out.batch == 0)
        return HEL_OK;
    a.batch = out.batch;
    HEL_TRY(scratch(s, p, &dropped, out.batch, d, d));
    HEL_TRY_GOTO(scratch(s, p, &x, out.batch, c, c), done);
    const hel_dev_part from = hel_dev_part_of(p, &a, c, d);
    const hel_dev_part tail = {dropped.data, dropped.stride, dropped.batch, d, c};
    HEL_TRY_GOTO(hel_dev_copy_part(s, p, &tail, &from), done);
    HEL_TRY_GOTO(hel_dev_ntt(s, p, &tail, 1), done);
    const conversion_job job = {&hel_dev_basis_of(p)->drop[at], dropped.data, dropped.stride, x, c};
    HEL_TRY_GOTO(convert(s, p, &job), done);
    HEL_TRY_GOTO(hel_dev_ntt_forward(s, p, x), done);
    a.limbs = a.q_limbs = c;
    status = divide(s, p, &out, &a, &x, host->drop_inverse + at * p->shape.q_count,
                    p->shape.multiplier[c], NULL);
done:
    hel_dev_release(s, dropped.data);
    hel_dev_release(s, x.data);
    return status;
}

/* Digit j of all items: lifted limbs by conversion and transform, its own limbs from a. */
static hel_status lift_digit(hel_stream *s, const hel_basis *p, const hel_view *out,
                             const hel_view *a, const hel_view *coef, uint32_t j)
{
    const uint32_t limbs = a->limbs, first = j * p->shape.digit_limbs;
    const uint32_t end = hel_cpu_digit_end(p, j, limbs);
    hel_view digit = *out;
    digit.data += (size_t)j * out->limbs * p->shape.ring->n;
    digit.q_limbs = limbs;
    const conversion_job job = {&hel_dev_basis_of(p)->digit[end - 1],
                                coef->data + (size_t)first * p->shape.ring->n, coef->stride, digit,
                                limbs};
    const hel_dev_part below = hel_dev_part_of(p, &digit, 0, first);
    const hel_dev_part own = hel_dev_part_of(p, &digit, first, end - first);
    const hel_dev_part above = hel_dev_part_of(p, &digit, end, limbs - end);
    const hel_dev_part special = hel_dev_part_of(p, &digit, limbs, out->limbs - limbs);
    const hel_dev_part from = hel_dev_part_of(p, a, first, end - first);
    if (job.c->c.to_count)
        HEL_TRY(convert(s, p, &job));
    HEL_TRY(hel_dev_ntt(s, p, &below, 0));
    HEL_TRY(hel_dev_ntt(s, p, &above, 0));
    HEL_TRY(hel_dev_ntt(s, p, &special, 0));
    return hel_dev_copy_part(s, p, &own, &from);
}

hel_status hel_dev_decompose(hel_stream *s, const hel_basis *p, hel_view out, hel_view a)
{
    hel_view coef;
    if (out.batch == 0)
        return HEL_OK;
    a.batch = out.batch;
    HEL_TRY(scratch(s, p, &coef, out.batch, a.limbs, a.limbs));
    hel_status status = hel_dev_copy(s, p, coef, a);
    if (status == HEL_OK)
        status = hel_dev_ntt_inverse(s, p, coef);
    for (uint32_t j = 0; status == HEL_OK && j < hel_cpu_digits(p, a.limbs); j++)
        status = lift_digit(s, p, &out, &a, &coef, j);
    hel_dev_release(s, coef.data);
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

hel_status hel_dev_mod_down(hel_stream *s, const hel_basis *p, hel_view out, hel_view acc,
                            const hel_view *add)
{
    const hel_cpu_basis *host = hel_cpu_basis_of(hel_dev_basis_of(p)->host);
    const uint32_t limbs = acc.q_limbs;
    const hel_dev_part special = hel_dev_part_of(p, &acc, limbs, acc.limbs - limbs);
    hel_view x, kept = acc;
    if (out.batch == 0)
        return HEL_OK;
    HEL_TRY(scratch(s, p, &x, out.batch, limbs, limbs));
    const conversion_job job = {hel_dev_basis_of(p)->special,
                                acc.data + (size_t)limbs * p->shape.ring->n, acc.stride, x, limbs};
    hel_status status = hel_dev_ntt(s, p, &special, 1);
    if (status == HEL_OK)
        status = convert(s, p, &job);
    if (status == HEL_OK)
        status = hel_dev_ntt_forward(s, p, x);
    kept.limbs = limbs;
    if (status == HEL_OK)
        status = divide(s, p, &out, &kept, &x, host->special_inverse, 1, add);
    hel_dev_release(s, x.data);
    return status;
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
