/*
 * What a cohort of any size takes, from rates: seconds per weight, genotype, sum and byte. Bytes
 * are counted; a node's scan is the pipeline of hel_scan_forecast() with a unit for every chunk of
 * samples and range of blocks whose sums fit the memory, a step for every tile of 64 samples, a
 * span for every super-block of 8 blocks. Several GPUs of a node have a range each at the least
 * and are one pipeline of so many times their speed. Rows of super-blocks are read whole, by every
 * range that has a block of them. Nodes take a shard each, bordered as hel_scan() does it, and read
 * from one storage. On paper, rows are read beside the products only; the pipeline reads beside all
 * else too, as far as its slots reach.
 */
#ifndef HELOCI_TOOL_BENCH_MODEL_H
#define HELOCI_TOOL_BENCH_MODEL_H

#include "heloci/assoc.h"
#include "tools/heloci/bench_size.h"

enum { RATES_NAME = 96, RUNS_MOST = 99 };

/* Seconds, by all workers of a node together. */
typedef struct bench_rates {
    char backend[32]; /* "cpu" */
    char name[RATES_NAME];
    int measured; /* 0: predicted by somebody */
    int device;
    double cores;              /* of a node, or its GPUs, which share its ranges: what is billed */
    double start;              /* a scan's process, keys, plan */
    double spread;             /* that the stages' own times were multiplied by */
    double weight, ciphertext; /* one weight; a packed ciphertext of N made ready for them */
    double row, product, sum;  /* one genotype of a plane; times a column; one encrypted sum
                                         of N variants */
    double read, copy, write;  /* one byte: genotypes read, to a device, sums written */
    double memory;             /* bytes that weights and sums may take, on each GPU */
    /* the owner's side; 0 = not known */
    double keygen;                              /* once */
    double encrypt, null, decrypt, postprocess; /* one genotype (padding counts), one weight, one
                                                   encrypted sum of N variants, one variant of one
                                                   trait */
} bench_rates;

/* An H200 as its machine code counts it (bench/ladders/scan). No GPU was asked. */
extern const bench_rates bench_rates_h200;
extern const char bench_rates_h200_text[]; /* which is counted, which assumed */

typedef struct bench_cluster {
    double nodes;
    double storage; /* bytes per second that all nodes together read */
} bench_cluster;

typedef struct bench_outlook {
    double blocks, ranges; /* of the node with the most; times that weights are expanded */
    double read, read_all; /* blocks that are read, repetitions included: of the node that reads
                              the most; of all nodes */
    double paper;          /* start + weights + sums + the longest of reading, copies, products */
    hel_scan_outlook scan; /* the pipeline; scan.wall is the prediction */
    double merge;          /* of the shards' sums: read and written once */
    double billed;         /* core-hours, or GPU-hours, of all nodes */
    int by_storage;        /* 1: reading is the longest stage, bound by the storage, not the node */
} bench_outlook;

/* HEL_E_USAGE where the rates make no sense. */
hel_status bench_model_scan(hel_engine *engine, const bench_rates *rates, const bench_shape *shape,
                            const hel_params *p, const bench_cluster *cluster, bench_outlook *out);

/* The block at which shard k ends and k + 1 begins, as the scan does it. */
uint64_t bench_shard_border(uint64_t blocks, uint64_t k, uint64_t shards);
/* Ranges of at most `range` blocks into which [first, end) of `blocks` is cut, and blocks read for
 * them, in whole super-blocks. */
uint64_t bench_ranges(uint64_t first, uint64_t end, uint64_t range);
uint64_t bench_blocks_read(uint64_t blocks, uint64_t first, uint64_t end, uint64_t range);

typedef struct bench_owner {
    double keygen, encrypt, null, decrypt, postprocess;
} bench_owner;

bench_owner bench_model_owner(const bench_rates *rates, const bench_shape *shape,
                              const hel_params *p, uint32_t traits);

/* Rates of a backend from what one scan reported; `sampled`: from its plan, for how the time of a
 * genotype divides into what columns cost and what they do not, and that of the weights into them
 * and their ciphertexts. Seconds of several devices are their sum: they count by the device, as all
 * work at once; the host reads and writes for all of them. `process`: seconds of the whole process;
 * those before the work begins are `start`. The others must be what the model says: all rates are
 * multiplied by the quotient, `spread`. The owner's rates stay 0. */
hel_status bench_rates_of_scan(hel_engine *engine, bench_rates *out, const hel_scan_stats *stats,
                               const hel_scan_rates *sampled, const bench_shape *shape,
                               const hel_params *p, double process);

/* "100000x500000" from *at on, which moves behind it and a comma. 1, or 0 for anything else. */
int bench_cohort_read(const char **at, double *samples, double *variants);

/* Median of 1 to RUNS_MOST values. */
double bench_median(const double *values, uint32_t count);

#endif
