/*
 * The scan's state, shared by its files:
 *   job_scan.c          files, order of the loops, what is written
 *   scan_rows.c         genotype rows in the file: places, checksums, pages
 *   scan_cpu.c          the arithmetic on the CPU: memory plan, table of calls
 *   scan_tile.c         expansion of a tile's weights, multiply-accumulate (CPU)
 *   scan_output.c       finished sums (CPU)
 *   scan_device.c       the arithmetic on a device; its memory plan in scan_device_plan.c
 *   scan_check.c        recomputes a random part of it (--verify)
 *
 * Order of work, per chunk of samples and per range of blocks that memory allows: for every tile of
 * samples expand its weights once, then for every super-block of the range accumulate genotypes (x)
 * weights; then relinearize, switch and write. Where not all columns' weights can be held, a tile
 * meets the genotypes once per batch of columns.
 * Bytes per genotype and plane: 12 read from the file, 12 made from the seed.
 */
#ifndef HEL_ASSOC_SCAN_PRIVATE_H
#define HEL_ASSOC_SCAN_PRIVATE_H

#include "heloci/assoc.h"
#include "host/assoc/layout.h"
#include "host/backend/tensor.h"

#define LANES          HEL_TENSOR_LANES
#define SLICE_GROUPS   32 /* CPU: groups of 16 positions that one work item treats */
#define BLOCKS_AT_ONCE 2  /* CPU: blocks that share a weight line fetched into L1 */

struct scan;

/* Where the arithmetic happens. "At hand" are the fields of struct scan that say so. */
typedef struct scan_ops {
    const char *name; /* "CPU" */
    /* Chooses tile, column_batch, range and result_blocks, and counts what they take. */
    hel_status (*plan)(struct scan *s);
    hel_status (*allocate)(struct scan *s);
    void (*release)(struct scan *s);      /* whatever has been allocated */
    hel_status (*clear)(struct scan *s);  /* accumulators of the range to zero */
    hel_status (*expand)(struct scan *s); /* weights of the tile and batch at hand */
    /* The super-block at hand meets the weights; in the first batch its rows are checked before. */
    hel_status (*accumulate)(struct scan *s);
    /* Blocks first .. first + count - 1 of the range, finished:
     * [block][output][2][out_limbs][N]. */
    hel_status (*finish)(struct scan *s, uint32_t first, uint32_t count, uint32_t *sums);
    /* Seconds and other figures at the end. */
    hel_status (*account)(struct scan *s);
    /* For the check. A weight of the tile and batch at hand: [2][scan][N]; a block of the range:
     * [slot][3][scan][N]. */
    hel_status (*weight)(struct scan *s, uint32_t sample, uint32_t column, uint32_t *out);
    hel_status (*sums)(struct scan *s, uint32_t block, uint32_t *out);
} scan_ops;

struct scan_worker {
    hel_chacha *chacha; /* genotype seed */
    uint32_t *a;        /* [BLOCKS_AT_ONCE][SLICE_GROUPS][a_stride] */
    uint32_t *slice;    /* one slice of accepted residues */
    uint8_t *words;     /* its key stream */
    uint32_t *column;   /* columns of a plane in the batch at hand */
    uint32_t *expand;   /* expander scratch */
    uint32_t *output;   /* d0, d1, d2 and key-switch scratch */
};

/* The CPU's part. */
struct scan_cpu {
    hel_tensor_fn tensor;
    uint32_t workers, groups; /* groups = N / 16 */
    size_t a_stride;          /* words of one group's tile of genotypes, padded against aliasing */
    struct scan_worker *worker;
    uint32_t *z;            /* [limb][group][HEL_SEGMENT][batch][2][16] */
    uint32_t *acc;          /* [block of range][limb][group][outputs][3][16] */
    hel_expander *expander; /* of the ciphertext at hand */
    uint64_t expander_object;
    uint32_t *result; /* of the block that is being finished */
    uint32_t output_block;
};

struct scan {
    hel_engine *engine;
    const hel_scan_config *config;
    const scan_ops *ops;
    hel_reader *geno, *weights, *evk;
    hel_scheme *scheme;
    hel_eval_keys *keys;
    hel_geno_layout gl;
    hel_weights_layout wl;
    const uint8_t *geno_body, *weights_body;
    hel_output *output; /* of the file */
    uint32_t outputs;
    uint32_t *slot;                      /* [outputs] accumulator slot of each output */
    uint32_t *plane_columns[HEL_PLANES]; /* all columns of a plane, ascending */
    uint32_t plane_count[HEL_PLANES], plane_first[HEL_PLANES];
    /* the plan */
    uint32_t tile;          /* samples whose weights are held at once */
    uint32_t column_batch;  /* columns whose weights are held at once */
    uint32_t range;         /* blocks accumulated at once */
    uint32_t result_blocks; /* blocks finished at once */
    uint32_t *result;       /* [result_blocks][outputs][2][out_limbs][N] */
    struct scan_cpu cpu;
    struct scan_device *device; /* NULL on the CPU */
    struct scan_check *check;   /* NULL: nothing is recomputed */
    hel_writer *sums;
    hel_scan_stats stats;
    uint64_t done, total; /* genotypes */
    uint64_t in_flight;   /* of those done: handed to a device that may not be through yet */
    /* at hand */
    uint32_t chunk, tile_first, tile_samples, batch_first, batch_count;
    uint32_t range_first, range_count, super;
};

/* ---- job_scan.c ---- */

double hel_scan_cpu_seconds(void);
/* Host memory, in any case: keys, pages of `row_polys` polynomials, results. */
uint64_t hel_scan_host_bytes(const struct scan *s, uint64_t row_polys, uint32_t result_blocks);
/* Polynomials of the rows of one super-block and of `samples` samples. */
uint64_t hel_scan_row_polys(const struct scan *s, uint32_t samples);
hel_status hel_scan_progress(struct scan *s);

/* ---- scan_rows.c ---- */

/* Sample i of the tile at hand, in the file. */
static inline uint64_t scan_sample(const struct scan *s, size_t i)
{
    return (uint64_t)s->chunk * s->wl.chunk + s->tile_first + i;
}

/* Ordinal of the polynomial of (sample, plane, block), the block in the super-block at hand. */
uint64_t hel_scan_ordinal(const struct scan *s, uint64_t sample, uint32_t plane_index,
                          uint32_t block);
/* Checksums of samples first .. first + count - 1 of the tile: the blocks at hand. */
hel_status hel_scan_check_rows(struct scan *s, uint32_t first, uint32_t count);
/* The rows' pages leave the process: its resident size stays within the budget however large the
 * file is. They stay in the page cache. */
void hel_scan_release_rows(const struct scan *s, uint32_t first, uint32_t count);
/* Columns of a plane that are in the batch at hand: their numbers within the batch; *slot: that of
 * the first. */
uint32_t hel_scan_batch_columns(const struct scan *s, uint32_t plane, uint32_t *column,
                                uint32_t *slot);

/* ---- the CPU ---- */

const scan_ops *hel_scan_cpu_ops(void);
/* Before all others: workers, strides, the twin. */
void hel_scan_cpu_prepare(struct scan *s, hel_simd simd);
/* Bytes of one more block, of one more column held at once, and of all scratch. */
uint64_t hel_scan_cpu_block_bytes(const struct scan *s);
uint64_t hel_scan_cpu_column_bytes(const struct scan *s);
uint64_t hel_scan_cpu_fixed_bytes(const struct scan *s);
hel_status hel_scan_cpu_allocate(struct scan *s);
void hel_scan_cpu_release(struct scan *s); /* whatever has been allocated */
/* A weight of the tile and batch at hand: [2][scan][N]. */
void hel_scan_cpu_weight(const struct scan *s, uint32_t sample, uint32_t column, uint32_t *out);
/* scan_tile.c, as in scan_ops; a tile is at most one segment */
hel_status hel_scan_cpu_expand(struct scan *s);
hel_status hel_scan_cpu_accumulate(struct scan *s);
/* scan_output.c */
hel_status hel_scan_cpu_finish(struct scan *s, uint32_t first, uint32_t count, uint32_t *sums);
size_t hel_scan_output_words(const struct scan *s);          /* a worker's scratch */
static inline size_t scan_result_words(const struct scan *s) /* of one block */
{
    return (size_t)s->outputs * 2 * s->scheme->params.out_limbs * s->scheme->n;
}

/* ---- a device ---- */

/* Opens what the engine's configuration names; s->ops becomes the CPU's or the device's. */
hel_status hel_scan_backend_open(struct scan *s);

/* ---- scan_check.c ---- */

/* What the check takes; 0 without one. After hel_scan_cpu_prepare. */
uint64_t hel_scan_check_bytes(const struct scan *s);
/* After the plan. Without a check the calls that follow do nothing. */
hel_status hel_scan_check_open(struct scan *s);
void hel_scan_check_close(struct scan *s);
void hel_scan_check_range(struct scan *s);        /* accumulators have been cleared */
void hel_scan_check_batch(struct scan *s);        /* weights have been expanded */
hel_status hel_scan_check_before(struct scan *s); /* the super-block at hand */
hel_status hel_scan_check_after(struct scan *s);
/* Blocks first .. of the range, finished as `sums`. */
hel_status hel_scan_check_sums(struct scan *s, uint32_t first, uint32_t count,
                               const uint32_t *sums);

/* ---- blocks of the super-block at hand that lie in the range: first (absolute) and count ---- */

static inline uint32_t scan_super_first(const struct scan *s)
{
    uint32_t first = s->super * s->gl.super_block;
    return first > s->range_first ? first : s->range_first;
}

static inline uint32_t scan_super_count(const struct scan *s)
{
    uint32_t end = (s->super + 1) * s->gl.super_block, last = s->range_first + s->range_count;
    end = end < last ? end : last;
    return end - scan_super_first(s);
}

#endif
