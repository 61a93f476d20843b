/*
 * A scan on a device: its life, what it takes, its clocks, and what a check reads back. The
 * arithmetic is in device_expand.c, device_tensor.c and device_output.c.
 */
#include <inttypes.h>

#include "host/base/mem.h"
#include "host/ckks/exact/device_scan_private.h"

/* ---- what a shape takes ---- */

static uint64_t weights_bytes(const hel_scheme *scheme, const hel_device_scan_shape *shape)
{
    return (uint64_t)shape->samples * shape->columns * 8 * hel_device_poly_words(scheme);
}

static uint64_t sums_bytes(const hel_scheme *scheme, const hel_device_scan_shape *shape)
{
    return (uint64_t)shape->blocks * shape->outputs * 12 * hel_device_poly_words(scheme);
}

static uint64_t rows_bytes(const hel_scheme *scheme, const hel_device_scan_shape *shape)
{
    return shape->row_polys * 4 * hel_device_poly_words(scheme);
}

/* Twiddles of both directions, and a little for the constants of conversions. */
static uint64_t basis_bytes(const hel_scheme *scheme)
{
    return (uint64_t)scheme->total * (16 * (uint64_t)scheme->n + 8192) + 65536;
}

void hel_device_scan_bytes(const hel_scheme *scheme, const hel_device_scan_shape *shape,
                           uint64_t *device_bytes, uint64_t *host_bytes)
{
    *device_bytes = hel_device_arena_bytes(weights_bytes(scheme, shape)) +
                    hel_device_arena_bytes(sums_bytes(scheme, shape)) +
                    HEL_DEVICE_ROW_BUFFERS * hel_device_arena_bytes(rows_bytes(scheme, shape)) +
                    basis_bytes(scheme) + hel_device_tensor_bytes(scheme, shape) +
                    hel_device_tree_bytes(scheme, shape) + hel_device_output_bytes(scheme, shape);
    *host_bytes = hel_device_tensor_host_bytes(scheme, shape);
}

/* ---- life ---- */

static hel_status create_basis(hel_device_scan *x)
{
    const hel_params *p = &x->scheme->params;
    const uint32_t more = p->expand_limbs - p->scan_limbs, last = p->scan_limbs - p->out_limbs;
    const uint32_t drop = more > last ? more : last;
    const hel_basis_shape shape = {.ring = x->scheme->ring,
                                   .q_count = p->expand_limbs,
                                   .p_count = p->special_limbs,
                                   .digit_limbs = p->digit_limbs,
                                   .drop_max = drop ? drop : 1};
    return x->backend->ops->basis_create(x->backend, x->engine, &x->basis, &shape);
}

static hel_status create_parts(hel_device_scan *x)
{
    const hel_backend_ops *ops = x->backend->ops;
    HEL_TRY(ops->stream_create(x->backend, x->engine, &x->stream));
    HEL_TRY(ops->stream_create(x->backend, x->engine, &x->copies));
    HEL_TRY(create_basis(x));
    HEL_TRY(ops->alloc(x->stream, &x->weights, weights_bytes(x->scheme, &x->shape)));
    HEL_TRY(ops->alloc(x->stream, &x->sums, sums_bytes(x->scheme, &x->shape)));
    for (uint32_t i = 0; i < HEL_DEVICE_ROW_BUFFERS; i++)
        HEL_TRY(ops->alloc(x->stream, &x->rows[i], rows_bytes(x->scheme, &x->shape)));
    HEL_TRY(hel_device_tensor_create(x));
    if (!x->keys)
        return HEL_OK;
    HEL_TRY(hel_device_tree_create(x));
    return hel_device_output_create(x);
}

/* The sentence of an allocation that failed, with what all of them need. */
static hel_status too_little_memory(hel_engine *engine, hel_device *device,
                                    const hel_scheme *scheme, const hel_device_scan_shape *shape)
{
    uint64_t need, host, free_bytes, total;
    hel_device_scan_bytes(scheme, shape, &need, &host);
    if (device->ops->memory(device, &free_bytes, &total) != HEL_OK)
        return HEL_E_MEMORY;
    hel_error_clear(engine);
    return hel_fail(engine, HEL_E_MEMORY,
                    "device %s: %" PRIu64 " MiB of device memory and %" PRIu64
                    " MiB of pinned host memory are needed for %" PRIu32 " samples, %" PRIu32
                    " columns and %" PRIu32 " blocks; the device has %" PRIu64 " of %" PRIu64
                    " MiB free",
                    device->ops->name, need >> 20, host >> 20, shape->samples, shape->columns,
                    shape->blocks, free_bytes >> 20, total >> 20);
}

hel_status hel_device_scan_create(hel_engine *engine, hel_device_scan **out, hel_backend *backend,
                                  const hel_scheme *scheme, const hel_eval_keys *keys,
                                  const hel_device_scan_shape *shape)
{
    hel_device *device = hel_backend_device(backend);
    hel_device_scan *x;
    *out = NULL;
    HEL_REQUIRE(engine, device, HEL_E_UNSUPPORTED, "scan on a device: the backend is not a device");
    HEL_REQUIRE(engine, shape->segment && shape->samples % shape->segment == 0, HEL_E_USAGE,
                "scan on a device: %" PRIu32 " samples are not whole segments of %" PRIu32,
                shape->samples, shape->segment);
    HEL_TRY(hel_calloc(engine, &x, 1, sizeof *x));
    *x = (hel_device_scan){.engine = engine,
                           .backend = backend,
                           .device = device,
                           .scheme = scheme,
                           .keys = keys,
                           .shape = *shape};
    hel_status status = create_parts(x);
    if (status != HEL_OK) {
        hel_device_scan_free(x); /* first: what was free before counts */
        return status == HEL_E_MEMORY ? too_little_memory(engine, device, scheme, shape) : status;
    }
    *out = x;
    return HEL_OK;
}

static void free_clocks(hel_device_scan *x)
{
    for (uint32_t part = 0; part < HEL_DEVICE_PARTS; part++)
        for (uint32_t i = 0; i < HEL_DEVICE_SPANS; i++)
            for (uint32_t end = 0; end < 2; end++)
                if (x->clock[part].event[i][end])
                    x->device->ops->event_free(x->device, x->clock[part].event[i][end]);
}

void hel_device_scan_free(hel_device_scan *x)
{
    if (!x)
        return;
    const hel_backend_ops *ops = x->backend->ops;
    (void)x->device->ops->sync(x->device, NULL); /* a lost device has no work left either */
    hel_device_output_free(x);
    hel_device_tree_free(x);
    hel_device_tensor_free(x);
    free_clocks(x);
    if (x->stream) {
        for (uint32_t i = 0; i < HEL_DEVICE_ROW_BUFFERS; i++)
            ops->release(x->stream, x->rows[i]);
        ops->release(x->stream, x->sums);
        ops->release(x->stream, x->weights);
    }
    ops->basis_free(x->backend, x->basis);
    ops->stream_free(x->copies);
    ops->stream_free(x->stream);
    hel_free(x);
}

/* ---- clocks ---- */

static hel_stream *stream_of(const hel_device_scan *x, hel_device_part part)
{
    return part == HEL_DEVICE_COPY ? x->copies : x->stream;
}

static hel_status mark(hel_device_scan *x, hel_device_part part, uint32_t end)
{
    hel_device_clock *c = &x->clock[part];
    const hel_device_ops *ops = x->device->ops;
    void **event = &c->event[(c->first + c->count) % HEL_DEVICE_SPANS][end];
    if (!*event)
        HEL_TRY(hel_device_scan_check(x, ops->event_create(x->device, event), "an event"));
    return hel_device_scan_check(
        x, ops->event_record(x->device, hel_stream_queue(stream_of(x, part)), *event), "an event");
}

/* Reads the oldest span, waiting for its end. */
static hel_status read_span(hel_device_scan *x, hel_device_part part)
{
    hel_device_clock *c = &x->clock[part];
    void **span = c->event[c->first];
    float ms = 0;
    HEL_TRY(hel_device_scan_check(x, x->device->ops->event_sync(x->device, span[1]), "waiting"));
    if (x->device->ops->event_ms(x->device, span[0], span[1], &ms) == HEL_OK)
        c->seconds += (double)ms / 1e3;
    else
        c->off = 1;
    c->first = (c->first + 1) % HEL_DEVICE_SPANS;
    c->count--;
    return HEL_OK;
}

hel_status hel_device_clock_begin(hel_device_scan *x, hel_device_part part)
{
    hel_device_clock *c = &x->clock[part];
    if (c->off)
        return HEL_OK;
    if (c->count == HEL_DEVICE_SPANS - 1)
        HEL_TRY(read_span(x, part));
    return mark(x, part, 0);
}

hel_status hel_device_clock_end(hel_device_scan *x, hel_device_part part)
{
    if (x->clock[part].off)
        return HEL_OK;
    HEL_TRY(mark(x, part, 1));
    x->clock[part].count++;
    return HEL_OK;
}

hel_status hel_device_scan_times_get(hel_device_scan *x, hel_device_scan_times *out)
{
    for (uint32_t part = 0; part < HEL_DEVICE_PARTS; part++) {
        hel_device_clock *c = &x->clock[part];
        while (c->count)
            HEL_TRY(read_span(x, (hel_device_part)part));
        if (c->off)
            c->seconds = 0;
    }
    *out = (hel_device_scan_times){.expand = x->clock[HEL_DEVICE_EXPAND].seconds,
                                   .tensor = x->clock[HEL_DEVICE_TENSOR].seconds,
                                   .output = x->clock[HEL_DEVICE_OUTPUT].seconds,
                                   .copy = x->clock[HEL_DEVICE_COPY].seconds};
    return HEL_OK;
}

/* ---- what a check on the CPU reads ---- */

static hel_status read_words(hel_device_scan *x, uint32_t *out, const uint32_t *from,
                             uint64_t words)
{
    if (!words)
        return HEL_OK;
    HEL_TRY(x->stream->ops->download(x->stream, out, from, words * sizeof *out));
    return x->stream->ops->sync(x->stream);
}

hel_status hel_device_scan_weight(hel_device_scan *x, uint32_t sample, uint32_t column,
                                  uint32_t *out)
{
    const uint64_t words = 2 * hel_device_poly_words(x->scheme);
    HEL_REQUIRE(x->engine, sample < x->shape.samples && column < x->shape.columns, HEL_E_USAGE,
                "scan on a device: no weight of sample %" PRIu32 ", column %" PRIu32, sample,
                column);
    return read_words(x, out, x->weights + ((uint64_t)sample * x->shape.columns + column) * words,
                      words);
}

static hel_status check_accumulators(const hel_device_scan *x, uint32_t block, uint32_t first,
                                     uint32_t count)
{
    HEL_REQUIRE(x->engine,
                block < x->shape.blocks && first <= x->shape.outputs &&
                    count <= x->shape.outputs - first,
                HEL_E_USAGE,
                "scan on a device: no accumulators %" PRIu32 " + %" PRIu32 " of block %" PRIu32,
                first, count, block);
    return HEL_OK;
}

hel_status hel_device_scan_sums(hel_device_scan *x, uint32_t block, uint32_t first, uint32_t count,
                                uint32_t *out)
{
    const uint64_t words = 3 * hel_device_poly_words(x->scheme);
    HEL_TRY(check_accumulators(x, block, first, count));
    return read_words(x, out, x->sums + ((uint64_t)block * x->shape.outputs + first) * words,
                      count * words);
}

hel_status hel_device_scan_restore(hel_device_scan *x, uint32_t block, uint32_t first,
                                   uint32_t count, const uint32_t *in)
{
    const uint64_t words = 3 * hel_device_poly_words(x->scheme);
    HEL_TRY(check_accumulators(x, block, first, count));
    if (!count)
        return HEL_OK;
    return x->stream->ops->upload(x->stream,
                                  x->sums + ((uint64_t)block * x->shape.outputs + first) * words,
                                  in, count * words * sizeof *in);
}
