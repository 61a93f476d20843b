/*
 * The scan's state, shared by its three files: job_scan.c (files, memory plan, loops), scan_tile.c
 * (expansion of a tile's weights, multiply-accumulate), scan_output.c (finished sums).
 *
 * Order of work, per chunk of samples and per range of blocks that memory allows:
 *   for every tile of 64 samples: expand its weights once, then for every super-block of the range
 *   accumulate genotypes (x) weights; then relinearize, switch and write.
 * Bytes per genotype and plane: 12 read from the file, 12 made from the seed; weights are read from
 * cache once per BLOCKS_AT_ONCE blocks; accumulators once per tile.
 */
#ifndef HEL_ASSOC_SCAN_PRIVATE_H
#define HEL_ASSOC_SCAN_PRIVATE_H

#include "heloci/assoc.h"
#include "host/assoc/layout.h"
#include "host/backend/tensor.h"

#define LANES          HEL_TENSOR_LANES
#define TILE           HEL_SEGMENT /* samples per tile: one leaf group per column */
#define SLICE_GROUPS   32          /* groups of 16 positions that one work item treats */
#define BLOCKS_AT_ONCE 2           /* blocks that share a weight line fetched into L1 */

struct scan_worker {
    hel_chacha *chacha; /* genotype seed */
    uint32_t *a;        /* [BLOCKS_AT_ONCE][SLICE_GROUPS][a_stride] */
    uint32_t *slice;    /* one slice of accepted residues */
    uint8_t *words;     /* its key stream */
    uint32_t *column;   /* columns of a plane in the batch at hand */
    uint32_t *expand;   /* expander scratch */
    uint32_t *output;   /* d0, d1, d2 and key-switch scratch */
};

struct scan {
    hel_engine *engine;
    const hel_scan_config *config;
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
    hel_tensor_fn tensor;
    uint32_t workers, groups; /* groups = N / 16 */
    size_t a_stride;          /* words of one group's tile of genotypes, padded against aliasing */
    struct scan_worker *worker;
    uint32_t column_batch;  /* columns whose weights are held at once */
    uint32_t range;         /* blocks accumulated at once */
    uint32_t *z;            /* [limb][group][TILE][batch][2][16] */
    uint32_t *acc;          /* [block of range][limb][group][outputs][3][16] */
    uint32_t *result;       /* [outputs][2][out_limbs][N] of one block */
    hel_expander *expander; /* of the ciphertext at hand */
    uint64_t expander_object;
    hel_writer *sums;
    hel_scan_stats stats;
    uint64_t done, total; /* genotypes */
    /* at hand */
    uint32_t chunk, tile_first, tile_samples, batch_first, batch_count;
    uint32_t range_first, range_count, super;
    uint32_t output_block; /* within the range */
};

/* scan_tile.c */
size_t hel_scan_worker_bytes(const struct scan *s);
hel_status hel_scan_expand(struct scan *s);     /* tile and batch at hand -> z */
hel_status hel_scan_check_rows(struct scan *s); /* rows of the super-block at hand */
hel_status hel_scan_accumulate(struct scan *s); /* super-block at hand -> acc */
/* scan_output.c */
hel_status hel_scan_write_chunk(struct scan *s); /* acc of the range -> file */

/* Blocks of the super-block at hand that lie in the range: first (absolute) and count. */
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
