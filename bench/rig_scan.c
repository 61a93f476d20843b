/*
 * The scan on a device at its default parameters (N = 8192, 3 scan limbs, 4 + 2 for expansion).
 *
 * Predictions. Expansion: a key switch is 24 transforms of 53,248 butterflies of 8 instructions,
 * 10.2 M, 0.31 us at 33.45 T/s; its node is read and written a few times, 1.5 MB. Accumulation, C
 * columns with one more on the second plane: 3 limbs x 4 products x (C + 1) multiply-adds of 2
 * instructions a genotype, and 6 words of the uniform stream at 66; bytes 24 of a genotype and,
 * once a tile of samples, (C + 1) accumulators of 36, read and written. Streamed: 24 bytes a
 * genotype over the bus (as fast as copy/to_device/pinned). Targets: 1 M key switches a second,
 * 2 G genotypes a second streamed, 20 G resident at 24 columns.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/rig.h"
#include "host/ckks/exact/device_scan.h"
#include "host/ckks/exact/scheme_private.h"

enum { COLUMNS_MAX = 24, SEGMENT = 64 };

typedef struct scan_rig {
    rig *b;
    hel_scheme *scheme;
    hel_secret_key *key;
    hel_eval_keys *keys;
    hel_device_scan *x;
    hel_device_scan_shape shape;
    uint32_t segment, groups, columns; /* columns: of the first plane, in use */
    uint32_t turn;
    uint32_t *c0, *sums;
    uint8_t *rows;
    uint32_t column[COLUMNS_MAX + 1], output[COLUMNS_MAX + 1];
} scan_rig;

static const uint8_t seed[32] = {3};

static hel_status wait_for(const scan_rig *e)
{
    return e->b->device->ops->sync(e->b->device, NULL);
}

static hel_status expand(scan_rig *e)
{
    return hel_device_scan_expand(e->x, e->c0, seed, 5, e->groups * e->segment, 0, e->groups, 0);
}

/* Both planes of the buffer's rows. */
static hel_status accumulate(scan_rig *e, uint32_t which)
{
    const uint64_t stride = 2 * (uint64_t)e->shape.blocks;
    hel_device_rows rows = {.which = which,
                            .stride = stride,
                            .samples = (uint32_t)(e->shape.row_polys / stride),
                            .blocks = e->shape.blocks,
                            .columns = e->column,
                            .outputs = e->output,
                            .count = e->columns};
    HEL_TRY(hel_device_scan_accumulate(e->x, seed, &rows));
    rows.offset = rows.object = e->shape.blocks;
    rows.outputs = &e->output[COLUMNS_MAX];
    rows.count = 1;
    return hel_device_scan_accumulate(e->x, seed, &rows);
}

static hel_status resident(scan_rig *e)
{
    return accumulate(e, 0);
}

static hel_status streamed(scan_rig *e)
{
    const uint32_t which = e->turn++ % HEL_DEVICE_ROW_BUFFERS;
    HEL_TRY(hel_device_scan_load(e->x, which, e->rows, e->shape.row_polys));
    return accumulate(e, which);
}

static hel_status finish_sums(scan_rig *e)
{
    return hel_device_scan_finish(e->x, 0, e->shape.blocks, e->output, e->columns, e->sums);
}

typedef struct scan_round {
    scan_rig *e;
    hel_status (*fn)(scan_rig *e);
} scan_round;

static void run_round(void *p, size_t iterations)
{
    const scan_round *r = p;
    for (size_t i = 0; i < iterations; i++)
        rig_must(r->e->b, r->fn(r->e));
    rig_device_must(r->e->b, wait_for(r->e));
}

static void run(scan_rig *e, const char *name, hel_status (*fn)(scan_rig *e), double items,
                const roofline_work *work, double target_rate)
{
    scan_round round = {e, fn};
    if (bench_wanted(name) && !bench_listing())
        run_round(&round, 1);
    const bench_result r = bench_run(name, run_round, &round, (bench_rate){.items = items});
    if (!(r.best_ns > 0))
        return;
    roofline_report(&e->b->roofline, work, r.best_ns / items, 0);
    bench_counter("per_second", items / r.best_ns * 1e9);
    if (target_rate > 0) {
        bench_counter("target_per_second", target_rate);
        bench_counter("target_met", items / r.best_ns * 1e9 >= target_rate);
    }
}

static void prepare(scan_rig *e, const hel_params *p)
{
    rig *b = e->b;
    rig_must(b, hel_scheme_create_unchecked(b->engine, &e->scheme, p));
    rig_must(b, hel_secret_key_generate(b->engine, e->scheme, &e->key));
    rig_must(b, hel_eval_keys_generate(b->engine, e->scheme, e->key, &e->keys));
    rig_must(b,
             hel_device_scan_create(b->engine, &e->x, b->backend, e->scheme, e->keys, &e->shape));
    const size_t poly = (size_t)p->scan_limbs * e->scheme->n;
    const size_t words = (size_t)p->expand_limbs * e->scheme->n;
    const size_t bytes = e->shape.row_polys * poly * 4;
    e->c0 = malloc(words * sizeof *e->c0);
    e->rows = malloc(bytes ? bytes : 1);
    e->sums = malloc((size_t)e->shape.blocks * e->shape.outputs * 2 * p->out_limbs * e->scheme->n *
                     sizeof *e->sums);
    if (!e->c0 || !e->rows || !e->sums)
        exit(71);
    for (size_t i = 0; i < words; i++)
        e->c0[i] = (uint32_t)(i * 2654435761u) >> 3; /* below the primes, as good as random */
    for (size_t i = 0; i < bytes / 4; i++)
        ((uint32_t *)(void *)e->rows)[i] = (uint32_t)(i * 2246822519u) >> 3;
    for (uint32_t i = 0; i <= COLUMNS_MAX; i++) {
        e->column[i] = i % e->shape.columns;
        e->output[i] = i;
    }
}

static void finish(scan_rig *e)
{
    hel_device_scan_free(e->x);
    hel_eval_keys_free(e->keys);
    hel_secret_key_free(e->key);
    hel_scheme_free(e->scheme);
    free(e->c0);
    free(e->rows);
    free(e->sums);
}

static void measure_expansion(rig *b, const hel_params *p)
{
    const double n = (double)(1u << p->log_n);
    scan_rig e = {.b = b, .segment = b->options.smoke ? 16 : SEGMENT};
    e.groups = b->options.smoke ? 2 : (1u << p->log_n) / SEGMENT;
    e.shape = (hel_device_scan_shape){.segment = e.segment,
                                      .samples = e.segment * e.groups,
                                      .columns = 1,
                                      .blocks = 1,
                                      .outputs = COLUMNS_MAX + 1,
                                      .row_polys = 2};
    if (!rig_fits(b, 8.0 * p->scan_limbs * n * e.shape.samples))
        return;
    prepare(&e, p);
    const double switches = (double)hel_expander_cost(e.scheme, e.groups * e.segment);
    const double total = p->expand_limbs + p->special_limbs;
    const roofline_work work = {.compulsory_bytes = 4 * n * (2 * p->scan_limbs),
                                .moved_bytes = 4 * n * (2 * total + 2 * p->expand_limbs),
                                .instructions = 24 * n / 2 * p->log_n * 8};
    char name[80];
    snprintf(name, sizeof name, "scan_expand/%.0f/weights:%u", n, e.groups * e.segment);
    run(&e, name, expand, switches, &work, b->options.smoke ? 0 : 1e6);
    finish(&e);
}

static void measure_accumulation(rig *b, const hel_params *p)
{
    static const uint32_t columns[] = {1, 13, 24};
    const double n = (double)(1u << p->log_n), l = p->scan_limbs;
    scan_rig e = {.b = b, .segment = b->options.smoke ? 16 : SEGMENT};
    e.shape = (hel_device_scan_shape){.segment = e.segment,
                                      .samples = e.segment,
                                      .columns = b->options.smoke ? 2 : COLUMNS_MAX,
                                      .blocks = b->options.smoke ? 2 : 32,
                                      .outputs = COLUMNS_MAX + 1};
    e.shape.row_polys = 2 * (uint64_t)e.shape.blocks * (b->options.smoke ? 4 : e.shape.samples);
    prepare(&e, p);
    e.groups = e.shape.columns;
    rig_must(b, hel_device_scan_clear(e.x));
    rig_must(b, expand(&e));
    rig_must(b, hel_device_scan_load(e.x, 0, e.rows, e.shape.row_polys));
    const double samples = (double)e.shape.row_polys / (2 * e.shape.blocks);
    const double genotypes = samples * e.shape.blocks * n;
    for (size_t i = 0; i < (b->options.smoke ? 1 : 3); i++) {
        const double c = columns[i] + 1;
        /* accumulators once for all samples of the buffer */
        const double bytes = 8 * l + 24 * l * c / samples;
        const int best = columns[i] == COLUMNS_MAX;
        const roofline_work work = {.compulsory_bytes = 8 * l,
                                    .moved_bytes = bytes,
                                    .instructions = 4 * l * c * 2 + 2 * l * 66};
        const roofline_work bus = {.moved_bytes = bytes, .instructions = work.instructions};
        char name[80];
        e.columns = columns[i];
        snprintf(name, sizeof name, "scan_resident/%.0f/columns:%u", n, columns[i]);
        run(&e, name, resident, genotypes, &work, best ? 20e9 : 0);
        snprintf(name, sizeof name, "scan_streamed/%.0f/columns:%u", n, columns[i]);
        run(&e, name, streamed, genotypes, &bus, b->options.smoke ? 0 : 2e9);
        if (b->bus_bytes_per_ns > 0) /* what the bus alone would take */
            bench_counter("bus_ns", 8 * l / b->bus_bytes_per_ns);
        snprintf(name, sizeof name, "scan_finish/%.0f/columns:%u", n, columns[i]);
        const roofline_work sums = {.compulsory_bytes = 4 * n * (3 * l + 2 * p->out_limbs),
                                    .moved_bytes = 4 * n * (12 * l),
                                    .instructions = (3 + 2 * l + l * l) * n / 2 * p->log_n * 8};
        run(&e, name, finish_sums, (double)e.shape.blocks * columns[i], &sums, 0);
    }
    finish(&e);
}

void rig_scan(rig *b)
{
    hel_params p;
    if (!b->device)
        return;
    rig_must(b, hel_params_search(b->engine, NULL, &p));
    if (b->options.smoke)
        p.log_n = 10;
    measure_expansion(b, &p);
    measure_accumulation(b, &p);
}
