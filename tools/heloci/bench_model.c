/* See bench_model.h. */
#include "tools/heloci/bench_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PLANES = 2, SLOTS = 3 };

/* bench/ladders/scan/README.md, 8 blocks x 4 columns, products at half rate: 28 G genotypes and
 * planes per second at 24 columns, 36 ps, of which ChaCha's 236 instructions at 33.45 T a second
 * are 7. README.md: 1.5 to 2 million weights per second. The others are assumed; see the text. */
const bench_rates bench_rates_h200 = {
    .backend = "cuda",
    .name = "NVIDIA H200, by counting and assumption (bench/ladders/scan), not measured",
    .device = 1,
    .cores = 1,
    .start = 3,
    .weight = 6e-7,
    .row = 7e-12,
    .product = 1.2e-12,
    .sum = 2e-5,
    .read = 2e-11,
    .copy = 1 / 55e9,
    .write = 5e-10,
    .memory = 100e9,
};

const char bench_rates_h200_text[] =
    "the H200's rates are no measurement. Counted in its machine code: 7 ps for a genotype of a "
    "plane and 1.2 ps for each of its columns, together 28 G genotypes and planes per second at 24 "
    "columns (bench/ladders/scan/README.md, the slower of two counts; other numbers of columns may "
    "take a fifth more), and 0.6 us for a weight (README.md). Assumed: 20 us for an encrypted sum, "
    "55 GB/s to the device (PCIe 5), 50 GB/s read and checked and 2 GB/s written by the node, 100 "
    "GB of memory for weights and sums, 3 s to start";

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

/* ---- blocks that are read ---- */

enum { SUPER = BENCH_SUPER_BLOCK, WHOLE_SUPERS = 8 };

/* host/assoc/shard.h: on a super-block from eight super-blocks a shard on. */
uint64_t bench_shard_border(uint64_t blocks, uint64_t k, uint64_t shards)
{
    const uint64_t at = blocks * k / shards;
    const int whole = k > 0 && k < shards && blocks / shards >= WHOLE_SUPERS * SUPER;
    return whole ? (at + SUPER / 2) / SUPER * SUPER : at;
}

/* host/assoc/scan_work.c: ranges of two super-blocks or more end on super-blocks. */
uint64_t bench_ranges(uint64_t first, uint64_t end, uint64_t range)
{
    if (end - first <= range)
        return 1;
    if (range < 2 * SUPER)
        return (end - first + range - 1) / range;
    const uint64_t at = (first + range) / SUPER * SUPER, step = range / SUPER * SUPER;
    /* the last one need not end there, and has up to `range` blocks */
    return 2 + (end - at <= range ? 0 : (end - at - range + step - 1) / step);
}

/* Of the borders first + range, first + 2 range, ..., `count` in number: how many part a
 * super-block. */
static uint64_t parted(uint64_t first, uint64_t range, uint64_t count)
{
    uint64_t of_a_period = 0, rest = 0;
    for (uint64_t i = 1; i <= SUPER; i++) {
        const uint64_t parts = (first + i * range) % SUPER != 0;
        of_a_period += parts;
        rest += i <= count % SUPER ? parts : 0;
    }
    return count / SUPER * of_a_period + rest;
}

uint64_t bench_blocks_read(uint64_t blocks, uint64_t first, uint64_t end, uint64_t range)
{
    const uint64_t last_super = blocks / SUPER * SUPER, missing = last_super + SUPER - blocks;
    uint64_t read = (end + SUPER - 1) / SUPER * SUPER;
    read = (read < blocks ? read : blocks) - first / SUPER * SUPER;
    if (range >= 2 * SUPER || end - first <= range)
        return read;
    const uint64_t borders = bench_ranges(first, end, range) - 1;
    read += parted(first, range, borders) * SUPER;
    for (uint64_t i = borders; i > 0 && first + i * range > last_super; i--)
        read -= missing; /* the last super-block is shorter */
    return read;
}

/* ---- a scan ---- */

/* Blocks of a shard that are held together; if they fit, all of them or a device's part. */
static double range_of(const bench_rates *rates, const bench_shape *shape, const hel_params *p,
                       double blocks)
{
    const double left = rates->memory - bench_other_memory(shape, p);
    const double share = rates->device && rates->cores > 1 ? ceil(blocks / rates->cores) : blocks;
    double range = floor(left / bench_block_memory(shape, p));
    if (range >= share)
        return share;
    if (range > BENCH_SUPER_BLOCK)
        range -= fmod(range, BENCH_SUPER_BLOCK);
    return range < 1 ? 1 : range;
}

/* What shards have of blocks and read of them. */
static void divide(const bench_rates *rates, const bench_shape *shape, const hel_params *p,
                   double nodes, bench_outlook *out)
{
    const uint64_t all = (uint64_t)bench_blocks(shape, p), shards = (uint64_t)nodes;
    uint64_t first = 0;
    for (uint64_t k = 1; k <= shards; k++) {
        const uint64_t end = bench_shard_border(all, k, shards);
        const uint64_t range = (uint64_t)range_of(rates, shape, p, (double)(end - first));
        const double read = (double)bench_blocks_read(all, first, end, range);
        out->blocks = fmax(out->blocks, (double)(end - first));
        out->ranges = fmax(out->ranges, (double)bench_ranges(first, end, range));
        out->read = fmax(out->read, read);
        out->read_all += read;
        first = end;
    }
}

hel_status bench_model_scan(hel_engine *engine, const bench_rates *rates, const bench_shape *shape,
                            const hel_params *p, const bench_cluster *cluster, bench_outlook *out)
{
    const double n = ldexp(1, (int)p->log_n), chunks = bench_chunks(shape, p);
    const double all = bench_blocks(shape, p);
    const double nodes = fmin(cluster->nodes, all); /* a shard holds a block at the least */
    memset(out, 0, sizeof *out);
    divide(rates, shape, p, nodes, out);
    const double blocks = out->blocks, ranges = out->ranges;
    const double genotypes = shape->samples * blocks * n;
    const double block_bytes = shape->samples * n * PLANES * p->scan_limbs * 4;
    const double bytes = out->read * block_bytes;
    const double sums = chunks * blocks * shape->outputs, sum_bytes = 2 * n * p->out_limbs * 4;
    const double weights = shape->samples * shape->columns * ranges;
    const double packed = bench_packed(shape, p) * ranges;
    const double stored = out->read_all * block_bytes / cluster->storage;
    const double reading = fmax(bytes * rates->read, stored), copying = bytes * rates->copy;
    const double chunk = fmin(shape->samples, p->chunk);
    hel_scan_load load = HEL_SCAN_LOAD_INIT;
    load.units = (uint64_t)(chunks * ranges);
    load.steps = (uint32_t)ceil(chunk / BENCH_TILE);
    load.spans = (uint32_t)ceil(out->read / ranges / BENCH_SUPER_BLOCK);
    load.slots = SLOTS;
    const double units = (double)load.units, steps = units * load.steps;
    const double spans = steps * load.spans;
    const double products = genotypes * (PLANES * rates->row + shape->outputs * rates->product);
    load.begin = rates->start;
    load.read = reading / spans;
    load.copy = copying / spans;
    load.products = products / spans;
    load.expand = (weights * rates->weight + packed * rates->ciphertext) / steps;
    load.finish = sums * (rates->sum + sum_bytes * rates->write) / units;
    const double others =
        fmax(fmax(products, copying), fmax(steps * load.expand, units * load.finish));
    out->by_storage = stored > bytes * rates->read && stored > others;
    const double longest = fmax(products, fmax(reading, copying));
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
    const double devices = device ? stats->on_device : 1; /* each for itself, all at once */
    const double genotype =
        per(device ? stats->device_scan / devices : seconds_of(stats, "accumulate"),
            (double)stats->genotypes);
    double share =
        PLANES * sampled->row / (PLANES * sampled->row + shape->outputs * sampled->product);
    if (!(share > 0 && share < 1))
        share = 0.5;
    out->device = device;
    const double passes = stats->passes ? stats->passes : 1;
    const double each = sampled->weight > 0 ? sampled->ciphertext / sampled->weight : 0;
    out->weight = per(device ? stats->device_expand / devices : seconds_of(stats, "expand"),
                      passes * (shape->samples * shape->columns + bench_packed(shape, p) * each));
    out->ciphertext = each * out->weight;
    out->row = genotype * share / PLANES;
    out->product = genotype * (1 - share) / shape->outputs;
    out->sum = per(device ? stats->device_output / devices : seconds_of(stats, "finish"), sums);
    out->read =
        per(seconds_of(stats, "read") + seconds_of(stats, "check"), read ? (double)read->bytes : 0);
    out->copy = per(device ? stats->device_copy / devices : 0, copy ? (double)copy->bytes : 0);
    out->write = per(write ? write->busy : 0, sums * sum_bytes); /* by one thread */
    out->start = 0;
    out->cores = device ? devices : out->cores; /* ranges go by it */
    bench_outlook outlook;
    const hel_status status = bench_model_scan(
        engine, out, shape, p, &(bench_cluster){.nodes = 1, .storage = INFINITY}, &outlook);
    const double start = fmax(process - stats->wall + stats->forecast_from, 0);
    if (status == HEL_OK && outlook.scan.wall > 0 && process > start)
        spread(out, (process - start) / outlook.scan.wall);
    out->start = start;
    return status;
}
