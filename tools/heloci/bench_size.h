/*
 * Sizes of the workload encrypted-gwas, and what follows from a size by counting: columns, sums,
 * blocks, bytes, memory.
 */
#ifndef HELOCI_TOOL_BENCH_SIZE_H
#define HELOCI_TOOL_BENCH_SIZE_H

#include "heloci/params.h"

enum { BENCH_SMALL = 1, BENCH_SIZES = 4, BENCH_TRAITS = 8, BENCH_COVARIATES = 32 };
enum { BENCH_TILE = 64, BENCH_SUPER_BLOCK = 8 }; /* samples and blocks that a scan reads at once */

typedef struct bench_size {
    const char *name;
    uint32_t samples, variants;
    uint32_t covariates;           /* besides the intercept */
    uint32_t quantitative, binary; /* traits; each of the latter has samples of its own missing */
    uint32_t causal;               /* variants with an effect on every trait */
    double missing;                /* part of the calls of every second variant; others are whole */
} bench_size;

/* toy, small (the default), medium, large: the dimension table. */
extern const bench_size bench_sizes[BENCH_SIZES];

/* Any analysis of that kind, of any size. */
typedef struct bench_shape {
    double samples, variants;
    uint32_t columns, outputs; /* of weights; sums per variant */
} bench_shape;

bench_shape bench_shape_of(const bench_size *size);

typedef struct bench_bytes {
    double genotypes, weights, sums; /* ciphertexts up, query up, results down */
    double dataset;                  /* what the owner keeps besides the key, without names */
    double clear;                    /* .bed */
} bench_bytes;

double bench_blocks(const bench_shape *shape, const hel_params *p);
double bench_chunks(const bench_shape *shape, const hel_params *p);
/* Packed ciphertexts of weights. */
double bench_packed(const bench_shape *shape, const hel_params *p);
bench_bytes bench_bytes_of(const bench_shape *shape, const hel_params *p);
/* What a scan on the CPU takes when all blocks' sums are held together. */
double bench_scan_memory(const bench_shape *shape, const hel_params *p);
/* Of that: sums of one block, and everything that does not grow with blocks. */
double bench_block_memory(const bench_shape *shape, const hel_params *p);
double bench_other_memory(const bench_shape *shape, const hel_params *p);

/* "2,000", in one of eight buffers. */
const char *bench_grouped(double count);

#endif
