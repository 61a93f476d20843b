/* The scan's arithmetic on a device: its table of calls. Calls queue work and come back; while the
 * device computes with one buffer of rows, the next one is checked and copied. */
#include "host/assoc/scan_device.h"
#include "host/backend/backend_open.h"
#include "host/base/mem.h"

/* ---- life ---- */

static hel_status allocate(struct scan *s)
{
    struct scan_device *d = s->device;
    HEL_TRY(hel_malloc(s->engine, &d->columns, s->wl.columns, sizeof *d->columns));
    HEL_TRY(hel_malloc(s->engine, &d->slots, s->wl.columns, sizeof *d->slots));
    return hel_device_scan_create(s->engine, &d->scan, d->backend, s->scheme, s->keys, &d->shape);
}

static void release(struct scan *s)
{
    struct scan_device *d = s->device;
    if (!d)
        return;
    hel_device_scan_free(d->scan);
    hel_backend_free(d->backend);
    hel_free(d->columns);
    hel_free(d->slots);
    hel_free(d);
    s->device = NULL;
}

static hel_status clear(struct scan *s)
{
    return hel_device_scan_clear(s->device->scan);
}

/* ---- weights ---- */

/* Leaf groups first .. first + count - 1 of the chunk to places from `place` on. */
static hel_status expand_groups(struct scan *s, uint64_t first, uint64_t count, uint32_t place)
{
    const uint64_t n = s->scheme->n, bytes = s->wl.poly_words * 4, per_ct = n / HEL_SEGMENT;
    while (count > 0) {
        const uint64_t ordinal = first / per_ct, within = first % per_ct;
        const uint64_t object = hel_chunk_first(&s->wl, s->chunk) + ordinal;
        const uint64_t left = hel_chunk_weights(&s->wl, s->chunk) - ordinal * n;
        const uint32_t used = (uint32_t)(left < n ? left : n);
        const uint64_t now = per_ct - within < count ? per_ct - within : count;
        if (s->device->expanding != object + 1) {
            HEL_TRY(hel_reader_check(s->weights, HEL_SECTION_CIPHER, object * bytes, bytes));
            s->device->expanding = object + 1;
            s->stats.key_switches += hel_expander_cost(s->scheme, used);
        }
        HEL_TRY(hel_device_scan_expand(
            s->device->scan, (const uint32_t *)(const void *)(s->weights_body + object * bytes),
            hel_reader_head(s->weights)->seed, object, used, (uint32_t)within, (uint32_t)now,
            place));
        first += now;
        place += (uint32_t)now;
        count -= now;
    }
    return HEL_OK;
}

static hel_status expand(struct scan *s)
{
    const uint32_t segments = (s->tile_samples + HEL_SEGMENT - 1) / HEL_SEGMENT;
    const uint64_t first = (uint64_t)(s->tile_first / HEL_SEGMENT) * s->wl.columns + s->batch_first;
    if (s->batch_count == s->wl.columns) /* all columns: one segment's groups follow another's */
        return expand_groups(s, first, (uint64_t)segments * s->wl.columns, 0);
    for (uint32_t i = 0; i < segments; i++)
        HEL_TRY(expand_groups(s, first + (uint64_t)i * s->wl.columns, s->batch_count,
                              i * s->column_batch));
    return HEL_OK;
}

/* ---- genotypes ---- */

static hel_status accumulate_plane(struct scan *s, uint32_t plane, uint32_t which)
{
    struct scan_device *d = s->device;
    uint32_t slot, blocks = hel_geno_blocks_in(&s->gl, s->super);
    const uint32_t count = hel_scan_batch_columns(s, plane, d->columns, &slot);
    const uint32_t at = hel_geno_plane_index(&s->gl, (hel_plane)plane);
    for (uint32_t k = 0; k < count; k++)
        d->slots[k] = slot + k;
    const uint64_t object = hel_scan_ordinal(s, scan_sample(s, 0), at, scan_super_first(s));
    const hel_device_rows rows = {.which = which,
                                  .offset =
                                      object - hel_geno_row(&s->gl, s->super, scan_sample(s, 0)),
                                  .stride = (uint64_t)s->gl.plane_count * blocks,
                                  .object = object,
                                  .samples = s->tile_samples,
                                  .blocks = scan_super_count(s),
                                  .first_block = scan_super_first(s) - s->range_first,
                                  .columns = d->columns,
                                  .outputs = d->slots,
                                  .count = count};
    return hel_device_scan_accumulate(d->scan, hel_reader_head(s->geno)->seed, &rows);
}

static hel_status accumulate(struct scan *s)
{
    struct scan_device *d = s->device;
    const uint32_t which = d->which;
    const uint64_t row = hel_geno_row(&s->gl, s->super, scan_sample(s, 0));
    const uint64_t polys =
        (uint64_t)s->tile_samples * s->gl.plane_count * hel_geno_blocks_in(&s->gl, s->super);
    if (s->batch_first == 0)
        HEL_TRY(hel_scan_check_rows(s, 0, s->tile_samples));
    HEL_TRY(hel_device_scan_load(d->scan, which, s->geno_body + row * s->gl.poly_words * 4, polys));
    hel_scan_release_rows(s, 0, s->tile_samples);
    for (uint32_t p = 0; p < HEL_PLANES; p++)
        if (s->gl.planes >> p & 1)
            HEL_TRY(accumulate_plane(s, p, which));
    d->which = (which + 1) % HEL_DEVICE_ROW_BUFFERS;
    /* What was in the buffer before is done, or it could not have been loaded. */
    const int last = s->batch_first + s->batch_count == s->wl.columns;
    d->queued[which] = last ? (uint64_t)s->tile_samples * scan_super_count(s) << s->gl.log_n : 0;
    s->in_flight = 0;
    for (uint32_t i = 0; i < HEL_DEVICE_ROW_BUFFERS; i++)
        s->in_flight += d->queued[i];
    return HEL_OK;
}

/* ---- sums, and what a check reads ---- */

static hel_status finish(struct scan *s, uint32_t first, uint32_t count, uint32_t *sums)
{
    for (uint32_t i = 0; i < HEL_DEVICE_ROW_BUFFERS; i++)
        s->device->queued[i] = 0;
    return hel_device_scan_finish(s->device->scan, first, count, s->slot, s->outputs, sums);
}

static hel_status account(struct scan *s)
{
    hel_device_scan_times t;
    HEL_TRY(hel_device_scan_times_get(s->device->scan, &t));
    s->stats.on_device = 1;
    s->stats.device_expand = t.expand;
    s->stats.device_scan = t.tensor;
    s->stats.device_output = t.output;
    s->stats.device_copy = t.copy;
    return HEL_OK;
}

static hel_status weight(struct scan *s, uint32_t sample, uint32_t column, uint32_t *out)
{
    return hel_device_scan_weight(s->device->scan, sample, column, out);
}

static hel_status sums(struct scan *s, uint32_t block, uint32_t *out)
{
    return hel_device_scan_sums(s->device->scan, block, 0, s->outputs, out);
}

/* ---- the choice ---- */

static const scan_ops device_ops = {.name = "device",
                                    .plan = hel_scan_device_plan,
                                    .allocate = allocate,
                                    .release = release,
                                    .clear = clear,
                                    .expand = expand,
                                    .accumulate = accumulate,
                                    .finish = finish,
                                    .account = account,
                                    .weight = weight,
                                    .sums = sums};

hel_status hel_scan_backend_open(struct scan *s)
{
    hel_backend *backend;
    s->ops = hel_scan_cpu_ops();
    HEL_TRY(hel_backend_open(s->engine, &backend));
    if (!hel_backend_device(backend)) {
        hel_backend_free(backend);
        return HEL_OK;
    }
    hel_status status = hel_calloc(s->engine, &s->device, 1, sizeof *s->device);
    if (status != HEL_OK) {
        hel_backend_free(backend);
        return status;
    }
    s->device->backend = backend;
    s->ops = &device_ops;
    return HEL_OK;
}
