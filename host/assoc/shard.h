/*
 * Shards: a scan cut into ranges of variant blocks, one result file each, and the identity of a
 * result. Shard i of n (i = 1 .. n) has the blocks from border i - 1 up to border i, and border k
 * is k blocks / n, rounded to the nearest super-block where a shard has eight super-blocks or more
 * (its size then changes by an eighth at the most, and it is one stretch of the genotypes' file).
 */
#ifndef HEL_ASSOC_SHARD_H
#define HEL_ASSOC_SHARD_H

#include "host/assoc/layout.h"

/* Blocks of a shard. HEL_E_USAGE unless 1 <= shard <= shards <= blocks. */
hel_status hel_shard_range(hel_engine *engine, const hel_geno_layout *geno, uint32_t shard,
                           uint32_t shards, uint32_t *first, uint32_t *count);

/* prefix + ".03-of-16" (shards = 0: nothing) + suffix, in hel_malloc memory. */
hel_status hel_shard_path(hel_engine *engine, char **out, const char *prefix, uint32_t shard,
                          uint32_t shards, const char *suffix);

/* Section SHRD of partial sums. */
typedef struct hel_shard {
    uint32_t shard, shards;                /* as it was asked for */
    uint32_t first, count;                 /* blocks */
    uint8_t evk_content[HEL_DIGEST_BYTES]; /* content digest of the evaluation keys */
} hel_shard;

hel_status hel_shard_encode(hel_engine *engine, const hel_shard *s, hel_buf *out);
/* Checks everything against the number of blocks. */
hel_status hel_shard_decode(hel_engine *engine, const uint8_t *data, size_t bytes, uint32_t blocks,
                            hel_shard *s);

/* File id of sums: what they are sums of decides, so that equal scans give equal files. For all
 * blocks first = 0 and count = blocks. */
hel_status hel_sums_file_id(hel_engine *engine, const hel_sums_layout *layout,
                            const uint8_t evk_content[HEL_DIGEST_BYTES], uint32_t first,
                            uint32_t count, uint8_t id[HEL_DIGEST_BYTES]);

#endif
