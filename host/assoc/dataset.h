/* The owner-only dataset file, opened: who the samples and variants are, and what verifies sums. */
#ifndef HEL_ASSOC_DATASET_H
#define HEL_ASSOC_DATASET_H

#include "host/assoc/layout.h"
#include "host/assoc/owner.h"
#include "host/geno/missing.h"

typedef struct hel_dataset {
    hel_reader *reader;
    hel_geno_layout layout;
    uint8_t geno_content[HEL_DIGEST_BYTES]; /* content of the genotype container */
    hel_samples samples;
    hel_variants variants;
    int has_missing;       /* 0 with a miss plane */
    hel_missing missing;   /* borrows from the reader */
    const uint8_t *digest; /* y[block][plane][sample], u64 little-endian, borrowed */
} hel_dataset;

/* Opens, authenticates and decodes everything. */
hel_status hel_dataset_open(hel_engine *engine, hel_dataset *d, const hel_owner *owner,
                            const char *path);
void hel_dataset_close(hel_dataset *d); /* safe on a zeroed struct */

#endif
