/* What a device takes for a sample of the work: one segment of samples against one super-block. */
#include "host/assoc/scan_device.h"
#include "host/assoc/scan_rates.h"
#include "host/base/clock.h"
#include "host/base/mem.h"

/* Until the device is through with what was queued. */
static hel_status finish_queue(const struct scan *s, double *now)
{
    hel_device *device = hel_backend_device(s->device->backend);
    HEL_TRY(hel_device_fail(s->engine, device, device->ops->sync(device, NULL), "measuring"));
    *now = hel_clock_seconds();
    return HEL_OK;
}

/* The sample as a scan: its fields are what the device's calls read. */
struct sample {
    struct scan v;
    struct scan_device device;
    uint8_t *buffer;
    uint32_t *sums;
};

static hel_status open_sample(struct scan *s, struct sample *x)
{
    struct scan *v = &x->v;
    const uint32_t chunk = hel_chunk_samples(&s->wl, 0);
    *v = *s;
    x->device = (struct scan_device){.backend = s->device->backend};
    v->device = &x->device;
    v->feed = NULL;
    v->check = NULL;
    v->tile = HEL_SEGMENT;
    v->column_batch = s->column_batch;
    v->at = (scan_step){.range_first = s->job->first_block,
                        .range_count = s->range,
                        .tile_samples = chunk < HEL_SEGMENT ? chunk : HEL_SEGMENT,
                        .batch_count = v->column_batch,
                        .super_first = s->job->first_block / s->gl.super_block,
                        .supers = 1};
    v->super = v->at.super_first;
    v->at.range_count = scan_super_count(v, &v->at, v->super);
    x->device.shape = (hel_device_scan_shape){.segment = HEL_SEGMENT,
                                              .samples = HEL_SEGMENT,
                                              .columns = v->column_batch,
                                              .blocks = v->at.range_count,
                                              .outputs = s->outputs,
                                              .row_polys = hel_scan_row_polys(s, HEL_SEGMENT)};
    HEL_TRY(hel_malloc(s->engine, &x->buffer, hel_scan_region_bytes(s, HEL_SEGMENT), 1));
    HEL_TRY(hel_malloc(s->engine, &x->sums, 1, scan_result_words(s) * 4));
    return v->ops->allocate(v);
}

static hel_status time_sample(struct sample *x, scan_rates *rates)
{
    struct scan *v = &x->v;
    const uint8_t *rows;
    double from = hel_clock_seconds(), now;
    const double genotypes = (double)v->at.tile_samples * v->at.range_count * (double)v->scheme->n;
    HEL_TRY(hel_scan_read_rows(v, 0, v->at.tile_samples, x->buffer, &rows));
    rates->read =
        (hel_clock_seconds() - from) / (double)hel_scan_region_bytes(v, v->at.tile_samples);
    rates->check = 0;
    HEL_TRY(v->ops->clear(v));
    HEL_TRY(v->ops->expand(v)); /* the ciphertext, the first time; and groups of it */
    HEL_TRY(finish_queue(v, &from));
    HEL_TRY(v->ops->expand(v));
    HEL_TRY(finish_queue(v, &now));
    rates->weight = (now - from) / ((double)HEL_SEGMENT * v->at.batch_count);
    rates->ciphertext = 0;
    HEL_TRY(hel_scan_device_sample(v, rows, 1)); /* a first time, that does not count */
    HEL_TRY(finish_queue(v, &from));
    HEL_TRY(hel_scan_device_sample(v, rows, 4));
    HEL_TRY(finish_queue(v, &now));
    const double each = (now - from) / 4 / genotypes;
    const scan_rates guess = hel_scan_rates_guess(v);
    rates->row = each / (v->gl.plane_count + v->outputs * guess.product / guess.row);
    rates->product = (each - v->gl.plane_count * rates->row) / v->outputs;
    HEL_TRY(finish_queue(v, &from));
    HEL_TRY(v->ops->finish(v, 0, 1, x->sums));
    rates->sum = (hel_clock_seconds() - from) / v->outputs;
    rates->measured = 1;
    return HEL_OK;
}

hel_status hel_scan_device_rates_measure(struct scan *s, scan_rates *rates)
{
    struct sample x = {.buffer = NULL};
    *rates = hel_scan_rates_guess(s);
    hel_status status = open_sample(s, &x);
    if (status == HEL_OK)
        status = time_sample(&x, rates);
    hel_scan_device_sample_free(&x.v);
    hel_free(x.buffer);
    hel_free(x.sums);
    return status;
}
