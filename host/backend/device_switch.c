/*
 * The key switch on a device, and the launches that it shares with decomposition and division: four
 * where a block or a cluster of them holds a row, eight where a transform takes two passes.
 * Definitions: the CPU instance, whose residues these give.
 *
 * Scratch of a key switch: the digits without the limbs that a itself has, y of a and y of the
 * sums' special limbs, for all items; those of a batch of one polynomial are computed once.
 */
#include "host/backend/device_private.h"

/* A key up to this size stays in the second-level cache over a batch: blocks then run item by
 * item, so that an item's own rows stay there too. Larger ones run limb by limb: each row of the
 * key is read once for all items that are on the device at a time. */
#define SMALL_KEY ((size_t)16 << 20)

int hel_dev_once(const hel_stream *s, const hel_basis *p)
{
    const hel_device *d = hel_dev_of(s)->device;
    const uint32_t log_n = p->shape.ring->log_n;
    if (log_n == K_CLUSTER_LOG_N)
        return d->cluster_max >= K_CLUSTER_BLOCKS && d->shared_max >= K_CLUSTER_BYTES;
    return log_n <= K_NTT_LOG_N_ONCE && k_alone_bytes(log_n) <= d->shared_max;
}

/* ---- launches ---- */

#define ONCE(n)                                                                                    \
    {                                                                                              \
        K_ID_k_sources_##n, K_ID_k_raise_##n, K_ID_k_sums_##n, K_ID_k_finish_##n                   \
    }
#define COLUMNS(n)                                                                                 \
    {                                                                                              \
        K_ID_k_sources_columns_##n, K_ID_k_raise_columns_##n, K_ID_k_sources_columns_##n,          \
            K_ID_k_finish_columns_##n                                                              \
    }

typedef enum step_kind { SOURCES, LIFT, SUMS, FINISH, STEPS } step_kind;
typedef enum pass_kind { WHOLE, ROWS, COLUMNS } pass_kind;

/* One launch of a step on x * y rows */
static hel_status launch(hel_stream *s, const hel_basis *p, step_kind step, pass_kind part,
                         uint32_t x, uint32_t y, const void *args, size_t bytes)
{
    static const k_id once[][STEPS] = {ONCE(10), ONCE(11), ONCE(12), ONCE(13), ONCE(14), ONCE(15)};
    static const k_id columns[][STEPS] = {COLUMNS(15), COLUMNS(16), COLUMNS(17)};
    static const k_id rows[STEPS] = {K_ID_k_sources_rows, K_ID_k_raise_rows, K_ID_k_sums_rows,
                                     K_ID_k_finish_rows};
    static const k_id clusters[STEPS] = {K_ID_k_cluster_sources, K_ID_k_cluster_raise,
                                         K_ID_k_cluster_sums, K_ID_k_cluster_finish};
    const uint32_t log_n = p->shape.ring->log_n, height = p->shape.ring->n / K_LOW;
    uint32_t grid[3] = {x, y, 1};
    if (part == WHOLE && log_n == K_CLUSTER_LOG_N) {
        grid[0] *= K_CLUSTER_BLOCKS;
        return hel_dev_launch_clusters(s, clusters[step], grid, K_CLUSTER_BLOCKS, K_CLUSTER_THREADS,
                                       K_CLUSTER_BYTES, args, bytes);
    }
    if (part == WHOLE)
        return hel_dev_launch(s, once[log_n - K_NTT_LOG_N_MIN][step], grid, K_NTT_THREADS(log_n),
                              k_row_bytes(log_n), args, bytes);
    grid[2] = part == ROWS ? height / K_LOW_ROWS : K_LOW / K_COLUMNS;
    return hel_dev_launch(s, part == ROWS ? rows[step] : columns[log_n - K_NTT_LOG_N_ONCE][step],
                          grid, K_SPLIT_THREADS, k_split_bytes(log_n, part == ROWS), args, bytes);
}

hel_status hel_dev_sources(hel_stream *s, const hel_basis *p, const k_sources *args, uint32_t limbs,
                           uint32_t items)
{
    if (hel_dev_once(s, p))
        return launch(s, p, SOURCES, WHOLE, limbs, items, args, sizeof *args);
    HEL_TRY(launch(s, p, SOURCES, ROWS, limbs, items, args, sizeof *args));
    return launch(s, p, SOURCES, COLUMNS, limbs, items, args, sizeof *args);
}

hel_status hel_dev_lift(hel_stream *s, const hel_basis *p, const k_raise *args, int copies,
                        uint32_t items)
{
    const uint32_t all = args->lifts + (copies ? args->limbs : 0);
    if (hel_dev_once(s, p))
        return launch(s, p, LIFT, WHOLE, all, items, args, sizeof *args);
    HEL_TRY(launch(s, p, LIFT, COLUMNS, args->lifts, items, args, sizeof *args));
    return launch(s, p, LIFT, ROWS, all, items, args, sizeof *args);
}

/* halves and rows of items in the order that args have */
static hel_status ordered(hel_stream *s, const hel_basis *p, step_kind step, pass_kind part,
                          const k_order *order, uint32_t rows, uint32_t items, const void *args,
                          size_t bytes)
{
    const uint32_t x = order->halves * (order->by_item ? rows : items);
    return launch(s, p, step, part, x, order->by_item ? items : rows, args, bytes);
}

static hel_status sums(hel_stream *s, const hel_basis *p, const k_sums *args, uint32_t items)
{
    const uint32_t rows = p->shape.p_count;
    const int once = hel_dev_once(s, p);
    HEL_TRY(
        ordered(s, p, SUMS, once ? WHOLE : ROWS, &args->order, rows, items, args, sizeof *args));
    if (once)
        return HEL_OK;
    /* their columns: rows of y like any others, the halves being items */
    k_sources up = {.ring = args->ring,
                    .in = {.q_limbs = rows},
                    .y = args->y,
                    .y_stride = args->y_half,
                    .c = args->c};
    return launch(s, p, SUMS, COLUMNS, rows, 2 * items, &up, sizeof up);
}

/* y_items: of y, 1 where all share one */
hel_status hel_dev_finish(hel_stream *s, const hel_basis *p, k_finish *args, uint32_t rows,
                          uint32_t items, uint32_t y_items)
{
    if (hel_dev_once(s, p))
        return ordered(s, p, FINISH, WHOLE, &args->order, rows, items, args, sizeof *args);
    HEL_TRY(ordered(s, p, FINISH, COLUMNS, &args->order, rows, y_items, args, sizeof *args));
    return ordered(s, p, FINISH, ROWS, &args->order, rows, items, args, sizeof *args);
}

/* ---- the switch ---- */

typedef struct switching {
    const hel_basis *p;
    uint32_t limbs, all, digits; /* of a */
    uint32_t batch, items;       /* items: that differ */
    uint32_t *y, *x;             /* y of the sums; between the passes of k_finish */
    k_products in;
    hel_view out[2];
    const hel_view *add[2];
} switching;

static switching start(const hel_basis *p, const hel_view out[2], hel_key_view key, uint32_t g,
                       const hel_view *add0, const hel_view *add1, size_t in_stride)
{
    switching w = {.p = p, .out = {out[0], out[1]}, .add = {add0, add1}};
    w.limbs = out[0].limbs;
    w.all = w.limbs + p->shape.p_count;
    w.digits = hel_cpu_digits(p, w.limbs);
    w.batch = out[0].batch;
    w.items = in_stride ? w.batch : 1;
    w.in = (k_products){.limbs = w.limbs,
                        .all = w.all,
                        .count = w.digits,
                        .digit_limbs = p->shape.digit_limbs,
                        .g = g,
                        .key = key.data,
                        .key_limbs = key.q_limbs + p->shape.p_count,
                        .key_q_limbs = key.q_limbs};
    return w;
}

/* Words of y and x for each item that differs */
static size_t sum_words(const hel_stream *s, const switching *w)
{
    const size_t rows =
        2 * (size_t)w->p->shape.p_count + (hel_dev_once(s, w->p) ? 0 : 2 * w->limbs);
    return rows * w->p->shape.ring->n;
}

/* y and x at `words`, of w->items times sum_words() */
static void place_sums(switching *w, uint32_t *words)
{
    w->y = words;
    w->x = words + 2 * (size_t)w->p->shape.p_count * w->p->shape.ring->n * w->items;
}

static int overlap(const hel_view *a, const hel_view *b, size_t n)
{
    const uintptr_t x = (uintptr_t)a->data, y = (uintptr_t)b->data;
    const size_t items_a = a->batch ? a->batch - 1 : 0, items_b = b->batch ? b->batch - 1 : 0;
    const size_t words_a = items_a * a->stride + a->limbs * n;
    const size_t words_b = items_b * b->stride + b->limbs * n;
    return x < y + words_b * sizeof(uint32_t) && y < x + words_a * sizeof(uint32_t);
}

/* The two last steps, from digits on */
static hel_status multiply(hel_stream *s, switching *w)
{
    const hel_basis *p = w->p;
    const size_t n = p->shape.ring->n, special = p->shape.p_count;
    const k_conversion *c = &hel_dev_basis_of(p)->special->c;
    const size_t key = 2 * (size_t)w->digits * w->all * n * sizeof(uint32_t);
    k_order order = {.halves = 2, .by_item = key <= SMALL_KEY && w->batch <= 65535};
    k_ring up = hel_dev_ring(p);
    up.limb += p->shape.q_count;
    const k_sums sum = {.ring = up,
                        .in = w->in,
                        .order = order,
                        .y = w->y,
                        .y_item = 2 * special * n,
                        .y_half = special * n,
                        .c = *c};
    HEL_TRY(sums(s, p, &sum, w->items));
    k_finish end = {.ring = hel_dev_ring(p),
                    .in = w->in,
                    .y = w->y,
                    .y_item = w->items > 1 ? 2 * special * n : 0,
                    .y_half = special * n,
                    .scratch = w->x,
                    .scratch_item = w->items > 1 ? 2 * w->limbs * n : 0,
                    .scratch_half = w->limbs * n,
                    .c = *c};
    for (int h = 0; h < 2; h++) {
        end.out[h] = hel_dev_rows(p, &w->out[h]);
        if (w->add[h])
            end.add[h] = hel_dev_rows(p, w->add[h]);
    }
    /* half 0 is done before half 1 begins where one's result is the other's addend */
    const int apart = w->add[0] && overlap(&w->out[1], w->add[0], n);
    order.halves = apart ? 1 : 2;
    for (order.first_half = 0; order.first_half < 2; order.first_half += order.halves) {
        end.order = order;
        HEL_TRY(hel_dev_finish(s, p, &end, w->limbs, w->batch, w->items));
    }
    return HEL_OK;
}

hel_status hel_dev_switch_digits(hel_stream *s, const hel_basis *p, const hel_view out[2],
                                 hel_view digits, hel_key_view key, uint32_t g,
                                 const hel_view *add0, const hel_view *add1)
{
    switching w = start(p, out, key, g, add0, add1, digits.stride);
    uint32_t *words;
    if (w.batch == 0)
        return HEL_OK;
    w.in.digits = digits.data;
    w.in.stride = digits.stride;
    HEL_TRY(hel_dev_alloc(s, &words, sum_words(s, &w) * w.items * sizeof *words));
    place_sums(&w, words);
    hel_status status = multiply(s, &w);
    hel_dev_release(s, words);
    return status;
}

hel_status hel_dev_digits(hel_stream *s, const hel_basis *p, const hel_view *out, const hel_view *a,
                          uint32_t *y, int copies)
{
    const uint32_t limbs = a->limbs, items = hel_min_u32(a->batch, a->stride ? a->batch : 1);
    const size_t y_stride = (size_t)limbs * p->shape.ring->n;
    const k_conversion *digit = hel_dev_basis_of(p)->digit_table;
    const k_sources up = {.ring = hel_dev_ring(p),
                          .in = hel_dev_rows(p, a),
                          .y = y,
                          .y_stride = y_stride,
                          .digit = digit,
                          .limbs = limbs,
                          .digit_limbs = p->shape.digit_limbs};
    k_raise down = {.ring = up.ring,
                    .y = y,
                    .y_stride = a->stride ? y_stride : 0,
                    .out = out->data,
                    .out_stride = out->stride,
                    .a = up.in,
                    .digit = digit,
                    .limbs = limbs,
                    .all = limbs + p->shape.p_count,
                    .q_count = p->shape.q_count,
                    .digits = hel_cpu_digits(p, limbs),
                    .digit_limbs = p->shape.digit_limbs};
    down.lifts = down.digits * down.all - limbs;
    if (down.lifts)
        HEL_TRY(hel_dev_sources(s, p, &up, limbs, items));
    return hel_dev_lift(s, p, &down, copies, out->batch);
}

hel_status hel_dev_key_switch(hel_stream *s, const hel_basis *p, const hel_view out[2], hel_view a,
                              hel_key_view key, uint32_t g, const hel_view *add0,
                              const hel_view *add1)
{
    const size_t n = p->shape.ring->n;
    switching w = start(p, out, key, g, add0, add1, a.stride);
    uint32_t *words;
    if (w.batch == 0)
        return HEL_OK;
    a.q_limbs = a.limbs;
    const size_t digits = (size_t)w.digits * w.all * n, sum = sum_words(s, &w);
    const size_t y = (size_t)w.limbs * n;
    HEL_TRY(hel_dev_alloc(s, &words, (digits + sum + y) * w.items * sizeof *words));
    place_sums(&w, words + digits * w.items);
    w.in.digits = words;
    w.in.stride = w.items > 1 ? digits : 0;
    a.batch = w.items;
    /* half 0's result must not replace limbs that half 1 is still to read */
    const int copies = overlap(&a, &w.out[0], n) || overlap(&a, &w.out[1], n);
    if (!copies)
        w.in.a = hel_dev_rows(p, &a);
    const hel_view to = {words, w.items, w.all, w.limbs, digits};
    hel_status status = hel_dev_digits(s, p, &to, &a, words + (digits + sum) * w.items, copies);
    if (status == HEL_OK)
        status = multiply(s, &w);
    hel_dev_release(s, words);
    return status;
}
