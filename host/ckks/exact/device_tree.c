/* The expansion tree's memory on a device: constants and keys, copied once; nodes; and the launches
 * of lifts that expansion and outputs share. */
#include "host/base/mem.h"
#include "host/ckks/exact/device_tree.h"
#include "host/ckks/exact/expand_ops.h"

/* ---- sizes ---- */

/* Rows of N words that one node takes of `work`. */
static uint64_t work_rows(const hel_scheme *scheme)
{
    const uint64_t digits = (uint64_t)scheme->digits * scheme->total;
    const uint64_t lifted = 8 * (uint64_t)scheme->params.scan_limbs;
    return digits > lifted ? digits : lifted;
}

uint32_t hel_device_tree_wide(const hel_scheme *scheme)
{
    const uint64_t rows = work_rows(scheme) + 8 * (uint64_t)scheme->total;
    uint32_t wide = HEL_TREE_WIDE_MAX;
    while (wide > 1 && wide * rows * scheme->n * sizeof(uint32_t) > HEL_TREE_WORK_BYTES)
        wide /= 2;
    return wide;
}

static uint64_t level_bytes(const hel_scheme *scheme, uint32_t wide, uint32_t step)
{
    const uint32_t log_n = scheme->params.log_n, most = 4 * wide;
    uint32_t nodes = step < hel_tree_steps(log_n) ? 1u << hel_step_level(log_n, step) : scheme->n;
    if (nodes > most)
        nodes = most;
    return (uint64_t)nodes * 2 * scheme->total * scheme->n * sizeof(uint32_t);
}

static uint64_t work_bytes(const hel_scheme *scheme, uint32_t wide)
{
    return wide * work_rows(scheme) * scheme->n * sizeof(uint32_t);
}

static uint64_t keys_bytes(const hel_scheme *scheme)
{
    uint64_t words = 0;
    for (uint32_t step = 0; step < hel_tree_steps(scheme->params.log_n); step++)
        words += scheme->total * (uint64_t)hel_packed_words(scheme, step);
    return words * sizeof(uint32_t);
}

/* Keys of all steps but the last: those whose children are shifted. */
static uint32_t shift_count(const hel_scheme *scheme)
{
    return hel_step_key(scheme->params.log_n, hel_tree_steps(scheme->params.log_n) - 1);
}

static uint64_t shifts_bytes(const hel_scheme *scheme)
{
    return (uint64_t)shift_count(scheme) * scheme->total * scheme->n * sizeof(uint32_t);
}

static size_t table_pairs(const hel_scheme *scheme)
{
    const hel_params *p = &scheme->params;
    const size_t square = (size_t)scheme->total * scheme->total;
    return 3 * square + (square * K_LIFT_FUSED + 1) / 2 + 2 * (size_t)p->expand_limbs +
           17 * (size_t)p->scan_limbs;
}

/* Twiddles, and a little for the constants of conversions. */
static uint64_t dropped_bytes(const hel_scheme *scheme)
{
    const uint64_t drops = scheme->total - scheme->params.scan_limbs;
    return drops * (2 * (uint64_t)scheme->n * sizeof(k_pair) + 8192);
}

uint64_t hel_device_tree_bytes(const hel_scheme *scheme, const hel_device_scan_shape *shape)
{
    const uint32_t wide = hel_device_tree_wide(scheme);
    uint64_t sum =
        hel_device_arena_bytes(work_bytes(scheme, wide)) +
        hel_device_arena_bytes(keys_bytes(scheme)) + hel_device_arena_bytes(shifts_bytes(scheme)) +
        hel_device_arena_bytes(table_pairs(scheme) * sizeof(k_pair)) + dropped_bytes(scheme);
    (void)shape;
    for (uint32_t step = 0; step <= hel_tree_steps(scheme->params.log_n); step++)
        sum += hel_device_arena_bytes(level_bytes(scheme, wide, step));
    return sum;
}

/* ---- constants ---- */

static k_pair pair_of(uint32_t w, uint32_t q)
{
    return (k_pair){w, hel_mod_shoup(w, q)};
}

static k_pair *fill_radix(const hel_scheme *scheme, k_pair *to)
{
    const hel_limb *limb = scheme->ring->limb;
    const uint32_t total = scheme->total;
    for (uint32_t b = 0; b < total; b++)
        for (uint32_t a = 0; a < total; a++)
            *to++ = pair_of(limb[b].q_inv[a], limb[b].q);
    for (uint32_t f = 0; f < total; f++)
        for (uint32_t t = 0; t < total; t++) {
            const uint32_t q = limb[t].q, next = f + 1 < total ? limb[f + 1].q % q : 0;
            *to++ = pair_of(limb[f].q % q, q);
            *to++ = pair_of(hel_mod_mul(limb[f].q % q, next, q), q);
        }
    return to;
}

/* (q_f .. q_(f+count-1) - 1) / 2 = h_f + q_f (h_(f+1) + q_(f+1) (..)), h_i = (q_i - 1) / 2 */
static void fill_halves(const hel_scheme *scheme, uint32_t *to)
{
    const hel_limb *limb = scheme->ring->limb;
    for (uint32_t f = 0; f < scheme->total; f++)
        for (uint32_t count = 1; count <= K_LIFT_FUSED; count++)
            for (uint32_t t = 0; t < scheme->total; t++) {
                const uint32_t q = limb[t].q, end = hel_min_u32(f + count, scheme->total);
                uint32_t half = 0;
                for (uint32_t i = end; i-- > f;)
                    half = hel_mod_add(hel_mod_mul(half, limb[i].q % q, q), limb[i].q / 2 % q, q);
                *to++ = half;
            }
}

/* X^-(child N/4) at each quarter of the words, divided by all that a leaf's division divides by */
static k_pair *fill_factors(const hel_scheme *scheme, const hel_eval_keys *keys, k_pair *to)
{
    const uint32_t log_n = scheme->params.log_n, scan = scheme->params.scan_limbs;
    const uint32_t key = hel_step_key(log_n, hel_tree_steps(log_n) - 1);
    for (uint32_t t = 0; t < scan; t++) {
        const hel_limb *l = &scheme->ring->limb[t];
        const uint32_t one = hel_montgomery_one(scheme, t);
        uint32_t inverse = hel_mod_inv(one, l->q);
        for (uint32_t e = scan; e < scheme->total; e++)
            inverse = hel_mod_mul(inverse, l->q_inv[e], l->q);
        for (uint32_t child = 0; child < 4; child++)
            for (uint32_t k = 0; k < 4; k++) {
                const size_t at = (size_t)t * scheme->n + k * (scheme->n / 4);
                const uint32_t x = child ? keys->shift[key + child - 1][at] : one;
                *to++ = pair_of(hel_mod_mul(x, inverse, l->q), l->q);
            }
    }
    return to;
}

static void fill_tables(const hel_scheme *scheme, const hel_eval_keys *keys, k_pair *to)
{
    const hel_params *p = &scheme->params;
    const hel_limb *limb = scheme->ring->limb;
    to = fill_radix(scheme, to);
    for (uint32_t i = 0; i < p->expand_limbs; i++)
        *to++ = pair_of(hel_special_product(scheme, i), limb[i].q);
    for (uint32_t i = 0; i < p->expand_limbs; i++)
        *to++ = pair_of(hel_special_inverse(scheme, i), limb[i].q);
    for (uint32_t i = 0; i < p->scan_limbs; i++)
        *to++ = pair_of(limb[i].q_inv[p->scan_limbs - 1], limb[i].q);
    to = fill_factors(scheme, keys, to);
    fill_halves(scheme, (uint32_t *)(void *)to);
}

static void place_tables(hel_device_tree *t, const hel_scheme *scheme)
{
    const size_t square = (size_t)scheme->total * scheme->total;
    t->big = t->tables + 3 * square;
    t->special = t->big + scheme->params.expand_limbs;
    t->last = t->special + scheme->params.expand_limbs;
    t->factor = t->last + scheme->params.scan_limbs;
    t->radix = (k_radix){
        .inverse = t->tables,
        .weight = t->tables + square,
        .half = (const uint32_t *)(const void *)(t->factor + 16 * scheme->params.scan_limbs),
        .limbs = scheme->total};
}

static hel_status create_tables(hel_device_scan *x)
{
    hel_device_tree *t = x->tree;
    const size_t bytes = table_pairs(x->scheme) * sizeof(k_pair);
    k_pair *host;
    HEL_TRY(x->stream->ops->alloc(x->stream, &t->tables, bytes));
    place_tables(t, x->scheme);
    HEL_TRY(hel_malloc(x->engine, &host, 1, bytes));
    fill_tables(x->scheme, x->keys, host);
    hel_status status = x->stream->ops->upload(x->stream, t->tables, host, bytes);
    hel_free(host);
    return status;
}

/* ---- keys ---- */

static hel_status create_keys(hel_device_scan *x)
{
    const hel_scheme *scheme = x->scheme;
    const hel_backend_ops *ops = x->stream->ops;
    const size_t rows = (size_t)scheme->total * scheme->n;
    hel_device_tree *t = x->tree;
    size_t at = 0;
    HEL_TRY(ops->alloc(x->stream, &t->keys, keys_bytes(scheme)));
    for (uint32_t step = 0; step < t->steps; step++) {
        const size_t words = scheme->total * hel_packed_words(scheme, step);
        t->key_at[step] = at;
        HEL_TRY(
            ops->upload(x->stream, t->keys + at, x->keys->packed[step], words * sizeof(uint32_t)));
        at += words;
    }
    HEL_TRY(ops->alloc(x->stream, &t->shifts, shifts_bytes(scheme)));
    for (uint32_t i = 0; i < shift_count(scheme); i++)
        HEL_TRY(ops->upload(x->stream, t->shifts + i * rows, x->keys->shift[i],
                            rows * sizeof(uint32_t)));
    return HEL_OK;
}

/* ---- life ---- */

/* Views of the scheme's basis begin at prime 0: the limbs that a leaf drops have their own. */
static hel_status create_dropped(hel_device_scan *x)
{
    const hel_scheme *scheme = x->scheme;
    const uint32_t scan = scheme->params.scan_limbs, drops = scheme->total - scan;
    uint32_t primes[HEL_LIMBS_MAX + HEL_SPECIAL_MAX];
    if (!drops)
        return HEL_OK;
    for (uint32_t i = 0; i < drops; i++)
        primes[i] = scheme->ring->limb[scan + i].q;
    HEL_TRY(hel_ring_create_from(x->engine, &x->tree->dropped_ring, scheme->params.log_n, primes,
                                 drops));
    const hel_basis_shape shape = {
        .ring = x->tree->dropped_ring, .q_count = drops, .digit_limbs = 1, .drop_max = 1};
    return x->backend->ops->basis_create(x->backend, x->engine, &x->tree->dropped, &shape);
}

static hel_status create_nodes(hel_device_scan *x)
{
    const hel_scheme *scheme = x->scheme;
    const hel_backend_ops *ops = x->stream->ops;
    hel_device_tree *t = x->tree;
    for (uint32_t step = 0; step <= t->steps; step++)
        HEL_TRY(ops->alloc(x->stream, &t->level[step], level_bytes(scheme, t->wide, step)));
    HEL_TRY(ops->alloc(x->stream, &t->work, work_bytes(scheme, t->wide)));
    /* The root's c0 half is a multiple of P: nothing ever writes its special limbs again. */
    return hel_device_scan_check(x,
                                 x->device->ops->wipe(x->device, hel_stream_queue(x->stream),
                                                      t->level[0], level_bytes(scheme, t->wide, 0)),
                                 "clearing memory");
}

hel_status hel_device_tree_create(hel_device_scan *x)
{
    const uint32_t log_n = x->scheme->params.log_n;
    HEL_TRY(hel_calloc(x->engine, &x->tree, 1, sizeof *x->tree));
    x->tree->wide = hel_device_tree_wide(x->scheme);
    x->tree->steps = hel_tree_steps(log_n);
    x->tree->fused = log_n <= K_NTT_LOG_N_ONCE && k_alone_bytes(log_n) <= x->device->shared_max;
    HEL_TRY(create_dropped(x));
    HEL_TRY(create_tables(x));
    HEL_TRY(create_keys(x));
    return create_nodes(x);
}

void hel_device_tree_free(hel_device_scan *x)
{
    hel_device_tree *t = x->tree;
    if (!t)
        return;
    const hel_backend_ops *ops = x->stream->ops;
    for (uint32_t step = 0; step <= t->steps; step++)
        ops->release(x->stream, t->level[step]);
    ops->release(x->stream, t->work);
    ops->release(x->stream, t->keys);
    ops->release(x->stream, t->shifts);
    ops->release(x->stream, t->tables);
    x->backend->ops->basis_free(x->backend, t->dropped);
    hel_ring_free(t->dropped_ring);
    hel_free(t);
    x->tree = NULL;
}

/* ---- launches of lifts ---- */

void hel_device_lift_start(const hel_device_scan *x, k_lift *args)
{
    args->ring = hel_dev_ring(x->basis);
    args->radix = x->tree->radix;
}

int hel_device_lift_fused(const hel_device_scan *x, uint32_t count)
{
    return x->tree->fused && count >= 1 && count <= K_LIFT_FUSED;
}

/* Limbs of a block: two blocks on a processor, but one limb each where a launch is small. */
static uint32_t rows_of(const hel_device_scan *x, uint32_t targets, uint64_t polys)
{
    const size_t fit = x->device->shared_max / 2 / k_row_bytes(x->scheme->params.log_n);
    uint32_t groups;
    if (fit <= 1 || polys * targets <= 2 * (uint64_t)x->device->processors)
        return 1;
    groups = (targets + K_LIFT_ROWS - 1) / K_LIFT_ROWS;
    if (fit < K_LIFT_ROWS)
        groups = (targets + (uint32_t)fit - 1) / (uint32_t)fit;
    return (targets + groups - 1) / groups;
}

#define LIFT(n)                                                                                    \
    {                                                                                              \
        K_ID_k_lift_ntt_##n, K_ID_k_leaf_ntt_##n                                                   \
    }

hel_status hel_device_lift_rows(hel_device_scan *x, k_lift *args, int leaf, uint32_t ys,
                                uint32_t zs)
{
    static const k_id id[][2] = {LIFT(10), LIFT(11), LIFT(12), LIFT(13), LIFT(14), LIFT(15)};
    const uint32_t log_n = x->scheme->params.log_n;
    args->rows = rows_of(x, args->targets, (uint64_t)ys * zs);
    const uint32_t grid[3] = {(args->targets + args->rows - 1) / args->rows, ys, zs};
    return hel_dev_launch(x->stream, id[log_n - K_NTT_LOG_N_MIN][leaf], grid, K_NTT_THREADS(log_n),
                          args->rows * k_row_bytes(log_n), args, sizeof *args);
}

hel_status hel_device_lift_words(hel_device_scan *x, k_id kernel, const k_lift *args, uint32_t ys,
                                 uint32_t zs)
{
    const uint32_t grid[3] = {x->scheme->n / K_WORD_THREADS, ys, zs};
    return hel_dev_launch(x->stream, kernel, grid, K_WORD_THREADS, 0, args, sizeof *args);
}

hel_status hel_device_divide(hel_device_scan *x, const k_lift *args, uint32_t zs)
{
    const uint32_t grid[3] = {x->scheme->n / (4 * K_WORD_THREADS), 1, zs};
    if (!hel_device_lift_fused(x, args->count))
        return hel_device_lift_words(x, K_ID_k_lift_divide, args, 1, zs);
    return hel_dev_launch(x->stream, K_ID_k_lift_divide_few, grid, K_WORD_THREADS, 0, args,
                          sizeof *args);
}

hel_status hel_device_lift(hel_device_scan *x, k_lift *args, uint32_t ys, uint32_t zs)
{
    if (hel_device_lift_fused(x, args->count))
        return hel_device_lift_rows(x, args, 0, ys, zs);
    HEL_TRY(hel_device_lift_words(x, K_ID_k_lift_words, args, ys, zs));
    return hel_device_transform(x, args->out, args->out_step, ys * zs, args->targets, 0);
}

hel_status hel_device_transform(hel_device_scan *x, uint32_t *data, size_t stride, uint32_t batch,
                                uint32_t count, int inverse)
{
    const hel_view v = {data, batch, count, hel_min_u32(count, x->scheme->params.expand_limbs),
                        stride};
    return inverse ? x->stream->ops->ntt_inverse(x->stream, x->basis, v)
                   : x->stream->ops->ntt_forward(x->stream, x->basis, v);
}
