/* See scan_rates.h. */
#include "host/assoc/scan_rates.h"

#include <math.h>
#include <string.h>

#include "host/base/affinity.h"
#include "host/base/clock.h"
#include "host/base/cpu.h"
#include "host/base/mem.h"

#define SAMPLE_COLUMNS 16u  /* whose products are timed: how many share a row matters */
#define SAMPLE_SECONDS 0.05 /* of products, at the least */
#define SAMPLES        2    /* of everything; the shorter one counts */

scan_rates hel_scan_rates_guess(const struct scan *s)
{
    const double n = s->scheme->n / 8192.0, team = hel_engine_threads(s->engine);
    if (s->device) /* predicted for an H200 (bench/kernels.md); rows come over its bus */
        return (scan_rates){.weight = 6e-7 * n,
                            .row = 2.2e-10,
                            .product = 3e-12,
                            .sum = 2e-5 * n,
                            .read = 1.2e-10,
                            .check = 4e-11};
    /* one AVX2 core at about 3 GHz */
    return (scan_rates){.weight = 4e-4 * n / team,
                        .ciphertext = 6e-2 * n / team,
                        .row = 1.2e-8 / team,
                        .product = 2.5e-9 / team,
                        .sum = 4e-3 * n / team,
                        .read = 1.2e-10,
                        .check = 4e-11};
}

/* ---- a sample of the work, on the CPU ---- */

static uint64_t sample_bytes(const struct scan *s, uint32_t columns, uint32_t blocks)
{
    return hel_scan_host_bytes(s, 1) + s->slot_bytes + hel_scan_cpu_expander_bytes(s, 1) +
           hel_scan_cpu_fixed_bytes(s) + columns * hel_scan_cpu_column_bytes(s) +
           blocks * hel_scan_cpu_block_bytes(s);
}

/* A whole super-block, whose pairs of blocks share weights in cache, as far as memory goes. */
static void sample_shape(struct scan *v)
{
    const uint32_t super = v->gl.super_block, blocks = v->job->block_count;
    v->range = blocks < super ? blocks : super;
    v->column_batch = v->wl.columns < SAMPLE_COLUMNS ? v->wl.columns : SAMPLE_COLUMNS;
    while (v->range > 1 && sample_bytes(v, v->column_batch, v->range) > v->budget)
        v->range /= 2;
    while (v->column_batch > 1 && sample_bytes(v, v->column_batch, v->range) > v->budget)
        v->column_batch /= 2;
}

/* A second scan of one segment and a few columns and blocks. */
static hel_status open_sample(struct scan *s, struct scan *v)
{
    const uint32_t chunk = hel_chunk_samples(&s->wl, 0);
    *v = *s;
    v->cpu = (struct scan_cpu){0};
    v->feed = NULL;
    v->check = NULL;
    v->tile = HEL_SEGMENT;
    v->slot_bytes = hel_scan_region_bytes(s, HEL_SEGMENT);
    hel_scan_cpu_prepare(v, hel_engine_simd(s->engine));
    sample_shape(v);
    v->cpu.expanders = 1;
    v->at = (scan_step){.range_first = s->job->first_block,
                        .range_count = v->range,
                        .tile_samples = chunk < HEL_SEGMENT ? chunk : HEL_SEGMENT,
                        .batch_count = v->column_batch,
                        .super_first = s->job->first_block / s->gl.super_block,
                        .supers = 1};
    v->super = v->at.super_first;
    v->at.range_count = scan_super_count(v, &v->at, v->super);
    return hel_scan_cpu_allocate(v);
}

/* Products of a batch, per pass over the sample. */
static hel_status time_products(struct scan *v, double *each)
{
    const double begin = hel_clock_seconds();
    *each = INFINITY;
    HEL_TRY(hel_scan_cpu_accumulate(v, v->super, 1, NULL)); /* touches its memory */
    do {
        const double from = hel_clock_seconds();
        HEL_TRY(hel_scan_cpu_accumulate(v, v->super, 1, NULL));
        *each = fmin(*each, hel_clock_seconds() - from);
    } while (hel_clock_seconds() - begin < SAMPLE_SECONDS);
    return HEL_OK;
}

static hel_status expand_again(struct scan *v, double *each)
{
    const double from = hel_clock_seconds();
    v->cpu.weights[0].there = 0;
    HEL_TRY(hel_scan_cpu_expand(v));
    *each = fmin(*each, hel_clock_seconds() - from);
    return HEL_OK;
}

static hel_status time_expansion(struct scan *v, scan_rates *rates)
{
    const double weights = (double)v->at.batch_count * HEL_SEGMENT;
    double ready = INFINITY, both = INFINITY;
    HEL_TRY(hel_scan_cpu_expand(v)); /* touches its memory */
    for (int i = 0; i < SAMPLES; i++)
        HEL_TRY(expand_again(v, &ready));
    for (int i = 0; i < SAMPLES; i++) {
        hel_expander_free(v->cpu.expander[0].x);
        v->cpu.expander[0].x = NULL;
        HEL_TRY(expand_again(v, &both));
    }
    rates->weight = ready / weights;
    rates->ciphertext = both > ready ? both - ready : 0;
    return HEL_OK;
}

static hel_status time_reading(struct scan *v, scan_rates *rates, uint8_t *buffer)
{
    const uint64_t bytes = hel_scan_region_bytes(v, v->at.tile_samples);
    double best = INFINITY;
    for (int i = 0; i < SAMPLES; i++) {
        const double from = hel_clock_seconds();
        HEL_TRY(hel_scan_read_rows(v, 0, v->at.tile_samples, buffer, &v->cpu.rows));
        best = fmin(best, hel_clock_seconds() - from);
    }
    rates->read = best / (double)bytes; /* with its check */
    rates->check = 0;
    return HEL_OK;
}

static uint32_t outputs_in(struct scan *v, uint32_t *planes)
{
    uint32_t outputs = 0, slot;
    *planes = 0;
    for (uint32_t p = 0; p < HEL_PLANES; p++) {
        const uint32_t count =
            v->gl.planes >> p & 1
                ? hel_scan_batch_columns(v, &v->at, p, v->cpu.worker[0].column, &slot)
                : 0;
        outputs += count;
        *planes += count > 0;
    }
    return outputs;
}

static hel_status time_sample(struct scan *v, scan_rates *rates, uint8_t *buffer, uint32_t *sums)
{
    uint32_t planes, few_planes;
    double all, few;
    HEL_TRY(time_reading(v, rates, buffer));
    HEL_TRY(time_expansion(v, rates));
    const double genotypes = (double)v->at.tile_samples * v->at.range_count * (double)v->scheme->n;
    const uint32_t outputs = outputs_in(v, &planes);
    HEL_TRY(time_products(v, &all));
    v->at.batch_count = (v->at.batch_count + 3) / 4; /* the weights at hand are of another batch */
    HEL_TRY(hel_scan_cpu_expand(v));
    const uint32_t few_outputs = outputs_in(v, &few_planes);
    HEL_TRY(time_products(v, &few));
    /* all = planes row + outputs product, few likewise */
    const double det = (double)planes * few_outputs - (double)few_planes * outputs;
    scan_rates guess = hel_scan_rates_guess(v);
    double row = det != 0 ? (all * few_outputs - few * outputs) / det / genotypes : 0;
    if (row <= 0 || row * planes * genotypes >= all) /* one column, or noise: as guessed */
        row = all / genotypes / (planes + outputs * guess.product / guess.row);
    rates->row = row;
    rates->product = (all / genotypes - planes * row) / outputs;
    memset(sums, 0, scan_result_words(v) * 4);
    const double from = hel_clock_seconds();
    HEL_TRY(hel_scan_cpu_finish(v, 0, 1, sums));
    rates->sum = (hel_clock_seconds() - from) / v->outputs;
    rates->measured = 1;
    return HEL_OK;
}

hel_status hel_scan_rates_measure(struct scan *s, scan_rates *rates)
{
    struct scan v;
    uint8_t *buffer = NULL;
    uint32_t *sums = NULL;
    *rates = hel_scan_rates_guess(s);
    hel_status status = open_sample(s, &v);
    if (status == HEL_OK)
        status = hel_malloc(s->engine, &buffer, hel_scan_region_bytes(s, HEL_SEGMENT), 1);
    if (status == HEL_OK)
        status = hel_malloc(s->engine, &sums, 1, scan_result_words(s) * 4);
    if (status == HEL_OK)
        status = time_sample(&v, rates, buffer, sums);
    hel_scan_cpu_release(&v);
    hel_free(buffer);
    hel_free(sums);
    return status;
}

/* ---- what follows from rates ---- */

static double genotypes_of(const struct scan *s)
{
    return (double)s->gl.samples * scan_most_blocks(s) * (double)s->scheme->n;
}

double hel_scan_rates_cost(const struct scan *s, const scan_rates *rates, uint64_t ranges,
                           uint64_t batches)
{
    const double weights = (double)s->gl.samples * s->wl.columns;
    const double prepared = weights / s->scheme->n + s->wl.chunks;
    const double genotypes = genotypes_of(s);
    return (double)ranges * (weights * rates->weight + prepared * rates->ciphertext) +
           (double)batches * genotypes * s->gl.plane_count * rates->row +
           genotypes * s->outputs * rates->product +
           (double)s->wl.chunks * scan_most_blocks(s) * s->outputs * rates->sum;
}

hel_pipeline hel_scan_pipeline(const struct scan *s, const scan_rates *rates)
{
    const uint64_t chunk = s->gl.samples < s->wl.chunk ? s->gl.samples : s->wl.chunk;
    const uint32_t tiles = (uint32_t)((chunk + s->tile - 1) / s->tile);
    const uint32_t batches = (s->wl.columns + s->column_batch - 1) / s->column_batch;
    const double range = s->range < scan_most_blocks(s) ? s->range : scan_most_blocks(s);
    const double bytes_all = genotypes_of(s) * s->gl.plane_count * s->gl.limbs * 4;
    hel_pipeline p = {.slots = s->slots};
    p.units = (uint64_t)((double)s->gl.samples / (double)chunk * scan_most_blocks(s) / range + 0.5);
    p.units = p.units ? p.units : 1;
    p.steps = tiles * batches;
    p.spans = (uint32_t)((range + s->gl.super_block - 1) / s->gl.super_block);
    if (s->device)
        p.spans = (uint32_t)(bytes_all / (double)p.units / tiles / (double)s->slot_bytes) + 1;
    const double all_steps = (double)p.units * p.steps, all_spans = all_steps * p.spans;
    const double ranges = scan_most_blocks(s) / range;
    const double weights = (double)s->gl.samples * s->wl.columns * ranges;
    const double read_cpu = bytes_all * batches * (rates->read + rates->check);
    const uint32_t readers = hel_scan_readers(s), cores = hel_cpus_usable();
    const uint32_t workers = hel_engine_threads(s->engine);
    double work =
        genotypes_of(s) * (batches * s->gl.plane_count * rates->row + s->outputs * rates->product);
    if (!s->device && workers + readers > cores) /* readers take their time from the workers */
        work += read_cpu / cores;
    p.read = read_cpu / readers / all_spans;
    p.products = work / all_spans;
    p.expand = (weights * rates->weight +
                (weights / s->scheme->n + s->wl.chunks * ranges) * rates->ciphertext) /
               all_steps;
    p.finish =
        (double)s->wl.chunks * scan_most_blocks(s) * s->outputs * rates->sum / (double)p.units;
    return p;
}
