/*
 * Genotypes on the device: rows go from pinned host memory, the caller's or two pieces of our own,
 * into a row buffer, beside the arithmetic, and meet the weights in kernels/scan.cu.
 */
#include <inttypes.h>
#include <string.h>

#include "host/base/bytes.h"
#include "host/base/mem.h"
#include "host/base/pool.h"
#include "host/ckks/exact/device_scan_private.h"

#define PIECES      2
#define PIECE_BYTES ((uint64_t)32 << 20)
#define SLICE_BYTES ((size_t)512 << 10) /* what a thread copies at a time */

typedef struct hel_device_tensor {
    uint8_t *piece[PIECES]; /* pinned; made when first used */
    uint64_t piece_bytes;
    uint32_t turn;                        /* piece that is filled next */
    void *sent[HEL_DEVICE_SOURCES];       /* the device has read what came from there */
    void *loaded[HEL_DEVICE_ROW_BUFFERS]; /* the buffer's copy is done */
    void *used[HEL_DEVICE_ROW_BUFFERS];   /* what reads the buffer is done */
    uint32_t is_sent, is_loaded, is_used; /* bits: the events that were recorded */
    uint32_t *uniform;                    /* halves kept between passes over the columns */
} hel_device_tensor;

static uint64_t buffer_bytes(const hel_scheme *scheme, const hel_device_scan_shape *shape)
{
    return shape->row_polys * 4 * hel_device_poly_words(scheme);
}

static uint64_t piece_bytes(const hel_scheme *scheme, const hel_device_scan_shape *shape)
{
    const uint64_t bytes = buffer_bytes(scheme, shape);
    return bytes < PIECE_BYTES ? bytes : PIECE_BYTES;
}

/* More columns than one pass takes beside 8 variant blocks. */
static int needs_uniform(const hel_device_scan_shape *shape)
{
    return shape->columns > K_SCAN_WARPS * K_SCAN_COLUMNS_8;
}

uint64_t hel_device_tensor_bytes(const hel_scheme *scheme, const hel_device_scan_shape *shape)
{
    return needs_uniform(shape) ? hel_device_arena_bytes(buffer_bytes(scheme, shape)) : 0;
}

uint64_t hel_device_tensor_host_bytes(const hel_scheme *scheme, const hel_device_scan_shape *shape)
{
    return PIECES * piece_bytes(scheme, shape);
}

/* ---- life ---- */

static hel_status create_events(hel_device_scan *x, void **event, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        HEL_TRY(hel_device_scan_check(x, x->device->ops->event_create(x->device, &event[i]),
                                      "an event"));
    return HEL_OK;
}

hel_status hel_device_tensor_create(hel_device_scan *x)
{
    hel_device_tensor *t;
    /* the kernel's offsets have 32 bits */
    HEL_REQUIRE(x->engine, x->shape.columns <= (UINT32_MAX >> 3) / hel_device_poly_words(x->scheme),
                HEL_E_USAGE, "scan on a device: %" PRIu32 " columns at once are too many",
                x->shape.columns);
    HEL_TRY(hel_calloc(x->engine, &t, 1, sizeof *t));
    x->tensor = t;
    t->piece_bytes = piece_bytes(x->scheme, &x->shape);
    HEL_TRY(create_events(x, t->sent, HEL_DEVICE_SOURCES));
    HEL_TRY(create_events(x, t->loaded, HEL_DEVICE_ROW_BUFFERS));
    HEL_TRY(create_events(x, t->used, HEL_DEVICE_ROW_BUFFERS));
    if (!needs_uniform(&x->shape))
        return HEL_OK;
    return x->backend->ops->alloc(x->stream, &t->uniform,
                                  (size_t)buffer_bytes(x->scheme, &x->shape));
}

static void free_events(hel_device_scan *x, void **event, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (event[i])
            x->device->ops->event_free(x->device, event[i]);
}

void hel_device_tensor_free(hel_device_scan *x)
{
    hel_device_tensor *t = x->tensor;
    if (!t)
        return;
    for (uint32_t i = 0; i < PIECES; i++)
        if (t->piece[i])
            x->device->ops->host_release(x->device, t->piece[i]);
    free_events(x, t->sent, HEL_DEVICE_SOURCES);
    free_events(x, t->loaded, HEL_DEVICE_ROW_BUFFERS);
    free_events(x, t->used, HEL_DEVICE_ROW_BUFFERS);
    x->backend->ops->release(x->stream, t->uniform);
    hel_free(t);
    x->tensor = NULL;
}

/* ---- rows ---- */

static hel_status record(hel_device_scan *x, hel_stream *s, void *event)
{
    return hel_device_scan_check(
        x, x->device->ops->event_record(x->device, hel_stream_queue(s), event), "an event");
}

static hel_status wait_for(hel_device_scan *x, hel_stream *s, void *event)
{
    return hel_device_scan_check(
        x, x->device->ops->event_wait(x->device, hel_stream_queue(s), event), "waiting");
}

struct copy_job {
    uint8_t *to;
    const uint8_t *from;
    size_t bytes;
};

static hel_status copy_slice(void *arg, size_t index, uint32_t worker)
{
    const struct copy_job *job = arg;
    const size_t at = index * SLICE_BYTES, left = job->bytes - at;
    (void)worker;
    memcpy(job->to + at, job->from + at, left < SLICE_BYTES ? left : SLICE_BYTES);
    return HEL_OK;
}

hel_status hel_device_scan_load_begin(hel_device_scan *x, uint32_t which)
{
    hel_device_tensor *t = x->tensor;
    HEL_REQUIRE(x->engine, which < HEL_DEVICE_ROW_BUFFERS, HEL_E_USAGE,
                "scan on a device: no row buffer %" PRIu32, which);
    if (t->is_used >> which & 1)
        HEL_TRY(wait_for(x, x->copies, t->used[which]));
    return HEL_OK;
}

hel_status hel_device_scan_load_part(hel_device_scan *x, uint32_t which, uint64_t offset,
                                     const uint8_t *src, uint64_t bytes, uint32_t source)
{
    hel_device_tensor *t = x->tensor;
    const hel_device_ops *ops = x->device->ops;
    const uint64_t room = x->shape.row_polys * 4 * hel_device_poly_words(x->scheme);
    HEL_REQUIRE(x->engine,
                which < HEL_DEVICE_ROW_BUFFERS && source < HEL_DEVICE_SOURCES && offset <= room &&
                    bytes <= room - offset,
                HEL_E_USAGE,
                "scan on a device: bytes %" PRIu64 " + %" PRIu64 " for row buffer %" PRIu32
                " of %" PRIu64,
                offset, bytes, which, room);
    HEL_TRY(hel_device_clock_begin(x, HEL_DEVICE_COPY)); /* of each part: the next may be late */
    HEL_TRY(hel_device_scan_check(x,
                                  ops->send(x->device, hel_stream_queue(x->copies),
                                            (uint8_t *)x->rows[which] + offset, src, (size_t)bytes),
                                  "copying rows"));
    HEL_TRY(hel_device_clock_end(x, HEL_DEVICE_COPY));
    HEL_TRY(record(x, x->copies, t->sent[source]));
    t->is_sent |= 1u << source;
    return HEL_OK;
}

hel_status hel_device_scan_sent(hel_device_scan *x, uint32_t source)
{
    hel_device_tensor *t = x->tensor;
    if (source >= HEL_DEVICE_SOURCES || !(t->is_sent >> source & 1))
        return HEL_OK;
    return hel_device_scan_check(x, x->device->ops->event_sync(x->device, t->sent[source]),
                                 "copying rows");
}

hel_status hel_device_scan_load_end(hel_device_scan *x, uint32_t which)
{
    hel_device_tensor *t = x->tensor;
    HEL_TRY(record(x, x->copies, t->loaded[which]));
    t->is_loaded |= 1u << which;
    return HEL_OK;
}

static hel_status make_pieces(hel_device_scan *x)
{
    hel_device_tensor *t = x->tensor;
    for (uint32_t i = 0; i < PIECES && !t->piece[i]; i++) {
        void *piece = NULL;
        HEL_TRY(hel_device_scan_check(
            x, x->device->ops->host_alloc(x->device, &piece, (size_t)t->piece_bytes),
            "pinned memory"));
        t->piece[i] = piece;
    }
    return HEL_OK;
}

/* One piece, when the device has read what was in its memory before. */
static hel_status send_piece(hel_device_scan *x, uint32_t which, uint64_t offset,
                             const uint8_t *from, size_t bytes)
{
    hel_device_tensor *t = x->tensor;
    const uint32_t k = t->turn;
    struct copy_job job = {t->piece[k], from, bytes};
    HEL_TRY(hel_device_scan_sent(x, k));
    HEL_TRY(hel_parallel(x->engine, (bytes + SLICE_BYTES - 1) / SLICE_BYTES, copy_slice, &job));
    t->turn = (k + 1) % PIECES;
    return hel_device_scan_load_part(x, which, offset, t->piece[k], bytes, k);
}

hel_status hel_device_scan_load(hel_device_scan *x, uint32_t which, const uint8_t *src,
                                uint64_t polys)
{
    hel_device_tensor *t = x->tensor;
    const uint64_t bytes = polys * 4 * hel_device_poly_words(x->scheme);
    HEL_REQUIRE(x->engine, which < HEL_DEVICE_ROW_BUFFERS && polys <= x->shape.row_polys,
                HEL_E_USAGE,
                "scan on a device: %" PRIu64 " polynomials for row buffer %" PRIu32 " of %" PRIu64,
                polys, which, x->shape.row_polys);
    if (!bytes)
        return HEL_OK;
    HEL_TRY(make_pieces(x));
    HEL_TRY(hel_device_scan_load_begin(x, which));
    for (uint64_t at = 0; at < bytes; at += t->piece_bytes) {
        const uint64_t left = bytes - at;
        HEL_TRY(send_piece(x, which, at, src + at,
                           (size_t)(left < t->piece_bytes ? left : t->piece_bytes)));
    }
    return hel_device_scan_load_end(x, which);
}

/* ---- arithmetic ---- */

hel_status hel_device_scan_clear(hel_device_scan *x)
{
    const uint64_t words =
        (uint64_t)x->shape.blocks * x->shape.outputs * 3 * hel_device_poly_words(x->scheme);
    if (!words)
        return HEL_OK;
    return hel_device_scan_check(
        x, x->device->ops->wipe(x->device, hel_stream_queue(x->stream), x->sums, words * 4),
        "clearing accumulators");
}

static hel_status check_rows(const hel_device_scan *x, const hel_device_rows *r)
{
    const hel_device_scan_shape *s = &x->shape;
    HEL_REQUIRE(x->engine,
                r->which < HEL_DEVICE_ROW_BUFFERS && r->samples <= s->samples &&
                    r->first_block <= s->blocks && r->blocks <= s->blocks - r->first_block,
                HEL_E_USAGE,
                "scan on a device: %" PRIu32 " samples of blocks %" PRIu32 " + %" PRIu32
                " leave the tile",
                r->samples, r->first_block, r->blocks);
    HEL_REQUIRE(x->engine,
                r->stride < UINT32_MAX && r->offset <= s->row_polys &&
                    (r->samples - 1) * r->stride + r->blocks <= s->row_polys - r->offset &&
                    (uint64_t)r->samples * r->blocks <= s->row_polys, /* kept halves */
                HEL_E_USAGE, "scan on a device: rows leave their buffer of %" PRIu64 " polynomials",
                s->row_polys);
    for (uint32_t k = 0; k < r->count; k++)
        HEL_REQUIRE(x->engine, r->columns[k] < s->columns && r->outputs[k] < s->outputs,
                    HEL_E_USAGE, "scan on a device: no column %" PRIu32 " or output %" PRIu32,
                    r->columns[k], r->outputs[k]);
    return HEL_OK;
}

static k_scan scan_args(const hel_device_scan *x, const uint8_t seed[HEL_SEED_BYTES],
                        const hel_device_rows *r)
{
    const hel_params *p = &x->scheme->params;
    const uint64_t words = hel_device_poly_words(x->scheme);
    k_scan args = {.ring = hel_dev_ring(x->basis),
                   .rows = x->rows[r->which] + r->offset * words,
                   .weights = x->weights,
                   .uniform = x->tensor->uniform,
                   .sums = x->sums + (uint64_t)r->first_block * x->shape.outputs * 3 * words,
                   .object = r->object,
                   .stride = r->stride,
                   .domain = (uint32_t)HEL_DOMAIN_GENO_A,
                   .samples = r->samples,
                   .limbs = p->scan_limbs,
                   .held = x->shape.columns,
                   .outputs = x->shape.outputs,
                   .blocks = r->blocks};
    for (uint32_t i = 0; i < 8; i++)
        args.key[i] = hel_get_u32(seed + 4 * i);
    for (uint32_t i = 0; i < p->scan_limbs; i++) {
        const hel_limb *l = &x->scheme->ring->limb[i];
        args.limb[i] = (k_scan_limb){.q = l->q,
                                     .minus_q = 0u - l->q,
                                     .mask = (1u << l->bits) - 1,
                                     .fold = (uint32_t)(((uint64_t)1 << 32) % l->q)};
    }
    return args;
}

/* Columns begin .. end - 1 of the call, for `groups` groups of b variant blocks each. As many
 * strips of 32 positions as the columns leave warps for. */
static hel_status launch_pass(hel_device_scan *x, k_scan *args, const hel_device_rows *r,
                              uint32_t b, uint32_t groups, uint32_t begin, uint32_t end)
{
    const uint32_t per_warp = b == 8 ? K_SCAN_COLUMNS_8 : K_SCAN_COLUMNS_4;
    const uint32_t columns = end - begin, least = (columns + per_warp - 1) / per_warp;
    uint32_t strips = K_SCAN_WARPS;
    while (strips * least > K_SCAN_WARPS)
        strips /= 2;
    args->strips = strips;
    args->stage = K_SCAN_WARPS / strips;
    args->columns = columns;
    args->groups = K_SCAN_WARPS / strips < columns ? K_SCAN_WARPS / strips : columns;
    memcpy(args->column, r->columns + begin, columns * sizeof *args->column);
    memcpy(args->output, r->outputs + begin, columns * sizeof *args->output);
    const uint32_t grid[3] = {groups, x->scheme->n / (32 * strips), args->limbs};
    return hel_dev_launch(x->stream, b == 8 ? K_ID_k_scan_8 : K_ID_k_scan_4, grid,
                          32 * strips * args->groups, k_scan_shared_bytes(b, strips, args->stage),
                          args, sizeof *args);
}

/* All columns, in passes of about equal size: the first one makes the uniform halves. */
static hel_status launch_groups(hel_device_scan *x, k_scan *args, const hel_device_rows *r,
                                uint32_t b, uint32_t first_block, uint32_t groups)
{
    const uint32_t most = K_SCAN_WARPS * (b == 8 ? K_SCAN_COLUMNS_8 : K_SCAN_COLUMNS_4);
    const uint32_t passes = (r->count + most - 1) / most;
    args->first_block = first_block;
    for (uint32_t i = 0; i < passes && groups; i++) {
        args->mode = passes == 1 ? K_SCAN_MAKE : i == 0 ? K_SCAN_KEEP : K_SCAN_READ;
        HEL_TRY(launch_pass(x, args, r, b, groups, (uint32_t)((uint64_t)i * r->count / passes),
                            (uint32_t)((uint64_t)(i + 1) * r->count / passes)));
    }
    return HEL_OK;
}

hel_status hel_device_scan_accumulate(hel_device_scan *x, const uint8_t seed[HEL_SEED_BYTES],
                                      const hel_device_rows *rows)
{
    hel_device_tensor *t = x->tensor;
    const uint32_t left = rows->blocks % 8, eights = rows->blocks / 8 + (left > 4);
    if (!rows->samples || !rows->blocks || !rows->count)
        return HEL_OK;
    HEL_TRY(check_rows(x, rows));
    k_scan args = scan_args(x, seed, rows);
    if (t->is_loaded >> rows->which & 1)
        HEL_TRY(wait_for(x, x->stream, t->loaded[rows->which]));
    HEL_TRY(hel_device_clock_begin(x, HEL_DEVICE_TENSOR));
    HEL_TRY(launch_groups(x, &args, rows, 8, 0, eights));
    HEL_TRY(launch_groups(x, &args, rows, 4, rows->blocks - left, left >= 1 && left <= 4));
    HEL_TRY(hel_device_clock_end(x, HEL_DEVICE_TENSOR));
    HEL_TRY(record(x, x->stream, t->used[rows->which]));
    t->is_used |= 1u << rows->which;
    return HEL_OK;
}
