/* The writer's state, shared by container_write.c (sections as streams) and container_place.c
 * (sections whose chunks come in any order). */
#ifndef HEL_STORE_CONTAINER_WRITE_PRIVATE_H
#define HEL_STORE_CONTAINER_WRITE_PRIVATE_H

#define XXH_STATIC_LINKING_ONLY
#include <stdatomic.h>
#include <xxhash.h>

#include "host/base/checksum.h"
#include "host/store/container_private.h"

/* A section of known size. bytes = 0: the section at hand is no such one. */
typedef struct hel_placed {
    uint64_t offset, bytes; /* in the file */
    uint32_t chunk_bytes;
    uint64_t chunks;
    uint64_t *sum;       /* [chunks] */
    atomic_uchar *there; /* [chunks]: 1 = written, its sum known */
} hel_placed;

struct hel_writer {
    XXH3_state_t chunk; /* of the chunk under way */
    hel_engine *engine;
    hel_checksum_fn checksum;
    hel_outfile file;
    hel_head head;
    hel_section *sections;
    uint32_t count, capacity;
    uint32_t fill; /* bytes in the chunk under way */
    int open;      /* the last section still takes bytes */
    int sealed;    /* the MAC is written: nothing may follow */
    int finished;  /* the file is whole and on disk, under its .part name */
    hel_placed placed;
    hel_sha256 *sha; /* running digest of the section; secret kinds only */
    hel_buf sums;
    hel_status failed;
};

/* Ends the section before and begins one. */
hel_status hel_writer_begin(hel_writer *w, uint32_t id, uint32_t chunk_bytes);
/* All chunks must be there; their sums join the file's. */
hel_status hel_placed_end(hel_writer *w);
void hel_placed_free(hel_placed *p);

#endif
