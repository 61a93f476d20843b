/* See bench_model.h. */
#include "tools/heloci/bench_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PLANES = 2, SLOTS = 3, RUNS_MOST = 99 };

/* 28 G genotypes and planes per second at 25 columns and planes; PCIe 5 at 55 GB/s; eight readers
 * at 0.16 ns a byte; 1.7 million weights per second. */
const bench_rates bench_rates_h200 = {
    .backend = "cuda",
    .name = "NVIDIA H200, predicted from its machine code (bench/kernels.md), not measured",
    .device = 1,
    .cores = 1,
    .start = 3,
    .weight = 6e-7,
    .row = 6e-12,
    .product = 2.4e-12,
    .sum = 2e-5,
    .read = 2e-11,
    .copy = 1 / 55e9,
    .write = 5e-10,
    .memory = 100e9,
};

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(const double *values, uint32_t count)
{
    double sorted[RUNS_MOST];
    count = count < RUNS_MOST ? count : RUNS_MOST;
    memcpy(sorted, values, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, ascending);
    return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

int bench_cohort_read(const char **at, double *samples, double *variants)
{
    char *end;
    if (**at < '1' || **at > '9')
        return 0;
    *samples = strtod(*at, &end);
    if (*end != 'x' || end[1] < '1' || end[1] > '9')
        return 0;
    *variants = strtod(end + 1, &end);
    if ((*end && *end != ',') || *samples > 1e9 || *variants > 1e12 ||
        *samples != floor(*samples) || *variants != floor(*variants))
        return 0;
    *at = end + (*end == ',');
    return 1;
}

/* ---- a scan ---- */

/* Blocks that are held together; all of them if they fit. */
static double range_of(const bench_rates *rates, const bench_shape *shape, const hel_params *p,
                       double blocks)
{
    const double left = rates->memory - bench_other_memory(shape, p);
    double range = floor(left / bench_block_memory(shape, p));
    if (range >= blocks)
        return blocks;
    if (range > BENCH_SUPER_BLOCK)
        range -= fmod(range, BENCH_SUPER_BLOCK);
    return range < 1 ? 1 : range;
}

hel_status bench_model_scan(hel_engine *engine, const bench_rates *rates, const bench_shape *shape,
                            const hel_params *p, const bench_cluster *cluster, bench_outlook *out)
{
    const double n = ldexp(1, (int)p->log_n), chunks = bench_chunks(shape, p);
    const double all = bench_blocks(shape, p);
    const double nodes = fmin(cluster->nodes, all); /* a shard holds a block at the least */
    const double blocks = ceil(all / nodes);
    const double range = range_of(rates, shape, p, blocks), ranges = ceil(blocks / range);
    const double genotypes = shape->samples * blocks * n;
    const double bytes = genotypes * PLANES * p->scan_limbs * 4;
    const double sums = chunks * blocks * shape->outputs, sum_bytes = 2 * n * p->out_limbs * 4;
    const double weights = shape->samples * shape->columns * ranges;
    const double packed = bench_packed(shape, p) * ranges;
    const double shared = nodes / cluster->storage; /* seconds per byte that a node gets */
    const double chunk = fmin(shape->samples, p->chunk);
    hel_scan_load load = HEL_SCAN_LOAD_INIT;
    load.units = (uint64_t)(chunks * ranges);
    load.steps = (uint32_t)ceil(chunk / BENCH_TILE);
    load.spans = (uint32_t)ceil(range / BENCH_SUPER_BLOCK);
    load.slots = SLOTS;
    const double units = (double)load.units, steps = units * load.steps;
    const double spans = steps * load.spans;
    const double products = genotypes * (PLANES * rates->row + shape->outputs * rates->product);
    load.begin = rates->start;
    load.read = bytes * fmax(rates->read, shared) / spans;
    load.copy = bytes * rates->copy / spans;
    load.products = products / spans;
    load.expand = (weights * rates->weight + packed * rates->ciphertext) / steps;
    load.finish = sums * (rates->sum + sum_bytes * rates->write) / units;
    memset(out, 0, sizeof *out);
    out->blocks = blocks;
    out->ranges = ranges;
    out->by_storage = shared > rates->read;
    const double longest = fmax(products, bytes * fmax(fmax(rates->read, shared), rates->copy));
    out->paper = load.begin + steps * load.expand + units * load.finish + longest;
    out->merge = nodes > 1 ? chunks * all * shape->outputs * sum_bytes * 2 / cluster->storage : 0;
    const hel_status status = hel_scan_forecast(engine, &load, &out->scan);
    out->billed = nodes * rates->cores * out->scan.wall / 3600;
    return status;
}

/* ---- the owner ---- */

bench_owner bench_model_owner(const bench_rates *rates, const bench_shape *shape,
                              const hel_params *p, uint32_t traits)
{
    const double blocks = bench_blocks(shape, p);
    const double sums = bench_chunks(shape, p) * blocks * shape->outputs;
    return (bench_owner){
        .keygen = rates->keygen,
        .encrypt = rates->encrypt * shape->samples * blocks * ldexp(1, (int)p->log_n),
        .null = rates->null * shape->samples * shape->columns,
        .decrypt = rates->decrypt * sums,
        .postprocess = rates->postprocess * shape->variants * traits,
    };
}

/* ---- rates from figures ---- */

static const hel_scan_stage *stage_of(const hel_scan_stats *stats, const char *name)
{
    for (uint32_t i = 0; i < stats->stages; i++)
        if (strcmp(stats->stage[i].name, name) == 0)
            return &stats->stage[i];
    return NULL;
}

/* Seconds of all workers together. */
static double seconds_of(const hel_scan_stats *stats, const char *name)
{
    const hel_scan_stage *s = stage_of(stats, name);
    return s && s->workers ? s->busy / s->workers : 0;
}

static double per(double seconds, double count)
{
    return count > 0 ? seconds / count : 0;
}

/* Workers that wait for each other are in no stage's time: what the model misses grows with the
 * work, so all rates take their share. */
static void spread(bench_rates *rates, double factor)
{
    double *const rate[] = {&rates->weight, &rates->ciphertext, &rates->row,  &rates->product,
                            &rates->sum,    &rates->read,       &rates->copy, &rates->write};
    for (size_t i = 0; i < sizeof rate / sizeof *rate; i++)
        *rate[i] *= factor;
    rates->spread = factor;
}

hel_status bench_rates_of_scan(hel_engine *engine, bench_rates *out, const hel_scan_stats *stats,
                               const hel_scan_rates *sampled, const bench_shape *shape,
                               const hel_params *p, double process)
{
    const double blocks = bench_blocks(shape, p);
    const double sums = bench_chunks(shape, p) * blocks * shape->outputs;
    const double sum_bytes = ldexp(8.0 * p->out_limbs, (int)p->log_n);
    const hel_scan_stage *read = stage_of(stats, "read"), *copy = stage_of(stats, "copy");
    const hel_scan_stage *write = stage_of(stats, "write");
    const int device = stats->on_device > 0;
    const double genotype = per(device ? stats->device_scan : seconds_of(stats, "accumulate"),
                                (double)stats->genotypes);
    double share =
        PLANES * sampled->row / (PLANES * sampled->row + shape->outputs * sampled->product);
    if (!(share > 0 && share < 1))
        share = 0.5;
    out->device = device;
    const double passes = stats->passes ? stats->passes : 1;
    const double each = sampled->weight > 0 ? sampled->ciphertext / sampled->weight : 0;
    out->weight = per(device ? stats->device_expand : seconds_of(stats, "expand"),
                      passes * (shape->samples * shape->columns + bench_packed(shape, p) * each));
    out->ciphertext = each * out->weight;
    out->row = genotype * share / PLANES;
    out->product = genotype * (1 - share) / shape->outputs;
    out->sum = per(device ? stats->device_output : seconds_of(stats, "finish"), sums);
    out->read =
        per(seconds_of(stats, "read") + seconds_of(stats, "check"), read ? (double)read->bytes : 0);
    out->copy = per(device ? stats->device_copy : 0, copy ? (double)copy->bytes : 0);
    out->write = per(write ? write->busy : 0, sums * sum_bytes); /* by one thread */
    out->start = 0;
    bench_outlook outlook;
    const hel_status status = bench_model_scan(
        engine, out, shape, p, &(bench_cluster){.nodes = 1, .storage = INFINITY}, &outlook);
    const double start = fmax(process - stats->wall + stats->forecast_from, 0);
    if (status == HEL_OK && outlook.scan.wall > 0 && process > start)
        spread(out, (process - start) / outlook.scan.wall);
    out->start = start;
    return status;
}
