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
    hel_scan_device_sample_free(s);
    hel_backend_free(d->backend);
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
        const uint64_t object = hel_chunk_first(&s->wl, s->at.chunk) + ordinal;
        const uint64_t left = hel_chunk_weights(&s->wl, s->at.chunk) - ordinal * n;
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
    const scan_step *at = &s->at;
    const uint32_t segments = (at->tile_samples + HEL_SEGMENT - 1) / HEL_SEGMENT;
    const uint64_t first =
        (uint64_t)(at->tile_first / HEL_SEGMENT) * s->wl.columns + at->batch_first;
    if (at->batch_count == s->wl.columns) /* all columns: one segment's groups follow another's */
        return expand_groups(s, first, (uint64_t)segments * s->wl.columns, 0);
    for (uint32_t i = 0; i < segments; i++)
        HEL_TRY(expand_groups(s, first + (uint64_t)i * s->wl.columns, at->batch_count,
                              i * s->column_batch));
    return HEL_OK;
}

/* ---- genotypes ---- */

static hel_status accumulate_plane(struct scan *s, uint32_t super, uint32_t plane, uint32_t which)
{
    struct scan_device *d = s->device;
    uint32_t slot, blocks = hel_geno_blocks_in(&s->gl, super);
    const uint32_t count = hel_scan_batch_columns(s, &s->at, plane, d->columns, &slot);
    const uint32_t at = hel_geno_plane_index(&s->gl, (hel_plane)plane);
    const uint32_t first = scan_super_first(s, &s->at, super);
    for (uint32_t k = 0; k < count; k++)
        d->slots[k] = slot + k;
    const uint64_t object = hel_scan_ordinal(s, super, scan_sample(s, 0), at, first);
    const hel_device_rows rows = {.which = which,
                                  .offset = object - hel_geno_row(&s->gl, super, scan_sample(s, 0)),
                                  .stride = (uint64_t)s->gl.plane_count * blocks,
                                  .object = object,
                                  .samples = s->at.tile_samples,
                                  .blocks = scan_super_count(s, &s->at, super),
                                  .first_block = first - s->at.range_first,
                                  .columns = d->columns,
                                  .outputs = d->slots,
                                  .count = count};
    return hel_device_scan_accumulate(d->scan, hel_reader_head(s->geno)->seed, &rows);
}

/* The oldest slot of which the device may still be reading goes back to the feed. */
static hel_status give_back(struct scan *s)
{
    struct scan_device *d = s->device;
    const uint64_t ordinal = d->sent_first++;
    HEL_TRY(hel_device_scan_sent(d->scan, (uint32_t)(ordinal % s->slots)));
    hel_feed_release(s->feed, ordinal);
    return HEL_OK;
}

/* Rows of a super-block, slot by slot, into a row buffer. A slot stays the device's until all but
 * one are: then the feed has one to fill. */
static hel_status load(struct scan *s, uint32_t super, uint64_t *span, uint32_t which)
{
    struct scan_device *d = s->device;
    const scan_region r = hel_scan_region(s, &s->at, super);
    const hel_stage_mark mark = hel_stage_enter();
    HEL_TRY(hel_device_scan_load_begin(d->scan, which));
    for (uint64_t at = r.read_begin; at < r.read_end; at += s->slot_bytes, ++*span) {
        const uint8_t *data;
        const uint64_t last = at + s->slot_bytes < r.read_end ? at + s->slot_bytes : r.read_end;
        const uint64_t from = at > r.begin ? at : r.begin, to = last < r.end ? last : r.end;
        HEL_TRY(hel_feed_wait(s->feed, *span, &data));
        if (to > from)
            HEL_TRY(hel_device_scan_load_part(d->scan, which, from - r.begin, data + (from - at),
                                              to - from, (uint32_t)(*span % s->slots)));
        while (*span + 1 - d->sent_first >= s->slots - 1 && d->sent_first <= *span)
            HEL_TRY(give_back(s));
    }
    HEL_TRY(hel_device_scan_load_end(d->scan, which));
    hel_stage_leave(&s->stage[STAGE_COPY], &mark, 1, r.end - r.begin);
    return HEL_OK;
}

static hel_status accumulate_super(struct scan *s, uint32_t super, uint64_t *span)
{
    struct scan_device *d = s->device;
    const uint32_t which = d->which;
    uint64_t in_flight = 0;
    HEL_TRY(load(s, super, span, which));
    for (uint32_t p = 0; p < HEL_PLANES; p++)
        if (s->gl.planes >> p & 1)
            HEL_TRY(accumulate_plane(s, super, p, which));
    d->which = (which + 1) % HEL_DEVICE_ROW_BUFFERS;
    /* What was in the buffer before is done, or it could not have been loaded. */
    const uint64_t own = s->at.ends_tile
                             ? (uint64_t)s->at.tile_samples * scan_super_count(s, &s->at, super)
                                   << s->gl.log_n
                             : 0;
    d->queued[which] = own;
    for (uint32_t i = 0; i < HEL_DEVICE_ROW_BUFFERS; i++)
        in_flight += d->queued[i];
    hel_scan_in_flight(s, in_flight);
    return hel_scan_progress(s, own);
}

static hel_status accumulate(struct scan *s, uint32_t first, uint32_t supers, const scan_step *next)
{
    uint64_t span = s->at.span;
    (void)next; /* its weights are queued behind these products at once */
    for (uint32_t super = s->at.super_first; super < first; super++) {
        const scan_region r = hel_scan_region(s, &s->at, super);
        span += hel_scan_region_spans(s, &r);
    }
    for (uint32_t super = first; super < first + supers; super++)
        HEL_TRY(accumulate_super(s, super, &span));
    return HEL_OK;
}

hel_status hel_scan_device_sample(struct scan *s, const uint8_t *rows, uint32_t times)
{
    for (uint32_t i = 0; i < times; i++) {
        const uint32_t which = i % HEL_DEVICE_ROW_BUFFERS;
        const uint64_t polys =
            (uint64_t)s->at.tile_samples * s->gl.plane_count * hel_geno_blocks_in(&s->gl, s->super);
        HEL_TRY(hel_device_scan_load(s->device->scan, which, rows, polys));
        for (uint32_t p = 0; p < HEL_PLANES; p++)
            if (s->gl.planes >> p & 1)
                HEL_TRY(accumulate_plane(s, s->super, p, which));
    }
    return HEL_OK;
}

void hel_scan_device_sample_free(struct scan *s)
{
    struct scan_device *d = s->device;
    if (!d)
        return;
    hel_device_scan_free(d->scan);
    hel_free(d->columns);
    hel_free(d->slots);
}

/* ---- sums, and what a check reads ---- */

static hel_status finish(struct scan *s, uint32_t first, uint32_t count, uint32_t *sums)
{
    for (uint32_t i = 0; i < HEL_DEVICE_ROW_BUFFERS; i++)
        s->device->queued[i] = 0;
    hel_scan_in_flight(s, 0);
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

static hel_status restore(struct scan *s, uint32_t block, const uint32_t *in)
{
    return hel_device_scan_restore(s->device->scan, block, 0, s->outputs, in);
}

/* ---- slots: memory that the device reads by itself ---- */

static hel_status slot_alloc(struct scan *s, void **out, uint64_t bytes)
{
    hel_device *device = hel_backend_device(s->device->backend);
    return hel_device_fail(s->engine, device, device->ops->host_alloc(device, out, bytes),
                           "pinned memory");
}

/* A scan that failed may have left copies under way. */
static void slot_free(struct scan *s, void *p)
{
    hel_device *device = hel_backend_device(s->device->backend);
    (void)device->ops->sync(device, NULL);
    device->ops->host_release(device, p);
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
                                    .sums = sums,
                                    .restore = restore,
                                    .slot_alloc = slot_alloc,
                                    .slot_free = slot_free};

/* A lane on a backend, which it then owns. */
static hel_status open_lane(struct scan_job *job, uint32_t number, uint32_t lanes,
                            hel_backend *backend)
{
    struct scan *s = &job->lane[number];
    *s = job->base;
    s->job = job;
    s->lane = number;
    s->direct_fd = -1;
    s->budget = hel_engine_memory(s->engine) / lanes;
    s->stats = (hel_scan_stats){0};
    pthread_mutex_init(&s->taken_lock, NULL);
    s->ops = hel_scan_cpu_ops();
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

/* How many lanes, and which device is the i-th one's. */
static hel_status count_lanes(struct scan_job *job, uint32_t *count, int *named)
{
    hel_engine *engine = job->base.engine;
    const hel_scan_config *c = job->base.config;
    *named = c->device_count > 0;
    *count = c->device_count;
    if (c->device_count == HEL_DEVICES_ALL) {
        HEL_TRY(hel_backend_devices(engine, count));
        *named = *count > 0; /* else the CPU, or the reason why there is none */
    }
    if (*count == 0)
        *count = 1;
    if (!*named || c->device_count == HEL_DEVICES_ALL)
        return HEL_OK;
    HEL_REQUIRE(engine, c->devices && *count <= 1024, HEL_E_USAGE,
                "scan: malformed list of devices");
    for (uint32_t i = 0; i < *count; i++)
        for (uint32_t j = 0; j < i; j++)
            HEL_REQUIRE(engine, c->devices[i] != c->devices[j], HEL_E_USAGE,
                        "scan: device %u is named twice", c->devices[i]);
    return HEL_OK;
}

hel_status hel_scan_lanes_open(struct scan_job *job)
{
    hel_engine *engine = job->base.engine;
    const hel_scan_config *c = job->base.config;
    uint32_t count;
    int named;
    HEL_TRY(count_lanes(job, &count, &named));
    HEL_TRY(hel_calloc(engine, &job->lane, count, sizeof *job->lane));
    for (uint32_t i = 0; i < count; i++) {
        hel_backend *backend;
        if (named)
            HEL_TRY(hel_backend_open_numbered(
                engine, &backend, c->device_count == HEL_DEVICES_ALL ? i : c->devices[i]));
        else
            HEL_TRY(hel_backend_open(engine, &backend));
        const hel_status status = open_lane(job, i, count, backend);
        job->lanes = i + 1; /* that can be released */
        HEL_TRY(status);
        HEL_REQUIRE(engine, count == 1 || job->lane[i].device, HEL_E_USAGE,
                    "scan: several devices are named, but the work goes to the CPU");
    }
    return HEL_OK;
}
