/* See bench_size.h. */
#include "tools/heloci/bench_size.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PLANES = 2, WORD = 4 };

const bench_size bench_sizes[BENCH_SIZES] = {
    {"toy", 128, 2000, 2, 1, 1, 3, 0.01},
    {"small", 1000, 40000, 10, 1, 1, 10, 0.01},
    {"medium", 4000, 100000, 10, 1, 1, 20, 0.01},
    {"large", 10000, 200000, 10, 1, 1, 40, 0.01},
};

/* One pattern of missing phenotypes for all quantitative traits: k columns and a residual each; for
 * a case/control trait its k weighted columns, residual, mask and cases. The first column of either
 * meets the squares too. */
bench_shape bench_shape_of(const bench_size *size)
{
    const uint32_t k = size->covariates + 1;
    bench_shape shape = {.samples = size->samples, .variants = size->variants};
    if (size->quantitative) {
        shape.columns += k + size->quantitative;
        shape.outputs++;
    }
    shape.columns += size->binary * (k + 3);
    shape.outputs += shape.columns + size->binary;
    return shape;
}

static double ring(const hel_params *p)
{
    return ldexp(1, (int)p->log_n);
}

double bench_blocks(const bench_shape *shape, const hel_params *p)
{
    return ceil(shape->variants / ring(p));
}

double bench_chunks(const bench_shape *shape, const hel_params *p)
{
    return ceil(shape->samples / p->chunk);
}

/* Of one chunk. */
static double packed_of(double samples, const bench_shape *shape, const hel_params *p)
{
    return ceil(ceil(samples / BENCH_TILE) * BENCH_TILE * shape->columns / ring(p));
}

double bench_packed(const bench_shape *shape, const hel_params *p)
{
    const double whole = floor(shape->samples / p->chunk);
    return whole * packed_of(p->chunk, shape, p) +
           packed_of(shape->samples - whole * p->chunk, shape, p);
}

bench_bytes bench_bytes_of(const bench_shape *shape, const hel_params *p)
{
    const double n = ring(p), blocks = bench_blocks(shape, p), chunks = bench_chunks(shape, p);
    return (bench_bytes){
        .genotypes = shape->samples * blocks * n * PLANES * p->scan_limbs * WORD,
        .weights = bench_packed(shape, p) * n * p->expand_limbs * WORD,
        .sums = chunks * blocks * shape->outputs * 2 * p->out_limbs * n * WORD,
        .dataset = shape->samples * blocks * PLANES * 8,
        .clear = ceil(shape->samples / 4) * shape->variants,
    };
}

double bench_block_memory(const bench_shape *shape, const hel_params *p)
{
    return (double)shape->outputs * 3 * p->scan_limbs * ring(p) * WORD;
}

/* Weights of a tile, twice; three spans of rows; switching keys, in two forms, and scratch. */
double bench_other_memory(const bench_shape *shape, const hel_params *p)
{
    const double poly = p->scan_limbs * ring(p) * WORD;
    const double weights = 2.0 * BENCH_TILE * shape->columns * 2 * poly;
    const double rows = 3.0 * BENCH_TILE * BENCH_SUPER_BLOCK * PLANES * poly;
    const double digits = ceil((double)p->expand_limbs / p->digit_limbs);
    const double keys =
        1.5 * p->log_n * digits * 2 * (p->expand_limbs + p->special_limbs) * ring(p) * WORD * 2.5;
    return weights + rows + keys + 0x1p26;
}

double bench_scan_memory(const bench_shape *shape, const hel_params *p)
{
    return bench_other_memory(shape, p) + bench_blocks(shape, p) * bench_block_memory(shape, p);
}

const char *bench_grouped(double count)
{
    static _Thread_local char ring_of[8][32];
    static _Thread_local unsigned next;
    char digits[24], *out = ring_of[next++ % 8], *p = out;
    snprintf(digits, sizeof digits, "%.0f", count < 0 ? 0 : count < 1e18 ? count : 1e18);
    const size_t length = strlen(digits);
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *p++ = ',';
        *p++ = digits[i];
    }
    *p = 0;
    return out;
}
