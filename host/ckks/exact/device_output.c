/*
 * Outputs on a device: the relinearization and the modulus switch of output.c, a slice of items at
 * a time; item i of a call is accumulator outputs[i % n] of block i / n. Per item at 3 limbs: 18
 * limb transforms.
 */
#include "host/base/mem.h"
#include "host/ckks/exact/device_tree.h"

#define ITEMS_MAX  128u
#define WORK_BYTES ((uint64_t)128 << 20)

struct hel_device_output {
    uint32_t items;   /* of a slice */
    uint32_t *key;    /* relinearization key, [digit][2][scan][N] */
    uint32_t *list;   /* the call's outputs */
    uint32_t *take;   /* [item][scan][N]: d2 in coefficient form */
    uint32_t *digits; /* [item][digit][scan][N]; what is downloaded */
    uint32_t *sums;   /* [item][2][scan][N] */
};

static uint64_t poly_bytes(const hel_scheme *scheme)
{
    return hel_device_poly_words(scheme) * sizeof(uint32_t);
}

static uint32_t slice_items(const hel_scheme *scheme, const hel_device_scan_shape *shape)
{
    const uint64_t fit = WORK_BYTES / (poly_bytes(scheme) * (scheme->params.scan_limbs + 3));
    const uint64_t all = (uint64_t)shape->blocks * shape->outputs;
    uint32_t items = ITEMS_MAX;
    while (items > 1 && items > fit)
        items /= 2;
    return all && all < items ? (uint32_t)all : items;
}

static uint64_t key_bytes(const hel_scheme *scheme)
{
    return 2 * scheme->params.scan_limbs * poly_bytes(scheme);
}

uint64_t hel_device_output_bytes(const hel_scheme *scheme, const hel_device_scan_shape *shape)
{
    const uint64_t items = slice_items(scheme, shape), poly = poly_bytes(scheme);
    return hel_device_arena_bytes(key_bytes(scheme)) +
           hel_device_arena_bytes(shape->outputs * sizeof(uint32_t)) +
           hel_device_arena_bytes(items * poly) +
           hel_device_arena_bytes(items * poly * scheme->params.scan_limbs) +
           hel_device_arena_bytes(items * poly * 2);
}

hel_status hel_device_output_create(hel_device_scan *x)
{
    const hel_backend_ops *ops = x->stream->ops;
    const uint64_t poly = poly_bytes(x->scheme);
    struct hel_device_output *o;
    HEL_TRY(hel_calloc(x->engine, &x->output, 1, sizeof *x->output));
    o = x->output;
    o->items = slice_items(x->scheme, &x->shape);
    HEL_TRY(ops->alloc(x->stream, &o->key, key_bytes(x->scheme)));
    HEL_TRY(ops->upload(x->stream, o->key, x->keys->relin.data, key_bytes(x->scheme)));
    HEL_TRY(ops->alloc(x->stream, &o->list, x->shape.outputs * sizeof *o->list));
    HEL_TRY(ops->alloc(x->stream, &o->take, o->items * poly));
    HEL_TRY(ops->alloc(x->stream, &o->digits, o->items * poly * x->scheme->params.scan_limbs));
    return ops->alloc(x->stream, &o->sums, o->items * poly * 2);
}

void hel_device_output_free(hel_device_scan *x)
{
    struct hel_device_output *o = x->output;
    if (!o)
        return;
    const hel_backend_ops *ops = x->stream->ops;
    ops->release(x->stream, o->key);
    ops->release(x->stream, o->list);
    ops->release(x->stream, o->take);
    ops->release(x->stream, o->digits);
    ops->release(x->stream, o->sums);
    hel_free(o);
    x->output = NULL;
}

/* ---- one slice ---- */

static hel_status launch_words(hel_device_scan *x, k_id kernel, const k_output *args,
                               uint32_t items)
{
    const uint32_t grid[3] = {x->scheme->n / K_WORD_THREADS, args->limbs, items};
    return hel_dev_launch(x->stream, kernel, grid, K_WORD_THREADS, 0, args, sizeof *args);
}

/* digits = d2's residues modulo each prime, lifted to all scan limbs, NTT form */
static hel_status lift_digits(hel_device_scan *x, uint32_t items)
{
    const struct hel_device_output *o = x->output;
    const uint32_t scan = x->scheme->params.scan_limbs;
    const size_t poly = hel_device_poly_words(x->scheme);
    k_lift args = {.in = o->take,
                   .in_stride = poly,
                   .advance = 1,
                   .count = 1,
                   .end = scan,
                   .targets = scan,
                   .out = o->digits,
                   .out_step = poly,
                   .out_stride = scan * poly};
    hel_device_lift_start(x, &args);
    return hel_device_lift(x, &args, scan, items);
}

/* digits = the sums without their last limb, [item][2][out_limbs][N] */
static hel_status drop_last(hel_device_scan *x, uint32_t items)
{
    const struct hel_device_output *o = x->output;
    const uint32_t scan = x->scheme->params.scan_limbs, left = x->scheme->params.out_limbs;
    k_lift args = {.in = o->sums,
                   .in_stride = hel_device_poly_words(x->scheme),
                   .first = left,
                   .count = scan - left,
                   .end = scan,
                   .targets = left,
                   .out = o->digits,
                   .out_stride = (size_t)left * x->scheme->n,
                   .scale = x->tree->last};
    hel_device_lift_start(x, &args);
    return hel_device_divide(x, &args, 2 * items);
}

static hel_status finish_slice(hel_device_scan *x, uint32_t first, uint32_t items, uint32_t count)
{
    const struct hel_device_output *o = x->output;
    const uint32_t scan = x->scheme->params.scan_limbs;
    const size_t poly = hel_device_poly_words(x->scheme);
    k_output args = {.ring = hel_dev_ring(x->basis),
                     .sums = x->sums,
                     .outputs = o->list,
                     .per_block = x->shape.outputs,
                     .count = count,
                     .first = first,
                     .limbs = scan,
                     .digit = o->digits,
                     .key = o->key,
                     .out = o->take};
    HEL_TRY(launch_words(x, K_ID_k_output_take, &args, items));
    HEL_TRY(hel_device_transform(x, o->take, poly, items, scan, 1));
    HEL_TRY(lift_digits(x, items));
    args.out = o->sums;
    HEL_TRY(launch_words(x, K_ID_k_output_inner, &args, items));
    HEL_TRY(hel_device_transform(x, o->sums, poly, 2 * items, scan, 1));
    return drop_last(x, items);
}

hel_status hel_device_scan_finish(hel_device_scan *x, uint32_t first_block, uint32_t count,
                                  const uint32_t *outputs, uint32_t output_count, uint32_t *sums)
{
    const hel_backend_ops *ops = x->stream->ops;
    const uint64_t all = (uint64_t)count * output_count;
    const uint64_t words = 2 * (uint64_t)x->scheme->params.out_limbs * x->scheme->n;
    HEL_REQUIRE(x->engine, x->output, HEL_E_USAGE, "scan on a device: made without keys");
    HEL_REQUIRE(x->engine,
                first_block <= x->shape.blocks && count <= x->shape.blocks - first_block &&
                    output_count <= x->shape.outputs,
                HEL_E_USAGE, "outputs: blocks %u + %u or %u outputs are beyond what is held",
                first_block, count, output_count);
    for (uint32_t k = 0; k < output_count; k++)
        HEL_REQUIRE(x->engine, outputs[k] < x->shape.outputs, HEL_E_USAGE,
                    "outputs: accumulator %u of %u", outputs[k], x->shape.outputs);
    if (!all)
        return HEL_OK;
    HEL_TRY(hel_device_clock_begin(x, HEL_DEVICE_OUTPUT));
    HEL_TRY(ops->upload(x->stream, x->output->list, outputs, output_count * sizeof *outputs));
    for (uint64_t at = 0; at < all;) {
        const uint64_t left = all - at;
        const uint32_t items = left < x->output->items ? (uint32_t)left : x->output->items;
        HEL_TRY(finish_slice(x, first_block * output_count + (uint32_t)at, items, output_count));
        HEL_TRY(ops->download(x->stream, sums + at * words, x->output->digits,
                              items * words * sizeof *sums));
        at += items;
    }
    return hel_device_clock_end(x, HEL_DEVICE_OUTPUT);
}
