/* Entries that treat each limb by itself, as launches. */
#include <string.h>

#include "host/backend/device_private.h"

hel_status hel_dev_launch_clusters(hel_stream *s, k_id kernel, const uint32_t grid[3],
                                   uint32_t cluster, uint32_t threads, size_t shared_bytes,
                                   const void *args, size_t args_bytes)
{
    hel_dev_backend *b = hel_dev_of(s);
    const hel_launch launch = {.kernel = kernel,
                               .grid = {grid[0], grid[1], grid[2]},
                               .threads = threads,
                               .shared_bytes = shared_bytes,
                               .args = args,
                               .args_bytes = args_bytes,
                               .cluster = cluster};
    if (grid[0] == 0 || grid[1] == 0 || grid[2] == 0)
        return HEL_OK;
    HEL_REQUIRE(s->engine, grid[1] <= 65535 && grid[2] <= 65535, HEL_E_UNSUPPORTED,
                "device %s: a batch of %u, the rule is up to 65535", b->device->ops->name,
                grid[1] > grid[2] ? grid[1] : grid[2]);
    return hel_dev_fail(s->engine, b,
                        b->device->ops->launch(b->device, ((hel_dev_stream *)s)->queue, &launch),
                        "a launch");
}

hel_status hel_dev_launch(hel_stream *s, k_id kernel, const uint32_t grid[3], uint32_t threads,
                          size_t shared_bytes, const void *args, size_t args_bytes)
{
    return hel_dev_launch_clusters(s, kernel, grid, 0, threads, shared_bytes, args, args_bytes);
}

k_ring hel_dev_ring(const hel_basis *p)
{
    return (k_ring){hel_dev_basis_of(p)->limb, p->shape.ring->log_n};
}

k_rows hel_dev_rows(const hel_basis *p, const hel_view *v)
{
    return (k_rows){v->data, v->stride, v->q_limbs, p->shape.q_count - v->q_limbs};
}

hel_dev_part hel_dev_part_of(const hel_basis *p, const hel_view *v, uint32_t first, uint32_t count)
{
    return (hel_dev_part){v->data + (size_t)first * p->shape.ring->n, v->stride, v->batch, count,
                          hel_basis_limb(p, v, first)};
}

static void chunks(const hel_basis *p, const hel_view *out, uint32_t grid[3])
{
    grid[0] = out->limbs;
    grid[1] = out->batch;
    grid[2] = p->shape.ring->n / K_ELEM_WORDS;
}

/* ---- transforms ---- */

#define PAIR(n)                                                                                    \
    {                                                                                              \
        K_ID_k_ntt_forward_##n, K_ID_k_ntt_inverse_##n                                             \
    }
#define SPLIT(n)                                                                                   \
    {                                                                                              \
        {K_ID_k_ntt_columns_forward_##n, K_ID_k_ntt_rows_forward_##n},                             \
        {                                                                                          \
            K_ID_k_ntt_rows_inverse_##n, K_ID_k_ntt_columns_inverse_##n                            \
        }                                                                                          \
    }

static hel_status ntt_once(hel_stream *s, const k_ntt *args, const hel_dev_part *part, int inverse)
{
    static const k_id id[][2] = {PAIR(10), PAIR(11), PAIR(12), PAIR(13), PAIR(14), PAIR(15)};
    const uint32_t log_n = args->ring.log_n, grid[3] = {part->count, part->batch, 1};
    return hel_dev_launch(s, id[log_n - K_NTT_LOG_N_MIN][inverse], grid, K_ALONE_THREADS(log_n),
                          k_alone_bytes(log_n), args, sizeof *args);
}

static hel_status ntt_clusters(hel_stream *s, const k_ntt *args, const hel_dev_part *part,
                               int inverse)
{
    static const k_id id[] = {K_ID_k_cluster_forward, K_ID_k_cluster_inverse};
    const uint32_t grid[3] = {part->count * K_CLUSTER_BLOCKS, part->batch, 1};
    return hel_dev_launch_clusters(s, id[inverse], grid, K_CLUSTER_BLOCKS, K_CLUSTER_THREADS,
                                   K_CLUSTER_BYTES, args, sizeof *args);
}

static hel_status ntt_twice(hel_stream *s, const k_ntt *args, const hel_dev_part *part, int inverse)
{
    static const k_id id[][2][2] = {SPLIT(15), SPLIT(16), SPLIT(17)};
    const uint32_t log_n = args->ring.log_n, rows = (1u << log_n) / K_LOW;
    for (int pass = 0; pass < 2; pass++) {
        const int columns = pass == inverse;
        const uint32_t grid[3] = {part->count, part->batch,
                                  columns ? K_LOW / K_COLUMNS : rows / K_LOW_ROWS};
        HEL_TRY(hel_dev_launch(s, id[log_n - K_NTT_LOG_N_ONCE][inverse][pass], grid,
                               K_SPLIT_THREADS, k_split_bytes(log_n, !columns), args,
                               sizeof *args));
    }
    return HEL_OK;
}

hel_status hel_dev_ntt(hel_stream *s, const hel_basis *p, const hel_dev_part *part, int inverse)
{
    k_ntt args = {hel_dev_ring(p), {part->data, part->stride, part->count, 0}};
    if (part->count == 0)
        return HEL_OK;
    args.ring.limb += part->prime;
    if (!hel_dev_once(s, p))
        return ntt_twice(s, &args, part, inverse);
    return args.ring.log_n == K_CLUSTER_LOG_N ? ntt_clusters(s, &args, part, inverse)
                                              : ntt_once(s, &args, part, inverse);
}

static hel_status ntt_view(hel_stream *s, const hel_basis *p, hel_view x, int inverse)
{
    const hel_dev_part low = hel_dev_part_of(p, &x, 0, x.q_limbs);
    const hel_dev_part high = hel_dev_part_of(p, &x, x.q_limbs, x.limbs - x.q_limbs);
    HEL_TRY(hel_dev_ntt(s, p, &low, inverse));
    return hel_dev_ntt(s, p, &high, inverse);
}

hel_status hel_dev_ntt_forward(hel_stream *s, const hel_basis *p, hel_view x)
{
    return ntt_view(s, p, x, 0);
}

hel_status hel_dev_ntt_inverse(hel_stream *s, const hel_basis *p, hel_view x)
{
    return ntt_view(s, p, x, 1);
}

/* ---- word by word ---- */

static hel_status binary(hel_stream *s, const hel_basis *p, k_id kernel, const hel_view *out,
                         const hel_view *a, const hel_view *b)
{
    const k_elem args = {hel_dev_ring(p), hel_dev_rows(p, out), hel_dev_rows(p, a),
                         hel_dev_rows(p, b)};
    uint32_t grid[3];
    chunks(p, out, grid);
    return hel_dev_launch(s, kernel, grid, K_ELEM_THREADS, 0, &args, sizeof args);
}

hel_status hel_dev_add(hel_stream *s, const hel_basis *p, hel_view out, hel_view a, hel_view b)
{
    return binary(s, p, K_ID_k_add, &out, &a, &b);
}

hel_status hel_dev_sub(hel_stream *s, const hel_basis *p, hel_view out, hel_view a, hel_view b)
{
    return binary(s, p, K_ID_k_sub, &out, &a, &b);
}

hel_status hel_dev_mul(hel_stream *s, const hel_basis *p, hel_view out, hel_view a, hel_view b)
{
    return binary(s, p, K_ID_k_mul, &out, &a, &b);
}

hel_status hel_dev_mul_add(hel_stream *s, const hel_basis *p, hel_view out, hel_view a, hel_view b)
{
    return binary(s, p, K_ID_k_mul_add, &out, &a, &b);
}

static hel_status scalar(hel_stream *s, const hel_basis *p, k_id kernel, const hel_view *out,
                         const hel_view *a, const uint32_t *c)
{
    k_elem_scalar args = {hel_dev_ring(p), hel_dev_rows(p, out), hel_dev_rows(p, a), {0}};
    uint32_t grid[3];
    if (c)
        memcpy(args.c, c, out->limbs * sizeof *c);
    chunks(p, out, grid);
    return hel_dev_launch(s, kernel, grid, K_ELEM_THREADS, 0, &args, sizeof args);
}

hel_status hel_dev_mul_scalar(hel_stream *s, const hel_basis *p, hel_view out, hel_view a,
                              const uint32_t *c)
{
    return scalar(s, p, K_ID_k_mul_scalar, &out, &a, c);
}

hel_status hel_dev_add_scalar(hel_stream *s, const hel_basis *p, hel_view out, hel_view a,
                              const uint32_t *c)
{
    return scalar(s, p, K_ID_k_add_scalar, &out, &a, c);
}

hel_status hel_dev_copy(hel_stream *s, const hel_basis *p, hel_view out, hel_view a)
{
    return scalar(s, p, K_ID_k_copy, &out, &a, NULL);
}

hel_status hel_dev_copy_part(hel_stream *s, const hel_basis *p, const hel_dev_part *out,
                             const hel_dev_part *a)
{
    const hel_view to = {out->data, out->batch, out->count, out->count, out->stride};
    const hel_view from = {a->data, a->batch, a->count, a->count, a->stride};
    return scalar(s, p, K_ID_k_copy, &to, &from, NULL);
}

hel_status hel_dev_tensor(hel_stream *s, const hel_basis *p, const hel_view d[3],
                          const hel_view a[2], const hel_view b[2])
{
    k_elem_tensor args = {.ring = hel_dev_ring(p)};
    uint32_t grid[3];
    for (int i = 0; i < 3; i++)
        args.d[i] = hel_dev_rows(p, &d[i]);
    for (int i = 0; i < 2; i++) {
        args.a[i] = hel_dev_rows(p, &a[i]);
        args.b[i] = hel_dev_rows(p, &b[i]);
    }
    chunks(p, &d[0], grid);
    return hel_dev_launch(s, K_ID_k_tensor, grid, K_ELEM_THREADS, 0, &args, sizeof args);
}

static hel_status dot_into(hel_stream *s, const hel_basis *p, hel_view out, const hel_view *a,
                           const hel_view *b, uint32_t terms, int accumulate)
{
    for (uint32_t t = 0; t < terms; t += K_DOT_TERMS) {
        k_elem_dot args = {.ring = hel_dev_ring(p), .out = hel_dev_rows(p, &out)};
        uint32_t grid[3];
        args.terms = hel_min_u32(terms - t, K_DOT_TERMS);
        args.accumulate = accumulate || t;
        for (uint32_t i = 0; i < args.terms; i++) {
            args.a[i] = hel_dev_rows(p, &a[t + i]);
            args.b[i] = hel_dev_rows(p, &b[t + i]);
        }
        chunks(p, &out, grid);
        HEL_TRY(hel_dev_launch(s, K_ID_k_dot, grid, K_ELEM_THREADS, 0, &args, sizeof args));
    }
    return HEL_OK;
}

/* A launch takes K_DOT_TERMS terms. Where a later one reads what the first has written, the sum is
 * made beside it. */
hel_status hel_dev_dot(hel_stream *s, const hel_basis *p, hel_view out, const hel_view *a,
                       const hel_view *b, uint32_t terms, int accumulate)
{
    int late = 0;
    for (uint32_t t = K_DOT_TERMS; t < terms; t++)
        late |= a[t].data == out.data || b[t].data == out.data;
    if (!late)
        return dot_into(s, p, out, a, b, terms, accumulate);
    hel_view sum = out;
    sum.stride = (size_t)out.limbs * p->shape.ring->n;
    HEL_TRY(s->ops->alloc(s, &sum.data, sum.stride * sum.batch * sizeof *sum.data));
    hel_status status = dot_into(s, p, sum, a, b, terms, 0);
    if (status == HEL_OK)
        status = accumulate ? hel_dev_add(s, p, out, out, sum) : hel_dev_copy(s, p, out, sum);
    s->ops->release(s, sum.data);
    return status;
}

hel_status hel_dev_automorph(hel_stream *s, const hel_basis *p, hel_view out, hel_view a,
                             uint32_t g)
{
    const k_elem_automorph args = {hel_dev_ring(p), hel_dev_rows(p, &out), hel_dev_rows(p, &a), g};
    uint32_t grid[3];
    chunks(p, &out, grid);
    return hel_dev_launch(s, K_ID_k_automorph, grid, K_ELEM_THREADS, 0, &args, sizeof args);
}
